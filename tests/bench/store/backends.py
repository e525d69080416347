"""Writes the canonical pickles of moto's S3 backends into two folders: before and after one object of each is overwritten.

    backends.py DOCUMENT_TOOL BEFORE AFTER COUNT,COUNT,…

An account for each count of objects, of 1 KiB each. moto's classes and pod-agent's capture run in this process, without a
server in between; `document_tool` of tests/conformance writes what they pickle as libpod does."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools" / "pod-agent"))

from moto.s3.models import s3_backends  # noqa: E402
from pod_agent import capture  # noqa: E402


def put(account, number, body):
    s3_backends[account]["aws"].put_object(f"bucket-{account}", f"folder-{number % 500}/object-{number}", body)


def write(tool, folder):
    with tempfile.TemporaryDirectory() as scratch:
        for file in capture.take_cut(["s3"]).files:
            source = Path(scratch, "source")
            source.write_bytes(file.data)
            out = Path(scratch, "out")
            out.mkdir(exist_ok=True)
            subprocess.run([tool, out], input=f"{source}\n", text=True, check=True, stdout=subprocess.DEVNULL)
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (out / "0").rename(target)


def main():
    tool, before, after, counts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4].split(",")
    accounts = {f"{number + 1:012}": int(count) for number, count in enumerate(counts)}
    for account, count in accounts.items():
        s3_backends[account]["aws"].create_bucket(f"bucket-{account}", "us-east-1")
        for number in range(count):
            put(account, number, number.to_bytes(4, "big") * 256)
    write(tool, before)
    for account, count in accounts.items():
        put(account, count // 2, b"another body" * 40)
    write(tool, after)


if __name__ == "__main__":
    main()
