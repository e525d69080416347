"""Power cuts: what was reported as done is there afterwards.

An ext4 file system in an image is shut down, without a last word to its journal, at a random moment while podgit commits,
packs and checks out on it; then it is mounted again. Only what was synced is sure to be there: the file system commits by
itself every ten minutes, and a file that is renamed is not flushed for that. $PODGIT_POWER_CUTS says how many cuts there are (10),
$PODGIT_SEED when they come.
"""

import fcntl
import json
import os
import random
import struct
import subprocess
import threading
import time

import pytest

from sound_store import assert_sound, assert_takes_turns, git, let_time_pass
from test_kill import files_of, must

CUTS = int(os.environ.get("PODGIT_POWER_CUTS", "10"))
SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2  # <linux/fs.h> has them since 6.19 only
OPTIONS = "noauto_da_alloc,commit=600"


def tool(*arguments):
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


class Disk:
    def __init__(self, folder):
        self.image, self.mount_point, self.device = folder / "image", folder / "disk", None
        self.mount_point.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(1 << 30)
        tool("mkfs.ext4", "-q", "-F", self.image)
        self.device = tool("losetup", "--find", "--show", self.image)

    def mount(self):
        tool("mount", "-t", "ext4", "-o", OPTIONS, self.device, self.mount_point)

    def unmount(self):
        for attempt in range(100):
            try:
                return tool("umount", self.mount_point)
            except OSError:
                if attempt == 99:
                    raise
                time.sleep(0.1)

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(fd)

    def remove(self):
        subprocess.run(["umount", "-l", self.mount_point], capture_output=True)
        if self.device:
            subprocess.run(["losetup", "-d", self.device], capture_output=True)
        self.image.unlink()


@pytest.fixture
def disk(tmp_path):
    disk = None
    try:
        disk = Disk(tmp_path)
        disk.mount()
        disk.cut()
        disk.unmount()
    except OSError as error:
        if disk:
            disk.remove()
        pytest.skip(f"no file system can be mounted and shut down here: {error}")
    yield disk
    disk.remove()


class Work(threading.Thread):
    """Runs `step` again and again until it fails, which it may only after the cut."""

    def __init__(self, step, is_cut):
        super().__init__()
        self._step, self._is_cut, self.failure = step, is_cut, None

    def run(self):
        try:
            while True:
                done = self._step()
                if done.returncode == 0 or (done.returncode == 10 and not self._is_cut.is_set()):
                    continue
                if not self._is_cut.is_set():
                    self.failure = f"{done.args}: {done.returncode} {done.stderr}"
                return
        except Exception as error:
            self.failure = repr(error)


class Day:
    """What is done on the disk, and what was reported as done."""

    def __init__(self, podgit, disk, choice):
        self.podgit, self.choice = podgit, choice
        self.number = {"small": 0, "large": 0}
        self.commits = {"small": [], "large": []}  # (id, content)
        self.checked_out = None  # the content of the folder, where a checkout was reported as done
        self.may_be = []  # what it may hold as well
        self.work = disk.mount_point / "work"

    def commit(self, pod):
        self.number[pod] += 1
        folder = self.podgit.home / f"state-{pod}"
        content = bytearray(random.Random(pod).randbytes(3 << 20 if pod == "large" else 2000))
        content[:len(content) // 20] = random.Random(self.number[pod]).randbytes(len(content) // 20)
        target = folder / "assets" / f"file-{self.number[pod] % 3}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        content = files_of(folder)
        done = self.podgit.run("commit", pod, "--from", folder, "--json")
        if done.returncode == 0:
            self.commits[pod].append((json.loads(done.stdout)["data"]["version"]["commit"], content))
        return done

    def checkout(self):
        commits = self.commits["small"]
        if not commits:
            time.sleep(0.01)
            return subprocess.CompletedProcess((), 0)
        commit, content = self.choice.choice(commits)
        self.may_be.append(content)
        done = self.podgit.run("checkout", f"rev:{commit}", self.work, "--force")
        if done.returncode == 0:
            self.checked_out, self.may_be = content, []
        return done

    def reported(self):
        return sum(len(commits) for commits in self.commits.values())

    def check(self):
        podgit = self.podgit
        assert_sound(podgit.store, left_overs_allowed=True)
        for pod, commits in self.commits.items():
            if not commits:
                continue
            there = git(podgit.store, "log", "--format=%H", pod).split()
            lost = [commit for commit, _ in commits if commit not in there]
            assert not lost, f"{pod}: {len(lost)} of {len(commits)} lost"
            commit, content = commits[-1]
            must(podgit.run("checkout", f"rev:{commit}", podgit.home / "out", "--force"))
            assert files_of(podgit.home / "out") == content
        if self.checked_out is not None:
            assert files_of(self.work) in [self.checked_out, *self.may_be]
        let_time_pass(podgit.store)
        for pod in self.commits:
            must(self.commit(pod))
        must(self.checkout())
        assert files_of(self.work) == self.checked_out
        must(podgit.run("gc", "--grace", "0"))
        assert [path.name for path in self.work.parent.iterdir() if "podgit-" in path.name] == []
        assert_sound(podgit.store)


def test_what_was_reported_as_done_survives_power_cuts(podgit, disk):
    choice = random.Random(os.environ.get("PODGIT_SEED", "1"))
    podgit.store = disk.mount_point / "store"
    podgit._environment["PODGIT_DIR"] = str(podgit.store)
    disk.mount()
    day = Day(podgit, disk, choice)
    for pod in day.commits:
        must(day.commit(pod))
    at_start = day.reported()
    for _ in range(CUTS):
        before = day.reported()
        is_cut = threading.Event()
        workers = [Work(step, is_cut) for step in (lambda: day.commit("small"), lambda: day.commit("large"), day.checkout,
                                                   lambda: podgit.run("gc", "--grace", "0"))]
        for worker in workers:
            worker.start()
        while day.reported() == before and all(worker.is_alive() for worker in workers):
            time.sleep(0.005)
        time.sleep(choice.uniform(0, 1))
        is_cut.set()
        disk.cut()
        for worker in workers:
            worker.join()
        assert [worker.failure for worker in workers if worker.failure] == []
        disk.unmount()
        disk.mount()
        day.check()
    print(f"{CUTS} cuts, {day.reported() - at_start} versions reported as done, all of them there")
    assert_takes_turns(podgit)
