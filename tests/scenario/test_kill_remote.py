"""kill -9 and a failing disk at every kind of system call of push, pull and clone, on a folder: store and remote are old or
new, and the same command run again goes on with what is there.

$PODGIT_KILL_POINTS says at how many points, "all" for every one; test_kill.py has the machinery."""

import os
import shutil
import subprocess

import pytest
from sound_store import assert_sound, git, let_time_pass, refs
from test_kill import Killing, kill_points, must, points_wanted, spread, strace_works

LARGE = 9 << 20  # two ranges of a download


def state(podgit, number):
    folder = podgit.home / "state"
    file = folder / "api_states" / "000000000000" / "sqs" / "us-east-1" / "backend.state"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"queue {number}")
    asset = folder / "assets" / "s3" / "large.bin"
    asset.parent.mkdir(parents=True, exist_ok=True)
    asset.write_bytes(os.urandom(LARGE))
    return folder


@pytest.fixture
def team(podgit):
    """Version 1 of a pod in a folder and in two stores; version 2 in the first store alone."""
    must(podgit.run("commit", "shop", "--from", state(podgit, 1)))
    must(podgit.run("remote", "add", "origin", f"file://{podgit.home}/pods"))
    must(podgit.run("push", "shop"))
    must(podgit.run("clone", f"file://{podgit.home}/pods", "--store", "theirs"))
    must(podgit.run("commit", "shop", "--from", state(podgit, 2)))
    (podgit.home / "small").mkdir()
    (podgit.home / "small" / "note").write_text("small")
    return podgit


def unfinished(folder):
    """Parts of files, by their inode."""
    return {path.stat().st_ino for path in folder.rglob("*.part") if path.is_file()}


def inodes(folder):
    return {path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def versions_there(team):
    shutil.rmtree(team.home / "look", ignore_errors=True)
    must(team.run("clone", f"file://{team.home}/pods", "--store", "look"))
    assert_sound(team.home / "look")
    return git(team.home / "look", "log", "--format=%H", "shop").split()


def check_push(team, point, old, new):
    pods = team.home / "pods"
    assert versions_there(team) in (old, new), point
    assert_sound(team.store, left_overs_allowed=True)
    parts = unfinished(pods)
    must(team.run("push", "shop"))
    assert parts <= inodes(pods) and not unfinished(pods), point
    assert versions_there(team) == new, point
    let_time_pass(team.store)
    must(team.run("commit", "own", "--from", "./small"))
    assert_sound(team.store)


def check_pull(team, point, old, new):
    store = team.home / "theirs"
    assert git(store, "log", "--format=%H", "shop").split() in (old, new), point
    assert_sound(store, left_overs_allowed=True)
    parts = unfinished(store / "pod" / "incoming")
    must(team.run("pull", "shop", "--store", "theirs"))
    assert git(store, "log", "--format=%H", "shop").split() == new, point
    assert parts <= inodes(store / "objects"), point
    must(team.run("checkout", "shop", "out", "--force", "--store", "theirs"))
    assert (team.home / "out" / "assets" / "s3" / "large.bin").read_bytes() == (team.home / "state" / "assets" / "s3" / "large.bin").read_bytes()
    let_time_pass(store)
    must(team.run("commit", "own", "--from", "./small", "--store", "theirs"))
    assert_sound(store)
    assert not list((store / "pod" / "incoming").iterdir()), point


def test_a_killed_push_goes_on(team):
    both = git(team.store, "log", "--format=%H", "shop").split()
    for point in Killing(team, ("push", "shop"), points=5):
        check_push(team, point, both[1:], both)


def test_a_killed_pull_goes_on(team):
    both = git(team.store, "log", "--format=%H", "shop").split()
    must(team.run("push", "shop"))
    for point in Killing(team, ("pull", "shop", "--store", "theirs"), points=5):
        check_pull(team, point, both[1:], both)


def test_a_killed_clone_leaves_no_store_or_a_whole_one(team):
    must(team.run("push", "shop"))
    both = git(team.store, "log", "--format=%H", "shop").split()
    before = sorted(path.name for path in team.home.iterdir())
    clone = ("clone", f"file://{team.home}/pods", "--store", "fresh")
    for point in Killing(team, clone, points=5):
        if not (team.home / "fresh").exists():
            parts = unfinished(team.home / "fresh.part") if (team.home / "fresh.part").exists() else set()
            must(team.run(*clone))
            assert parts <= inodes(team.home / "fresh" / "objects"), point
        assert sorted(path.name for path in team.home.iterdir()) == sorted([*before, "fresh"]), point
        assert git(team.home / "fresh", "log", "--format=%H", "shop").split() == both, point
        let_time_pass(team.home / "fresh")
        must(team.run("commit", "own", "--from", "./small", "--store", "fresh"))
        assert_sound(team.home / "fresh")


FAILING = "pwrite64,write,fsync,rename,renameat2,link,ftruncate,mkdir,openat,openat2"


@pytest.mark.skipif(not strace_works(), reason="strace does not work here")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("command", ["push", "pull"])
def test_on_a_disk_that_fails_nothing_is_half_done(team, command, error):
    both = git(team.store, "log", "--format=%H", "shop").split()
    if command == "pull":
        must(team.run("push", "shop"))
    arguments = (command, "shop") if command == "push" else (command, "shop", "--store", "theirs")
    template = team.home.with_name("template")
    shutil.copytree(team.home, template)
    log = team.home.with_name("log")

    def run(*strace):
        return subprocess.run(["strace", "-f", "-qq", "-e", "signal=none", *strace, team._binary, *arguments],
                              env=team._environment, cwd=team.home, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    must(run("-o", log, "-e", "trace=" + FAILING))
    failed = 0
    for call, number in spread(kill_points(log), points_wanted(4)):
        shutil.rmtree(team.home)
        shutil.copytree(template, team.home, symlinks=True)
        before = refs(team.home / "theirs")
        done = run("-o", "/dev/null", "-e", "trace=" + call, "-e", f"inject={call}:error={error}:when={number}")
        point = f"{call} {number} {error}: {done.returncode} {done.stderr}"
        assert done.returncode in (0, 1, 4, 9, 13), point
        if done.returncode:
            failed += 1
            assert "error[" in done.stderr and "Traceback" not in done.stderr, point
            if command == "pull" and "refs" not in done.stderr:
                assert [line for line in refs(team.home / "theirs").splitlines() if "/heads/" in line] == \
                    [line for line in before.splitlines() if "/heads/" in line], point
        (check_push if command == "push" else check_pull)(team, point, both[1:], both)
    assert failed > 1
