"""The pod archive: a zip written as a stream, and read by its central directory under limits.

Written by hand because every size and digest is known before an entry begins: no data descriptors, entries that
readers of streams can follow, and the same bytes for the same state. Read by hand because the parser that checks must
be the parser that reads: names, places and sizes are taken from the central directory, held against the local headers,
and every inflated byte is counted.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from pod_agent.errors import AgentError, Damaged

PIECE = 1024 * 1024
_DATE = (1 << 5) | 1  # 1980-01-01
_U32 = 0xFFFFFFFF

MAX_ENTRIES = 1_000_000
MAX_NAME = 1024
MAX_DIRECTORY = 512 * 1024 * 1024
MAX_TOTAL = 32 * 1024**3
MAX_RATIO = 200
RATIO_FROM = 100 * 1024 * 1024


@dataclass
class Entry:
    """An entry to be written: its size and CRC are known, its content comes in pieces."""

    path: str
    size: int
    crc32: int
    content: Iterable[Any]
    deflate: bool = False


def _local_header(name: bytes, method: int, crc: int, stored: int, size: int) -> bytes:
    big = stored >= _U32 or size >= _U32
    extra = struct.pack("<HHQQ", 1, 16, size, stored) if big else b""
    return (
        struct.pack(
            "<IHHHHHIIIHH",
            0x04034B50,
            45 if big else 20,
            0x800,
            method,
            0,
            _DATE,
            crc,
            _U32 if big else stored,
            _U32 if big else size,
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def _central_header(name: bytes, method: int, crc: int, stored: int, size: int, offset: int) -> bytes:
    wide = b""
    for value in (size, stored, offset):
        if value >= _U32:
            wide += struct.pack("<Q", value)
    extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
    return (
        struct.pack(
            "<IHHHHHHIIIHHHHHII",
            0x02014B50,
            (3 << 8) | 45,
            45 if wide else 20,
            0x800,
            method,
            0,
            _DATE,
            crc,
            min(stored, _U32),
            min(size, _U32),
            len(name),
            len(extra),
            0,
            0,
            0,
            0o100644 << 16,
            min(offset, _U32),
        )
        + name
        + extra
    )


def write(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The bytes of an archive, in pieces; nothing is held but one piece and the directory."""
    directory: list[bytes] = []
    at = 0
    for entry in entries:
        name = entry.path.encode()
        if entry.deflate:
            packer = zlib.compressobj(1, zlib.DEFLATED, -15)
            packed = b"".join([packer.compress(piece) for piece in entry.content]) + packer.flush()
            stored, content, method = len(packed), (packed,), 8
        else:
            stored, content, method = entry.size, entry.content, 0  # type: ignore[assignment]
        header = _local_header(name, method, entry.crc32, stored, entry.size)
        directory.append(_central_header(name, method, entry.crc32, stored, entry.size, at))
        yield header
        sent = 0
        for piece in content:
            sent += len(piece)
            yield bytes(piece)
        if sent != stored:
            raise OSError("a body changed its size while it was sent")
        at += len(header) + stored
    start = at
    packed = b"".join(directory)
    count = len(directory)
    size = len(packed)
    tail = b""
    if count >= 0xFFFF or start >= _U32 or size >= _U32:
        tail = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
        tail += struct.pack("<IIQI", 0x07064B50, 0, start + size, 1)
    tail += struct.pack(
        "<IHHHHIIH", 0x06054B50, 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(size, _U32), min(start, _U32), 0
    )
    yield packed + tail


class NotAnArchive(AgentError):
    def __init__(self, message: str):
        super().__init__("not_an_archive", message)


@dataclass(frozen=True)
class Member:
    """An entry of an archive that was received; its size is what the directory claims, and is enforced."""

    path: str
    method: int
    crc32: int
    stored: int
    size: int
    offset: int


_PART = re.compile(r"[^\x00-\x1f\x7f\\/:]+\Z")


def check_name(path: str) -> None:
    """A relative path of plain parts: nothing that leads out, nothing that another system reads differently."""
    if not path or len(path.encode("utf-8", "surrogatepass")) > MAX_NAME:
        raise NotAnArchive("an entry's name is empty or too long")
    for part in path.split("/"):
        if part in ("", ".", "..") or not _PART.match(part) or len(part.encode("utf-8", "surrogatepass")) > 255:
            raise NotAnArchive(f"an entry's name is not safe: {ascii(path)[:120]}")


