"""What lies at a remote: shared between pods, looked at, checked, and loaded from."""

import contextlib
import functools
import http.server
import json
import os
import random
import re
import threading

import pytest
from fault_proxy import FaultProxy
from sound_store import assert_clear_error, assert_sound
from team import Person, Place


def bodies(person, count=20, size=256 << 10, seed=1):
    """Files of a service beside its state, that do not compress."""
    folder = person.podgit.home / "state" / "assets" / "s3"
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    for number in range(count):
        (folder / f"body-{number}").write_bytes(source.randbytes(size))


def pushed(person, *arguments):
    return json.loads(person.ok("push", *arguments, "--json"))["data"]["pods"]


def test_a_second_pod_sends_what_it_does_not_share(ann, bob, place):
    bodies(ann)
    ann.state("first", "first")
    whole = pushed(ann, "first")[0]["bytesSent"]
    bob.state("nothing in common", "own")
    bodies(bob)
    (bob.podgit.home / "state" / "assets" / "s3" / "body-3").write_bytes(os.urandom(256 << 10))
    bob.state("second", "second")
    row = pushed(bob, "second")[0]
    assert row["bytesSent"] <= whole * 8 / 100 and row["bytesShared"] >= whole * 90 / 100
    if place.url.startswith("file:"):
        eve = Person("eve", bob.podgit.home.parent / "eve", place)
        cloned = json.loads(eve.ok("clone", place, "--json"))["data"]["pods"]
        assert sum(pod["bytesReceived"] for pod in cloned) < whole * 115 / 100
        eve.ok("fsck")
        eve.ok("fsck", "--remote")
        assert_sound(eve.podgit.store)
    ann.ok("fetch", "second")
    assert "body-3" in ann.ok("diff", "first", "origin/second", "--files")
    # the first pod goes, what the second needs of it stays
    ann.ok("delete", "first", "--remote", "--yes")
    bob.ok("fsck", "--remote=origin", "second")


def test_a_small_push_takes_five_requests_and_a_pull_of_nothing_one(bucket_place, tmp_path):
    with FaultProxy(bucket_place.environment["AWS_ENDPOINT_URL_S3"]) as proxy:
        place = bucket_place.through(proxy)
        ann, bob = Person("ann", tmp_path / "ann", place), Person("bob", tmp_path / "bob", place)
        for person in (ann, bob):
            person.ok("remote", "add", "origin", place)
        ann.state("one")
        ann.ok("push", "shop")
        bob.ok("pull", "shop")

        def requests(*arguments, person=ann):
            before = len(proxy.requests)
            person.ok(*arguments)
            return len(proxy.requests) - before

        ann.state("two")
        assert requests("push", "shop") <= 5
        assert requests("push", "shop") == 1
        assert requests("pull", "shop", person=bob) <= 3
        assert requests("pull", "shop", person=bob) == 1
        assert requests("fetch", "shop", person=bob) == 1


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.fixture
def pods(tmp_path):
    """A folder with three pods of which one has a skeleton and content."""
    where = Place(f"file://{tmp_path}/pods")
    person = Person("ann", tmp_path / "ann", where)
    person.ok("remote", "add", "origin", where)
    person.state("small", "small")
    person.state("till", "till")
    bodies(person, 8)
    person.state("shop", "shop")
    person.ok("push", "--all")
    return person, tmp_path / "pods"


def rows_of(person, *arguments):
    done = person.run("fsck", "--remote=origin", "--json", *arguments)
    data = json.loads(done.stdout)["data"]
    assert done.returncode == (7 if data["damaged"] else 0), done.stderr
    return {row["name"]: [check["check"] for check in row["checks"]] for row in data["pods"]}


