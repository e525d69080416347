"""Stores that earlier podgits wrote (tests/data/stores): every later one reads them, writes to them, and takes back what was done."""

import json
import shutil
import sys
import tarfile

import pytest
from conftest import ROOT, Podgit
from sound_store import assert_sound, git, refs

STORES = ROOT / "tests" / "data" / "stores"
sys.path.append(str(STORES))
from make import digest_of, state_of, what_it_holds  # noqa: E402


@pytest.fixture(params=sorted(path.stem for path in STORES.glob("*.json")))
def expected(request, podgit):
    """What the store holds; it lies where podgit looks for it."""
    with tarfile.open(STORES / f"{request.param}.tar.xz") as archive:
        archive.extractall(podgit.home)
    return json.loads((STORES / f"{request.param}.json").read_text())


def ok(done):
    assert done.returncode == 0, f"{done.args[1:]}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def checked_out(podgit, reference):
    out = podgit.home / "checked out"
    podgit.ask("checkout", reference, out)
    found = digest_of(out)
    shutil.rmtree(out)
    return found


def all_versions(expected):
    return [(pod, version) for pod, versions in expected["pods"].items() for version in versions]


def assert_all_there(podgit, expected):
    for _, version in all_versions(expected):
        assert checked_out(podgit, f"rev:{version['commit']}") == version["digest"], version
    assert_sound(podgit.store)
    ok(podgit.run("fsck"))


def test_everything_is_read(podgit, expected):
    assert what_it_holds(podgit.store) == expected["holds"]
    before = refs(podgit.store)
    assert [pod["name"] for pod in podgit.ask("list")["data"]["pods"]] == list(expected["pods"])
    for pod, versions in expected["pods"].items():
        for found, version in zip(podgit.ask("log", pod)["data"]["versions"], versions, strict=True):
            assert {**found, **version} == version | found, "what was said then is said now"
        ok(podgit.run("show", pod))
        ok(podgit.run("inspect", pod, "--format", "tree"))
    for pod, version in all_versions(expected):
        if version["number"]:
            assert podgit.ask("show", f"{pod}:{version['number']}")["data"]["version"]["commit"] == version["commit"]
        assert state_of(podgit.store, version["tree"]) == version["state"]
    assert git(podgit.store, "show-ref").splitlines() == expected["refs"]
    assert checked_out(podgit, "origin/branch") == expected["pods"]["branch"][0]["digest"]
    assert_all_there(podgit, expected)
    assert refs(podgit.store) == before


def test_the_same_state_is_the_same_tree_today(podgit, expected, tmp_path):
    fresh = Podgit(podgit._binary, tmp_path / "fresh")
    fresh.home.mkdir()
    for pod, version in all_versions(expected):
        out = podgit.home / "out"
        podgit.ask("checkout", f"rev:{version['commit']}", out)
        made = fresh.ask("commit", pod, "--from", out)["data"]["version"]
        assert state_of(fresh.store, made["tree"]) == version["state"], version
        shutil.rmtree(out)


def test_what_was_done_last_is_taken_back(podgit, expected):
    """A pod had been deleted: the one that is not in the list."""
    undone = podgit.ask("undo")["data"]["undone"]
    assert undone["verb"] == "delete" and undone["what"] == "notes"
    assert [version["message"] for version in podgit.ask("log", "notes")["data"]["versions"]] == ["note 2", "note 1", "note 0"]
    podgit.ask("checkout", "notes:1", podgit.home / "notes")
    assert (podgit.home / "notes" / "note").read_text() == "note 0\n" * 200
    podgit.ask("undo")
    assert [pod["name"] for pod in podgit.ask("list")["data"]["pods"]] == list(expected["pods"])
    assert_all_there(podgit, expected)


def test_it_goes_on(podgit, expected):
    """New versions on top, found by number; then the next gc joins old and new."""
    for pod, versions in expected["pods"].items():
        out = podgit.home / "out"
        podgit.ask("checkout", pod, out)
        same = podgit.ask("commit", pod, "--from", out)["data"]
        assert not same["created"]
        (out / "new").write_text(f"in {pod}")
        new = podgit.ask("commit", pod, "--from", out)["data"]["version"]
        assert new["parents"] == [versions[0]["commit"]] and new["number"] == versions[0]["number"] + 1
        assert checked_out(podgit, f"{pod}:{new['number']}") == digest_of(out)
        podgit.ask("undo")
        assert podgit.ask("log", pod)["data"]["versions"][0]["commit"] == versions[0]["commit"]
        podgit.ask("undo")
        assert checked_out(podgit, pod) == digest_of(out)
        shutil.rmtree(out)
    ok(podgit.run("gc", "--grace", "0"))
    assert_all_there(podgit, expected)
    git(podgit.store, "gc", "-q", "--prune=now")
    assert_all_there(podgit, expected)
