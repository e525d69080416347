"""A real `pod-agent moto` process on a free port, and boto3 clients for it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import pytest

PACKAGE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PACKAGE))


class Agent:
    """A running agent: its address, its process, and short ways to its endpoints."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None, token: str | None = None):
        environment = {k: v for k, v in os.environ.items() if k not in ("POD_AGENT_TOKEN", "MOTO_PORT", "AWS_PROFILE")}
        environment["PYTHONPATH"] = str(PACKAGE)
        environment.update(env or {})
        self.token = token
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pod_agent", "moto", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        assert self.greeting.startswith("pod-agent: moto 5.2.1 on http://"), (self.greeting, self.process.stderr.read())
        self.url = self.greeting.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode

    def client(self, service: str, region: str = "us-east-1", account: str | None = None, **options: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account or "test",
            aws_secret_access_key="test",
            config=botocore.config.Config(**{"retries": {"max_attempts": 0}, "read_timeout": 60, **options}),
        )

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, timeout: float = 60
    ) -> tuple[int, dict[str, str], bytes]:
        asked = urllib.request.Request(self.url + path, data=body, method=method, headers=headers or {})
        if self.token:
            import base64

            asked.add_header("Authorization", "Basic " + base64.b64encode(f":{self.token}".encode()).decode())
        try:
            with urllib.request.urlopen(asked, timeout=timeout) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def capture(self, services: str = "") -> bytes:
        status, _, body = self.request("GET", "/_localstack/pods/state" + (f"?services={services}" if services else ""))
        assert status == 200, body
        return body

    def inject(
        self, pod: bytes, strategy: str = "overwrite", query: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, list[dict[str, Any]]]:
        headers = {"Content-Type": "application/zip", **(headers or {})}
        status, _, body = self.request("POST", f"/_localstack/pods?merge={strategy}{query}", pod, headers)
        return status, [json.loads(line) for line in body.splitlines()]

    def reset(self, service: str | None = None) -> None:
        path = f"/_localstack/state/{service}/reset" if service else "/_localstack/state/reset"
        status, _, body = self.request("POST", path, b"")
        assert status == 200, body

    def digest(self) -> str:
        return document(self.capture())["digest"]

    def memory(self, field: str = "VmRSS") -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(field)


def contents(pod: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pod)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def document(pod: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(pod)) as archive:
        assert archive.namelist()[-1] == ".pod/capture.json"
        return json.loads(archive.read(".pod/capture.json"))


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def info(captured: list[str], empty: list[str] = [], failed: list[Any] = [], **emulator: Any) -> bytes:  # noqa: B006
    wrote = {"name": "moto", "version": "5.2.1", "python": "3.11", "agent": "0.1.0", **emulator}
    return json.dumps(
        {"format": 1, "emulator": wrote, "services": {"captured": captured, "empty": empty, "failed": failed}}
    ).encode()


@pytest.fixture(scope="session")
def _shared_agent() -> Iterator[Agent]:
    running = Agent()
    yield running
    running.stop()


@pytest.fixture
def agent(_shared_agent: Agent) -> Agent:
    """One process for the session, empty at the start of each test."""
    _shared_agent.reset()
    return _shared_agent


@pytest.fixture(scope="session")
def _second_agent() -> Iterator[Agent]:
    running = Agent()
    yield running
    running.stop()


@pytest.fixture
def other(_second_agent: Agent) -> Agent:
    """A second process, empty too."""
    _second_agent.reset()
    return _second_agent


@pytest.fixture
def start() -> Iterator[Callable[..., Agent]]:
    """Starts agents with options of their own, and stops them."""
    running: list[Agent] = []

    def begin(*arguments: str, **options: Any) -> Agent:
        running.append(Agent(*arguments, **options))
        return running[-1]

    yield begin
    for one in running:
        one.stop()
