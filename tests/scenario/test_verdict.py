"""What is questionable asks for the user's word, what is refused has none; the emulator is not touched."""

import json
from pathlib import Path

import pytest

from cli import Cli, find_podgit
from world.aws import EAST, Aws

DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture
def cli(tmp_path):
    return Cli(find_podgit(), tmp_path / "home")


@pytest.fixture
def instance(start):
    agent = start()
    Aws(agent.endpoint).client("sqs", EAST).create_queue(QueueName="kept")
    return agent.endpoint


def commit_attack(cli, name):
    """A version that holds this file of the attack set in the place that it is meant for."""
    rows = json.loads((DATA / "attacks" / "attacks.json").read_text())
    row = next(row for row in rows if row["file"] == name)
    target = cli.work / "state" / row["path"]
    target.parent.mkdir(parents=True)
    target.write_bytes((DATA / "attacks" / name).read_bytes())
    return cli.ok("commit", "stranger", "--from", "state")


def queues(instance):
    return [url.rsplit("/", 1)[1] for url in Aws(instance).client("sqs", EAST).list_queues().get("QueueUrls", [])]


def test_what_needs_review_is_injected_only_with_the_users_word(cli, instance):
    commit_attack(cli, "byte-code-in-a-queue.bin")
    shown = cli.run("verify", "stranger")
    assert shown.code == 8 and "review" in shown.out and "holds byte code" in shown.out
    refused = cli.run("inject", "stranger", "--into", instance)
    assert refused.code == 8 and "error[REFUSED]" in refused.err, refused.err
    assert "--trust" in refused.err and "podgit verify stranger" in refused.err and "backend.state" in refused.err
    assert queues(instance) == ["kept"]
    # With it, the emulator's own allow-list still has its say.
    trusted = cli.run("inject", "stranger", "--into", instance, "--trust")
    assert trusted.code == 8 and "--trust" not in trusted.err, trusted.err
    assert queues(instance) == ["kept"]


def test_what_is_refused_is_refused_with_any_word(cli, instance):
    commit_attack(cli, "a-factory-that-is-a-function.bin")
    shown = cli.run("verify", "stranger")
    assert shown.code == 8 and "refuse" in shown.out and "os.getcwd" in shown.out
    for options in ([], ["--trust"], ["--trust", "--force"]):
        refused = cli.run("inject", "stranger", "--into", instance, *options)
        assert refused.code == 8 and "error[REFUSED]" in refused.err and "os.getcwd" in refused.err, refused.err
        assert "the instance was not changed" in refused.err
        assert queues(instance) == ["kept"]


def test_a_strangers_pod_is_imported_with_its_verdict(cli):
    done = cli.run("import", DATA / "pods" / "happy-new-year.zip", "party")
    assert done.code == 0 and "review" in done.err and "podgit verify party:1" in done.err
    answer = cli.run("verify", "party", "--json")
    assert answer.code == 8 and answer.json()["data"]["verdict"] == "review"
