"""The class manifest that libpod's policy reads is what this agent grants, of this moto."""

import json
import os
import subprocess
import sys
from pathlib import Path

import moto
import pytest
from conftest import contents

from pod_agent import allow

COMMITTED = Path(__file__).parents[3] / "libpod" / "policy" / f"moto-{moto.__version__}.json"


def export(seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])}
    made = subprocess.run(
        [sys.executable, "-m", "pod_agent", "manifest"], env=environment, capture_output=True, text=True, check=True
    )
    assert made.stderr == ""
    return made.stdout


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads(COMMITTED.read_text(encoding="utf-8"))


def test_the_committed_manifest_is_what_the_agent_exports_whatever_the_hash_seed() -> None:
    committed = COMMITTED.read_text(encoding="utf-8")
    assert export("1") == committed
    assert export("2") == committed


def test_the_manifest_names_every_class_that_is_granted_and_no_backend(manifest: dict) -> None:
    classes = manifest["classes"]
    assert classes["moto.sqs.models"]["Queue"]["kind"] == "object"
    assert classes["moto.batch.models"]["Job"]["kind"] == "thread"
    assert classes["moto.s3.models"]["FakeKey"]["setstate"] is True
    assert "SQSBackend" not in classes["moto.sqs.models"]
    assert "BackendDict" not in classes.get("moto.core.base_backend", {})
    assert not [module for module in classes if module.split(".")[-1] in ("responses", "urls", "server", "exceptions")]


def test_what_the_manifest_hides_is_what_may_not_be_set(manifest: dict) -> None:
    tables = {**manifest["bases"]}
    for module, names in manifest["classes"].items():
        tables[module] = {**tables.get(module, {}), **names}

    def hidden(key: str) -> set[str]:
        module, name = key.split(":")
        entry = tables[module][name]
        inherited = set().union(*(hidden(base) for base in entry.get("bases", ())))
        return (inherited - set(entry.get("plain", ()))) | set(entry.get("methods", ())) | set(entry.get("properties", ()))

    for module, name in (("moto.sqs.models", "Queue"), ("moto.s3.models", "FakeKey"), ("moto.databrew.models", "FakeProfileJob"),
                         ("moto.batch.models", "Job"), ("moto.dynamodb.models.table", "Table")):
        cls = allow.lookup(module, name)
        for attribute in {*dir(cls), *dir(type(cls)), "something_else"}:
            if not attribute.startswith("__"):
                assert allow.may_set(cls, attribute) is (attribute not in hidden(f"{module}:{name}")), attribute


def test_the_classes_of_a_real_capture_stand_in_the_manifest(manifest: dict, start) -> None:
    import pickletools

    agent = start()
    agent.client("sqs").create_queue(QueueName="q")
    agent.client("s3").create_bucket(Bucket="bucket")
    for path, data in contents(agent.capture()).items():
        if not path.endswith(".state"):
            continue
        texts = [argument for op, argument, _ in pickletools.genops(data) if op.name == "SHORT_BINUNICODE"]
        for module, name in zip(texts, texts[1:]):
            if module.startswith("moto.") and name.isidentifier() and name[:1].isupper():
                assert name in manifest["classes"][module], (module, name)
