"""A bad line between podgit and a bucket: what arrived is not sent again, the outcome of a lost answer is found out, and
keys show nowhere.

Where a command dies is a request, so that a point is the same one on every machine. $PODGIT_KILL_POINTS says at how many
of the requests push and clone are killed (default 3 each), "all" at every one."""

import json
import os
import re
import threading
import time
from pathlib import Path

import pytest
from fault_proxy import Fault, FaultProxy
from sound_store import assert_clear_error, assert_sound
from team import Person, Place, assert_no_secret

MIB = 1 << 20
PART = 16 * MIB  # of an upload
RANGE = 8 * MIB  # of a download


@pytest.fixture
def line(bucket_place):
    with FaultProxy(bucket_place.environment["AWS_ENDPOINT_URL_S3"]) as proxy:
        yield proxy


def person(name, tmp_path, place):
    made = Person(name, tmp_path / name, place)
    made.ok("remote", "add", "origin", place)
    return made


@pytest.fixture
def ann(tmp_path, bucket_place, line):
    return person("ann", tmp_path, bucket_place.through(line))


@pytest.fixture
def bob(tmp_path, bucket_place, line):
    return person("bob", tmp_path, bucket_place.through(line))


def asks(proxy):
    """What was asked but for the probe of the bucket."""
    return [request for request in proxy.requests if "/probe/" not in request.target]


def add_large(someone, size):
    asset = someone.podgit.home / "state" / "assets" / "s3" / "large.bin"
    asset.parent.mkdir(parents=True)
    asset.write_bytes(os.urandom(size))
    return asset


def points(last):
    """Requests from the first to the last at which a command is killed, evenly over all of them."""
    wanted = os.environ.get("PODGIT_KILL_POINTS", "3")
    count = last if wanted == "all" else min(last, int(wanted))
    return [1 + int((number + 0.5) * last / count) for number in range(count)]


def kill_at(proxy, someone, number, *arguments, noted=lambda: True):
    """Kills a command while its request of that number waits for an answer, once everything else has been answered and
    `noted`. False: it came to its end before."""
    before, reached = len(asks(proxy)), threading.Event()

    def choose(request):
        if len(asks(proxy)) - before < number or reached.is_set():
            return None
        reached.set()
        return Fault("stall-request")

    proxy.choose = choose
    running = someone.start(*arguments)
    while not reached.wait(0.05) and running.poll() is None:
        pass
    if reached.is_set():
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and running.poll() is None:
            if all(request.fault or request.status for request in asks(proxy)[before:]) and noted():
                break
            time.sleep(0.05)
        running.kill()
    running.communicate()
    proxy.choose = None
    return running.returncode != 0


def sent_parts(requests):
    """Number and size of each part that arrived, in each upload."""
    return [(request.target.split("?")[0], re.search(r"partNumber=(\d+)", request.target)[1], request.sent) for request in requests
            if request.method == "PUT" and "partNumber=" in request.target and request.status == 200]


def noted_parts(store):
    notes = (json.loads(path.read_text()) for path in (store / "pod" / "uploads").glob("upload-*"))
    return sum(len(note["parts"]) for note in notes)


def test_a_push_that_was_killed_goes_on_with_the_parts_that_arrived(ann, line, tmp_path, bucket_place):
    add_large(ann, 4 * PART + MIB)
    ann.state("large")
    ann.ok("push", "shop")
    rehearsal = asks(line)
    assert len(sent_parts(rehearsal)) == 5
    for point in points(len(rehearsal)):
        place = Place(f"{bucket_place.url}/{point}", ann.place.environment)
        ann.ok("remote", "add", f"point-{point}", place)
        before = len(asks(line))
        there = lambda before=before: noted_parts(ann.podgit.store) == len(sent_parts(asks(line)[before:]))  # noqa: E731
        killed = kill_at(line, ann, point, "push", "shop", "--remote", f"point-{point}", noted=there)
        assert_sound(ann.podgit.store, left_overs_allowed=True)
        again = json.loads(ann.ok("push", "shop", "--remote", f"point-{point}", "--json"))["data"]["pods"][0]
        assert again["status"] in ("pushed", "upToDate") and killed, point
        parts = sent_parts(asks(line)[before:])
        assert len(parts) == len(set(parts)) == 5, f"{point}: {parts}"
        packs = [request for request in asks(line)[before:] if request.method == "PUT" and "/packs/" in request.target
                 and request.status == 200 and "partNumber=" not in request.target]
        assert len({request.target for request in packs}) == len(packs), f"{point}: {[request.target for request in packs]}"
        ann.state("what a killed push left is swept", "own")
        assert_sound(ann.podgit.store)
        reader = Person(f"reader-{point}", tmp_path / f"reader-{point}", place)
        reader.ok("clone", place)
        assert reader.git("rev-parse", "shop") == ann.git("rev-parse", "shop")
        assert_sound(reader.podgit.store)


