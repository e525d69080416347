"""Archives that lie, lead elsewhere or never end. Each is refused with its reason and changes nothing."""

import io
import json
import socket
import stat
import struct
import zipfile

import pytest
from conftest import Agent, contents, info, zipped

INFO = ".pod/info.json"


@pytest.fixture(scope="module")
def victim():
    agent = Agent("--max-body", "8m")
    agent.client("s3").create_bucket(Bucket="my-bucket")
    agent.client("s3").put_object(Bucket="my-bucket", Key="k", Body=b"x" * 9000)
    agent.before = agent.digest()
    agent.pod = agent.capture()
    yield agent
    agent.stop()


@pytest.fixture(autouse=True)
def _unchanged(victim):
    yield
    assert victim.digest() == victim.before


def refused(victim: Agent, pod: bytes, status: int, code: str, query: str = "") -> str:
    answered, lines = victim.inject(pod, query=query)
    assert (answered, lines[0]["error"]["code"]) == (status, code), lines
    return lines[0]["error"]["message"]


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "a/../../evil", "a\\b", "C:/evil", "a//b", "a/./b", "x\x1fy", "a/" + "n" * 300, "a" * 2000, "a\x7fb"],
)
def test_names_that_are_not_safe(victim: Agent, name: str) -> None:
    refused(victim, zipped({INFO: info([]), name: b""}), 400, "not_an_archive")


def test_a_name_with_nul(victim: Agent) -> None:
    refused(victim, zipped({INFO: info([]), "aXb": b""}).replace(b"aXb", b"a\0b"), 400, "not_an_archive")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["api_states/A", "api_states/a"])
