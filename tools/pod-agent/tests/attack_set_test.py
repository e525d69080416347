"""The attack set that libpod's policy is tested with, posted to a real agent: each is refused, and the state is what it was.

Where the policy would ask for a review, the agent refuses: it takes only what it could have written itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Agent, info, zipped

ATTACKS = Path(__file__).parents[3] / "tests" / "data" / "attacks"
ROWS = [row for row in json.loads((ATTACKS / "attacks.json").read_text()) if row["agent"]]


@pytest.fixture(scope="module")
def victim() -> Agent:
    agent = Agent()
    queue = agent.client("sqs").create_queue(QueueName="mine")["QueueUrl"]
    agent.client("sqs").send_message(QueueUrl=queue, MessageBody="precious")
    agent.before = agent.digest()  # type: ignore[attr-defined]
    yield agent  # type: ignore[misc]
    agent.stop()


@pytest.mark.parametrize("row", ROWS, ids=[row["file"].removesuffix(".bin") for row in ROWS])
def test_an_attack_is_refused_and_changes_nothing(victim: Agent, row: dict) -> None:
    state = (ATTACKS / row["file"]).read_bytes()
    status, answer = victim.inject(zipped({row["path"]: state, ".pod/info.json": info(["sqs"])}))
    assert status == 422, answer
    assert answer[0]["error"]["code"] in ("refused", "damaged"), answer
    assert answer[0]["error"]["service"] == "sqs"
    message = answer[0]["error"]["message"]
    assert len(message) < 1000 and message.isprintable(), message
    assert victim.digest() == victim.before  # type: ignore[attr-defined]


def test_the_attack_set_is_what_its_script_makes() -> None:
    done = subprocess.run([sys.executable, str(ATTACKS / "make.py"), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