def test_fsck_of_a_remote_names_what_is_damaged_in_each_pod(pods):
    person, folder = pods
    assert rows_of(person) == rows_of(person, "--quick") == {"shop": [], "small": [], "till": []}
    assert person.ok("fsck", "--remote") == "origin is sound: 3 pods, 0 damaged\n"
    assert "shop  sound, 2 packs" in person.ok("fsck", "--remote", "-v")

    content = max(folder.rglob("*.pack"), key=lambda path: path.stat().st_size)
    kept = content.read_bytes()
    damage(content)
    assert rows_of(person, "--quick") == {"shop": [], "small": [], "till": []}
    assert rows_of(person) == {"shop": ["pack"], "small": [], "till": []}
    assert rows_of(person, "small") == {"small": []}
    content.unlink()
    assert rows_of(person) == rows_of(person, "--quick") == {"shop": ["pack"], "small": [], "till": []}
    content.write_bytes(kept[:-7])
    assert rows_of(person, "--quick")["shop"] == ["pack"]
    content.write_bytes(kept)
    index = next(folder.rglob("*.idx"))
    damage(index)
    assert rows_of(person)["shop"] == ["index"]
    (folder / "pods" / "till" / "HEAD").write_text("{}")
    manifest = next((folder / "pods" / "small" / "manifests").iterdir())
    manifest.unlink()
    assert rows_of(person) == {"shop": ["index"], "small": ["manifest"], "till": ["manifest"]}
    told = person.run("fsck", "--remote")
    assert told.returncode == 7 and "origin is damaged: 3 pods, 3 damaged" in told.stdout
    assert f"packs/{index.parent.name}/{index.name}" in told.stdout
    assert_clear_error(person.run("fsck", "--remote", "none"), 5)
    (folder / "format.json").write_text("{")
    assert person.run("fsck", "--remote").returncode == 7
    assert not list((person.podgit.store / "pod" / "tmp").iterdir())


def test_fsck_of_a_remote_finds_what_no_pack_holds(pods):
    """A manifest that names less than its refs need, and a HEAD that is older than what was seen."""
    person, folder = pods
    head = (folder / "pods" / "shop" / "HEAD").read_bytes()
    person.state("again", "shop")
    person.ok("push", "shop")
    (folder / "pods" / "shop" / "HEAD").write_bytes(head)
    assert rows_of(person)["shop"] == ["head"]


def test_fsck_of_a_bucket(ann):
    ann.state("one")
    ann.ok("push", "shop")
    assert ann.ok("fsck", "--remote") == "origin is sound: 1 pod, 0 damaged\n"


def test_remote_show_says_how_pods_stand(ann, bob, place):
    for pod in ("shop", "till"):
        ann.state("one", pod)
    ann.ok("push", "--all")
    bob.ok("pull", "shop")
    bob.state("two")
    bob.state("only here", "own")
    shown = bob.ok("remote", "show", "origin")
    assert place.url in shown and re.search(r"^shop +2 +1 +1 ahead$", shown, re.M) and re.search(r"^till +- +- +not fetched$", shown, re.M)
    assert "own" not in shown
    ann.state("other")
    ann.ok("push", "shop")
    states = {row["name"]: row["state"] for row in json.loads(bob.ok("remote", "show", "origin", "--json"))["data"]["pods"]}
    assert states == {"shop": "moved since the last fetch", "till": "not fetched"}
    bob.ok("fetch")
    data = json.loads(bob.ok("remote", "show", "origin", "--json"))["data"]
    rows = {row["name"]: row for row in data["pods"]}
    assert (rows["shop"]["ahead"], rows["shop"]["behind"]) == (1, 1) and rows["till"]["state"] == "not here"
    assert data["lastSeen"] and data["kind"] == ("folder" if place.url.startswith("file:") else "bucket")
    if data["kind"] == "bucket":
        assert ann.ok("remote", "show", "origin").count("create-only, replace if unchanged") == 1
    assert_clear_error(bob.run("remote", "show", "none"), 5)


