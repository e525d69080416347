"""Bodies outside the pickles: pinned under the lock, hashed and streamed after its release.

Pinning costs nothing of the size. moto keeps an S3 body in a SpooledTemporaryFile: in memory (BytesIO, whose
`getvalue` shares the immutable bytes until somebody writes) or, when rolled over, in an unlinked file, of which a
duplicate descriptor keeps the bytes when moto closes its own. moto never writes into a body again once the object
exists; an overwrite makes a new object. Where descriptors run out, the bytes go to one file of ours.

The digest of a body goes into the pickle, but hashing gigabytes under the lock would stop the emulator. So an
unhashed body is written as a random token of the same 64 characters, and replaced when the lock is released. Digests
are remembered by the identity of the body: the same bytes object, or the same file unchanged.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import tempfile
import threading
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BLOB_FROM = 4096
PIECE = 1024 * 1024


@dataclass(frozen=True)
class Digest:
    sha256: str
    crc32: int
    size: int


class Pinned:
    """Bytes that stay what they were, whatever becomes of their owner."""

    __slots__ = ("token", "size", "digest", "_data", "_fd", "_offset", "remember", "__weakref__")

    def __init__(self, size: int, *, data: bytes | None = None, fd: int | None = None, offset: int = 0):
        self.token = secrets.token_hex(32)
        self.size = size
        self.digest: Digest | None = None
        self.remember: Any = None
        self._data = data
        self._fd = fd
        self._offset = offset

    def name(self) -> str:
        """The digest, or the token in its place; a new text each time, so that pickles do not depend on sharing."""
        known = self.digest.sha256 if self.digest else self.token
        return (known + " ")[:64]

    def pieces(self) -> Iterator[bytes | memoryview]:
        if self._data is not None:
            view = memoryview(self._data)
            for start in range(0, self.size, PIECE):
                yield view[start : start + PIECE]
            return
        if self._fd is None:
            raise OSError("the body was not kept")
        at = 0
        while at < self.size:
            piece = os.pread(self._fd, min(PIECE, self.size - at), self._offset + at)
            if not piece:
                raise OSError(errno.EIO, "a body became shorter while it was read")
            at += len(piece)
            yield piece

    def hash(self) -> Digest:
        if self.digest is None:
            sha, crc = hashlib.sha256(), 0
            for piece in self.pieces():
                sha.update(piece)
                crc = zlib.crc32(piece, crc)
            self.digest = Digest(sha.hexdigest(), crc, self.size)
            if self.remember is not None:
                self.remember(self.digest)
        return self.digest

    def close(self) -> None:
        if self._fd is not None and self._offset == 0 and self._data is None:
            try:
                os.close(self._fd)
            except OSError:
                pass
        self._fd = None
        self._data = None

    def __del__(self) -> None:
        self.close()


class DigestCache:
    """What the bodies of this process hash to. One instance a process; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # id of the owner -> (weak reference or the bytes themselves, what identifies the content, digest)
        self._entries: dict[int, tuple[Any, Any, Digest]] = {}
        self._touched: set[int] = set()

    def find(self, owner: Any, content: Any) -> Digest | None:
        with self._lock:
            entry = self._entries.get(id(owner))
            if entry is None:
                return None
            held = entry[0]() if isinstance(entry[0], weakref.ref) else entry[0]
            same = entry[1] is content if isinstance(content, bytes) else entry[1] == content
            if held is not owner or not same:
                return None
            self._touched.add(id(owner))
            return entry[2]

    def remember(self, owner: Any, content: Any, digest: Digest) -> None:
        held: Any
        key = id(owner)

        def gone(reference: Any) -> None:
            # No lock: this may run anywhere, also inside `with self._lock`. Taking one entry out is atomic.
            entry = self._entries.get(key)
            if entry is not None and entry[0] is reference:
                self._entries.pop(key, None)

        try:
            held = weakref.ref(owner, gone)
        except TypeError:
            held = owner
        with self._lock:
            self._entries[key] = (held, content, digest)
            self._touched.add(key)

    def forget_untouched(self) -> None:
        """After a capture of everything: entries that it did not meet belong to bodies that are gone."""
        with self._lock:
            for key in list(self._entries):
                if key not in self._touched:
                    self._entries.pop(key, None)
            self._touched = set()

    def begin(self) -> None:
        with self._lock:
            self._touched = set()


CACHE = DigestCache()


class Spill:
    """One private file for bodies that cannot be pinned otherwise."""

    def __init__(self) -> None:
        self._file: Any = None

    def keep(self, fd: int, size: int) -> tuple[int, int]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="pod-agent-")
            self._file.write(b"\0")  # offset 0 is what marks a descriptor of one's own
        start, at = self._file.tell(), 0
        while at < size:
            piece = os.pread(fd, min(PIECE, size - at), at)
            if not piece:
                raise OSError(errno.EIO, "a body became shorter while it was read")
            self._file.write(piece)
            at += len(piece)
        self._file.flush()
        return self._file.fileno(), start


def file_identity(fd: int) -> tuple[int, ...]:
    info = os.fstat(fd)
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


def content_of(buffer: Any) -> tuple[Any, int | None]:
    """What identifies the content of a SpooledTemporaryFile: its bytes, or its file's identity and descriptor."""
    inner = buffer._file
    if isinstance(inner, io.BytesIO):
        return inner.getvalue(), None
    inner.flush()
    return file_identity(inner.fileno()), inner.fileno()


class Pins:
    """The bodies of one capture, by token."""

    def __init__(self, have: frozenset[str] = frozenset()) -> None:
        self.by_token: dict[str, Pinned] = {}
        self._of_bytes: dict[int, Pinned] = {}
        self._have = have
        self.used: dict[str, Pinned] = {}
        self._spill = Spill()

    def of_bytes(self, data: bytes) -> Pinned:
        """A pin of plain bytes; the same object gives the same pin."""
        pinned = self._of_bytes.get(id(data))
        if pinned is None:
            pinned = Pinned(len(data), data=data)
            pinned.digest = CACHE.find(data, data)
            pinned.remember = lambda digest: CACHE.remember(data, data, digest)
            self._of_bytes[id(data)] = pinned
            self.by_token[pinned.token] = pinned
        self.used[pinned.token] = pinned
        return pinned

    def begin(self) -> None:
        """From here on `used` collects the pins of another service."""
        self.used = {}

    def of_key(self, key: Any, content: Any, fd: int | None, size: int) -> Pinned:
        """A pin of an S3 body, in memory (`content` is its bytes) or in a file."""
        digest = CACHE.find(key, content)
        if fd is None:
            pinned = Pinned(size, data=content)
        elif digest is not None and digest.sha256 in self._have:
            pinned = Pinned(size)
        else:
            try:
                pinned = Pinned(size, fd=os.dup(fd))
            except OSError as error:
                if error.errno != errno.EMFILE:
                    raise
                own, offset = self._spill.keep(fd, size)
                pinned = Pinned(size, fd=own, offset=offset)
        pinned.digest = digest
        held = weakref.ref(key)

        def remember(found: Digest) -> None:
            owner = held()
            if owner is not None:
                CACHE.remember(owner, content, found)

        pinned.remember = remember
        self.by_token[pinned.token] = pinned
        self.used[pinned.token] = pinned
        return pinned

    def close(self) -> None:
        for pinned in self.by_token.values():
            pinned.close()
