"""Many processes that commit at the same time: nothing is lost, every history is a line, no lock is left behind.

$PODGIT_RACE_COMMITS says how many commits each of the eight processes makes (15).
"""

import os
import subprocess
import sys

import pytest

from sound_store import assert_sound, assert_takes_turns, git, left_overs

PROCESSES = 8
COMMITS = int(os.environ.get("PODGIT_RACE_COMMITS", "15"))

# One process: COMMITS commits, each until it is the one that came first (6: another one did; 10: it waited too long).
WORKER = """
import os, subprocess, sys
podgit, pod, name, commits = sys.argv[1:5]
os.makedirs(name, exist_ok=True)
for number in range(int(commits)):
    with open(f"{name}/state", "w") as file:
        file.write(f"{name} {number}")
    for attempt in range(1000):
        done = subprocess.run([podgit, "commit", pod, "--from", "./" + name, "-m", f"{name} {number}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 0:
            break
        if done.returncode not in (6, 10):
            sys.exit(f"{done.returncode}: {done.stderr}")
    else:
        sys.exit("it never was the first")
"""


@pytest.mark.parametrize("pods", [1, PROCESSES])
def test_commits_at_the_same_time_are_all_there(podgit, pods):
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, podgit._binary, f"pod{number % pods}", f"w{number}",
                                 str(COMMITS)], cwd=podgit.home, env=podgit._environment, stderr=subprocess.PIPE, text=True)
               for number in range(PROCESSES)]
    for worker in workers:
        assert worker.wait(3600) == 0, worker.stderr.read()
        worker.stderr.close()
    made = []
    for number in range(pods):
        lines = git(podgit.store, "log", "--format=%P|%s|%(trailers:key=Pod-Version,valueonly,separator=)",
                    f"pod{number}").splitlines()
        parents, subjects, numbers = zip(*(line.split("|") for line in lines))
        assert all(len(parent.split()) == 1 for parent in parents[:-1]) and parents[-1] == ""
        assert [int(each) for each in numbers] == list(range(len(lines), 0, -1))
        made += subjects
        # What each process committed is there in its order.
        for worker in range(PROCESSES):
            own = [subject for subject in reversed(subjects) if subject.startswith(f"w{worker} ")]
            assert own == [f"w{worker} {each}" for each in range(len(own))]
    assert sorted(made) == sorted(f"w{worker} {number}" for worker in range(PROCESSES) for number in range(COMMITS))
    assert left_overs(podgit.store) == []
    done = podgit.run("fsck")
    assert done.returncode == 0, done.stdout
    assert_sound(podgit.store)
    assert (podgit.store / "pod" / "lock").read_text() == ""
    assert_takes_turns(podgit)
