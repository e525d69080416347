"""Readers and writers: requests of the emulated cloud share, captures and injects are alone.

What holds: a writer sees no reader inside; readers that arrive while a writer waits queue behind it, so writers do
not starve; but a writer keeps new readers out only for a slice at a time, because a request inside may itself be
waiting for another request (the emulator calls itself over HTTP), and that one has to get in for the first to end.
Every wait is bounded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLICE = 2.0
PAUSE = 0.05


class Busy(Exception):
    """The lock was not to be had in time."""


class StateLock:
    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._readers = 0
        self._writer = False
        self._gate_closed = False
        self._writers_waiting = 0
        self._held = threading.local()

    @contextmanager
    def shared(self, timeout: float = 120.0) -> Iterator[None]:
        self._acquire_shared(timeout)
        self._held.shared = True
        try:
            yield
        finally:
            self._held.shared = False
            self._release_shared()

    @contextmanager
    def exclusive(self, timeout: float = 30.0) -> Iterator[None]:
        self._acquire_exclusive(timeout)
        try:
            yield
        finally:
            with self._changed:
                self._writer = False
                self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Sleep; a thread that holds the lock shared gives it back for that time, so a sleeping request stops nobody."""
        if not getattr(self._held, "shared", False):
            time.sleep(seconds)
            return
        self._release_shared()
        try:
            time.sleep(seconds)
        finally:
            self._acquire_shared(None)

    def _acquire_shared(self, timeout: float | None) -> None:
        with self._changed:
            free = self._changed.wait_for(lambda: not (self._writer or self._gate_closed), timeout)
            if not free:
                raise Busy("a capture or an inject is under way")
            self._readers += 1

    def _release_shared(self) -> None:
        with self._changed:
            self._readers -= 1
            if self._readers == 0:
                self._changed.notify_all()

    def _acquire_exclusive(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        with self._changed:
            self._writers_waiting += 1
            try:
                while True:
                    self._gate_closed = True
                    left = end - time.monotonic()
                    if self._changed.wait_for(lambda: not self._writer and not self._readers, min(SLICE, max(left, 0))):
                        self._writer = True
                        return
                    if left <= SLICE:
                        raise Busy("requests of the emulated cloud did not end in time")
                    self._gate_closed = False
                    self._changed.notify_all()
                    self._changed.wait(PAUSE)
            finally:
                self._writers_waiting -= 1
                self._gate_closed = self._writers_waiting > 0 and not self._writer
                self._changed.notify_all()