def test_duplicates_and_case_twins(victim: Agent, second: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("api_states/a", b"1")
        archive.writestr(second, b"2")
    refused(victim, out.getvalue(), 400, "not_an_archive")


def test_a_file_that_is_also_a_folder(victim: Agent) -> None:
    refused(victim, zipped({"x/y": b"1", "x": b"2"}), 400, "not_an_archive")


def test_links_and_devices(victim: Agent) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            entry = zipfile.ZipInfo("assets/s3/link")
            entry.create_system = 3
            entry.external_attr = (kind | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
        refused(victim, out.getvalue(), 400, "not_an_archive")


def test_encrypted_entries(victim: Agent) -> None:
    pod = bytearray(zipped({"a": b"1"}, zipfile.ZIP_STORED))
    pod[6] |= 1
    pod[pod.rfind(b"PK\x01\x02") + 8] |= 1
    refused(victim, bytes(pod), 400, "not_an_archive")


def test_unknown_packing(victim: Agent) -> None:
    refused(victim, zipped({INFO: info([])}, zipfile.ZIP_BZIP2), 400, "not_an_archive")


@pytest.mark.parametrize("body", [b"", b"hello", b"PK\x05\x06", b"PK\x03\x04" * 100, b"<html></html>", b"\x1f\x8b" + b"0" * 100])
def test_what_is_no_archive(victim: Agent, body: bytes) -> None:
    refused(victim, body, 400, "not_an_archive")


def test_every_cut_of_an_archive(victim: Agent) -> None:
    for part in range(1, 12):
        refused(victim, victim.pod[: len(victim.pod) * part // 12], 400, "not_an_archive")


def test_data_behind_the_archive(victim: Agent) -> None:
    refused(victim, victim.pod + b"more", 400, "not_an_archive")


def test_a_bomb(victim: Agent) -> None:
    before = victim.memory("VmHWM")
    bomb = zipped({INFO: info([]), "assets/s3/blobs/aa/" + "a" * 64: b"\0" * (400 << 20)})
    refused(victim, bomb, 413, "too_large")
    assert victim.memory("VmHWM") - before < 64 << 20


def test_an_entry_that_says_less_than_it_holds(victim: Agent) -> None:
    pod = bytearray(zipped({"assets/x": b"\0" * 100_000, INFO: info([])}))
    at = pod.find(b"PK\x01\x02")
    pod[at + 24 : at + 28] = struct.pack("<I", 50)
    pod[22:26] = struct.pack("<I", 50)
    answered, lines = victim.inject(bytes(pod))
    assert answered == 201 and lines == lines[-1:], "an entry nobody reads changes nothing"
    path = "assets/s3/blobs/aa/" + "a" * 64
    pod = bytearray(zipped({path: b"\0" * 100_000, INFO: info([])}))
    at = pod.find(b"PK\x01\x02")
    pod[at + 24 : at + 28] = struct.pack("<I", 50)
    refused(victim, bytes(pod), 422, "damaged")


def test_overlapping_entries(victim: Agent) -> None:
    pod = bytearray(zipped({"a": b"x" * 1000, "b": b"x" * 1000}, zipfile.ZIP_STORED))
    at = pod.rfind(b"PK\x01\x02")
    pod[at + 42 : at + 46] = struct.pack("<I", 0)
    refused(victim, bytes(pod), 400, "not_an_archive")


def test_a_local_header_that_differs_from_the_directory(victim: Agent) -> None:
    path = ".pod/info.json"
    pod = zipped({path: info([])}, zipfile.ZIP_STORED)
    refused(victim, pod.replace(path.encode(), b".pod/xnfo.json", 1), 400, "not_an_archive")


def test_one_bit_anywhere_in_a_body(victim: Agent) -> None:
    at = victim.pod.find(b"x" * 100) + 50
    damaged = victim.pod[:at] + b"y" + victim.pod[at + 1 :]
    refused(victim, damaged, 422, "damaged")


def test_a_digest_that_differs(victim: Agent) -> None:
    files = contents(victim.pod)
    document = json.loads(files[".pod/capture.json"])
    document["entries"][0]["sha256"] = "0" * 64
    files[".pod/capture.json"] = json.dumps(document).encode()
    refused(victim, zipped(files), 422, "damaged")


def test_a_body_that_is_missing(victim: Agent) -> None:
    files = {k: v for k, v in contents(victim.pod).items() if not k.startswith("assets/")}
    refused(victim, zipped(files), 422, "damaged")


def test_a_body_under_the_wrong_name(victim: Agent) -> None:
    files = contents(victim.pod)
    path = next(k for k in files if k.startswith("assets/"))
    files[path] = b"y" * 9000
    del files[".pod/capture.json"]
    refused(victim, zipped({**files, INFO: info(["s3"])}), 422, "damaged")


def test_another_emulator_version_or_format(victim: Agent) -> None:
    for wrote in ({"version": "5.2.0"}, {"name": "localstack"}):
        refused(victim, zipped({INFO: info([], **wrote)}), 422, "incompatible")
    later = json.loads(info([]))
    later["format"] = 2
    refused(victim, zipped({INFO: json.dumps(later).encode()}), 422, "incompatible")
    status, lines = victim.inject(zipped({INFO: info([], version="5.2.0")}), query="&force=1")
    assert (status, lines[-1]["status"]) == (201, "ok")


def test_an_info_that_is_no_json(victim: Agent) -> None:
    for body in (b"", b"[]", b"{", b"[" * 100_000, b'{"format":1,"emulator":{"name":"moto","version":"5.2.1"},"services":7}'):
        status, lines = victim.inject(zipped({INFO: body}))
        assert status in (400, 422) and "error" in lines[0]


def test_a_state_file_in_an_odd_place(victim: Agent) -> None:
    refused(victim, zipped({"api_states/x.state": b"", INFO: info([])}), 400, "not_an_archive")
    refused(victim, zipped({"api_states/12/sqs/us-east-1/backend.state": b"", INFO: info([])}), 400, "not_an_archive")


def test_state_of_localstack_is_named_and_never_read(victim: Agent) -> None:
    evil = b"cos\nsystem\n(S'touch /tmp/never'\ntR."
    pod = zipped({"api_states/000000000000/sqs/us-east-1/store.state": evil, INFO: info(["sqs"])})
    status, lines = victim.inject(pod)
    assert status == 201 and lines[-1]["status"] == "partial"
    assert lines[0]["service"] == "sqs" and "not state of moto" in lines[0]["message"]


def test_a_service_nobody_knows_is_named(victim: Agent) -> None:
    pod = zipped({"api_states/123456789012/teapot/us-east-1/backend.state": b"", INFO: info(["teapot"])})
    status, lines = victim.inject(pod)
    assert status == 201 and lines[0]["service"] == "teapot" and lines[0]["status"] == "error"


def test_a_body_over_the_cap(victim: Agent) -> None:
    status, lines = victim.inject(b"PK" + b"\0" * (9 << 20))
    assert (status, lines[0]["error"]["code"]) == (413, "too_large")


def test_strategies_of_others(victim: Agent) -> None:
    for strategy in ("service-merge", "deep", "", "x" * 500):
        status, lines = victim.inject(victim.pod, strategy or "%20")
        assert (status, lines[0]["error"]["code"]) == (422, "unsupported_strategy")


def _raw(victim: Agent, request: bytes, half_close: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", victim.port), 20) as line:
        line.sendall(request)
        if half_close:
            line.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
        return answer


def test_a_content_length_that_lies(victim: Agent) -> None:
    head = b"POST /_localstack/pods?merge=overwrite HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s\r\n\r\n"
    longer = _raw(victim, head % str(len(victim.pod) + 10).encode() + victim.pod)
    assert longer.startswith(b"HTTP/1.1 400") and b"bad_request" in longer
    shorter = _raw(victim, head % str(len(victim.pod) - 10).encode() + victim.pod)
    assert shorter.startswith(b"HTTP/1.1 400") and b"not_an_archive" in shorter
    for value in (b"-1", b"9" * 30, b"x"):
        answer = _raw(victim, head % value + victim.pod[:10])
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413")), answer[:200]


def test_a_chunked_body_and_one_that_breaks_off(victim: Agent) -> None:
    head = b"POST /_localstack/pods?merge=account-region-merge HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    pod = zipped({INFO: info([])})
    whole = head + hex(len(pod))[2:].encode() + b"\r\n" + pod + b"\r\n0\r\n\r\n"
    assert _raw(victim, whole).startswith(b"HTTP/1.1 201")
    assert _raw(victim, whole[:-40]).startswith(b"HTTP/1.1 400")
    assert _raw(victim, head + b"zz\r\n" + pod).startswith(b"HTTP/1.1 400")


def _multipart(pod: bytes, field: str = "pod", end: bytes = b"--B--\r\n") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name="{field}"; '
    return head.encode() + b'filename="p.zip"\r\nContent-Type: application/zip\r\n\r\n' + pod + b"\r\n" + end


def test_the_multipart_field(victim: Agent) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    path = "/_localstack/pods?merge=overwrite"
    status, _, body = victim.request("POST", path, _multipart(victim.pod), kind)
    assert status == 201, body
    for broken in (_multipart(victim.pod, "wrong"), _multipart(victim.pod, end=b""), b"--B\r\n", b""):
        status, _, body = victim.request("POST", path, broken, kind)
        assert status == 400 and b'"error"' in body
    status, _, body = victim.request("POST", path, _multipart(victim.pod), {"Content-Type": "multipart/form-data"})
    assert status == 400
