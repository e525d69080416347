"""A team shares pods: two people with an emulator and a store each, and a place that both reach."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from conftest import ROOT
from sound_store import assert_sound
from team import Person, Place, assert_no_secret


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


def test_a_pull_with_nothing_new_and_a_push_of_nothing_say_so(ann, bob):
    ann.state("one")
    assert "1 version" in ann.ok("push", "shop")
    assert ann.ok("push", "shop") == "shop:1 = origin  up to date\n"
    assert "new here" in bob.ok("pull", "shop")
    assert bob.ok("pull", "shop") == "shop:1  up to date\n"
    assert bob.ok("fetch") == "origin/shop:1  up to date  refuse\n"


@pytest.mark.parametrize(("attack", "verdict"), [("byte-code-in-a-queue.bin", "review"), ("a-factory-that-is-a-function.bin", "refuse")])
def test_what_a_fetch_says_of_a_strangers_pod_is_kept(ann, bob, attack, verdict):
    attacks = ROOT / "tests" / "data" / "attacks"
    row = next(row for row in json.loads((attacks / "attacks.json").read_text()) if row["file"] == attack)
    target = ann.podgit.home / "state" / row["path"]
    target.parent.mkdir(parents=True)
    shutil.copy(attacks / attack, target)
    ann.ok("commit", "shop", "--from", ann.podgit.home / "state", "-m", "look at this")
    ann.ok("push", "shop")
    assert verdict not in bob.ok("list", "--remote")
    assert json.loads(bob.ok("list", "--remote", "--json"))["data"]["pods"][0]["verdict"] is None
    assert bob.ok("fetch", "shop").rstrip().endswith(verdict)
    assert bob.ok("fetch", "shop").rstrip().endswith(f"up to date  {verdict}")
    assert re.search(rf"^shop +1 .* {verdict} +look at this$", bob.ok("list", "--remote"), re.M)
    assert json.loads(bob.ok("list", "--remote", "--json"))["data"]["pods"][0]["verdict"] == verdict
    assert re.search(rf"^Fetched: +{verdict}$", bob.ok("show", "origin/shop"), re.M)
    assert json.loads(bob.ok("show", "origin/shop", "--json"))["data"]["fetchedVerdict"] == verdict
    assert "Fetched:" not in ann.ok("show", "shop")


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


def test_a_pod_that_is_damaged_at_the_remote_holds_up_no_other(tmp_path):
    place = Place(f"file://{tmp_path}/pods")
    ann, bob = Person("ann", tmp_path / "ann", place), Person("bob", tmp_path / "bob", place)
    ann.ok("remote", "add", "origin", place)
    for pod in ("orders", "shop", "till"):
        ann.state(f"of {pod}", pod)
    ann.ok("push", "--all")
    (tmp_path / "pods" / "pods" / "shop" / "HEAD").write_text("damaged")

    bob.ok("remote", "add", "origin", place)
    fetched = bob.run("fetch")
    assert fetched.returncode == 12
    assert "origin/shop  failed" in fetched.stdout and "origin/till:1  1 version" in fetched.stdout
    assert "shop: cannot use \"pods/shop/HEAD\"" in fetched.stderr
    listed = bob.run("list", "--remote")
    assert listed.returncode == 12 and "shop: " in listed.stderr
    assert re.search(r"^shop +\? +\? +\? +\(damaged\)$", listed.stdout, re.MULTILINE) and re.search(r"^till +1 ", listed.stdout, re.MULTILINE)
    rows = {row["name"]: row for row in json.loads(bob.run("list", "--remote", "--json").stdout)["data"]["pods"]}
    assert rows["shop"]["error"]["code"] == "CORRUPT" and rows["till"]["error"] is None
    assert bob.run("fetch", "shop").returncode == 7

    eve = Person("eve", tmp_path / "eve", place)
    cloned = eve.run("clone", place)
    assert cloned.returncode == 12 and "with 2 pods" in cloned.stdout
    assert re.findall(r"^(\w+) ", eve.ok("list"), re.MULTILINE) == ["POD", "orders", "till"]
    named = Person("amy", tmp_path / "amy", place)
    assert named.run("clone", place, "shop", "till").returncode == 7
    assert not named.podgit.store.exists()
