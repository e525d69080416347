"""Captures and injects while requests go on."""

import json
import threading
import time
import urllib.parse
import urllib.request

import pytest
from conftest import Agent, contents, document

from pod_agent.lock import Busy, StateLock


def in_thread(work):
    result: dict = {}

    def run() -> None:
        try:
            result["value"] = work()
        except BaseException as error:  # handed to the test
            result["error"] = error
        result["end"] = time.monotonic()

    thread = threading.Thread(target=run)
    thread.start()

    def join(timeout: float = 60):
        thread.join(timeout)
        assert not thread.is_alive()
        if "error" in result:
            raise result["error"]
        return result["value"]

    return join


def query_protocol(agent: Agent, url: str, in_address: bool, **fields: str) -> bytes:
    data = {"Action": "ReceiveMessage", "Version": "2012-11-05", "QueueUrl": url, **fields}
    text = urllib.parse.urlencode(data)
    head = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"}
    path = urllib.parse.urlsplit(url).path
    if in_address:
        asked = urllib.request.Request(f"{agent.url}{path}?{text}", headers=head)
    else:
        asked = urllib.request.Request(f"{agent.url}{path}", data=text.encode(), headers=head)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read()


def test_a_long_poll_stops_no_capture_and_sees_a_message(agent: Agent) -> None:
    sqs = agent.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    by_queue = sqs.create_queue(QueueName="waits", Attributes={"ReceiveMessageWaitTimeSeconds": "20"})["QueueUrl"]
    agent.capture()
    polls = [
        in_thread(lambda: agent.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)),
        in_thread(lambda: agent.client("sqs").receive_message(QueueUrl=by_queue)),
    ]
    time.sleep(0.7)
    start = time.monotonic()
    agent.capture("sqs")
    assert time.monotonic() - start < 1
    start = time.monotonic()
    for queue in (url, by_queue):
        sqs.send_message(QueueUrl=queue, MessageBody="arrived")
    for poll in polls:
        assert [m["Body"] for m in poll()["Messages"]] == ["arrived"]
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("in_address", [False, True])
def test_the_query_protocol_polls_too(agent: Agent, in_address: bool) -> None:
    sqs = agent.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"ReceiveMessageWaitTimeSeconds": "20"})["QueueUrl"]
    polls = [
        in_thread(lambda: query_protocol(agent, url, in_address)),
        in_thread(lambda: query_protocol(agent, url, in_address, WaitTimeSeconds="20")),
    ]
    time.sleep(0.5)
    start = time.monotonic()
    agent.capture("sqs")
    assert time.monotonic() - start < 1
    for _ in polls:
        sqs.send_message(QueueUrl=url, MessageBody="arrived")
    for poll in polls:
        assert b"<Body>arrived</Body>" in poll()


def test_a_poll_ends_when_its_time_is_over(agent: Agent) -> None:
    sqs = agent.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"ReceiveMessageWaitTimeSeconds": "2"})["QueueUrl"]
    for given, least, most in (({}, 1.8, 4), ({"WaitTimeSeconds": 0}, 0, 1), ({"WaitTimeSeconds": 1}, 0.9, 2.5)):
        start = time.monotonic()
        assert "Messages" not in sqs.receive_message(QueueUrl=url, **given)
        assert least <= time.monotonic() - start < most
    with pytest.raises(sqs.exceptions.ClientError, match="WaitTimeSeconds"):
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=21)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=url + "-none", WaitTimeSeconds=5)


def test_a_poll_sees_a_message_that_an_inject_brings(agent: Agent, other: Agent) -> None:
    url = agent.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    far = other.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    other.client("sqs").send_message(QueueUrl=far, MessageBody="injected")
    pod = other.capture("sqs")
    poll = in_thread(lambda: agent.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20))
    time.sleep(0.5)
    assert agent.inject(pod)[0] == 201
    assert [m["Body"] for m in poll()["Messages"]] == ["injected"]


def test_swf_sleeps_without_the_lock(agent: Agent) -> None:
    swf = agent.client("swf")
    swf.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1")
    agent.capture("swf")
    polls = [
        in_thread(lambda: agent.client("swf").poll_for_decision_task(domain="d", taskList={"name": "t"})) for _ in range(3)
    ]
    time.sleep(0.3)
    start = time.monotonic()
    agent.capture("swf")
    assert time.monotonic() - start < 0.6
    for poll in polls:
        poll()


