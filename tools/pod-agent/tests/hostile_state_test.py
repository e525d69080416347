"""State files that were made to run something, to change what lies outside of them, or to wear the reader out.

Each is posted to a real agent: refused, nothing ran, and the state is what it was."""

import io
import os
import pickle
import pickletools
import struct
from pathlib import Path

import pytest
from conftest import Agent, contents, document, info, zipped

SQS = "api_states/123456789012/sqs/us-east-1/backend.state"
PROTO = b"\x80\x04"


def text(value: str) -> bytes:
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def name(module: str, attribute: str) -> bytes:
    return text(module) + text(attribute) + b"\x93"


def call(module: str, attribute: str, argument: bytes) -> bytes:
    """A REDUCE of a name with one argument."""
    return name(module, attribute) + argument + b"\x85R"


def root(value: bytes) -> bytes:
    """A backend's attributes with one more, `evil`."""
    region = text("region_name") + text("us-east-1") + text("account_id") + text("123456789012")
    return PROTO + b"}(" + region + text("evil") + value + b"u."


def instance(module: str, cls: str, state: bytes = b"") -> bytes:
    return name(module, cls) + b")\x81" + (state + b"b" if state else b"")


def setter(module: str, cls: str, function: str, state: bytes) -> bytes:
    """An instance, and a state setter called on it."""
    made = name(module, cls) + b")\x81\x94"
    return made + name("pod_agent.restore", function) + b"h\x00" + state + b"\x86R0"


QUEUE = ("moto.sqs.models", "Queue")
BACKEND = b"(" + text("backend") + text("sqs") + text("123456789012") + text("us-east-1") + b"tQ"

CALLS = {
    "os.system": lambda c: call("os", "system", text(f"touch {c}")),
    "posix.system": lambda c: call("posix", "system", text(f"touch {c}")),
    "builtins.eval": lambda c: call("builtins", "eval", text(f"open({c!r},'w')")),
    "builtins.exec": lambda c: call("builtins", "exec", text(f"open({c!r},'w')")),
    "builtins.getattr": lambda c: name("builtins", "getattr") + name("moto.sqs.models", "Queue") + text("name") + b"\x86R",
    "builtins.open": lambda c: name("builtins", "open") + text(c) + text("w") + b"\x86R",
    "a dotted walk": lambda c: call("moto.sqs.models", "os.system", text(f"touch {c}")),
    "a dotted module": lambda c: call("moto.server.os", "system", text(f"touch {c}")),
    "a module that a module imports": lambda c: name("moto.s3.models", "os"),
    "a function of moto": lambda c: call("moto.core.utils", "get_service_model", text("sqs")),
    "a function of a models module": lambda c: call("moto.sqs.models", "generate_receipt_handle", b""),
    "a class that a module only imports": lambda c: instance("moto.sqs.models", "BaseModel"),
    "a backend class": lambda c: instance("moto.sqs.models", "SQSBackend"),
    "a dict of backends": lambda c: instance("moto.core.base_backend", "BackendDict"),
    "a response handler": lambda c: instance("moto.sqs.responses", "SQSResponse"),
    "moto's server": lambda c: name("moto.server", "main"),
    "a module outside of moto": lambda c: instance("subprocess", "Popen"),
    "a module that is not there": lambda c: name("moto.sqs.nothing", "Queue"),
    "importlib": lambda c: call("importlib", "import_module", text("antigravity")),
    "operator.attrgetter": lambda c: call("operator", "attrgetter", text("name")),
    "pkgutil.resolve_name": lambda c: call("pkgutil", "resolve_name", text("os:system")),
    "functools.partial": lambda c: call("functools", "partial", name("moto.sqs.models", "Queue")),
    "copyreg._reconstructor": lambda c: call("copyreg", "_reconstructor", name("moto.sqs.models", "Queue")),
    "types.FunctionType": lambda c: name("types", "FunctionType"),
    "the agent's own insides": lambda c: call("pod_agent.restore", "_make", text("list")),
    "the agent's modules": lambda c: call("pod_agent.inject", "reset", b"N"),
    "a class called as a function": lambda c: call("moto.sqs.models", "Queue", text("q")),
    "a callable reached through the memo": lambda c: name("os", "system") + b"\x94" + text(f"touch {c}") + b"\x85R",
    "a call whose callable is a call": lambda c: call("builtins", "getattr", text("x")) + text("y") + b"\x85R",
    "a call of an instance": lambda c: instance(*QUEUE) + text("x") + b"\x85R",
    "a restore function with a wrong argument": lambda c: call("pod_agent.restore", "private_key", text("x")),
    "a method that is no method": lambda c: name("pod_agent.restore", "method") + instance(*QUEUE) + text("__init__") + b"\x86R",
    "a pattern that is no text": lambda c: name("pod_agent.restore", "regex") + b"N" + b"K\x00\x86R",
    "a zone with a path": lambda c: call("pod_agent.restore", "zone", text("../../../etc/passwd")),
    "a queue of an unknown kind": lambda c: name("pod_agent.restore", "queue") + text("__init__") + b"K\x00]\x87R",
    "a setter for what it did not make": lambda c: name("pod_agent.restore", "set_raw") + b"}" + b"}NN\x87" + b"\x86R",
    "datetime from text": lambda c: call("datetime", "datetime", text("2020")),
    "an enum by name": lambda c: call("moto.s3.models", "TransitionDefaultMinimumObjectSize", text("nothing")),
}

