"""gc beside everything else: committers, readers, stock git, Ctrl-C, and folders that are committed again afterwards."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from sound_store import assert_sound, assert_takes_turns, git, let_time_pass, refs
from test_kill import kill_points, points_wanted, spread, strace_works

DUE = ("gc", "--grace", "0")


def must(done):
    assert done.returncode == 0, f"{done.args[1:]}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def write_state(folder, seed, files=30, size=3000):
    choice = random.Random(seed)
    for number in range(files):
        target = folder / "assets" / "s3" / f"{number}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(("".join(choice.choices("abcdefgh \n", k=size))).encode())


def digest_of(folder):
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            sha.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return sha.hexdigest()


def forget_undo(store):
    """As if the thirty days were over."""
    for ref in (store / "refs" / "pod" / "journal").iterdir():
        ref.unlink()


def packs(store):
    return sorted(path.name for path in (store / "objects" / "pack").glob("*.pack"))


@pytest.mark.parametrize("size", [500_000, 5_000_000])
def test_a_folder_whose_objects_were_removed_is_stored_again(podgit, size):
    """What is known of the folder, of a large file too, is not believed after objects went."""
    folder = podgit.home / "state"
    write_state(folder, 1)
    (folder / "assets" / "s3" / "large").write_bytes(random.Random(2).randbytes(size))
    digest = digest_of(folder)
    must(podgit.run("commit", "shop", "--from", "./state"))
    must(podgit.run("delete", "shop"))
    forget_undo(podgit.store)
    (podgit.home / "other").mkdir()
    (podgit.home / "other" / "file").write_text("other")
    must(podgit.run("commit", "other", "--from", "./other"))
    removed = json.loads(must(podgit.run(*DUE, "--json")).stdout)["data"]["unreachable"]["removed"]
    assert removed["objects"] > 30
    must(podgit.run("commit", "again", "--from", "./state"))
    assert_sound(podgit.store)
    must(podgit.run("checkout", "again", "out"))
    assert digest_of(podgit.home / "out") == digest


def test_committers_and_readers_beside_gcs_lose_nothing(podgit):
    rounds, committers = 4, 8
    write_state(podgit.home / "common", 0)
    must(podgit.run("commit", "common", "--from", "./common"))
    script = """