def test_a_clone_that_was_killed_goes_on_with_the_ranges_that_arrived(ann, line, tmp_path):
    asset = add_large(ann, 5 * RANGE + MIB)
    ann.state("large")
    ann.ok("push", "shop")

    def clone(name):
        line.clear()
        reader = Person(name, tmp_path / name, ann.place)
        reader.ok("clone", ann.place)
        return asks(line)

    rehearsal = clone("rehearsal")
    whole = sum(request.received for request in rehearsal if "/packs/" in request.target)
    for point in points(len(rehearsal)):
        line.clear()
        reader = Person(f"reader-{point}", tmp_path / f"reader-{point}", ann.place)
        incoming = reader.podgit.store.with_name("store.part") / "pod" / "incoming"

        def noted():
            arrived = sum(1 for request in asks(line) if "/packs/" in request.target and request.status and "range" in request.headers)
            return sum(path.read_bytes().split(b"\n")[-1].count(b"1") for path in incoming.glob("*.part-note")) >= arrived or \
                not list(incoming.glob("*.part-note"))

        assert kill_at(line, reader, point, "clone", ann.place, noted=noted), point
        reader.ok("clone", ann.place)
        received = sum(request.received for request in asks(line) if "/packs/" in request.target and not request.fault)
        assert received == whole, f"{point}: {received} in place of {whole}"
        reader.ok("checkout", "shop", tmp_path / f"out-{point}")
        assert (tmp_path / f"out-{point}" / "assets" / "s3" / "large.bin").read_bytes() == asset.read_bytes()
        assert_sound(reader.podgit.store)
        assert not list((reader.podgit.store / "pod" / "incoming").iterdir())


def test_a_shallow_clone_that_was_killed_goes_on_with_the_stretches_that_arrived(ann, line, tmp_path):
    assets = ann.podgit.home / "state" / "assets" / "s3"
    assets.mkdir(parents=True)
    for number in range(1, 4):
        for name in range(4):
            (assets / f"{name}.bin").write_bytes(os.urandom(500 << 10))
        ann.state(f"word {number}")
    ann.ok("push", "shop")
    line.clear()
    Person("first", tmp_path / "first", ann.place).ok("clone", "--depth", "1", ann.place)
    rehearsal = asks(line)
    whole = sum(request.received for request in rehearsal if "/packs/" in request.target)
    assert 4 * (500 << 10) < whole < 5 * (500 << 10)
    for point in points(len(rehearsal)):
        line.clear()
        reader = Person(f"reader-{point}", tmp_path / f"reader-{point}", ann.place)
        incoming = reader.podgit.store.with_name("store.part") / "pod" / "incoming"

        def noted():
            return all(len(note.read_bytes().splitlines()) >= sum(1 for request in asks(line) if note.name.split(".")[0] + ".pack" in request.target
                                                                 and request.status) for note in incoming.glob("*.stretches-note"))

        assert kill_at(line, reader, point, "clone", "--depth", "1", ann.place, noted=noted), point
        reader.ok("clone", "--depth", "1", ann.place)
        received = sum(request.received for request in asks(line) if "/packs/" in request.target and not request.fault)
        assert received == whole, f"{point}: {received} in place of {whole}"
        assert (reader.podgit.store / "shallow").exists()
        assert_sound(reader.podgit.store)
        assert not list((reader.podgit.store / "pod" / "incoming").iterdir())


def is_head_put(request):
    return request.method == "PUT" and request.target.split("?")[0].endswith("/shop/HEAD")


@pytest.mark.parametrize("kind", ["lost-answer", "cut-head", "reset-request", "status"])
def test_the_outcome_of_a_lost_answer_is_found_out(ann, bob, line, kind):
    """Once the line is back. The request was done in the first two cases, and not in the others."""
    ann.state("one")
    ann.ok("push", "shop")
    ann.state("two")
    seen = []
    line.choose = lambda request: seen.append(request) or Fault(kind) if is_head_put(request) and not seen else None
    assert "shop:2 -> origin" in ann.ok("push", "shop")
    assert len(seen) == 1
    line.choose = None
    bob.ok("pull", "shop")
    assert bob.git("log", "--format=%s", "shop").splitlines() == ["two", "one"]


