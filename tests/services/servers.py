"""Real object stores for tests: Ceph's, which checks signatures and conditions, and moto's, which is laxer."""

import datetime
import ipaddress
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
        for again in (True, False):  # somebody else may take the ports that were free
            self.folder = Path(tempfile.mkdtemp(prefix="pod-ceph-"))
            try:
                self.keys = self._run("start", str(self.folder / "s3"), str(free_ports(21)))
                return
            except BaseException as failure:
                self.stop()
                if not again or not isinstance(failure, RuntimeError):
                    raise

    def _run(self, *words, **env):
        done = subprocess.run([str(HERE / "ceph-s3"), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=180,
                              env={"CEPH_S3_TIMEOUT": "150", **os.environ, **env}, check=False)
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


class Authority:
    """A private authority of certificates; its own is in `file`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name(f"Authority of {self.folder.name}")
        certificate = self._sign(self._name, self._key, 1, x509.BasicConstraints(ca=True, path_length=0))
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name, key, days, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=9))
                   .not_valid_after(now + datetime.timedelta(days=days)))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())

    def server(self, host="127.0.0.1", days=1):
        """What a server called `host` needs; `days` below nought: it has expired."""
        try:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        except ValueError:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
        key = ec.generate_private_key(ec.SECP256R1())
        file = self.folder / f"{host}-{days}.pem"
        file.write_bytes(self._sign(_name(host), key, days, names).public_bytes(serialization.Encoding.PEM)
                         + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


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