STATES = {
    "__class__": instance(*QUEUE, b"}" + text("__class__") + name("moto.sqs.models", "Message") + b"s"),
    "__dict__": instance(*QUEUE, b"}" + text("__dict__") + b"}s"),
    "__setstate__": instance(*QUEUE, b"}" + text("__setstate__") + name("pod_agent.restore", "lock") + b"s"),
    "a method": instance(*QUEUE, b"}" + text("add_message") + name("pod_agent.restore", "lock") + b"s"),
    "a property": instance(*QUEUE, b"}" + text("attributes") + text("x") + b"s"),
    "slots that are not there": instance(*QUEUE, b"N}" + text("__class__") + name("moto.sqs.models", "Message") + b"s\x86"),
    "slots by another name": instance(*QUEUE, b"N}" + text("name") + text("x") + b"s\x86"),
    "a class attribute": name(*QUEUE) + b"N}" + text("BASE_ATTRIBUTES") + b"]s\x86b",
    "a key that is no text": instance(*QUEUE, b"}K\x01K\x02s"),
    "a state that is a list": instance(*QUEUE, b"]"),
    "items for an instance": instance(*QUEUE) + b"(" + text("a") + text("b") + b"u",
    "appends for an instance": instance(*QUEUE) + b"(" + text("a") + b"e",
    "a body without its shape": setter("moto.s3.models", "FakeKey", "set_key", b"}N\x86"),
    "a body of another length": setter(
        "moto.s3.models",
        "FakeKey",
        "set_key",
        b"}(" + text("_max_buffer_size") + b"K\x10" + text("contentsize") + b"K\x05uC\x03abc\x86",
    ),
    "a key past its setter": instance("moto.s3.models", "FakeKey", b"}" + text("value") + b"C\x01as"),
    "a thread that has a target": setter(
        "moto.batch.models", "Job", "set_thread", b"}" + text("_target") + name(*QUEUE) + b"s"
    ),
    "raw items for a plain object": setter(*QUEUE, "set_raw", b"}NN\x87"),
    "items for a live backend": (text("backends") + text("s3") + b"\x86Q(" + text("a") + text("b") + b"u"),
    "state for a live backend": BACKEND + b"}" + text("queues") + b"}sb",
    "a number in place of a UUID's": name("uuid", "UUID") + b")\x81}" + text("int") + text("x") + b"sb",
}

PERSISTENT = {
    "an unknown kind": text("file") + text("/etc/passwd") + b"\x86Q",
    "no tuple": text("blob") + b"Q",
    "a number": text("blob") + b"K\x05\x86Q",
    "a backend of no service": b"(" + text("backend") + text("os") + text("123456789012") + text("us-east-1") + b"tQ",
    "a backend of no account": b"(" + text("backend") + text("sqs") + text("../x") + text("us-east-1") + b"tQ",
    "a body that is not there": text("blob") + text("0" * 64) + b"\x86Q",
    "a path as a digest": text("blob") + text("../../../etc/passwd") + b"\x86Q",
}

MALFORMED = {
    "empty": b"",
    "cut off": root(text("x"))[:-9],
    "without an end": root(text("x"))[:-1],
    "payload and garbage": PROTO + call("os", "system", text("true")) + b"\xff\xff\xff",
    "data behind the end": root(text("x")) + b"more",
    "a second pickle": root(text("x")) + root(text("y")),
    "protocol 0": pickle.dumps({"region_name": "us-east-1"}, 0),
    "protocol 2": pickle.dumps({"region_name": "us-east-1"}, 2),
    "protocol 9": b"\x80\x09}.",
    "GLOBAL": PROTO + b"cos\nsystem\n.",
    "INST": PROTO + b"(S'true'\nios\nsystem\n.",
    "OBJ": PROTO + b"(" + name("os", "system") + text("true") + b"o.",
    "EXT1": PROTO + b"\x82\x01.",
    "EXT2": PROTO + b"\x83\x01\x00.",
    "EXT4": PROTO + b"\x84\x01\x00\x00\x00.",
    "PERSID": PROTO + b"Pblob\n.",
    "NEXT_BUFFER": PROTO + b"\x97.",
    "NEWOBJ_EX": PROTO + name(*QUEUE) + b")}\x92.",
    "a frame beyond the end": PROTO + b"\x95" + struct.pack("<Q", 1 << 62) + b"}.",
    "bytes of a length beyond measure": PROTO + b"\x8e" + struct.pack("<Q", 1 << 62) + b".",
    "text of a length beyond measure": PROTO + b"\x8d" + struct.pack("<Q", (1 << 64) - 1) + b".",
    "a number of a length beyond measure": PROTO + b"\x8b" + struct.pack("<i", 0x7FFFFFFF) + b".",
    "a negative length": PROTO + b"\x8b" + struct.pack("<i", -5) + b".",
    "a memo slot that was never filled": PROTO + b"j" + struct.pack("<I", 77) + b".",
    "an unbalanced mark": PROTO + b"(}.",
    "pops of nothing": PROTO + b"000.",
    "an append across a mark": PROTO + b"](K\x01a.",
    "a root that is a list": PROTO + b"].",
    "a root that is no backend's": PROTO + b"}.",
    "text that is no UTF-8": PROTO + b"\x8c\x02\xff\xfe.",
    "a list as a key": PROTO + b"}]K\x01s.",
    "a key nested without end": PROTO + b"}" + b")" + b"2\x86" * 60 + b"K\x01s.",
    "a dict with an odd count": PROTO + b"}(K\x01u.",
}