@pytest.mark.parametrize("kind", ["lost-answer", "reset-request"])
def test_what_nobody_can_know_is_called_unknown_and_found_out_by_the_next_push(ann, bob, line, kind):
    ann.state("one")
    ann.ok("push", "shop")
    ann.state("two")
    cut = []

    def choose(request):
        if is_head_put(request) and not cut:
            cut.append(request)
            return Fault(kind)
        return Fault("reset-request") if cut else None

    line.choose = choose
    done = ann.run("push", "shop")
    assert_clear_error(done, 13)
    assert "nobody knows whether" in done.stderr and "nothing was deleted" in done.stderr
    line.choose = None
    arrived = kind == "lost-answer"
    assert ("up to date" in ann.ok("push", "shop")) == arrived
    bob.ok("pull", "shop")
    assert bob.git("log", "--format=%s", "shop").splitlines() == ["two", "one"]
    assert_sound(ann.podgit.store)


def test_a_small_push_takes_five_requests_and_a_pull_of_nothing_one(ann, bob, line):
    ann.state("one")
    ann.ok("push", "shop")
    bob.ok("pull", "shop")
    ann.state("two")
    line.clear()
    ann.ok("push", "shop")
    assert len(line.requests) <= 5, line.requests
    line.clear()
    bob.ok("pull", "shop")
    assert len(line.requests) <= 3, line.requests
    line.clear()
    assert "up to date" in bob.ok("pull", "shop")
    assert len(line.requests) == 1
    line.clear()
    assert "up to date" in ann.ok("push", "shop")
    assert len(line.requests) == 1


STATUSES = {"500": Fault("status", status=500, body=b"<Error><Code>InternalError</Code></Error>"),
            "403": Fault("status", status=403, body=b"<Error><Code>SignatureDoesNotMatch</Code></Error>"),
            "a portal": Fault("status", status=200, body=b"<html>log in</html>", headers=(("Content-Type", "text/html"),)),
            "a redirect": Fault("status", status=307, headers=(("Location", "https://elsewhere.example/?X-Amz-Signature=1"),)),
            "resets": Fault("reset-request"), "cut answers": Fault("cut-head")}


@pytest.mark.parametrize("fault, keys", list(zip(STATUSES, ["environment", "profile"] * 3)))
def test_no_key_shows_whatever_goes_wrong(tmp_path, bucket_place, line, fault, keys):
    place = bucket_place.through(line)
    secrets = [*place.secrets, "canary-of-a-token"]
    environment = {**place.environment, "AWS_SESSION_TOKEN": "canary-of-a-token"}
    if keys == "profile":
        (tmp_path / "aws").mkdir()
        (tmp_path / "aws" / "credentials").write_text(
            f"[team]\naws_access_key_id = {environment.pop('AWS_ACCESS_KEY_ID')}\n"
            f"aws_secret_access_key = {environment.pop('AWS_SECRET_ACCESS_KEY')}\naws_session_token = {environment.pop('AWS_SESSION_TOKEN')}\n")
        environment |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws" / "credentials"), "AWS_PROFILE": "team"}
    eve = person("eve", tmp_path, Place(place.url, environment, secrets))
    eve.state("one")
    line.choose = lambda request: STATUSES[fault]
    for arguments in (["push", "shop"], ["fetch", "--json"], ["clone", place.url, "--store", "other"]):
        running = eve.start(*arguments)
        arguments_of_it = b""
        while running.poll() is None and not arguments_of_it:
            try:
                arguments_of_it = Path(f"/proc/{running.pid}/cmdline").read_bytes()
            except OSError:
                break
        shown = "".join(running.communicate(timeout=120)) + arguments_of_it.decode()
        assert 0 < running.returncode < 14 and "error" in shown, f"{arguments}: {running.returncode}\n{shown}"
        assert not any(secret in shown for secret in secrets), shown
        assert not re.search(r"Signature=|AWS4-HMAC", shown), shown
    assert line.requests
    assert not any(secret in request.target for request in line.requests for secret in secrets)
    assert_no_secret(eve)