def test_four_writers_lose_no_request_and_every_capture_is_a_cut(agent: Agent, other: Agent) -> None:
    """Each writer puts an object, and then a message that names it: a cut holds no message without its object."""
    s3, sqs = agent.client("s3"), agent.client("sqs")
    s3.create_bucket(Bucket="bucket-b1")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    stop = threading.Event()

    def write(writer: int) -> int:
        mine_s3, mine_sqs, number = agent.client("s3"), agent.client("sqs"), 0
        while not stop.is_set():
            mine_s3.put_object(Bucket="bucket-b1", Key=f"{writer}/{number}", Body=bytes([number % 256]) * 6000)
            mine_sqs.send_message(QueueUrl=url, MessageBody=f"{writer}/{number}")
            number += 1
        return number

    writers = [in_thread(lambda writer=writer: write(writer)) for writer in range(4)]
    try:
        pods = []
        for _ in range(4):
            time.sleep(0.2)
            pods.append(agent.capture())
    finally:
        stop.set()
    written = [writer() for writer in writers]
    assert min(written) > 0
    for pod in pods:
        assert document(pod)["services"]["failed"] == []
        contents(pod)
    assert other.inject(pods[-1])[1][-1]["status"] == "ok"
    keys = {o["Key"] for o in other.client("s3").list_objects_v2(Bucket="bucket-b1").get("Contents", [])}
    state = contents(pods[-1])["api_states/123456789012/sqs/us-east-1/backend.state"]
    for key in keys:
        body = other.client("s3").get_object(Bucket="bucket-b1", Key=key)["Body"].read()
        assert body == bytes([int(key.split("/")[1]) % 256]) * 6000
    there = other.client("sqs")
    far = there.get_queue_url(QueueName="q")["QueueUrl"]
    seen = set()
    while messages := there.receive_message(QueueUrl=far, MaxNumberOfMessages=10).get("Messages"):
        seen |= {m["Body"] for m in messages}
    assert seen and seen <= keys and len(keys) - len(seen) <= 4 and state


def test_a_body_streams_as_it_was_though_it_is_overwritten_and_deleted(agent: Agent) -> None:
    """The archive is read slowly; meanwhile the objects change. Sizes on both sides of moto's 16 MiB threshold."""
    s3 = agent.client("s3")
    s3.create_bucket(Bucket="bucket-b1")
    for key, size in (("rolled", 20 << 20), ("deleted", 18 << 20), ("short", 3 << 20)):
        s3.put_object(Bucket="bucket-b1", Key=key, Body=key[:1].encode() * size)
    answer = urllib.request.urlopen(agent.url + "/_localstack/pods/state?services=s3", timeout=60)
    first = answer.read(1000)
    s3.put_object(Bucket="bucket-b1", Key="rolled", Body=b"new" * 7_000_000)
    s3.put_object(Bucket="bucket-b1", Key="short", Body=b"new")
    s3.delete_object(Bucket="bucket-b1", Key="deleted")
    agent.reset("s3")
    files = contents(first + answer.read())
    bodies = sorted((data[:1], len(data)) for path, data in files.items() if path.startswith("assets/"))
    assert bodies == [(b"d", 18 << 20), (b"r", 20 << 20), (b"s", 3 << 20)]


def test_slow_clients_hold_up_nobody(agent: Agent) -> None:
    import socket

    line = socket.create_connection(("127.0.0.1", agent.port))
    line.sendall(b"PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc")
    time.sleep(0.2)
    start = time.monotonic()
    agent.capture("s3")
    assert time.monotonic() - start < 1
    line.close()


def test_the_lock_lets_writers_in_and_bounds_every_wait() -> None:
    lock = StateLock()
    stop, inside = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            with lock.shared():
                inside.append(1)
                time.sleep(0.005)
                inside.pop()

    readers = [in_thread(read) for _ in range(8)]
    for _ in range(20):
        start = time.monotonic()
        with lock.exclusive(5):
            assert not inside
        assert time.monotonic() - start < 1
    stop.set()
    for reader in readers:
        reader()
    with lock.shared(), pytest.raises(Busy), lock.exclusive(0.2):
        pass
    with lock.exclusive(), pytest.raises(Busy), lock.shared(0.2):
        pass


def test_a_request_that_waits_for_another_request_does_not_deadlock() -> None:
    """The outer request holds the lock and needs an inner one, which arrives while a capture waits."""
    lock = StateLock()
    waiting = threading.Event()

    def outer() -> None:
        with lock.shared():
            waiting.wait(5)
            time.sleep(0.1)
            in_thread(inner)()

    def inner() -> None:
        with lock.shared(20):
            pass

    request = in_thread(outer)
    time.sleep(0.1)

    def capture() -> None:
        waiting.set()
        with lock.exclusive(20):
            pass

    in_thread(capture)()
    request()


