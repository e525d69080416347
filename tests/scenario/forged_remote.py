"""A remote in a folder as somebody would make it who wishes its readers ill: every byte is the caller's."""

import datetime
import hashlib
import json
import os
import struct
import subprocess
import zlib

COMMIT, TREE, BLOB, OFS_DELTA, REF_DELTA = 1, 2, 3, 6, 7
_WORDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}


def id_of(kind, content):
    return hashlib.sha1(b"%s %d\0" % (_WORDS[kind], len(content)) + content).hexdigest()


def tree_of(*entries):
    """Each (mode, name, id), as they come."""
    return b"".join(mode + b" " + name + b"\0" + bytes.fromhex(id_) for mode, name, id_ in entries)


def commit_of(tree, *parents, number=1):
    who = b"eve <eve@example.org> 1790000000 +0000"
    lines = [b"tree " + tree.encode(), *(b"parent " + parent.encode() for parent in parents), b"author " + who, b"committer " + who]
    return b"\n".join(lines) + b"\n\nforged\n\nPod-Version: %d\n" % number


def entry(kind, content, base=b"", size=None, stream=None):
    """One entry of a pack; `size` and `stream` where it is to lie about its content."""
    size = len(content) if size is None else size
    first, rest = kind << 4 | size & 15, size >> 4
    head = b""
    while rest:
        head += bytes([first | 128])
        first, rest = rest & 127, rest >> 7
    return head + bytes([first]) + base + (zlib.compress(content, 1) if stream is None else stream)


def offset_base(distance):
    out = [distance & 127]
    while distance := distance >> 7:
        distance -= 1
        out.insert(0, 128 | distance & 127)
    return bytes(out)


def size_word(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def delta(base_size, result_size, *steps):
    return size_word(base_size) + size_word(result_size) + b"".join(steps)


def copy(offset, size):
    """Of at most 64 KiB."""
    return b"\xbf" + struct.pack("<I", offset) + struct.pack("<H", size & 0xffff)


def insert(content):
    return bytes([len(content)]) + content


def zeros(size):
    """`size` zeros as a zlib stream, made in no time; a multiple of 16 MiB."""
    piece = bytes(16 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    sum_ = 1
    for _ in range(size // len(piece)):
        sum_ = zlib.adler32(piece, sum_)
    return b"\x78\x9c" + block * (size // len(piece)) + b"\x03\x00" + struct.pack(">I", sum_)


def pack_of(entries, count=None, version=2, trailer=None, behind=b""):
    body = b"PACK" + struct.pack(">II", version, len(entries) if count is None else count) + b"".join(entries)
    return body + (hashlib.sha1(body).digest() if trailer is None else trailer) + behind


def whole(*objects):
    """A pack of whole objects, each (kind, content)."""
    return pack_of([entry(kind, content) for kind, content in objects])


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class ForgedRemote:
    def __init__(self, folder):
        self.folder, self.generation = folder, 0
        self.put("format.json", canonical({"format": 1, "head": "object"}))

    def put(self, key, content):
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        return path

    @property
    def day(self):
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")

    def pack_path(self, content):
        return self.folder / "packs" / self.day / f"{sha256(content)}.pack"

    def put_pack(self, content, name=None, size=None, objects=None):
        """What a manifest says of it."""
        name = name or sha256(content)
        self.put(f"packs/{self.day}/{name}.pack", content)
        return {"day": self.day, "kind": "whole", "objects": objects or struct.unpack(">I", content[8:12])[0],
                "pack": {"sha256": name, "size": len(content) if size is None else size}}

    def publish(self, pod, tip, *packs, name=None, write=canonical, **changes):
        """Packs as put_pack() gives them; `changes` of the manifest, `name` under which it is kept and named."""
        self.generation += 1
        nonce = os.urandom(16).hex()
        manifest = write({"format": 1, "generation": self.generation, "nonce": nonce, "packs": list(packs),
                          "refs": [{"name": f"refs/heads/{pod}", "target": tip}], **changes})
        name = name or sha256(manifest)
        self.put(f"pods/{pod}/manifests/{name}", manifest)
        self.put(f"pods/{pod}/HEAD", canonical({"format": 1, "generation": self.generation, "manifest": name, "nonce": nonce}))
        return name

    def head(self, pod):
        return self.folder / "pods" / pod / "HEAD"


def objects_of(store, tip):
    """All that a version of a store reaches, each (kind, content)."""
    kinds = {word.decode(): kind for kind, word in _WORDS.items()}
    run = lambda *words, **more: subprocess.run(["git", "-C", str(store), *words], check=True, capture_output=True, **more).stdout  # noqa: E731
    ids = [line.split()[0] for line in run("rev-list", "--objects", tip).splitlines()]
    answer, found = run("cat-file", "--batch", input=b"\n".join(ids) + b"\n"), []
    while answer:
        head, _, rest = answer.partition(b"\n")
        _, kind, size = head.split()
        found.append((kinds[kind.decode()], rest[:int(size)]))
        answer = rest[int(size) + 1:]
    return found