import os, subprocess, sys
binary, number, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def run(*arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{arguments}: {done.returncode} {done.stderr}")
os.makedirs(f"state-{number}")
for round_ in range(rounds):
    # Some content comes again, so that objects that nothing refers to are found and used.
    with open(f"state-{number}/file", "w") as out:
        out.write(f"content {round_ % 2} " * 500)
    run("commit", f"pod-{number}", "--from", f"./state-{number}", "-m", str(round_))
    run("checkout", "common", f"out-{number}", "--force")
    if round_ % 3 == 1:
        run("delete", f"pod-{number}")
"""
    workers = [subprocess.Popen([sys.executable, "-c", script, podgit._binary, str(number), str(rounds)],
                                env=podgit._environment, cwd=podgit.home, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for number in range(committers)]
    gcs = 0
    while any(worker.poll() is None for worker in workers):
        must(podgit.run(*DUE))
        gcs += 1
    for worker in workers:
        out = worker.communicate()[0]
        assert worker.returncode == 0, out
    assert gcs > 1
    must(podgit.run(*DUE))
    assert_sound(podgit.store)
    assert git(podgit.store, "fsck", "--full", "--strict", "--no-progress", "--no-dangling") == ""
    for number in range(committers):
        log = json.loads(must(podgit.run("log", f"pod-{number}", "--json")).stdout)["data"]["versions"]
        assert [version["message"].strip() for version in log] == ["3", "2"]  # deleted after 1
    assert_takes_turns(podgit)


def test_stock_git_and_gc_take_turns(podgit):
    for version in range(6):
        write_state(podgit.home / "state", 3)
        (podgit.home / "state" / "assets" / "s3" / "1.txt").write_text(f"version {version}\n" * 300)
        must(podgit.run("commit", "shop", "--from", "./state"))
    before = refs(podgit.store)
    must(podgit.run("gc"))
    assert git(podgit.store, "fsck", "--full", "--strict", "--no-progress") == ""
    git(podgit.store, "clone", "-q", "--mirror", str(podgit.store), str(podgit.home / "clone"))
    git(podgit.store, "gc", "-q", "--prune=now")
    git(podgit.store, "multi-pack-index", "write")
    git(podgit.store, "commit-graph", "write", "--reachable")
    must(podgit.run("log", "shop"))
    must(podgit.run(*DUE))
    assert refs(podgit.store) == before
    assert git(podgit.store, "fsck", "--full", "--strict", "--no-progress") == ""
    assert len(packs(podgit.store)) == 1
    must(podgit.run("checkout", "shop:3", "out"))
    assert (podgit.home / "out" / "assets" / "s3" / "1.txt").read_text().startswith("version 2\n")


def test_an_interrupted_gc_leaves_the_store_as_it_was(podgit):
    for version in range(4):
        write_state(podgit.home / "state", version, files=300, size=9000)
        must(podgit.run("commit", "shop", "--from", "./state"))
    before, names = refs(podgit.store), packs(podgit.store)
    interrupted = 0
    for wait in (0.02, 0.1, 0.3):
        process = subprocess.Popen([podgit._binary, "gc"], env=podgit._environment, cwd=podgit.home,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode in (0, 130, -signal.SIGINT), f"{process.returncode} {out} {err}"
        interrupted += process.returncode != 0
        assert refs(podgit.store) == before
        if process.returncode == 130:
            assert packs(podgit.store) == names
        assert_sound(podgit.store)
    assert interrupted > 0


def peak_mib(process):
    """The most memory that it had so far; sampled, since a parent's own pages count in what wait4() says."""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            return max((int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM")), default=0)
    except OSError:
        return 0


def gone_pod(podgit):
    """Two versions that nothing needs any more, each with a pack of its own, of which the first one's goes first."""
    for version in range(2):
        before = packs(podgit.store)
        write_state(podgit.home / "gone", version, files=3)
        (podgit.home / "gone" / "assets" / "s3" / "same").write_text("in both versions " * 100)
        must(podgit.run("commit", "gone", "--from", "./gone"))
    second = podgit.store / "objects" / "pack" / next(name for name in packs(podgit.store) if name not in before)
    os.utime(second, (second.stat().st_mtime - 100,) * 2)
    commit = git(podgit.store, "rev-parse", "gone").strip()
    must(podgit.run("delete", "gone"))
    forget_undo(podgit.store)
    write_state(podgit.home / "other", 9, files=3)
    must(podgit.run("commit", "other", "--from", "./other"))
    return commit, digest_of(podgit.home / "gone")


def whole_or_refused(podgit, done, digest):
    if done.returncode == 0:
        must(podgit.run("checkout", "saved", "out", "--force"))
        assert digest_of(podgit.home / "out") == digest
    else:
        assert done.returncode in (5, 7), done.stderr
    assert_sound(podgit.store, left_overs_allowed=True)
    return done.returncode


def test_a_copy_of_what_a_gc_is_removing_is_whole_or_refused(podgit):
    commit, digest = gone_pod(podgit)
    template = podgit.home.with_name("template")
    shutil.copytree(podgit.home, template)
    for wait in (0, 0.02, 0.05, 0.1, 0.2):
        shutil.rmtree(podgit.home)
        shutil.copytree(template, podgit.home)
        gc = subprocess.Popen([podgit._binary, *DUE], env=podgit._environment, cwd=podgit.home, stdin=subprocess.DEVNULL)
        time.sleep(wait)
        done = podgit.run("copy", f"rev:{commit}", "saved")
        assert gc.wait(60) == 0
        whole_or_refused(podgit, done, digest)


@pytest.mark.skipif(not strace_works(), reason="strace does not work here")
def test_a_copy_of_what_a_killed_gc_left_is_whole_or_refused(podgit):
    commit, digest = gone_pod(podgit)
    template = podgit.home.with_name("template")
    shutil.copytree(podgit.home, template)
    codes = []
    for number in (3, 9, 11, 13, 18):
        shutil.rmtree(podgit.home)
        shutil.copytree(template, podgit.home)
        subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=unlink", "-e",
                        f"inject=unlink:signal=KILL:when={number}", podgit._binary, *DUE], env=podgit._environment,
                       cwd=podgit.home, stdin=subprocess.DEVNULL, capture_output=True)
        codes.append(whole_or_refused(podgit, podgit.run("copy", f"rev:{commit}", "saved"), digest))
    assert 0 in codes and 7 in codes, codes


