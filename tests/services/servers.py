"""Real object stores for tests: Ceph's, which checks signatures and conditions, and moto's, which is laxer."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
_EXPORT = re.compile(r"^export (\w+)=(.*)$", re.M)


@dataclass
class Bucket:
    """A user's bucket; env() is what the tools beside these tests read."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    name: str

    def env(self, **more):
        return {**os.environ, "S3_ENDPOINT": self.endpoint, "S3_REGION": self.region, "S3_ACCESS_KEY": self.access_key,
                "S3_SECRET_KEY": self.secret_key, "S3_BUCKET": self.name, **more}

    def client(self):
        import boto3
        from botocore.config import Config
        return boto3.client("s3", endpoint_url=self.endpoint, region_name=self.region,
                            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
                            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"))

    def create(self):
        self.client().create_bucket(Bucket=self.name)
        return self


def free_ports(count):
    """The first of `count` ports in a row on which nobody listens."""
    for first in range(21000 + os.getpid() % 5000, 32000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as sock:
                    sock.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports")


class Ceph:
    """One Ceph for a whole test run: in memory where there is room, gone at the end."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pod-ceph-"))
        try:
            self.keys = self._run("start", str(self.folder / "s3"), str(free_ports(21)))
        except BaseException:
            self.stop()
            raise

    def _run(self, *words, **env):
        done = subprocess.run([str(HERE / "ceph-s3"), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=180, env={**os.environ, **env}, check=False)
        if done.returncode:
            raise RuntimeError(f"ceph-s3 {words[0]} says {done.returncode}: {done.stderr[-2000:]}")
        return {name: value.strip("'\"") for name, value in _EXPORT.findall(done.stdout)}

    def bucket(self, name):
        return Bucket(self.keys["S3_ENDPOINT"], self.keys["S3_REGION"], self.keys["S3_ACCESS_KEY"],
                      self.keys["S3_SECRET_KEY"], name).create()

    def bucket_of(self, user, name):
        """Of another user, who sees nothing of the first one's."""
        keys = self._run("user", str(self.folder / "s3"), user)
        return Bucket(self.keys["S3_ENDPOINT"], self.keys["S3_REGION"], keys["S3_ACCESS_KEY"], keys["S3_SECRET_KEY"],
                      name).create()

    def stop(self):
        if (self.folder / "s3").exists():
            subprocess.run([str(HERE / "ceph-s3"), "stop", str(self.folder / "s3")], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Moto:
    """moto's server as a store: right conditions, no signatures."""

    def __init__(self):
        port = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.stop()
                    raise RuntimeError("moto did not start") from None
                time.sleep(0.1)

    def bucket(self, name):
        return Bucket(self.endpoint, "us-east-1", "test", "test-secret", name).create()

    def stop(self):
        self.process.kill()
        self.process.wait(30)