def test_what_a_remote_has_is_named_wherever_a_version_is(ann, bob, tmp_path):
    for word in ("one", "two", "three"):
        ann.state(word)
    ann.ok("push", "shop")
    bob.state("mine")
    bob.ok("fetch")
    assert "version shop:3" in bob.ok("log", "origin/shop") and "version shop:2" in bob.ok("show", "origin/shop:2")
    assert bob.ok("log", "origin/shop~1", "--oneline").count("\n") == 2
    assert "backend.state" in bob.ok("diff", "shop", "origin/shop", "--files")
    assert len(json.loads(bob.ok("versions", "origin/shop", "--json"))["data"]["versions"]) == 3
    bob.ok("checkout", "origin/shop:1", tmp_path / "out")
    assert "one" in next((tmp_path / "out").rglob("backend.state")).read_text()
    bob.ok("export", "origin/shop:2", tmp_path / "two.zip")
    assert bob.run("verify", "origin/shop").returncode in (0, 8)
    bob.ok("copy", "origin/shop:2", "theirs")
    for command in ("log", "show", "verify"):
        assert_clear_error(bob.run(command, "origin/none"), 5)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.queries.append(query)
        if path.startswith("/denied"):
            return self.send_error(403)
        if path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/demo.zip")
            return self.end_headers()
        self.path = path
        super().do_GET()


@contextlib.contextmanager
def web(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        server.queries = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_an_archive_is_loaded_from_a_file_and_from_a_url(start, tmp_path):
    ann = Person("ann", tmp_path / "ann", Place(""), start())
    bob = Person("bob", tmp_path / "bob", Place(""), start())
    ann.aws("sqs").create_queue(QueueName="orders")
    ann.ok("commit", "shop", "-m", "with a queue")
    (tmp_path / "web").mkdir()
    ann.ok("export", "shop", tmp_path / "web" / "demo.zip")

    def queues():
        return bob.aws("sqs").list_queues().get("QueueUrls", [])

    loaded = bob.ok("load", tmp_path / "web" / "demo.zip", "--trust")
    assert "demo:1" in loaded and any("orders" in url for url in queues())
    bob.ok("undo")
    assert not queues()
    canary = "X-Amz-Signature=" + "5ec2e7" * 8
    with web(tmp_path / "web") as (server, url):
        done = bob.run("load", f"{url}/demo.zip?{canary}", "--as", "tour", "--trust", "-v")
        assert done.returncode == 0, done.stderr
        assert server.queries == [canary] and any("orders" in name for name in queues())
        failures = [bob.run("load", f"{url}/{path}.zip?{canary}", "--as", "tour") for path in ("denied", "moved", "none")]
        for failure, code in zip(failures, (4, 1, 5)):
            assert_clear_error(failure, code)
        (tmp_path / "web" / "junk.zip").write_bytes(b"no archive" * 100)
        failures.append(bob.run("load", f"{url}/junk.zip?{canary}", "--as", "tour"))
        assert failures[-1].returncode != 0
        # again the same: the pod of that name holds it already
        assert "demo:1" in bob.ok("load", f"{url}/demo.zip", "--trust")
        assert "Signature" not in "".join(one.stdout + one.stderr for one in (done, *failures))
    for path in bob.podgit.home.rglob("*"):
        assert not path.is_file() or b"5ec2e75ec2e7" not in path.read_bytes(), path
    assert_clear_error(bob.run("load", "http://192.0.2.1.example/demo.zip"), 8)

    ann.aws("sqs").create_queue(QueueName="more")
    ann.ok("commit", "shop")
    ann.ok("export", "shop", tmp_path / "web" / "demo.zip", "--force")
    refused = bob.run("load", tmp_path / "web" / "demo.zip", "--trust")
    assert_clear_error(refused, 6)
    assert "--as demo" in refused.stderr
    assert "demo:2" in bob.ok("load", tmp_path / "web" / "demo.zip", "--as", "demo", "--trust")
