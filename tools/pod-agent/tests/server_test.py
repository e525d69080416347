"""The command, its rights and its answers."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from conftest import PACKAGE, Agent, document

ENV = {**os.environ, "PYTHONPATH": str(PACKAGE)}
STATE = "/_localstack/pods/state?services=sqs"


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pod_agent", *arguments], capture_output=True, text=True, env=ENV, timeout=30, cwd="/"
    )


def test_help_has_examples_and_version_is_one_line() -> None:
    assert "pod-agent moto --port 0" in run("--help").stdout
    assert "examples:" in run("moto", "--help").stdout
    assert re.fullmatch(r"pod-agent \d+\.\d+\.\d+\n", run("--version").stdout)
    for wrong in ((), ("moto", "--port", "99999"), ("moto", "--max-body", "x"), ("localstack",)):
        ended = run(*wrong)
        assert ended.returncode == 2 and "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_one_line_and_exit_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("moto", "--port", str(port))
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr == f"pod-agent: cannot listen on 127.0.0.1 port {port}: it is in use\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: int) -> None:
    agent = Agent()
    assert agent.greeting == f"pod-agent: moto 5.2.1 on http://127.0.0.1:{agent.port}\n"
    agent.process.send_signal(number)
    _, errors = agent.process.communicate(timeout=10)
    assert agent.process.returncode == 0 and "Traceback" not in errors


def error_of(answer: tuple) -> tuple[int, str]:
    status, headers, body = answer
    assert headers["Content-Type"] == "application/json"
    error = json.loads(body)["error"]
    assert set(error) <= {"code", "message", "service"} and "Traceback" not in error["message"]
    return status, error["code"]


def test_errors_are_documents(agent: Agent) -> None:
    assert error_of(agent.request("GET", "/_localstack/nothing")) == (404, "not_found")
    assert error_of(agent.request("GET", "/_pod")) == (404, "not_found")
    assert error_of(agent.request("DELETE", "/_localstack/pods/state")) == (405, "bad_request")
    assert error_of(agent.request("GET", "/_localstack/state/sqs/reset")) == (405, "bad_request")
    assert error_of(agent.request("GET", "/_localstack/pods/state?services=teapot")) == (400, "unknown_service")
    assert error_of(agent.request("POST", "/_localstack/state/teapot/reset", b"")) == (404, "unknown_service")
    for body in (b"{", b"[]", b'{"services": 5}', b'{"have": [1]}', b'{"services": ["teapot"]}', b"[" * 200_000):
        status, code = error_of(agent.request("POST", "/_pod/state", body))
        assert status == 400 and code in ("bad_request", "unknown_service")
    long = {"x-pod-version": "v" * 300}
    assert error_of(agent.request("POST", "/_localstack/pods", b"", long)) == (400, "bad_request")


def test_documents_say_who_answers(agent: Agent) -> None:
    health = json.loads(agent.request("GET", "/_localstack/health")[2])
    assert health["services"]["s3"] == "running" and health["edition"] == "pod-agent" and health["version"] == "5.2.1"
    info = json.loads(agent.request("GET", "/_localstack/info")[2])
    assert (info["emulator"], info["format"], info["injected"]) == ("moto", 1, None)
    environment = json.loads(agent.request("GET", "/_localstack/pods/environment")[2])
    assert environment["emulator_version"] == environment["moto_ext_version"] == "5.2.1" and environment["pro"] is False
    status, headers, body = agent.request("HEAD", "/_localstack/pods/state")
    assert status == 200 and body == b"" and headers["Content-Type"] == "application/zip"


def test_the_version_last_injected_is_remembered(agent: Agent) -> None:
    status, _ = agent.inject(agent.capture("sqs"), headers={"x-pod-version": "mypod:3"})
    assert status == 201
    injected = json.loads(agent.request("GET", "/_localstack/info")[2])["injected"]
    assert injected["version"] == "mypod:3" and injected["time"].endswith("+00:00")


def test_only_loopback_names_and_no_web_pages(agent: Agent) -> None:
    for host in ("localhost", "localhost:4566", "127.0.0.1:1", "[::1]:4566", "api.localhost", "127.9.9.9"):
        assert agent.request("GET", STATE, headers={"Host": host})[0] == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "0x7f.1", ""):
        assert error_of(agent.request("GET", STATE, headers={"Host": host})) == (403, "forbidden"), host
    for header in (
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        for method, path in (("GET", STATE), ("POST", "/_localstack/state/reset"), ("POST", "/_localstack/pods")):
            assert error_of(agent.request(method, path, b"" if method == "POST" else None, header)) == (403, "forbidden")
    assert agent.request("GET", STATE, headers={"Sec-Fetch-Site": "none"})[0] == 200


def test_with_a_token_every_path_needs_it(start, tmp_path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret-token\n")
    secret.chmod(0o600)
    agent = start("--token-file", str(secret))
    for path in ("/_localstack/health", "/_localstack/info", STATE, "/_pod/state"):
        assert error_of(agent.request("GET", path)) == (401, "unauthorized")
        for wrong in (":wrong", "s3cret-token", "x:s3cret-token", ":s3cret-token "):
            header = {"Authorization": "Basic " + base64.b64encode(wrong.encode()).decode()}
            assert error_of(agent.request("GET", path, headers=header)) == (403, "forbidden")
        assert error_of(agent.request("GET", path, headers={"Authorization": "Basic %%%"})) == (403, "forbidden")
        assert error_of(agent.request("GET", path, headers={"Authorization": "Bearer s3cret-token"})) == (401, "unauthorized")
    agent.token = "s3cret-token"
    assert agent.request("GET", STATE, headers={"Host": "emulator.test", "Origin": "http://x"})[0] == 200
    agent.client("sqs").create_queue(QueueName="clients-need-no-token")
    agent.process.terminate()
    out, errors = agent.process.communicate(timeout=10)
    assert "s3cret" not in out + errors


def test_a_token_from_the_environment(start) -> None:
    agent = start(env={"POD_AGENT_TOKEN": "from-env"})
    assert agent.request("GET", "/_localstack/health")[0] == 401
    agent.token = "from-env"
    assert agent.request("GET", "/_localstack/health")[0] == 200


def test_a_token_file_that_cannot_serve(tmp_path) -> None:
    readable = tmp_path / "open"
    readable.write_text("x")
    readable.chmod(0o644)
    empty = tmp_path / "empty"
    empty.touch(0o600)
    for path in (readable, empty, tmp_path / "missing"):
        ended = run("moto", "--port", "0", "--token-file", str(path))
        assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1


def test_reset_of_one_service_and_of_all(agent: Agent) -> None:
    agent.client("sqs").create_queue(QueueName="q")
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    agent.client("s3").put_object(Bucket="bucket-b1", Key="k", Body=b"1")
    agent.reset("sqs")
    assert "QueueUrls" not in agent.client("sqs").list_queues()
    assert agent.client("s3").get_object(Bucket="bucket-b1", Key="k")["Body"].read() == b"1"
    agent.reset()
    assert agent.client("s3").list_buckets()["Buckets"] == []
    assert document(agent.capture())["services"]["captured"] == []
    agent.client("s3").create_bucket(Bucket="bucket-b1")


def test_the_metamodel_names_what_is_there(agent: Agent) -> None:
    agent.client("sqs", "eu-west-1").create_queue(QueueName="q1")
    agent.client("s3").create_bucket(Bucket="bucket-b1")
    agent.client("iam").list_roles()
    found = json.loads(agent.request("GET", "/_localstack/pods/state/metamodel")[2])
    assert found["123456789012"]["sqs"]["eu-west-1"]["queues"] == ["q1"]
    assert found["123456789012"]["s3"]["global"]["buckets"] == ["bucket-b1"]
    assert "iam" not in found["123456789012"]
