#!/usr/bin/env python3
"""Makes the archives beside it, as other programs write them. Needs tar, bsdtar, zip and zstd; the results are committed."""

import io
import os
import pathlib
import subprocess
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
FILES = {
    "api_states/000000000000/sqs/us-east-1/backend.state": b"state " * 1000,
    "assets/empty.bin": b"",
    "assets/" + "long" * 30 + "/" + "name" * 30 + ".bin": b"x",
    "assets/größe.txt": b"utf-8\n",
}


class Unseekable(io.RawIOBase):
    """A stream like a socket: Python's zipfile then writes sizes behind the data."""

    def __init__(self, out):
        self.out = out

    def writable(self):
        return True

    def write(self, data):
        return self.out.write(data)


def python_stream(name, method, zip64):
    with open(HERE / name, "wb") as out, zipfile.ZipFile(Unseekable(out), "w", method) as archive:
        for path, data in FILES.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=zip64) as entry:
                entry.write(data)


def main():
    for method, label in ((zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated")):
        python_stream(f"python-stream-{label}.zip", method, False)
        python_stream(f"python-stream-{label}-zip64.zip", method, True)
    with tempfile.TemporaryDirectory() as folder:
        for path, data in FILES.items():
            target = pathlib.Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(0o644)
        for name in ("info-zip.zip", "gnu.tar.zst", "gnu-pax.tar.zst", "bsdtar-pax.tar.zst", "bsdtar.zip"):
            (HERE / name).unlink(missing_ok=True)
        run = lambda *command: subprocess.run(command, cwd=folder, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
        run("zip", "-q", "-r", HERE / "info-zip.zip", "api_states", "assets")
        run("tar", "--format=gnu", "--zstd", "-cf", HERE / "gnu.tar.zst", ".")
        run("tar", "--format=pax", "--zstd", "-cf", HERE / "gnu-pax.tar.zst", ".")
        run("bsdtar", "--zstd", "--format=pax", "-cf", HERE / "bsdtar-pax.tar.zst", "api_states", "assets")
        run("bsdtar", "--format=zip", "-cf", HERE / "bsdtar.zip", "api_states", "assets")


if __name__ == "__main__":
    main()