def refused(agent: Agent, state: bytes, path: str = SQS) -> str:
    service = path.split("/")[2]
    status, answer = agent.inject(zipped({path: state, ".pod/info.json": info([service])}))
    assert status == 422, answer
    assert answer[0]["error"]["code"] in ("refused", "damaged"), answer
    assert answer[0]["error"]["service"] == service
    return answer[0]["error"]["message"]


@pytest.fixture(scope="module")
def victim() -> Agent:
    """An agent with something to lose, and the digest of that."""
    agent = Agent()
    queue = agent.client("sqs").create_queue(QueueName="mine")["QueueUrl"]
    agent.client("sqs").send_message(QueueUrl=queue, MessageBody="precious")
    agent.client("s3").create_bucket(Bucket="my-bucket")
    agent.client("s3").put_object(Bucket="my-bucket", Key="k", Body=b"x" * 9000)
    agent.before = agent.digest()  # type: ignore[attr-defined]
    yield agent  # type: ignore[misc]
    agent.stop()


@pytest.fixture(autouse=True)
def _unchanged(victim: Agent):
    yield
    assert victim.digest() == victim.before  # type: ignore[attr-defined]


@pytest.mark.parametrize("attack", CALLS)
def test_a_name_that_is_not_on_the_list_is_refused(victim: Agent, attack: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    payload = CALLS[attack](str(canary))
    refused(victim, root(payload))
    assert not canary.exists()


@pytest.mark.parametrize("attack", STATES)
def test_state_that_changes_more_than_attributes_is_refused(victim: Agent, attack: str) -> None:
    refused(victim, root(STATES[attack]))


@pytest.mark.parametrize("attack", PERSISTENT)
def test_a_persistent_id_of_another_shape_is_refused(victim: Agent, attack: str) -> None:
    refused(victim, root(PERSISTENT[attack]))


@pytest.mark.parametrize("attack", MALFORMED)
def test_a_malformed_pickle_is_refused(victim: Agent, attack: str) -> None:
    refused(victim, MALFORMED[attack])


def test_an_empty_backend_in_the_same_shape_is_taken(victim: Agent, start) -> None:
    """The attacks above fail for what they do, not for how they are wrapped."""
    other = start()
    status, lines = other.inject(zipped({SQS: root(text("harmless")), ".pod/info.json": info(["sqs"])}))
    assert (status, lines[-1]["status"]) == (201, "ok")


def test_every_cut_of_a_real_state_file_is_refused(victim: Agent) -> None:
    state = contents(victim.capture("sqs"))[SQS]
    for length in range(0, len(state), max(len(state) // 12, 1)):
        refused(victim, state[:length])


def test_a_memo_bomb_costs_nothing(victim: Agent) -> None:
    before = victim.memory("VmHWM")
    refused(victim, PROTO + b"}r" + struct.pack("<I", 0xFFFFFFF0) + b"j" + struct.pack("<I", 0xFFFFFFF1) + b".")
    assert victim.memory("VmHWM") - before < 64 << 20


def test_a_nest_deeper_than_can_be_written_is_put_back(victim: Agent) -> None:
    deep = root(b"]" * 200_000 + b"a" * 199_999)
    status, answer = victim.inject(zipped({SQS: deep, ".pod/info.json": info(["sqs"])}))
    assert status == 422 or [line["status"] for line in answer] == ["error", "partial"], answer


def test_a_real_state_file_names_nothing_else(victim: Agent) -> None:
    """What the agent writes stays within what it reads: modules of moto, value types, its own restore functions."""
    for path, data in contents(victim.capture()).items():
        if path.endswith(".state"):
            texts = [arg for op, arg, _ in pickletools.genops(data) if op.name in ("SHORT_BINUNICODE",)]
            assert not {"os", "posix", "builtins.eval"} & set(texts)


def test_attacks_hidden_in_real_state_are_refused(victim: Agent, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {canary}",))

    out = io.BytesIO()
    pickle.Pickler(out, 4).dump({"region_name": "us-east-1", "account_id": "123456789012", "queues": {"q": Evil()}})
    refused(victim, out.getvalue())
    assert not canary.exists()
    assert document(victim.capture())["services"]["failed"] == []
