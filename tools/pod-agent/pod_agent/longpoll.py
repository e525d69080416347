"""Requests that wait, so that they do not hold up a capture.

SQS ReceiveMessage: moto would wait inside the request for up to 20 seconds. Here the request is asked again and again
with no wait, each time under the lock for a moment, until a message is there or the time is over; so a poll also sees
a message that an inject brings. How long to wait is the request's WaitTimeSeconds, else what the queue says, which is
asked of the emulator with the same credentials.

Elsewhere in moto 5.2.1 a request sleeps in SWF's PollForDecisionTask and PollForActivityTask (one second when there is
nothing) and in Step Functions' GetActivityTask (up to a minute): their `sleep` gives the lock back for that time.
Step Functions' StartSyncExecution and TestState and a Lambda or Batch container run to their end inside the request
and hold the lock; a capture then waits its bounded time and says `busy`.
"""

from __future__ import annotations

import io
import json
import re
import sys
import threading
import time
import types
import urllib.parse
from collections.abc import Callable
from typing import Any

from pod_agent.lock import StateLock

MAX_WAIT = 20
LOOK_AGAIN = 0.2
MAX_BODY = 1024 * 1024

Environ = dict[str, Any]
# Status line, headers, body of one pass through the emulator.
Answer = tuple[str, list[tuple[str, str]], list[bytes]]


class Changes:
    """Wakes the polls when a request may have brought a message."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._number = 0
        self.waiting = 0

    def happened(self) -> None:
        if self.waiting:
            with self._condition:
                self._number += 1
                self._condition.notify_all()

    def number(self) -> int:
        return self._number

    def wait(self, since: int, seconds: float) -> None:
        with self._condition:
            self.waiting += 1
            try:
                self._condition.wait_for(lambda: self._number != since, seconds)
            finally:
                self.waiting -= 1


class Receive:
    """A ReceiveMessage request in either protocol."""

    def __init__(self, environ: Environ, fields: dict[str, Any], is_json: bool, in_query: bool):
        self._environ = environ
        self._fields = fields
        self._json = is_json
        self._in_query = in_query

    @property
    def wait(self) -> int | None:
        """The wait that the request asks for; None if it leaves that to the queue, -1 if it makes no sense."""
        value = self._fields.get("WaitTimeSeconds")
        if value is None:
            return None
        try:
            seconds = int(value)
        except (TypeError, ValueError):
            return -1
        return seconds if 0 <= seconds <= MAX_WAIT else -1

    def at_once(self) -> Environ:
        return self._environ_with({**self._fields, "WaitTimeSeconds": 0 if self._json else "0"})

    def unchanged(self) -> Environ:
        return self._environ_with(self._fields)

    def ask_queue(self) -> Environ:
        """The request for the queue's own waiting time."""
        name = "ReceiveMessageWaitTimeSeconds"
        if self._json:
            asked = self._environ_with({"QueueUrl": self._fields.get("QueueUrl"), "AttributeNames": [name]})
            asked["HTTP_X_AMZ_TARGET"] = "AmazonSQS.GetQueueAttributes"
            return asked
        kept = {k: v for k, v in self._fields.items() if k in ("Version", "QueueUrl")}
        return self._environ_with({**kept, "Action": "GetQueueAttributes", "AttributeName.1": name})

    def _environ_with(self, fields: dict[str, Any]) -> Environ:
        environ = dict(self._environ)
        if self._json:
            body = json.dumps(fields).encode()
        else:
            body = urllib.parse.urlencode(fields).encode()
            if self._in_query:  # moto reads the waiting time of a form, not of an address
                environ["REQUEST_METHOD"] = "POST"
                environ["QUERY_STRING"] = ""
                environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
                environ["REQUEST_URI"] = environ["RAW_URI"] = str(environ.get("REQUEST_URI", "")).partition("?")[0]
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return environ

    @staticmethod
    def seconds_of(answer: Answer) -> int:
        found = re.search(rb"ReceiveMessageWaitTimeSeconds\W+(?:/?\w+\W+)*?(\d{1,2})\b", b"".join(answer[2]))
        return min(int(found.group(1)), MAX_WAIT) if found else 0

    def is_empty(self, answer: Answer) -> bool:
        status, _, body = answer
        if not status.startswith("200"):
            return False
        text = b"".join(body)
        if not self._json:
            return b"<Message>" not in text
        try:
            return not json.loads(text).get("Messages")
        except (ValueError, AttributeError):
            return False


def recognise(environ: Environ) -> Receive | None:
    """The ReceiveMessage that a request is, or None. The body is at hand (see middleware.py)."""
    if environ.get("REQUEST_METHOD") not in ("POST", "GET") or "HTTP_CONTENT_ENCODING" in environ:
        return None
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    query = str(environ.get("QUERY_STRING", ""))
    is_json = target == "AmazonSQS.ReceiveMessage"
    in_query = "Action=ReceiveMessage" in query
    form = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
    if not (is_json or in_query or (form and not target)):
        return None
    if in_query:
        return Receive(environ, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), False, True)
    body = peek(environ)
    if body is None:
        return None
    if is_json:
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return Receive(environ, fields, True, False) if isinstance(fields, dict) else None
    if b"Action=ReceiveMessage" not in body:
        return None
    fields = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return Receive(environ, fields, False, False) if fields.get("Action") == "ReceiveMessage" else None


def peek(environ: Environ) -> bytes | None:
    """A short body that lies in memory, without consuming it."""
    source = environ.get("wsgi.input")
    if not isinstance(source, io.BytesIO):
        return None
    body = source.getvalue()
    return body if len(body) <= MAX_BODY else None


def poll(receive: Receive, ask: Callable[[Environ], Answer], changes: Changes) -> Answer:
    """Ask without waiting until there is an answer with a message, an error, or no time left."""
    wait = receive.wait
    if wait == -1:
        return ask(receive.unchanged())
    start = time.monotonic()
    seen = changes.number()
    answer = ask(receive.at_once())
    if wait == 0 or not receive.is_empty(answer):
        return answer
    if wait is None:
        wait = receive.seconds_of(ask(receive.ask_queue()))
    end = start + wait
    while time.monotonic() < end:
        changes.wait(seen, min(LOOK_AGAIN, max(end - time.monotonic(), 0)))
        seen = changes.number()
        answer = ask(receive.at_once())
        if not receive.is_empty(answer):
            break
    return answer


def yield_in_sleeps(lock: StateLock) -> None:
    """Let the sleeps that moto does inside requests give the lock back."""
    import moto.swf.models

    moto.swf.models.sleep = lock.pause  # type: ignore[attr-defined]
    _yield_in_provider(lock)


def _yield_in_provider(lock: StateLock) -> None:
    provider = sys.modules.get("moto.stepfunctions.parser.provider")
    if provider is not None and not isinstance(provider.time, types.SimpleNamespace):
        provider.time = types.SimpleNamespace(  # type: ignore[attr-defined]
            **{**vars(time), "sleep": lock.pause}
        )


def before_request(environ: Environ, lock: StateLock) -> None:
    """Step Functions' provider is loaded by its first use; its sleep is replaced before one can happen."""
    if str(environ.get("HTTP_X_AMZ_TARGET", "")).startswith("AWSStepFunctions."):
        if "moto.stepfunctions.parser.models" in sys.modules:
            _yield_in_provider(lock)
