"""A store that has the newest versions of a team's pods alone does with them what any store does."""

import json
import os
import re

import pytest
from sound_store import assert_clear_error, assert_sound, git
from team import Person


@pytest.fixture
def history(ann):
    """Six versions in one push, each with a file of its own: a skeleton and content."""
    bodies = ann.podgit.home / "state" / "assets" / "s3"
    bodies.mkdir(parents=True)
    for number in range(1, 7):
        (bodies / "body.bin").write_bytes(os.urandom(400 << 10))
        ann.state(f"word {number}")
    ann.ok("push", "shop")
    return ann


@pytest.fixture
def bob(tmp_path, place):
    return Person("bob", tmp_path / "bob", place)


def versions(person, ref="shop"):
    return [version["number"] for version in json.loads(person.ok("versions", ref, "--json"))["data"]["versions"]]


def test_a_shallow_clone_works_and_says_what_it_cannot(history, bob, place, tmp_path):
    row = json.loads(bob.ok("clone", "--depth", "1", place, "--json"))["data"]["pods"][0]
    assert (400 << 10) < row["bytesReceived"] < (700 << 10)
    store = bob.podgit.store
    assert_sound(store)
    assert git(store, "log", "--format=%s", "shop") == "word 6\n"
    assert versions(bob) == [6]
    for command in (("log", "shop"), ("log", "shop", "--oneline", "--stat"), ("versions", "shop")):
        done = bob.run(*command)
        assert done.returncode == 0 and "versions before shop:6 are not in this store" in done.stderr, command
    assert "version shop:6" in bob.ok("show", "shop")
    for command in (("show", "shop:5"), ("diff", "shop"), ("diff", "shop:5", "shop"), ("checkout", "shop~1", tmp_path / "x")):
        done = bob.run(*command)
        assert_clear_error(done, 5)
        assert "podgit fetch --unshallow shop" in done.stderr, command
    bob.ok("checkout", "shop", tmp_path / "out")
    history.ok("checkout", "shop", tmp_path / "anns")
    assert read_all(tmp_path / "out") == read_all(tmp_path / "anns")

    bob.state("by bob")
    assert re.search(r"1 (file|resource)?.*changed|~", bob.ok("diff", "shop:6", "shop:7", "--files"))
    assert "shop:7 -> origin  1 version" in bob.ok("push", "shop")
    history.ok("pull", "shop")
    assert versions(history) == [7, 6, 5, 4, 3, 2, 1]
    history.state("by ann")
    history.ok("push", "shop")
    assert "shop:7 -> shop:8" in bob.ok("pull", "shop")
    bob.ok("gc")
    bob.ok("fsck")
    bob.ok("du", "shop")
    assert bob.run("doctor").returncode == 0
    assert_sound(store)
    bob.ok("undo")
    assert versions(bob) == [7, 6]

    bob.ok("remote", "add", "elsewhere", f"file://{tmp_path}/elsewhere")
    refused = bob.run("push", "shop", "--remote", "elsewhere")
    assert_clear_error(refused, 8)
    assert "--unshallow" in refused.stderr

    assert "2 older versions" in bob.ok("fetch", "--depth", "5", "shop")
    assert versions(bob, "origin/shop") == [8, 7, 6, 5, 4]
    assert_sound(store)
    assert "3 older versions" in bob.ok("fetch", "--unshallow")
    assert not (store / "shallow").exists()
    assert bob.git("log", "--format=%H %s", "origin/shop") == history.git("log", "--format=%H %s", "shop")
    assert_sound(store)
    bob.ok("fsck")
    bob.ok("push", "shop", "--remote", "elsewhere")


def read_all(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_depth_is_a_number_from_one(bob, place):
    for command in (("clone", "--depth", "0", place), ("fetch", "--depth", "2", "--unshallow")):
        assert bob.run(*command).returncode == 2, command
