"""A disk that fails at any call of any command: a clear error, the old state or the new one, and the next command works.

failing_disk.c stands between podgit and the C library and makes one call after the other go wrong, in each way that it
can: EIO, ENOSPC, EMFILE, memory that cannot be mapped, threads that do not start, half of a read or a write, a disk that is full or
gone from there on. $PODGIT_ERROR_POINTS says how many such points are tried in all, "all" for every one, $PODGIT_ERROR_KINDS of
which kinds; $PODGIT_SEED chooses them.
"""

import os
import random
import re
import shutil
import subprocess

import pytest

from sound_store import assert_clear_error, assert_sound, assert_takes_turns, git, let_time_pass, refs
from test_kill import damage, files_of, mount_point, must, shop, versions  # noqa: F401: two are fixtures

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = os.environ.get("PODGIT_ERROR_KINDS", "EIO,ENOSPC,EMFILE,ENOMEM,EAGAIN,SHORT,FULL,GONE").split(",")
TESTS = 8


@pytest.fixture(scope="session")
def failing_disk(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("there is no C compiler to make a failing disk with")
    library = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    subprocess.run([compiler, "-O1", "-Wall", "-shared", "-fPIC", "-o", library, f"{HERE}/failing_disk.c"], check=True)
    return library


class Trials:
    """One command on fresh copies of a home, each with another call that fails."""

    def __init__(self, podgit, library, arguments, finds=False, ready=None):
        """With `finds` it may also say that it found something, as a check does of what it cannot read. `ready`: a
        command that comes before each."""
        self._finds, self._ready = finds, ready
        self._podgit, self._arguments = podgit, [str(argument) for argument in arguments]
        self._library = library
        self._template, self._log = podgit.home.with_name("template"), podgit.home.with_name("calls.log")
        shutil.copytree(podgit.home, self._template, symlinks=True)

    def run(self, fault):
        environment = {**self._podgit._environment, "POD_FAULT": fault, "POD_FAULT_LOG": str(self._log),
                       "LD_PRELOAD": str(self._library)}
        self._log.unlink(missing_ok=True)
        return subprocess.run([self._podgit._binary, *self._arguments], env=environment, cwd=self._podgit.home,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def calls(self):
        """Of the last run, those that its kind of fault can befall: "NUMBER CALL PATH"."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def fresh(self):
        shutil.rmtree(self._podgit.home)
        shutil.copytree(self._template, self._podgit.home, symlinks=True)
        if self._ready:
            must(self._podgit.run(*self._ready))

    def _points(self):
        """As many of each kind, as far as it has them."""
        wanted = os.environ.get("PODGIT_ERROR_POINTS", "128")
        choice = random.Random(f"{os.environ.get('PODGIT_SEED', 1)} {self._arguments}")
        points = []
        for kind in KINDS:
            self.fresh()
            must(self.run(f"{kind}:0"))
            numbers = range(1, len(self.calls()) + 1)
            if wanted != "all":
                numbers = choice.sample(numbers, min(len(numbers), max(1, int(wanted) // TESTS // len(KINDS))))
            points += [(kind, number) for number in sorted(numbers)]
        return points

    def judge(self, look):
        """`look(point, done)` says by assertions what must hold after each; all that does not is told at the end."""
        failed, wrong, points = 0, [], self._points()
        for kind, number in points:
            self.fresh()
            done = self.run(f"{kind}:{number}")
            failed += done.returncode != 0
            line = next((line for line in self.calls() if line.startswith(f"{number} ")), "none")
            point = f"{kind} {line} -> {done.returncode}\n{done.stdout}{done.stderr}".replace(str(self._podgit.home), ".")
            try:
                if self._finds and done.returncode == 7:
                    assert "fail  " in done.stdout or "error[" in done.stderr
                elif done.returncode != 0:
                    assert_clear_error(done, 1)
                    assert "[INTERNAL]" not in done.stderr
                assert kind != "SHORT" or done.returncode == 0
                look(point, done)
            except AssertionError as error:
                wrong.append(f"{point}  {str(error)[:2000]}")
        print(f"{self._arguments[0]}: {len(points)} points, {failed} failed, {len(wrong)} wrongly")
        assert not wrong, f"{len(wrong)} of {len(points)} points\n" + "\n".join(wrong[:30])
        assert failed > 0 or KINDS == ["SHORT"]


def says_unchanged(done):
    return re.search(r"^  unchanged: .*(as it was|no version was made|nothing was)", done.stderr, re.M) is not None


@pytest.mark.parametrize("command", ["commit", "import"])
def test_a_commit_on_a_failing_disk(shop, failing_disk, command):
    arguments = ("commit", "shop", "--from", "./state-2") if command == "commit" else ("import", "state-2.zip", "shop")
    first = versions(shop)

    def look(point, done):
        now = versions(shop)
        assert now[-1:] == first and len(now) in (1, 2)
        assert done.returncode != 0 or len(now) == 2
        assert not says_unchanged(done) or len(now) == 1
        assert_sound(shop.store, left_overs_allowed=True)
        let_time_pass(shop.store)
        must(shop.run("commit", "shop", "--from", "./state-3"))
        assert len(versions(shop)) == len(now) + 1
        assert_sound(shop.store)
        for number in range(1, len(now) + 1):
            must(shop.run("checkout", f"shop:{number}", "out", "--force"))
            assert files_of(shop.home / "out") == files_of(shop.home / f"state-{number}")

    Trials(shop, failing_disk, arguments).judge(look)
    assert_takes_turns(shop)


def test_a_branch_that_cannot_be_opened_now_stays_where_stock_git_moved_it(shop, failing_disk):
    """The journal knows an older place of it, which is for broken refs only."""
    moved = git(shop.store, "-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", "-m", "more", "-p", "shop",
                "shop^{tree}").strip()
    git(shop.store, "update-ref", "refs/heads/shop", moved)
    for arguments in (("commit", "other", "--from", "./state-2"), ("fsck", "--repair")):
        shutil.rmtree(shop.home.with_name("template"), ignore_errors=True)
        trials = Trials(shop, failing_disk, arguments)
        trials.fresh()
        must(trials.run("EMFILE:0"))
        calls = [line.split() for line in trials.calls()]
        points = [number for number, call, path in calls if path.endswith("/refs/heads/shop")]
        assert points
        for number in points:
            trials.fresh()
            trials.run(f"EMFILE:{number}")
            assert git(shop.store, "rev-parse", "shop").strip() == moved
            must(shop.run(*arguments))
            assert git(shop.store, "rev-parse", "shop").strip() == moved


@pytest.mark.parametrize("folder", ["that is new", "of somebody else", "of podgit"])
def test_a_checkout_on_a_failing_disk(shop, failing_disk, folder):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    old, new = files_of(shop.home / "state-1"), files_of(shop.home / "state-2")
    if folder == "that is new":
        old = None
    elif folder == "of podgit":
        must(shop.run("checkout", "shop:1", "work"))
    else:
        shutil.copytree(shop.home / "state-1", shop.home / "work")
    before = {path.name for path in shop.home.iterdir()} | {"work"}
    work = shop.home / "work"

    def look(point, done):
        now = files_of(work) if work.exists() else None
        assert now == new if done.returncode == 0 else now in (old, new)
        assert not says_unchanged(done) or now == old
        assert_sound(shop.store, left_overs_allowed=True)
        must(shop.run("checkout", "shop:2", "work", "--force"))
        assert files_of(work) == new
        assert {path.name for path in shop.home.iterdir()} == before
        assert all(path.stat().st_nlink == 1 for path in work.rglob("*") if path.is_file())

    Trials(shop, failing_disk, ("checkout", "shop:2", "work", "--force")).judge(look)


def test_a_checkout_that_cannot_make_its_last_step_durable_says_that_the_folder_holds_the_version(shop, failing_disk):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    must(shop.run("checkout", "shop:1", "work"))
    trials = Trials(shop, failing_disk, ("checkout", "shop:2", "work", "--force"))
    trials.fresh()
    must(trials.run("ENOSPC:0"))
    last = [line.split()[0] for line in trials.calls() if line.split()[1] == "fsync"][-1]
    trials.fresh()
    done = trials.run(f"ENOSPC:{last}")
    assert_clear_error(done, 1)
    assert "unchanged: the folder holds the version already" in done.stderr
    assert files_of(shop.home / "work") == files_of(shop.home / "state-2")


def test_a_checkout_into_a_mount_point_on_a_failing_disk(shop, failing_disk, mount_point):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    old, new = files_of(shop.home / "state-1"), files_of(shop.home / "state-2")
    arguments = ("checkout", "shop:2", mount_point, "--force")

    def look(point, done):
        if "it ends what was begun" not in done.stderr:
            now = {path: content for path, content in files_of(mount_point).items() if not path.startswith(".podgit-")}
            assert now == new if done.returncode == 0 else now in (old, new)
            assert not says_unchanged(done) or now == old
        must(shop.run(*arguments))
        assert files_of(mount_point) == new
        assert {path.name for path in mount_point.iterdir()} == {"api_states", "assets"}

    Trials(shop, failing_disk, arguments, ready=("checkout", "shop:1", mount_point, "--force")).judge(look)


@pytest.mark.parametrize("error", ["EBUSY", "EXDEV"])
def test_a_folder_whose_place_no_other_can_take_is_written_in_place(shop, failing_disk, error):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    must(shop.run("checkout", "shop:1", "work"))
    before = sorted(path.name for path in shop.home.iterdir())
    place = (shop.home / "work").stat().st_ino
    must(Trials(shop, failing_disk, ("checkout", "shop:2", "work", "--force")).run(f"{error}:1"))
    assert files_of(shop.home / "work") == files_of(shop.home / "state-2")
    assert (shop.home / "work").stat().st_ino == place
    assert sorted(path.name for path in shop.home.iterdir()) == before


def test_a_gc_on_a_failing_disk(shop, failing_disk):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    must(shop.run("commit", "gone", "--from", "./state-3"))
    must(shop.run("delete", "gone"))
    must(shop.run("commit", "other", "--from", "./state-1"))
    for journal in (shop.store / "refs" / "pod" / "journal").iterdir():
        journal.unlink()  # as if the thirty days were over
    before = refs(shop.store)

    def look(point, done):
        assert refs(shop.store) == before
        assert_sound(shop.store, left_overs_allowed=True)
        let_time_pass(shop.store)
        must(shop.run("gc", "--grace", "0"))
        assert_sound(shop.store)
        assert len(list((shop.store / "objects" / "pack").glob("*.pack"))) == 1
        for number in (1, 2):
            must(shop.run("checkout", f"shop:{number}", "out", "--force"))
            assert files_of(shop.home / "out") == files_of(shop.home / f"state-{number}")

    Trials(shop, failing_disk, ("gc", "--grace", "0")).judge(look)
    assert_takes_turns(shop)


def test_a_repair_on_a_failing_disk(shop, failing_disk):
    """An index is gone, a ref is cut, a line of the journal is damaged: all of it can be put right."""
    must(shop.run("commit", "shop", "--from", "./state-2"))
    before = damage(shop.store)

    def look(point, done):
        let_time_pass(shop.store)
        must(shop.run("fsck", "--repair"))
        assert refs(shop.store) == before
        must(shop.run("fsck"))
        assert_sound(shop.store)
        for number in (1, 2):
            must(shop.run("checkout", f"shop:{number}", "out", "--force"))
            assert files_of(shop.home / "out") == files_of(shop.home / f"state-{number}")

    Trials(shop, failing_disk, ("fsck", "--repair"), finds=True).judge(look)


def test_a_repair_that_cannot_list_the_packs_does_not_take_them_for_lost(shop, failing_disk):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    before = damage(shop.store)
    trials = Trials(shop, failing_disk, ("fsck", "--repair"))
    trials.fresh()
    must(trials.run("EMFILE:0"))
    points = [line.split()[0] for line in trials.calls() if line.endswith("/objects/pack")]
    for number in points[:4] + points[-4:]:
        trials.fresh()
        trials.run(f"EMFILE:{number}")
        must(shop.run("fsck", "--repair"))
        assert refs(shop.store) == before


@pytest.mark.parametrize("kind", ["EMFILE", "EIO"])
def test_a_loose_object_that_cannot_be_read_once_is_not_put_aside_by_a_repair(shop, failing_disk, kind):
    packs = shop.store / "objects" / "pack"
    for pack in packs.glob("pack-*.pack"):
        aside = pack.rename(shop.home / pack.name)
        pack.with_suffix(".idx").unlink()
        with open(aside, "rb") as source:
            subprocess.run(["git", "-C", str(shop.store), "-c", "core.fsync=none", "unpack-objects", "-q"], stdin=source, check=True)
    trials = Trials(shop, failing_disk, ("fsck", "--repair"))
    trials.fresh()
    must(trials.run(f"{kind}:0"))
    calls = [line.split() for line in trials.calls()]
    points = [number for number, call, path in calls if call in ("open64", "read") and re.search("/[0-9a-f]{38}$", path)]
    for number in random.Random(os.environ.get("PODGIT_SEED", 1)).sample(points, 2):
        trials.fresh()
        trials.run(f"{kind}:{number}")
        assert not (shop.store / "pod" / "quarantine").exists()
        must(shop.run("fsck"))
