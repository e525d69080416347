"""Archives that lie, written byte by byte: no library would."""

import hashlib
import io
import json
import struct
import zlib
import zipfile

SQS = "api_states/000000000000/sqs/us-east-1/backend.state"
EMULATOR = {"name": "moto", "version": "5.2.1", "python": "3.11", "agent": "0.1.0"}


class Entry:
    """One member of a zip; what is not said is what an honest one would have. `local_*` is for the local header only."""

    def __init__(self, name, data=b"state", *, method=0, flags=0, size=None, stored=None, crc=None, mode=0o100644,
                 local_name=None, raw=None):
        self.name = name.encode() if isinstance(name, str) else name
        self.local_name = self.name if local_name is None else local_name.encode()
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.raw = raw if raw is not None else data if method == 0 else packer.compress(data) + packer.flush()
        self.method, self.flags, self.mode = method, flags, mode
        self.crc = zlib.crc32(data) if crc is None else crc
        self.size = len(data) if size is None else size
        self.stored = len(self.raw) if stored is None else stored


def zip_of(*entries, end=b""):
    out, directory = io.BytesIO(), io.BytesIO()
    for entry in entries:
        offset = out.tell()
        fields = (20, entry.flags, entry.method, 0, 33, entry.crc, entry.stored, entry.size)
        out.write(struct.pack("<4s5H3I2H", b"PK\3\4", *fields, len(entry.local_name), 0) + entry.local_name + entry.raw)
        directory.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", 3 << 8 | 20, *fields, len(entry.name), 0, 0, 0, 0,
                                    entry.mode << 16, offset) + entry.name)
    start = out.tell()
    out.write(directory.getvalue())
    out.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory.getvalue()), start, 0))
    return out.getvalue() + end


def zeros(count):
    """`count` zero bytes deflated, without ever holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece, out, crc = bytes(1 << 20), [], 0
    for _ in range(count >> 20):
        out.append(packer.compress(piece))
        crc = zlib.crc32(piece, crc)
    return b"".join(out) + packer.flush(), crc


def bomb(count=1 << 30):
    raw, crc = zeros(count)
    return zip_of(Entry(SQS, raw=raw, method=8, size=count, crc=crc))


def overlapping():
    """Two names for the bytes of one entry, as the densest bombs are built."""
    whole = bytearray(zip_of(Entry(SQS), Entry("assets/s3/x.bin")))
    second = whole.rindex(b"PK\1\2")
    whole[second + 42:second + 46] = struct.pack("<I", 0)
    return bytes(whole)


BAD = {
    "leaves the folder": zip_of(Entry("../outside")),
    "leaves the folder in the middle": zip_of(Entry("api_states/../../outside")),
    "absolute": zip_of(Entry("/etc/podgit-was-here")),
    "backslash": zip_of(Entry("api_states\\..\\outside")),
    "drive": zip_of(Entry("C:/outside")),
    "NUL": zip_of(Entry(b"api_states/a\0b")),
    "duplicate": zip_of(Entry(SQS, b"one"), Entry(SQS, b"two")),
    "case twins": zip_of(Entry(SQS, b"one"), Entry(SQS.upper(), b"two")),
    "file and folder": zip_of(Entry("assets/s3", b"file"), Entry("assets/s3/x", b"below it")),
    "symbolic link": zip_of(Entry(SQS, b"/etc/passwd", mode=0o120777)),
    "device": zip_of(Entry(SQS, b"", mode=0o020666)),
    "encrypted": zip_of(Entry(SQS, flags=1)),
    "claims more": zip_of(Entry(SQS, b"state", size=6)),
    "claims less": zip_of(Entry(SQS, b"state", method=8, size=3)),
    "claims four gigabytes": zip_of(Entry(SQS, b"state", method=8, size=0xfffffff0)),
    "other checksum": zip_of(Entry(SQS, b"state", crc=1)),
    "two names for one entry": zip_of(Entry(SQS, local_name=SQS.replace("sqs", "sns"))),
    "overlapping": overlapping(),
    "cut": zip_of(Entry(SQS, b"s" * 1000))[:-400],
    "half": zip_of(Entry(SQS, b"s" * 1000))[:500],
    "data behind the end": zip_of(Entry(SQS), end=b"x" * 100000),
    "empty file": b"",
    "no archive": b"<html><body>not found</body></html>",
    "nothing but zeros": bytes(100000),
}


def archive_of(files, *, failed=(), emulator=None):
    """An honest archive of state files, as an agent sends it."""
    captured = sorted({name.split("/")[2 if name.startswith("api_states/") else 1] for name in files})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
        entries = [{"path": name, "size": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest(),
                    "omitted": False} for name in sorted(files)]
        lines = "".join(f"{entry['sha256']} {entry['path']}\n" for entry in entries)
        archive.writestr(zipfile.ZipInfo(".pod/capture.json"), json.dumps({
            "format": 1, "emulator": emulator or EMULATOR, "process": "made by hand",
            "services": {"captured": captured, "empty": [], "failed": list(failed)},
            "entries": entries, "digest": hashlib.sha256(lines.encode()).hexdigest()}))
    return out.getvalue()
