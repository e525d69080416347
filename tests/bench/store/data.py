"""The data of the store's benchmark: seeded, the same bytes on every machine and in every run.

Each set makes its first state in a folder and can bring the folder from one state to the next, in place, as an emulator's
directory changes: files that nothing touched keep their inode and their times."""

import hashlib
import json
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

WORDS = ("bucket queue table function account region version status pending active error message payload receipt handle "
         "policy effect allow deny principal resource action condition created updated owner name value").split()


def text(rng, size):
    """Words and numbers, `size` bytes: shrinks to about a half, as state does."""
    parts, length = [], 0
    while length < size:
        part = rng.choice(WORDS) if rng.random() < 0.6 else f"{rng.getrandbits(64):x}"
        parts.append(part)
        length += len(part) + 1
    return " ".join(parts)[:size]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Set:
    """`states`: the names of the states after the first, in order."""

    states = ()

    def __init__(self, folder, scale):
        self.folder, self.scale = Path(folder), scale

    def make(self):
        raise NotImplementedError

    def change(self, state):
        raise NotImplementedError

    def bytes(self):
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def digest(self):
        hash_ = hashlib.sha256()
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            hash_.update(str(path.relative_to(self.folder)).encode() + b"\0")
            with path.open("rb") as file:
                hash_.update(hashlib.file_digest(file, "sha256").digest())
        return hash_.hexdigest()[:12]


def insert_in_some(folder, seed, share=0.01):
    """Seven bytes put into one file of a hundred."""
    rng = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in rng.sample(files, max(1, int(len(files) * share))):
        content = path.read_bytes()
        at = rng.randrange(len(content) + 1)
        path.write_bytes(content[:at] + rng.randbytes(7) + content[at:])


class SmallFiles(Set):
    """S: 20,000 files of JSON and pickles, 46 MB."""

    name, what, states = "S", "20,000 JSON and pickle files", ("1 % of the files changed",)

    def make(self):
        for number in range(int(20000 * self.scale)):
            rng = random.Random(f"S{number}")
            content = {"id": f"{rng.getrandbits(128):032x}", "name": f"item-{number}", "created": 1700000000 + number,
                       "tags": {rng.choice(WORDS): text(rng, 12) for _ in range(4)}, "body": text(rng, int(rng.lognormvariate(7.4, 0.5)))}
            path = self.folder / f"{number % 200:03}" / f"{number:05}"
            if number % 2:
                write(path.with_suffix(".pickle"), pickle.dumps(content, protocol=4))
            else:
                write(path.with_suffix(".json"), json.dumps(content, indent=1).encode())

    def change(self, state):
        insert_in_some(self.folder, state)


class Objects(Set):
    """O: 10,000 objects, sizes log-normal, 280 MB, a third random."""

    name, what, states = "O", "10,000 objects, a third random", ("1 % of the files changed",)

    def make(self):
        for number in range(int(10000 * self.scale)):
            rng = random.Random(f"O{number}")
            size = min(int(rng.lognormvariate(9.2, 1.45)), 8 << 20)
            content = rng.randbytes(size) if number % 3 == 0 else text(rng, size).encode()
            write(self.folder / f"{number % 100:02}" / f"{number:05}.bin", content)

    def change(self, state):
        insert_in_some(self.folder, state)


class Database(Set):
    """D: a SQLite database of 1 GiB; then 1 % of its pages changed in place, then 1 % of its rows updated at random keys."""

    name, what = "D", "a SQLite database of 1 GiB"
    pages, rows = "1 % of the pages changed in place", "1 % of the rows updated at random keys"
    states = (pages, rows)
    row_bytes = 400

    def __init__(self, folder, scale):
        super().__init__(folder, scale)
        self.file = self.folder / "database.sqlite"
        self.count = int(2_450_000 * scale)

    def make(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random("D")
        block = text(rng, 1 << 20)
        database = sqlite3.connect(self.file)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE items (key INTEGER PRIMARY KEY, name TEXT, body TEXT, noise BLOB)")

        def rows():
            for key in range(self.count):
                at = rng.randrange(len(block) - 200)
                yield key, f"item-{key}", block[at:at + 180], rng.randbytes(190)

        with database:
            database.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows())
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def change(self, state):
        rng = random.Random(state)
        # Nine rows lie in a page: every 900th row is a row in each of 1 % of the pages. Nothing changes its size.
        keys = range(450, self.count, 900) if state == self.pages else (rng.randrange(self.count) for _ in range(self.count // 100))
        database = sqlite3.connect(self.file)
        with database:
            database.executemany("UPDATE items SET noise = ? WHERE key = ?", ((rng.randbytes(190), key) for key in keys))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()


class Pickles(Set):
    """P: canonical pickles of real backends, up to 60 MB; then one object of a bucket overwritten. Made by moto and pod-agent, so
    that the bytes hold today's times and random ids: the shape is seeded, the bytes are not."""

    name, what, states = "P", "canonical pickles of moto's S3 backends, 1 to 60 MB", ("one object of each changed",)
    sizes = (800, 5000, 46000)

    document_tool = ""

    def make(self):
        """The first state; the other lies ready in `later`."""
        self.later = self.folder.with_name(self.folder.name + ".later")
        script = Path(__file__).with_name("backends.py")
        counts = ",".join(str(max(50, int(size * self.scale))) for size in self.sizes)
        subprocess.run([sys.executable, script, self.document_tool, self.folder, self.later, counts], check=True)

    def change(self, state):
        for path in self.later.rglob("*.state"):
            target = self.folder / path.relative_to(self.later)
            if path.read_bytes() != target.read_bytes():
                shutil.copyfile(path, target)


class History(Set):
    """H: a tree of 2,000 files; a version changes five."""

    name, what = "H", "2,000 files, five changed in each version"

    def make(self):
        for number in range(2000):
            rng = random.Random(f"H{number}")
            write(self.folder / f"{number % 40:02}" / f"{number:04}.json", text(rng, rng.randrange(200, 4000)).encode())

    def steps(self, folder, versions):
        """What each version writes over the tree, as files below `folder`/<version>."""
        contents = {}
        for version in range(1, versions + 1):
            rng = random.Random(f"H-{version}")
            for number in rng.sample(range(2000), 5):
                name = f"{number % 40:02}/{number:04}.json"
                content = contents.get(name) or (self.folder / name).read_bytes()
                at = rng.randrange(len(content))
                contents[name] = content[:at] + f"<{version}>".encode() + content[at + 4:]
                write(folder / f"{version}" / name, contents[name])


class TinyFiles(Set):
    """W: 200,000 files of 200 bytes."""

    name, what = "W", "200,000 files of 200 bytes"

    def make(self):
        for number in range(int(200000 * self.scale)):
            rng = random.Random(f"W{number}")
            write(self.folder / f"{number % 500:03}" / f"{number:06}", text(rng, 200).encode())


class Noise(Set):
    """Z: 1 GiB that no compression makes smaller."""

    name, what = "Z", "1 GiB incompressible"

    def make(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random("Z")
        with (self.folder / "noise").open("wb") as file:
            for _ in range(int(1024 * self.scale)):
                file.write(rng.randbytes(1 << 20))


def settle():
    """Writes what is pending to disk, so that no tool pays for the data."""
    os.sync()
