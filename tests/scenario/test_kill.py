"""kill -9 at every kind of system call that writes: old state or new state, and the next command needs no help.

A rehearsal under strace lists the calls that change something; then the command runs again and again on a fresh copy,
killed at another one each time. $PODGIT_KILL_POINTS says how many points there are in all (200), "all" for every one.
Where strace may not trace, the kill comes after random times instead.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bad_archives import SQS, archive_of
from sound_store import assert_sound, assert_takes_turns, git, let_time_pass, refs

TESTS = 9  # that share the points
CALLS = ("write", "pwrite64", "writev", "fsync", "fdatasync", "syncfs", "sync_file_range", "rename", "renameat",
         "renameat2", "link", "linkat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "ftruncate", "fchmod",
         "fchmodat", "flock", "openat", "openat2", "sendto", "sendmsg")


def points_wanted(otherwise):
    """Of one command; `otherwise` where $PODGIT_KILL_POINTS says nothing."""
    wanted = os.environ.get("PODGIT_KILL_POINTS")
    return otherwise if wanted is None else None if wanted == "all" else max(1, -(-int(wanted) // TESTS))


def strace_works():
    return shutil.which("strace") is not None and \
        subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def changes_something(call, line):
    return call not in ("openat", "openat2") or "O_CREAT" in line


def kill_points(log):
    """(call, n): the n-th such call of some thread, for calls that change something. strace counts by thread and call."""
    counts, points = {}, []
    for line in log.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(\w+)\(", line)  # not the second half of an interrupted one
        if not found or found[2] not in CALLS:
            continue
        key = (found[1], found[2])
        counts[key] = counts.get(key, 0) + 1
        point = (found[2], counts[key])
        if changes_something(found[2], line) and point not in points:
            points.append(point)
    return points


def spread(points, wanted):
    """`wanted` of them, evenly over the whole run, others each time the number changes."""
    if wanted is None or wanted >= len(points):
        return points
    return [points[int((number + 0.5) * len(points) / wanted)] for number in range(wanted)]


class Killing:
    """One command on fresh copies of a home, each made ready by another command."""

    def __init__(self, podgit, arguments, instance=None, ready=None, points=200 // TESTS + 1):
        self.podgit, self.arguments, self.ready, self.wanted = podgit, [str(argument) for argument in arguments], ready, points_wanted(points)
        self.environment = {**podgit._environment, **({"PODGIT_INSTANCE": instance} if instance else {})}
        self.template = podgit.home.with_name("template")
        shutil.copytree(podgit.home, self.template, symlinks=True)

    def fresh(self):
        shutil.rmtree(self.podgit.home)
        shutil.copytree(self.template, self.podgit.home, symlinks=True)
        self._make_ready()

    def _make_ready(self):
        if self.ready:
            must(self.podgit.run(*self.ready))

    def _run(self, prefix=(), **options):
        return subprocess.run([*prefix, self.podgit._binary, *self.arguments], env=self.environment,
                              cwd=self.podgit.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
                              **options)

    def points(self):
        """Each a name and a function that runs the command until it dies there."""
        wanted = self.wanted
        if not strace_works():
            start = time.monotonic()
            assert self._run().returncode == 0
            whole = time.monotonic() - start
            choice = random.Random(4)
            return [(f"after {moment:.4f} s", lambda moment=moment: self._kill_after(moment))
                    for moment in (choice.uniform(0, whole) for _ in range(wanted or 200))]
        log = self.template.with_name("strace.log")
        self._make_ready()
        done = self._run(["strace", "-f", "-qq", "-o", log, "-e", "trace=" + ",".join(CALLS), "-e", "signal=none"])
        assert done.returncode == 0, done.stderr
        points = kill_points(log)
        assert len(points) > 15, "the command hardly writes: the rehearsal went wrong"
        return [(f"{call} {number}", lambda call=call, number=number: self._kill_at(call, number))
                for call, number in spread(points, wanted)]

    def _kill_at(self, call, number):
        done = self._run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", "signal=none", "-e",
                          f"inject={call}:signal=KILL:when={number}"])
        # Another order of threads may have fewer such calls in each: then it ran to its end.
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL, 0), f"{done.returncode}: {done.stderr}"
        return done.returncode != 0

    def _kill_after(self, seconds):
        process = subprocess.Popen([self.podgit._binary, *self.arguments], env=self.environment, cwd=self.podgit.home,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        return process.wait() != 0

    def __iter__(self):
        """Kills the command at each point; the caller looks at what is left."""
        killed = 0
        for name, kill in self.points():
            self.fresh()
            killed += kill()
            yield name
        print(f"{' '.join(self.arguments)}: killed {killed} times")
        assert killed > 0


def versions(podgit):
    return git(podgit.store, "log", "--first-parent", "--format=%T", "shop").splitlines()


def must(done):
    assert done.returncode == 0, f"{done.args[1:]}: {done.returncode}\n{done.stderr}"
    return done


def pages(number):
    """A large file of which one page differs from version to version."""
    page = bytearray(b"".join(bytes([number % 251]) * 4096 for number in range(512)))
    page[:18] = b"SQLite format 3\0\x10\0"
    page[1 << 20:(1 << 20) + 8] = b"page %03d" % number
    return bytes(page)


@pytest.fixture
def shop(podgit):
    """Version 1 of a pod, and folders and archives for the next ones."""
    for number in (1, 2, 3):
        files = {SQS: b"queue %d" % number, **{f"assets/s3/{name}.bin": bytes([number]) * size
                                               for name, size in (("small", 100), ("large", 1 << 21))},
                 "assets/s3/same.bin": b"same", "assets/s3/pages.bin": pages(number)}
        for path, content in files.items():
            target = podgit.home / f"state-{number}" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (podgit.home / f"state-{number}.zip").write_bytes(archive_of(files))
    must(podgit.run("commit", "shop", "--from", "./state-1"))
    return podgit


@pytest.fixture
def mount_point(tmp_path):
    folder = tmp_path / "mounted" / "here"
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def damage(store):
    """What a repair can put right; returns the refs that it has to bring back."""
    before = refs(store)
    next((store / "objects" / "pack").glob("*.idx")).unlink()
    (store / "refs" / "heads" / "shop").write_text("")
    journal = store / "pod" / "journal"
    journal.write_bytes(journal.read_bytes().replace(b'"commit"', b'"COMMIT"', 1))
    return before


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


@pytest.mark.parametrize("command", ["commit", "import"])
def test_a_killed_commit_leaves_the_old_version_or_the_new_one(shop, command):
    arguments = ("commit", "shop", "--from", "./state-2") if command == "commit" else ("import", "state-2.zip", "shop")
    first, second = versions(shop), None
    for point in Killing(shop, arguments):
        now = versions(shop)
        assert now[-1:] == first and len(now) in (1, 2), point
        if len(now) == 2:
            assert second in (None, now[0]), point
            second = now[0]
        assert_sound(shop.store, left_overs_allowed=True)
        for reader in (("log", "shop"), ("show", "shop"), ("doctor",)):
            assert shop.run(*reader).returncode == 0, f"{point}: {shop.run(*reader).stdout} {shop.run(*reader).stderr}"
        let_time_pass(shop.store)
        must(shop.run("commit", "shop", "--from", "./state-3"))
        assert len(versions(shop)) == len(now) + 1, point
        assert_sound(shop.store)
        must(shop.run("undo"))
        assert versions(shop) == now, point
        must(shop.run("checkout", "shop", "out"))
        assert files_of(shop.home / "out") == files_of(shop.home / f"state-{len(now)}"), point
    assert_takes_turns(shop)


@pytest.mark.parametrize("folder", ["of somebody else", "of podgit"])
def test_a_killed_checkout_leaves_the_old_folder_or_the_new_one(shop, folder):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    must(shop.run("checkout", "shop:1", "work"))
    old, new = files_of(shop.home / "state-1"), files_of(shop.home / "state-2")
    before = sorted(path.name for path in shop.home.iterdir())
    # In a folder that podgit wrote one file gets a second name for a while, and of another one a page is written.
    ready = ("checkout", "shop:1", "work", "--force") if folder == "of podgit" else None
    for point in Killing(shop, ("checkout", "shop:2", "work", "--force"), ready=ready):
        assert files_of(shop.home / "work") in (old, new), point
        must(shop.run("checkout", "shop:2", "work", "--force"))
        assert files_of(shop.home / "work") == new, point
        assert all(path.stat().st_nlink == 1 for path in (shop.home / "work").rglob("*") if path.is_file()), point
        assert sorted(path.name for path in shop.home.iterdir()) == before, point
        assert_sound(shop.store)


def test_a_checkout_killed_in_a_mount_point_is_ended_by_the_next(shop, mount_point):
    """Nothing can take its place at once; until the next checkout it says that it is half of each."""
    must(shop.run("commit", "shop", "--from", "./state-2"))
    old, new = files_of(shop.home / "state-1"), files_of(shop.home / "state-2")
    outside = sorted(path.name for path in mount_point.parent.iterdir())
    halves = 0
    for point in Killing(shop, ("checkout", "shop:2", mount_point, "--force"),
                         ready=("checkout", "shop:1", mount_point, "--force")):
        if any(path.name.startswith(".podgit-") for path in mount_point.iterdir()):
            halves += 1
            told = shop.run("commit", "other", "--from", mount_point)
            assert told.returncode == 6 and "interrupted" in told.stderr, f"{point}: {told.stderr}"
        else:
            assert files_of(mount_point) in (old, new), point
        must(shop.run("checkout", "shop:2", mount_point, "--force"))
        assert files_of(mount_point) == new, point
        assert {path.name for path in mount_point.iterdir()} == {"api_states", "assets"}, point
        must(shop.run("commit", "other", "--from", mount_point))
    assert halves > 0
    assert sorted(path.name for path in mount_point.parent.iterdir()) == outside
    assert_sound(shop.store)


def test_a_killed_repair_is_ended_by_the_next(shop):
    """An index is gone, a ref is cut, a line of the journal is damaged."""
    must(shop.run("commit", "shop", "--from", "./state-2"))
    before = damage(shop.store)
    for point in Killing(shop, ("fsck", "--repair")):
        let_time_pass(shop.store)
        must(shop.run("fsck", "--repair"))
        assert refs(shop.store) == before, point
        must(shop.run("fsck"))
        assert_sound(shop.store)
        for number in (1, 2):
            must(shop.run("checkout", f"shop:{number}", "out", "--force"))
            assert files_of(shop.home / "out") == files_of(shop.home / f"state-{number}"), point
    assert_takes_turns(shop)


def test_a_killed_export_leaves_the_old_file_or_the_new_one(shop):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    must(shop.run("export", "shop:2", "shop.zip"))
    new = (shop.home / "shop.zip").read_bytes()
    must(shop.run("export", "shop:1", "shop.zip", "--force"))
    old = (shop.home / "shop.zip").read_bytes()
    before = sorted(path.name for path in shop.home.iterdir())
    for point in Killing(shop, ("export", "shop:2", "shop.zip", "--force")):
        assert (shop.home / "shop.zip").read_bytes() in (old, new), point
        must(shop.run("export", "shop:2", "shop.zip", "--force"))
        assert (shop.home / "shop.zip").read_bytes() == new, point
        assert sorted(path.name for path in shop.home.iterdir()) == before, point


def test_a_killed_gc_loses_nothing_and_the_next_one_ends_it(shop):
    must(shop.run("commit", "shop", "--from", "./state-2"))
    must(shop.run("commit", "gone", "--from", "./state-3"))
    must(shop.run("delete", "gone"))
    must(shop.run("commit", "other", "--from", "./state-1"))
    for journal in (shop.store / "refs" / "pod" / "journal").iterdir():
        journal.unlink()  # as if the thirty days were over
    before = refs(shop.store)
    for point in Killing(shop, ("gc", "--grace", "0")):
        assert refs(shop.store) == before, point
        assert_sound(shop.store, left_overs_allowed=True)
        for number in (1, 2):
            must(shop.run("checkout", f"shop:{number}", "out", "--force"))
            assert files_of(shop.home / "out") == files_of(shop.home / f"state-{number}"), point
        let_time_pass(shop.store)
        must(shop.run("gc", "--grace", "0"))
        assert_sound(shop.store)
        assert len(list((shop.store / "objects" / "pack").glob("*.pack"))) == 1, point
        must(shop.run("commit", "gone", "--from", "./state-3"))
        must(shop.run("checkout", "gone", "out", "--force"))
        assert files_of(shop.home / "out") == files_of(shop.home / "state-3"), point
        assert_sound(shop.store)
    assert_takes_turns(shop)


def test_a_killed_inject_leaves_the_old_state_or_the_new_one_and_undo_works(podgit, start):
    import boto3
    agent = start()
    client = boto3.client("sqs", endpoint_url=agent.endpoint, region_name="us-east-1", aws_access_key_id="test",
                          aws_secret_access_key="test")

    def queues():
        return sorted(url.rsplit("/", 1)[1] for url in client.list_queues().get("QueueUrls", []))

    client.create_queue(QueueName="of-the-version")
    must(podgit.run("commit", "shop", instance=agent.endpoint))
    client.delete_queue(QueueUrl=client.get_queue_url(QueueName="of-the-version")["QueueUrl"])
    client.create_queue(QueueName="of-the-instance")
    old, new = ["of-the-instance"], ["of-the-version"]
    refs_before = refs(podgit.store)
    held = agent.capture()
    for point in Killing(podgit, ("inject", "shop", "--strategy", "overwrite"), instance=agent.endpoint):
        deadline = time.monotonic() + 10
        while (left := queues()) not in (old, new):
            assert time.monotonic() < deadline, f"{point}: {left}"
            time.sleep(0.05)
        assert_sound(podgit.store, left_overs_allowed=True)
        assert [line for line in refs(podgit.store).splitlines() if "/heads/" in line] == \
            [line for line in refs_before.splitlines() if "/heads/" in line], point
        let_time_pass(podgit.store)
        must(podgit.run("inject", "shop", "--strategy", "overwrite", instance=agent.endpoint))
        assert queues() == new, point
        must(podgit.run("undo", instance=agent.endpoint))
        assert queues() == left, point
        assert_sound(podgit.store)
        agent.inject(held, "overwrite")
        assert queues() == old
    assert_takes_turns(podgit)