@pytest.mark.skipif(not strace_works(), reason="strace does not work here")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_gc_on_a_disk_that_fails_changes_no_version(podgit, error):
    """The n-th write, sync, rename or new file fails; $PODGIT_KILL_POINTS says at how many points, "all" for every one."""
    for version in range(3):
        write_state(podgit.home / "state", version, files=5)
        must(podgit.run("commit", "shop", "--from", "./state"))
    digest, before = digest_of(podgit.home / "state"), refs(podgit.store)
    template = podgit.home.with_name("template")
    shutil.copytree(podgit.home, template)
    log = podgit.home.with_name("log")

    def run(*strace):
        return subprocess.run(["strace", "-f", "-qq", "-e", "signal=none", *strace, podgit._binary, *DUE],
                              env=podgit._environment, cwd=podgit.home, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    calls = "pwrite64,write,fsync,rename,unlink,openat"
    must(run("-o", log, "-e", "trace=" + calls))
    points = spread(kill_points(log), points_wanted(12))
    failed = 0
    for call, number in points:
        shutil.rmtree(podgit.home)
        shutil.copytree(template, podgit.home)
        done = run("-o", "/dev/null", "-e", "trace=" + call, "-e", f"inject={call}:error={error}:when={number}")
        assert done.returncode in (0, 1, 4), f"{call} {number}: {done.returncode} {done.stderr}"
        failed += done.returncode != 0
        assert refs(podgit.store) == before
        assert_sound(podgit.store, left_overs_allowed=True)
        let_time_pass(podgit.store)
        must(podgit.run(*DUE))
        assert_sound(podgit.store)
        must(podgit.run("checkout", "shop", "out", "--force"))
        assert digest_of(podgit.home / "out") == digest, f"{call} {number}"
    assert failed > 2


def test_the_memory_of_a_gc_does_not_grow_with_what_it_packs(podgit):
    """100 MiB in large files of two versions, and less than 100 MiB of memory."""
    folder = podgit.home / "state"
    write_state(folder, 6, files=500)
    for version in range(2):
        with open(folder / "assets" / "s3" / "large", "wb") as out:
            for piece in range(50):
                out.write(random.Random(1000 * version + piece).randbytes(1 << 20))
        must(podgit.run("commit", "shop", "--from", "./state"))
    process = subprocess.Popen([podgit._binary, "gc"], env=podgit._environment, cwd=podgit.home, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_mib(process))
        time.sleep(0.01)
    assert process.returncode == 0
    assert 0 < peak < 100


def test_json_says_what_was_won(podgit):
    for version in range(5):
        write_state(podgit.home / "state", 7)
        (podgit.home / "state" / "assets" / "s3" / "1.txt").write_text(f"version {version}\n" * 300)
        must(podgit.run("commit", "shop", "--from", "./state"))
    rehearsed = json.loads(must(podgit.run("gc", "--dry-run", "--json")).stdout)["data"]
    done = json.loads(must(podgit.run("gc", "--json")).stdout)["data"]
    assert rehearsed["dryRun"] and not done["dryRun"]
    assert rehearsed["bytesAfter"] == done["bytesAfter"] < done["bytesBefore"]
    assert done["packsAfter"] == 1 and done["deltas"] > 0
    again = json.loads(must(podgit.run("gc", "--json")).stdout)["data"]
    assert again["nothingNew"] and again["bytesAfter"] == done["bytesAfter"]
    bad = podgit.run("gc", "--grace", "soon")
    assert bad.returncode == 2 and "--grace" in bad.stderr