def _directory_place(source: BinaryIO, length: int) -> tuple[int, int, int]:
    """Count, size and offset of the central directory."""
    tail_size = min(length, 65557)
    source.seek(length - tail_size)
    tail = source.read(tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise NotAnArchive("the body is not a zip archive, or it was cut short")
    _, disk, first, here, count, size, offset, comment = struct.unpack_from("<IHHHHIIH", tail, at)
    end = length - tail_size + at
    if at + 22 + comment != len(tail):
        raise NotAnArchive("there is data behind the archive's end")
    if disk or first or here != count:
        raise NotAnArchive("the archive is spread over several parts")
    if count == 0xFFFF or size == _U32 or offset == _U32:
        source.seek(max(end - 20, 0))
        locator = source.read(20)
        if len(locator) == 20 and locator[:4] == b"PK\x06\x07":
            place = struct.unpack_from("<Q", locator, 8)[0]
            if place > length - 56:
                raise NotAnArchive("the archive's directory lies outside of it")
            source.seek(place)
            wide = source.read(56)
            if wide[:4] != b"PK\x06\x06":
                raise NotAnArchive("the archive's directory is damaged")
            here, count, size, offset = struct.unpack_from("<QQQQ", wide, 24)
            if here != count:
                raise NotAnArchive("the archive is spread over several parts")
            end = place
    if count > MAX_ENTRIES or size > MAX_DIRECTORY:
        raise AgentError("too_large", f"the archive has more than {MAX_ENTRIES} entries, or a directory beyond measure")
    if offset + size != end:
        raise NotAnArchive("the archive's directory is not where it says")
    return count, size, offset


def _wide(extra: bytes, size: int, stored: int, offset: int) -> tuple[int, int, int]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if kind == 1:
            field = extra[at : at + length]
            place = 0
            values = []
            for value in (size, stored, offset):
                if value == _U32:
                    if place + 8 > len(field):
                        raise NotAnArchive("the archive's directory is damaged")
                    value = struct.unpack_from("<Q", field, place)[0]
                    place += 8
                values.append(value)
            return values[0], values[1], values[2]
        at += length
    return size, stored, offset


class Reader:
    """An archive that lies in a file of ours. Nothing in it is believed before it is checked."""

    def __init__(self, source: BinaryIO, length: int, max_total: int = MAX_TOTAL):
        self._source = source
        self._length = length
        self.members: dict[str, Member] = {}
        self._read_directory(max_total)

    def _read_directory(self, max_total: int) -> None:
        count, size, offset = _directory_place(self._source, self._length)
        self._source.seek(offset)
        data = self._source.read(size)
        at = 0
        total = 0
        folded: set[str] = set()
        folders: set[str] = set()
        spans: list[tuple[int, int]] = []
        for _ in range(count):
            if at + 46 > len(data) or data[at : at + 4] != b"PK\x01\x02":
                raise NotAnArchive("the archive's directory is damaged")
            made, _, flags, method = struct.unpack_from("<HHHH", data, at + 4)
            crc, stored, full, name_size, extra_size, note_size, disk, _, mode, place = struct.unpack_from("<IIIHHHHHII", data, at + 16)
            body = data[at + 46 : at + 46 + name_size + extra_size + note_size]
            if len(body) != name_size + extra_size + note_size:
                raise NotAnArchive("the archive's directory is damaged")
            at += 46 + len(body)
            raw = body[:name_size]
            full, stored, place = _wide(body[name_size : name_size + extra_size], full, stored, place)
            try:
                path = raw.decode("utf-8" if flags & 0x800 or raw.isascii() else "cp437")
            except UnicodeDecodeError:
                raise NotAnArchive("an entry's name is no text") from None
            if flags & 0x41:
                raise NotAnArchive(f"an entry is encrypted: {ascii(path)[:120]}")
            if path.endswith("/") and full == 0:
                check_name(path[:-1])
                continue
            check_name(path)
            kind = (mode >> 16) & 0o170000
            if made >> 8 == 3 and kind not in (0, 0o100000):
                raise NotAnArchive(f"an entry is a link or no plain file: {ascii(path)[:120]}")
            if method not in (0, 8):
                raise NotAnArchive(f"an entry is packed in an unknown way: {ascii(path)[:120]}")
            if method == 0 and stored != full:
                raise NotAnArchive(f"an entry lies about its size: {ascii(path)[:120]}")
            twin = unicodedata.normalize("NFC", path).casefold()
            if path in self.members or twin in folded or disk:
                raise NotAnArchive(f"an entry is there twice: {ascii(path)[:120]}")
            folded.add(twin)
            parts = twin.split("/")
            folders.update("/".join(parts[:n]) for n in range(1, len(parts)))
            total += full
            if total > max_total or (full > RATIO_FROM and full > stored * MAX_RATIO):
                raise AgentError("too_large", "the archive would unfold beyond its limits")
            spans.append((place, place + 30 + name_size + stored))
            self.members[path] = Member(path, method, crc, stored, full, place)
        if at != len(data):
            raise NotAnArchive("the archive's directory is damaged")
        if total > RATIO_FROM and total > self._length * MAX_RATIO:
            raise AgentError("too_large", "the archive would unfold beyond its limits")
        if folders & folded:
            raise NotAnArchive("an entry is both a file and a folder")
        spans.sort()
        for (_, before), (after, _) in zip(spans, spans[1:] + [(offset, 0)]):
            if before > after:
                raise NotAnArchive("entries of the archive overlap")

    def pieces(self, path: str) -> Iterator[bytes]:
        """The content of an entry; its size and CRC are enforced. Several may be read at a time."""
        member = self.members[path]
        handle = self._source.fileno()
        header = os.pread(handle, 30, member.offset)
        if len(header) != 30 or header[:4] != b"PK\x03\x04":
            raise NotAnArchive(f"an entry is not where the directory says: {ascii(path)[:120]}")
        flags, method = struct.unpack_from("<HH", header, 6)
        name_size, extra_size = struct.unpack_from("<HH", header, 26)
        name = os.pread(handle, name_size, member.offset + 30)
        if method != member.method or flags & 0x41 or name_size != len(name):
            raise NotAnArchive(f"an entry differs from the directory: {ascii(path)[:120]}")
        if name.decode("utf-8", "replace") != path and name.decode("cp437") != path:
            raise NotAnArchive(f"an entry differs from the directory: {ascii(path)[:120]}")
        at = member.offset + 30 + name_size + extra_size
        end = at + member.stored
        if end > self._length:
            raise NotAnArchive(f"an entry is cut short: {ascii(path)[:120]}")
        inflater = zlib.decompressobj(-15) if member.method == 8 else None
        given, crc = 0, 0
        while True:
            raw = os.pread(handle, min(PIECE, end - at), at) if at < end else b""
            at += len(raw)
            if inflater is None:
                outs: Iterable[bytes] = (raw,) if raw else ()
            else:
                outs = self._inflate(inflater, raw, at >= end)
            for out in outs:
                given += len(out)
                if given > member.size:
                    raise Damaged(f"an entry is larger than it says: {ascii(path)[:120]}")
                crc = zlib.crc32(out, crc)
                yield out
            if at >= end:
                break
            if not raw:
                raise NotAnArchive(f"an entry is cut short: {ascii(path)[:120]}")
        if given != member.size or crc != member.crc32:
            raise Damaged(f"an entry is damaged: {ascii(path)[:120]}")

    @staticmethod
    def _inflate(inflater: Any, raw: bytes, last: bool) -> Iterator[bytes]:
        try:
            out = inflater.decompress(raw, PIECE)
            while out:
                yield out
                out = inflater.decompress(inflater.unconsumed_tail, PIECE)
            if last:
                out = inflater.flush()
                if out:
                    yield out
                if not inflater.eof or inflater.unused_data:
                    raise Damaged("an entry's packed data is damaged")
        except zlib.error:
            raise Damaged("an entry's packed data is damaged") from None

    def read(self, path: str, limit: int) -> bytes:
        """An entry whole, if it is no larger than `limit`."""
        if self.members[path].size > limit:
            raise AgentError("too_large", f"'{path}' is larger than {limit} bytes")
        return b"".join(self.pieces(path))

    def sha256(self, path: str) -> str:
        sha = hashlib.sha256()
        for piece in self.pieces(path):
            sha.update(piece)
        return sha.hexdigest()
