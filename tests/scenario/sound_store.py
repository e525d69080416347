"""What must hold of a store whatever happened to it."""

import contextlib
import os
import re
import subprocess
from pathlib import Path

_CRASH = re.compile(r"Traceback|terminate called|what\(\):|Assertion|Sanitizer|runtime error|core dumped")


def git(store, *arguments):
    done = subprocess.run(["git", "-C", str(store), *arguments], capture_output=True, text=True, timeout=600,
                          env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
                               "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                               "GIT_CONFIG_VALUE_0": "*"})
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout + done.stderr


def refs(store):
    """Every ref with its target, and HEAD."""
    return git(store, "for-each-ref", "--format=%(refname) %(objectname)") + (Path(store) / "HEAD").read_text()


def left_overs(store):
    """Spools and temporary files: none of them outlives a command."""
    store = Path(store)
    found = list((store / "pod" / "tmp").iterdir())
    found += (store / "objects").rglob("tmp_*")
    found += store.rglob("*.lock")
    found += store.rglob(".tmp-*")
    return sorted(str(path.relative_to(store)) for path in found)


def let_time_pass(store):
    """A writer sweeps temporary packs after a minute only, since stock git's own carry no lock: make them that old."""
    for name in left_overs(store):
        os.utime(Path(store) / name, (0, 0))


def assert_sound(store, left_overs_allowed=False):
    assert git(store, "fsck", "--full", "--strict", "--no-progress", "--no-dangling") == ""
    if not left_overs_allowed:
        assert left_overs(store) == [], left_overs(store)


def assert_takes_turns(podgit):
    """Stock git checks, clones and packs the store, and podgit goes on with what that leaves. Once a suite: it changes it."""
    store, clone, state, out = podgit.store, *(podgit.home / f"turns-{name}" for name in ("clone", "state", "out"))
    assert git(store, "fsck", "--full", "--strict", "--no-progress", "--no-dangling") == ""
    git(store, "clone", "-q", "--mirror", "--no-local", str(store), str(clone))
    assert git(clone, "fsck", "--full", "--strict", "--no-progress") == ""
    heads = [line for line in refs(store).splitlines() if " " in line and "refs/heads/" in line]
    assert heads and heads == [line for line in refs(clone).splitlines() if line in heads]
    git(store, "gc", "-q")
    state.mkdir()
    (state / "file").write_text("after stock git")
    for arguments in (("fsck",), ("commit", "turns", "--from", state), ("checkout", "turns", out), ("gc",), ("fsck",)):
        done = podgit.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert (out / "file").read_text() == "after stock git"
    assert [line for line in refs(store).splitlines() if line in heads] == heads
    assert_sound(store)


@contextlib.contextmanager
def nothing_changes(store):
    before = refs(store)
    yield
    assert refs(store) == before
    assert_sound(store)


def assert_clear_error(done, code):
    """One error in four parts, the exit code of the table, and nothing that only a programmer could read."""
    told = f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == code, told
    assert len(re.findall(r"^error\[[A-Z_]+\]: \S", done.stderr, re.M)) == 1, told
    assert not _CRASH.search(done.stdout + done.stderr), told
    assert not any(ord(char) < 32 and char != "\n" for char in done.stderr), told
