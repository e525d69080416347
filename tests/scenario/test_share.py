"""A team shares pods: two people with an emulator and a store each, and a place that both reach."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid

import boto3
import pytest
from conftest import ROOT, Podgit, _find_podgit
from sound_store import assert_sound

sys.path.append(str(ROOT / "tests" / "services"))
from servers import Ceph  # noqa: E402


class Person:
    """Somebody with a store of their own, and the emulator that they work on."""

    def __init__(self, name, home, place, agent=None):
        home.mkdir()
        self.podgit = Podgit(_find_podgit(), home)
        self.podgit._environment.update({"PODGIT_AUTHOR_NAME": name, "PODGIT_AUTHOR_EMAIL": f"{name}@example.org", **place.environment})
        self.agent, self.place = agent, place

    def ok(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"podgit {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *arguments, **more):
        return self.podgit.run(*arguments, instance=self.agent.endpoint if self.agent else None, **more)

    def aws(self, service):
        return boto3.client(service, endpoint_url=self.agent.endpoint, region_name="us-east-1",
                            aws_access_key_id="test", aws_secret_access_key="test")

    def git(self, *arguments):
        return subprocess.run(["git", "-C", str(self.podgit.store), *arguments], check=True, capture_output=True, text=True).stdout

    def state(self, word, pod="shop"):
        """A version without an emulator."""
        folder = self.podgit.home / "state" / "api_states" / "000000000000" / "sqs" / "us-east-1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "backend.state").write_text(word)
        self.ok("commit", pod, "--from", self.podgit.home / "state", "-m", word)


class Place:
    """Where they share, and what it takes to get there."""

    def __init__(self, url, environment=None):
        self.url, self.environment = url, environment or {}

    def __str__(self):
        return self.url


SECRET = []


@pytest.fixture(scope="module")
def ceph():
    server = Ceph()
    yield server
    server.stop()


@pytest.fixture(params=["folder", "ceph"])
def place(request, tmp_path):
    if request.param == "folder":
        return Place(f"file://{tmp_path}/pods")
    bucket = request.getfixturevalue("ceph").bucket(f"team-{uuid.uuid4().hex[:12]}")
    SECRET.append(bucket.secret_key)
    return Place(f"s3://{bucket.name}/pods", {"AWS_ACCESS_KEY_ID": bucket.access_key, "AWS_SECRET_ACCESS_KEY": bucket.secret_key,
                                               "AWS_REGION": bucket.region, "AWS_ENDPOINT_URL_S3": bucket.endpoint})


@pytest.fixture
def ann(tmp_path, place):
    person = Person("ann", tmp_path / "ann", place)
    person.ok("remote", "add", "origin", place)
    return person


@pytest.fixture
def bob(tmp_path, place):
    person = Person("bob", tmp_path / "bob", place)
    person.ok("remote", "add", "origin", place)
    return person


def test_the_emulator_of_the_second_answers_as_the_first_ones_did(start, tmp_path, place):
    ann = Person("ann", tmp_path / "ann", place, start())
    bob = Person("bob", tmp_path / "bob", place, start())
    ann.aws("s3").create_bucket(Bucket="drawings")
    ann.aws("s3").put_object(Bucket="drawings", Key="cat.svg", Body=b"a cat" * 2000)
    ann.aws("sqs").create_queue(QueueName="orders")
    ann.ok("remote", "add", "origin", place)
    ann.ok("save", "shop", "-m", "the shop opens")

    bob.ok("clone", place)
    bob.ok("load", "shop", "--trust")
    assert bob.aws("s3").get_object(Bucket="drawings", Key="cat.svg")["Body"].read() == b"a cat" * 2000
    bob.aws("sqs").create_queue(QueueName="returns")
    assert "shop:2 -> origin" in bob.ok("save", "shop", "-m", "returns")

    ann.aws("s3").create_bucket(Bucket="photos")
    refused = ann.run("save", "shop", "-m", "photos")
    assert refused.returncode == 6 and "podgit pull shop" in refused.stderr and "shop:2 is in this store" in refused.stderr
    both = ann.run("pull", "shop")
    assert both.returncode == 6 and "--force-with-lease" in both.stderr
    assert re.search(r"queue +returns|returns", ann.ok("diff", "shop", "origin/shop"))
    ann.ok("copy", "origin/shop", "shop", "--force")
    ann.ok("inject", "shop", "--trust")
    assert any("returns" in url for url in ann.aws("sqs").list_queues()["QueueUrls"])
    ann.ok("save", "shop", "-m", "both")
    bob.ok("pull", "shop")
    graph = ("log", "--graph", "--format=%H %an %s")
    assert ann.git(*graph, "shop") == bob.git(*graph, "shop")
    for person in (ann, bob):
        assert_sound(person.podgit.store)
        assert_no_secret(person)


def assert_no_secret(person):
    """Keys lie in no file of the store and of the home."""
    for path in person.podgit.home.rglob("*"):
        if path.is_file():
            assert not any(secret.encode() in path.read_bytes() for secret in SECRET), path


def test_a_pull_with_nothing_new_and_a_push_of_nothing_say_so(ann, bob):
    ann.state("one")
    assert "1 version" in ann.ok("push", "shop")
    assert ann.ok("push", "shop") == "shop:1 = origin  up to date\n"
    assert "new here" in bob.ok("pull", "shop")
    assert bob.ok("pull", "shop") == "shop:1  up to date\n"
    assert bob.ok("fetch") == "origin/shop:1  up to date\n"


def test_without_a_place_the_error_says_what_to_do(tmp_path):
    person = Person("eve", tmp_path / "eve", Place(""))
    person.state("one")
    done = person.run("push", "shop")
    assert done.returncode == 5 and "podgit remote add origin URL" in done.stderr
    person.ok("remote", "add", "origin", f"file://{tmp_path}/missing/folder")
    done = person.run("fetch")
    assert done.returncode == 5 and "missing" in done.stderr
    done = person.run("push", "shop")
    assert done.returncode == 5 and "missing" in done.stderr


def percents():
    return [int(word) for word in os.environ.get("PODGIT_PERCENTS", "5,35,65,95").split(",")]


@pytest.mark.parametrize("percent", percents())
def test_push_and_fetch_killed_anywhere_go_on_when_run_again(ann, bob, percent, tmp_path):
    asset = ann.podgit.home / "state" / "assets" / "s3" / "large.bin"
    asset.parent.mkdir(parents=True)
    asset.write_bytes(os.urandom(24 << 20))
    ann.state("one")
    whole = min(timed(ann, "push", "shop", "--dry-run") * 8, 1.5)
    killed_after(ann, whole * percent / 100, "push", "shop")
    assert_sound(ann.podgit.store, left_overs_allowed=True)
    sent = json.loads(ann.ok("push", "shop", "--json"))["data"]["pods"][0]
    assert sent["status"] in ("pushed", "upToDate")
    bob.state("mine", "own")
    whole = 1.0
    killed_after(bob, whole * percent / 100, "pull", "shop")
    assert_sound(bob.podgit.store, left_overs_allowed=True)
    bob.ok("pull", "shop")
    for person in (ann, bob):
        person.state("what a killed command left is swept", "own")
        assert_sound(person.podgit.store)
    out = tmp_path / "out"
    bob.ok("checkout", "shop", out)
    assert (out / "assets" / "s3" / "large.bin").read_bytes() == asset.read_bytes()
    assert not list((bob.podgit.store / "pod" / "incoming").iterdir())


def timed(person, *arguments):
    start = time.monotonic()
    person.run(*arguments)
    return time.monotonic() - start


def killed_after(person, seconds, *arguments):
    process = subprocess.Popen([person.podgit._binary, *arguments], env=person.podgit._environment, cwd=person.podgit.home,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_eight_push_at_once_and_each_acknowledged_version_is_there_once(tmp_path, place):
    people = [Person(f"p{i}", tmp_path / f"p{i}", place) for i in range(8)]
    people[0].ok("remote", "add", "origin", place)
    people[0].state("start")
    people[0].ok("push", "shop")
    for person in people[1:]:
        shutil.copytree(people[0].podgit.store, person.podgit.store)
    for number, person in enumerate(people):
        person.state(f"by {number}")
    running = [subprocess.Popen([p.podgit._binary, "push", "shop"], env=p.podgit._environment, cwd=p.podgit.home,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for p in people]
    codes = []
    for process in running:
        _, error = process.communicate(timeout=120)
        codes.append(process.returncode)
        assert process.returncode in (0, 6), error.decode()
    # All go on from the same version, so that one alone can have been first.
    assert codes.count(0) == 1
    winner = people[codes.index(0)]
    people[0].ok("fetch")
    assert people[0].git("rev-parse", "refs/remotes/origin/shop") == winner.git("rev-parse", "refs/heads/shop")
