"""Many people push at once, to one pod and to pods of their own, on a bucket: each version that was acknowledged is in the
history exactly once.

$PODGIT_PUSHERS says how many people there are (default 4), $PODGIT_ROUNDS how many versions each has for each pod (2)."""

import os
import threading

from sound_store import assert_sound
from team import Person

PUSHERS = int(os.environ.get("PODGIT_PUSHERS", "4"))
ROUNDS = int(os.environ.get("PODGIT_ROUNDS", "2"))


def share(person, pod, word, most_tries):
    """Commits, pushes, and where somebody was faster takes theirs and does it again; how often that was."""
    for tries in range(most_tries):
        person.state(word, pod)
        done = person.run("push", pod)
        if done.returncode == 0:
            return tries
        assert done.returncode == 6, done.stderr
        pulled = person.run("pull", pod)
        assert pulled.returncode == 6, f"{pulled.returncode} {pulled.stdout} {pulled.stderr}"
        person.ok("copy", f"origin/{pod}", pod, "--force")
    raise AssertionError(f"{pod} {word}: others were faster {most_tries} times")


def test_every_acknowledged_version_is_in_the_history_once(tmp_path, bucket_place):
    people = [Person(f"p{number}", tmp_path / f"p{number}", bucket_place) for number in range(PUSHERS)]
    pods = [f"pod-{number}" for number in range(PUSHERS // 2)]
    first = people[0]
    first.ok("remote", "add", "origin", bucket_place)
    for pod in ("shop", *pods):
        first.state("start", pod)
        first.ok("push", pod)
    for person in people[1:]:
        person.ok("clone", bucket_place)
    acknowledged, failures, again = {pod: [] for pod in ("shop", *pods)}, [], []

    def work(number, person):
        try:
            for round_ in range(ROUNDS):
                for pod in ("shop", pods[number % len(pods)]):
                    word = f"{pod} round {round_} of {number}"
                    again.append(share(person, pod, word, 4 * PUSHERS * ROUNDS))
                    acknowledged[pod].append(word)
        except BaseException as failure:  # noqa: B902 - told below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    print(f"{sum(map(len, acknowledged.values()))} versions acknowledged, {sum(again)} times somebody else was faster")
    reader = Person("reader", tmp_path / "reader", bucket_place)
    reader.ok("clone", bucket_place)
    for pod, words in acknowledged.items():
        assert len(words) == PUSHERS * ROUNDS * (1 if pod == "shop" else 1 / len(pods))
        assert sorted(reader.git("log", "--format=%s", pod).splitlines()) == sorted([*words, "start"]), pod
    for person in (*people, reader):
        assert_sound(person.podgit.store)
