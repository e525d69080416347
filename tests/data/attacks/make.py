#!/usr/bin/env python3
"""Writes the attack set: state files that were made to run something, to change what lies outside of them, to hide what
they do, or to wear a reader out. Nothing here is ever unpickled; `attacks.json` says what has to become of each.

Usage: make.py [--check]   (--check: only compare with what lies here)

A row of `attacks.json`: the file, the path under which it comes in a pod, the least verdict (`refuse`, or `review` where
nothing else can be said), a word that the first concern has to say, and whether pod-agent has to refuse it too."""

import argparse
import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
SQS = "api_states/123456789012/sqs/us-east-1/backend.state"
PROTO = b"\x80\x04"
QUEUE = ("moto.sqs.models", "Queue")

FILES: dict[str, bytes] = {}
ROWS: list[dict] = []


def attack(name: str, data: bytes, says: str = "", verdict: str = "refuse", path: str = SQS, agent: bool = True) -> None:
    file = name.replace(" ", "-") + ".bin"
    assert FILES.setdefault(file, data) == data, name
    ROWS.append({"agent": agent and path == SQS, "file": file, "path": path, "says": says, "verdict": verdict})


def text(value: str) -> bytes:
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data


def named(module: str, attribute: str) -> bytes:
    return text(module) + text(attribute) + b"\x93"


def call(module: str, attribute: str, *arguments: bytes) -> bytes:
    return named(module, attribute) + b"(" + b"".join(arguments) + b"tR"


def value(data: bytes) -> bytes:
    """A backend's attributes with one more."""
    return PROTO + b"}(" + text("region_name") + text("us-east-1") + text("account_id") + text("123456789012") + text("evil") + data + b"u."


def instance(module: str, cls: str, state: bytes = b"") -> bytes:
    return named(module, cls) + b")\x81" + (state + b"b" if state else b"")


def items(*pairs: bytes) -> bytes:
    return b"}(" + b"".join(pairs) + b"u"


def setter(module: str, cls: str, function: str, state: bytes) -> bytes:
    made = named(module, cls) + b")\x81\x94"
    return made + named("pod_agent.restore", function) + b"h\x00" + state + b"\x86R0"


SYSTEM = call("os", "system", text("true"))


def calls() -> None:
    attack("os system", value(SYSTEM), "os.system")
    attack("posix system", value(call("posix", "system", text("true"))), "posix.system")
    attack("nt system", value(call("nt", "system", text("true"))), "nt.system")
    attack("subprocess", value(call("subprocess", "Popen", text("true"))), "subprocess.Popen")
    attack("eval", value(call("builtins", "eval", text("1"))), "builtins.eval")
    attack("exec", value(call("builtins", "exec", text("1"))), "builtins.exec")
    attack("compile", value(call("builtins", "compile", text("1"), text("x"), text("eval"))), "builtins.compile")
    attack("import", value(call("builtins", "__import__", text("os"))), "__import__")
    attack("open", value(call("builtins", "open", text("x"), text("w"))), "builtins.open")
    attack("importlib", value(call("importlib", "import_module", text("antigravity"))), "importlib")
    attack("pkgutil", value(call("pkgutil", "resolve_name", text("os:system"))), "pkgutil.resolve_name")
    attack("runpy", value(call("runpy", "_run_code", text("1"), b"}")), "runpy")
    attack("pip", value(call("pip", "main", b"]")), "pip.main")
    attack("timeit", value(call("timeit", "timeit", text("1"))), "timeit")
    attack("attrgetter", value(call("operator", "attrgetter", text("system"))), "operator.attrgetter")
    attack("attrgetter called", value(call("operator", "attrgetter", text("system")) + named("os", "path") + b"\x85R"), "call")
    attack("methodcaller", value(call("operator", "methodcaller", text("system"))), "operator.methodcaller")
    attack("partial", value(call("functools", "partial", named(*QUEUE))), "functools.partial")
    attack("types function", value(call("types", "FunctionType", b"N", b"}")), "types.FunctionType")
    attack("types code", value(call("types", "CodeType", b"N")), "types.CodeType")
    attack("marshal", value(call("marshal", "loads", b"C\x01x")), "marshal.loads")
    attack("pickle in pickle", value(call("pickle", "loads", b"C\x02N.")), "pickle.loads")
    attack("codecs", value(call("_codecs", "encode", text("x"), text("latin1"))), "_codecs.encode")
    attack("builtin getattr", value(call("builtins", "getattr", named(*QUEUE), text("name"))), "builtins.getattr")
    attack("getattr chain", value(call("builtins", "getattr", call("builtins", "getattr", named("os", "path"), text("os")), text("system"))),
           "builtins.getattr")
    attack("getattr zone other", value(call("builtins", "getattr", named("zoneinfo", "ZoneInfo"), text("from_file"))), "builtins.getattr")
    attack("getattr zone called", value(call("builtins", "getattr", named("zoneinfo", "ZoneInfo"), text("_unpickle")) +
                                        b"(" + text("../../../etc/passwd") + b"\x89tR"), "getattr")
    attack("setattr", value(call("builtins", "setattr", named(*QUEUE), text("x"), b"N")), "builtins.setattr")
    attack("a class called", value(call(*QUEUE, text("q"))), "calls the class")
    attack("an instance called", value(instance(*QUEUE) + b")R"), "no function")
    attack("a call called", value(call("pod_agent.restore", "lock") + b")R"), "another call")
    attack("a text called", value(text("os.system") + text("true") + b"\x85R"), "no function")
    attack("arguments that are a list", value(named("datetime", "timedelta") + b"]R"), "no tuple")
    attack("arguments that are a dict", value(named("os", "system") + b"}R"), "no tuple")
    for name, data in {
        "in a list": b"](" + SYSTEM + b"e", "in a tuple": SYSTEM + b"\x85", "in a set": b"\x8f(" + SYSTEM + b"\x90",
        "as a key": items(SYSTEM, b"N"), "in a frozen set": b"(" + SYSTEM + b"\x91",
        "in state": instance(*QUEUE, items(text("tags"), SYSTEM)),
        "in slots": instance(*QUEUE, b"N" + items(text("tags"), SYSTEM) + b"\x86"),
        "in arguments": call("datetime", "timedelta", SYSTEM, b"K\x00", b"K\x00"),
        "in a set raw": setter("moto.s3.models", "_VersionedKeyStore", "set_raw", items(text("k"), SYSTEM) + b"NN\x87"),
        "in a persistent id": SYSTEM + b"\x85Q",
        "in a deep nest": b"]" * 900 + SYSTEM + b"a" * 900,
    }.items():
        attack("hidden " + name, value(data), "os.system" if name not in ("in arguments",) else "", agent=True)
    attack("through memo", value(text("system") + b"\x940" + text("os") + b"\x940" + b"h\x01h\x00\x93" + text("true") + b"\x85R"), "os.system")
    attack("through memo callable", value(named("os", "system") + b"\x940h\x00" + text("true") + b"\x85R"), "os.system")
    attack("through put and get", b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x05cos\nsystem\nq\x060h\x06X\x04\x00\x00\x00true\x85Ru.", "os.system")
    attack("memo written over", value(named(*QUEUE) + b"q\x070" + named("os", "system") + b"q\x070h\x07" + text("true") + b"\x85R"), "os.system")
    attack("by dup", value(named("os", "system") + b"20" + text("true") + b"\x85R"), "os.system")


def dropped() -> None:
    attack("called and popped", PROTO + SYSTEM + b"0" + value(b"N")[2:], "os.system", agent=True)
    attack("called and popped with a mark", PROTO + b"(" + SYSTEM + b"1" + value(b"N")[2:], "os.system")
    attack("called on an object and popped", value(instance(*QUEUE) + b"\x94" + named("builtins", "print") + b"h\x00\x85R0"), "builtins.print")
    attack("setattr on an object and popped",
           value(instance(*QUEUE) + b"\x94" + named("builtins", "setattr") + b"h\x00" + text("__class__") + named("moto.sqs.models", "Message") + b"\x87R0"),
           "builtins.setattr")
    attack("named and popped", PROTO + named("os", "system") + b"0" + value(b"N")[2:], "os.system")
    attack("named and memoized", PROTO + named("os", "system") + b"\x940" + value(b"N")[2:], "os.system")
    attack("named as a value", value(named("os", "system")), "os.system")
    attack("a loose effect", PROTO + call("pod_agent.restore", "zone", text("UTC")) + b"0" + value(b"N")[2:], "effect", agent=False)


def names() -> None:
    attack("a dotted walk", value(call("moto.sqs.models", "os.system", text("true"))), "moto.sqs.models.os.system")
    attack("a dotted module", value(call("moto.server.os", "system", text("true"))), "moto.server.os.system")
    attack("a dotted class", value(named("moto.sqs.models", "Queue.__init__.__globals__")), "Queue.__init__")
    attack("a walk to subclasses", value(named("builtins", "object.__subclasses__")), "__subclasses__")
    attack("a module of a module", value(named("moto.s3.models", "os")), "moto.s3.models.os")
    attack("a function of moto", value(call("moto.core.utils", "get_service_model", text("sqs"))), "get_service_model")
    attack("a function of a model", value(call("moto.sqs.models", "generate_receipt_handle")), "generate_receipt_handle")
    attack("a function of moto as a value", value(named("moto.sqs.models", "generate_receipt_handle")), "generate_receipt_handle")
    attack("moto's server", value(call("moto.server", "main")), "moto.server.main")
    attack("a response handler", value(instance("moto.sqs.responses", "SQSResponse")), "SQSResponse")
    attack("a function of localstack", value(call("localstack.utils.run", "run", text("true"))), "localstack.utils.run.run")
    attack("a class of localstack called", value(call("localstack.utils.run", "ShellCommandThread", text("true"))), "ShellCommandThread")
    attack("the agent's insides", value(call("pod_agent.restore", "_make", text("list"))), "pod_agent.restore._make")
    attack("the agent's modules", value(call("pod_agent.inject", "reset", b"N")), "pod_agent.inject.reset")
    attack("a name with a newline", value(named("os\nsystem", "x")), "os\\x0asystem")
    attack("a name with control bytes", value(named("moto.sqs.\x1b[2Jmodels", "Que\x07ue\r")), "\\x1b[2J")
    attack("a name with bidi", value(named("moto.\u202esledom", "\u2066Queue\u2069")), "\\xe2\\x80\\xae")
    attack("a name with a zero", value(named("os\x00", "system")), "os\\x00.system")
    attack("a name with quotes", value(named('os"', "sys\\tem")), 'os\\"')
    attack("an empty name", value(named("", "")), '"."')
    attack("names that are bytes", value(b"C\x02osC\x06system\x93"), "")
    attack("names that are numbers", value(b"K\x01K\x02\x93"), "")
    attack("names with spaces", value(named(" os", "system ")), " os.system ")
    attack("a name that looks like ours", value(named("moto.sqs.m\u043edels", "Queue")), "moto.sqs.m")
    attack("keys with control bytes", value(items(text("\x1b]0;x\x07\u202e"), SYSTEM)), "os.system")


def old_protocols() -> None:
    body = "S'true'\n"
    attack("protocol 0", f"cos\nsystem\n({body}tR.".encode(), "os.system")
    attack("protocol 0 in a dict", f"(dp0\nS'a'\ncos\nsystem\n({body}tRs.".encode(), "os.system")
    attack("protocol 1", b"cos\nsystem\n(U\x04truetR.", "os.system")
    attack("protocol 2", b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.", "os.system")
    attack("protocol 3", b"\x80\x03cos\nsystem\nX\x04\x00\x00\x00true\x85R.", "os.system")
    attack("protocol 5", b"\x80\x05" + SYSTEM + b".", "os.system")
    attack("python 2 eval", f"c__builtin__\neval\n({body}tR.".encode(), "builtins.eval")
    attack("python 2 commands", f"ccommands\ngetoutput\n({body}tR.".encode(), "getoutput")
    attack("python 2 unicode names", b"c__builtin__\nunichr\n(I65\ntR.", "builtins.chr")
    attack("inst", f"({body}ios\nsystem\n.".encode(), "")
    attack("inst in a backend", value(b"(" + body.encode() + b"ios\nsystem\n"), "")
    attack("obj", value(b"(" + named("os", "system") + text("true") + b"o"), "os.system")
    attack("inst of a class", value(b"(imoto.sqs.models\nQueue\n"), "")
    attack("a global spelled with a line", value(b"cos\nsystem\n" + text("true") + b"\x85R"), "os.system")
    attack("escaped text", b"(dV\\u0061\ncos\nsystem\n(V\\u0074rue\ntRs.", "os.system")
    attack("extension 1", value(b"\x82\x01"), "extension")
    attack("extension 2", value(b"\x83\x01\x00"), "extension")
    attack("extension 4", value(b"\x84\x01\x00\x00\x00"), "extension")
    attack("a persistent line", value(b"Pblob\n"), "persistent id")
    attack("a buffer", value(b"\x97"), "outside")
    attack("a read only buffer", value(b"\x97\x98"), "outside")


def objects() -> None:
    attack("newobj ex", value(named(*QUEUE) + b")" + items(text("name"), text("x")) + b"\x92"), "keyword")
    attack("newobj ex of popen", value(named("subprocess", "Popen") + b")" + items(text("args"), text("true")) + b"\x92"), "")
    attack("newobj of popen", value(instance("subprocess", "Popen")), "subprocess.Popen")
    attack("newobj of a text", value(text("x") + b")\x81"), "no class")
    attack("newobj with a list", value(named(*QUEUE) + b"]\x81"), "no tuple")
    attack("newobj with arguments", value(named(*QUEUE) + text("x") + b"\x85\x81"), "another kind")
    attack("newobj of an enum", value(instance("moto.s3.models", "TransitionDefaultMinimumObjectSize")), "there are none")
    attack("newobj of a value type", value(instance("datetime", "datetime")), "past its constructor")
    attack("newobj of type", value(instance("builtins", "type")), "builtins.type")
    attack("newobj of a function", value(instance("pod_agent.restore", "lock")), "past its constructor")
    attack("datetime from text", value(call("datetime", "datetime", text("2020"))), "another kind")
    attack("an enum by a list", value(call("moto.s3.models", "TransitionDefaultMinimumObjectSize", b"]")), "another kind")
    attack("a private key from text", value(call("pod_agent.restore", "private_key", text("x"))), "another kind")
    attack("a method with a dunder", value(call("pod_agent.restore", "method", instance(*QUEUE), text("__init__"))), "another kind")
    attack("a zone with a path", value(call("pod_agent.restore", "zone", text("../../../etc/passwd"))), "another kind")
    attack("a factory that is a function", value(call("collections", "defaultdict", named("os", "getcwd"))), "os.getcwd")
    attack("a factory that is no container", value(call("collections", "defaultdict", named("datetime", "datetime"))), "another kind")
    attack("a factory that is an enum", value(call("collections", "defaultdict", named("moto.s3.models", "TransitionDefaultMinimumObjectSize"))),
           "another kind")
    attack("a factory of a factory", value(call("collections", "defaultdict", call("functools", "partial", named("os", "getcwd")))), "")
    branching = b"]"
    for level in range(8):
        branching += bytes([0x71, level]) + b"0](" + bytes([0x68, level]) * 90 + b"e"
    attack("a factory that branches without end", value(call("pod_agent.restore", "factory", text("value") + branching + b"\x86")), "another kind")
    attack("a pattern without end", value(call("pod_agent.restore", "regex", text("(a+)+" * 1000), b"K\x00")), "another kind")
    attack("copyreg add extension", value(call("copyreg", "add_extension", text("os"), text("system"), b"K\x01")), "copyreg.add_extension")
    attack("copyreg pickle", value(call("copyreg", "pickle", named(*QUEUE), named("os", "system"))), "copyreg.pickle")
    attack("copyreg reconstructor of popen", value(call("copyreg", "_reconstructor", named("subprocess", "Popen"), named("builtins", "object"), b"N")),
           "subprocess.Popen")
    attack("copyreg reconstructor by popen", value(call("copyreg", "_reconstructor", named(*QUEUE), named("subprocess", "Popen"), b"N")),
           "_reconstructor")
    attack("copyreg reconstructor", value(call("copyreg", "_reconstructor", named(*QUEUE), named("builtins", "object"), b"N")), "copyreg",
           verdict="review")
    attack("copyreg newobj", value(call("copyreg", "__newobj__", named("subprocess", "Popen"))), "subprocess.Popen")
    for name, state, says in (
        ("class", items(text("__class__"), named("moto.sqs.models", "Message")), "__class__"),
        ("dict", items(text("__dict__"), b"}"), "__dict__"),
        ("setstate", items(text("__setstate__"), b"N"), "__setstate__"),
        ("reduce", items(text("__reduce_ex__"), b"N"), "__reduce_ex__"),
        ("a method", items(text("add_message"), b"N"), "add_message"),
        ("a method of a base", items(text("create_from_cloudformation_json"), b"N"), "create_from_cloudformation_json"),
        ("a slot that is a class", b"N" + items(text("__class__"), named("moto.sqs.models", "Message")) + b"\x86", "__class__"),
        ("a slot that is none", b"N" + items(text("tags"), b"N") + b"\x86", "no slot"),
        ("a number", items(b"K\x01", b"K\x02"), "no text"),
        ("a list", b"]", "no dict"),
        ("three", b"NNN\x87", "no dict"),
    ):
        attack("build " + name, value(instance(*QUEUE, state)), says)
    attack("build a property", value(instance(*QUEUE, items(text("messages"), b"N"))), "property", verdict="review")
    attack("build on a class", value(named(*QUEUE) + items(text("x"), b"N") + b"b"), "changes a class")
    attack("build on a list", value(b"]" + items(text("x"), b"N") + b"b"), "list")
    attack("build on a dict", value(b"}" + items(text("x"), b"N") + b"b"), "dict")
    attack("build on a call", value(call("pod_agent.restore", "lock") + items(text("x"), b"N") + b"b"), "changes what")
    attack("build on a text", value(text("x") + items(text("x"), b"N") + b"b"), "")
    attack("a setstate of moto", value(instance("moto.s3.models", "FakeKey", items(text("value"), b"C\x01a"))), "__setstate__", verdict="review")
    attack("a backend class", value(instance("moto.sqs.models", "SQSBackend")), "SQSBackend", verdict="review")
    attack("a class that a module only imports", value(instance("moto.sqs.models", "BaseModel")), "BaseModel", verdict="review")
    attack("a class of another moto", value(instance("moto.sqs.models", "QueueOfTomorrow")), "QueueOfTomorrow", verdict="review")
    attack("a class of localstack", value(instance("localstack.services.sqs.models", "StandardQueue")), "StandardQueue", verdict="review")
    attack("items for an instance", value(instance(*QUEUE) + b"(" + text("a") + text("b") + b"u"), "holds none")
    attack("elements for an instance", value(instance(*QUEUE) + b"(" + text("a") + b"e"), "holds none")
    attack("members for an instance", value(instance(*QUEUE) + b"(" + text("a") + b"\x90"), "holds none")
    attack("items for a versioned store", value(instance("moto.s3.utils", "_VersionedKeyStore") + b"(" + text("a") + text("b") + b"u"),
           "own methods", verdict="review")
    attack("raw items for a plain object", value(setter(*QUEUE, "set_raw", b"}NN\x87")), "not for")
    attack("a thread with a target", value(setter("moto.batch.models", "Job", "set_thread", items(text("_target"), named(*QUEUE)))), "_target")
    attack("a thread that is none", value(setter(*QUEUE, "set_thread", b"}")), "not for")
    attack("a key that is none", value(setter(*QUEUE, "set_key", b"}N\x86")), "not for")
    attack("a key with a lock", value(setter("moto.s3.models", "FakeKey", "set_key", items(text("lock"), b"N", text("_max_buffer_size"), b"K\x10") + b"N\x86")), "lock")
    attack("a setter that is kept", value(named(*QUEUE) + b")\x81\x94" + named("pod_agent.restore", "set_raw") + b"h\x00}NN\x87\x86R"), "")
    attack("a uuid that is text", value(instance("uuid", "UUID", items(text("int"), text("x")))), "another shape")
    attack("a uuid with more", value(instance("uuid", "UUID", items(text("hex"), text("x")))), "another shape")
    for name, pid in (
        ("an unknown kind", text("file") + text("/etc/passwd") + b"\x86"), ("no tuple", text("blob")), ("a number", text("blob") + b"K\x05\x86"),
        ("no service", b"(" + text("backend") + text("os") + text("123456789012") + text("us-east-1") + b"t"),
        ("no account", b"(" + text("backend") + text("sqs") + text("../x") + text("us-east-1") + b"t"),
        ("a path for a digest", text("blob") + text("../../../etc/passwd") + b"\x86"),
        ("a region with dots", b"(" + text("backend") + text("sqs") + text("123456789012") + text("../..") + b"t"),
    ):
        attack("persistent " + name, value(pid + b"Q"), "persistent id")
    backend = b"(" + text("backend") + text("sqs") + text("123456789012") + text("us-east-1") + b"tQ"
    attack("state for a live backend", value(backend + items(text("queues"), b"}") + b"b"), "outside of this file")
    attack("items for a live backend", value(text("backends") + text("s3") + b"\x86Q(" + text("a") + text("b") + b"u"), "outside of this file")


def byte_code() -> None:
    code = call("dill._dill", "_create_code", b"K\x00", b"C\x02S\x00", text("os") + text("system") + b"\x86", text("<lambda>"))
    function = call("dill._dill", "_create_function", code, b"clocalstack.services.sqs.models\n__dict__\n", text("f"), b"N", b")")
    attack("byte code", value(function), "_create_function")
    attack("byte code alone", value(code), "_create_code")
    attack("byte code as a factory", value(call("collections", "defaultdict", function)), "")
    attack("byte code of another module",
           value(instance("localstack.services.sqs.models", "StandardQueue", items(text("attributes"), items(text("x"), call(
               "dill._dill", "_create_function", code, b"cos\n__dict__\n", text("f"), b"N", b")"))))), "_create_function")
    attack("byte code in a queue", value(instance("localstack.services.sqs.models", "StandardQueue", items(text("attributes"), items(text("x"), function)))),
           "", verdict="review")
    attack("byte code in a bucket", value(instance("localstack.services.s3.models", "S3Bucket", items(text("attributes"), items(text("x"), function)))),
           "_create_function")
    attack("byte code with other code",
           value(instance("localstack.services.sqs.models", "StandardQueue", items(text("attributes"), items(text("x"), function + b"}" + items(
               text("__code__"), code) + b"\x86b")))), "changes what")
    attack("a queue of another class", value(call("queue", "Queue", b"K\x00") + b"N" + items(text("__class__"), named(*QUEUE)) + b"\x86b"),
           "changes what")
    attack("dill import", value(call("dill._dill", "_import_module", text("os.system"))), "_import_module")
    attack("dill setattr on a class",
           value(call("builtins", "getattr", named("dill", "_dill"), text("_setattr"), named("builtins", "setattr")) + b"(" +
                 named(*QUEUE) + text("cell_contents") + b"NtR"), "builtins.setattr")


def malformed() -> None:
    good = value(text("x"))
    attack("empty", b"", "", agent=True)
    attack("cut", good[:-9], "")
    attack("without an end", good[:-1], "")
    attack("broken behind the payload", PROTO + SYSTEM + b"\xff\xff\xff", "broken pickle")
    attack("unbalanced behind the payload", PROTO + SYSTEM + b"0000000.", "broken pickle")
    attack("cut behind the payload", PROTO + SYSTEM + b"0", "broken pickle")
    attack("data behind the end", good + b"more", "behind the end")
    attack("a second pickle", good + PROTO + SYSTEM + b".", "behind the end")
    attack("protocol 9", b"\x80\x09" + good[2:], "")
    attack("a protocol within", value(b"\x80\x09N"), "")
    attack("a frame beyond the end", PROTO + b"\x95" + struct.pack("<Q", 1 << 62) + good[2:], "")
    attack("bytes beyond measure", PROTO + b"\x8e" + struct.pack("<Q", 1 << 62) + b".", "")
    attack("text beyond measure", PROTO + b"\x8d" + struct.pack("<Q", (1 << 64) - 1) + b".", "")
    attack("a byte array beyond measure", b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b".", "")
    attack("a number beyond measure", PROTO + b"\x8b" + struct.pack("<i", 0x7FFFFFFF) + b".", "")
    attack("a negative length", PROTO + b"\x8b" + struct.pack("<i", -5) + b".", "")
    attack("a memo beyond measure", PROTO + b"}r" + struct.pack("<I", 0xFFFFFFF0) + b"j" + struct.pack("<I", 0xFFFFFFF1) + b".", "")
    attack("a memo never filled", PROTO + b"j" + struct.pack("<I", 77) + b".", "")
    attack("an unbalanced mark", PROTO + b"(}.", "")
    attack("pops of nothing", PROTO + b"000.", "")
    attack("an append across a mark", PROTO + b"](K\x01a.", "")
    attack("text that is no utf 8", PROTO + b"\x8c\x02\xff\xfe.", "")
    attack("an odd count", PROTO + b"}(K\x01u.", "")
    attack("deeper than the limit", value(b"]" * 20_001 + b"a" * 20_000), "", agent=False)
    attack("a tuple of tuples", value(b")" + b"\x85" * 20_001), "", agent=False)
    attack("a list in itself and a call", value(b"]\x94h\x00a" + SYSTEM), "")
    attack("a list as a key", value(b"}]K\x01s"), "hashed")
    attack("a dict in a set", value(b"\x8f(}\x90"), "hashed")
    attack("half a pickle one", good[: len(good) // 2], "", path=SQS)
    attack("half a pickle two", good[len(good) // 2 :], "", path=SQS.replace("us-east-1", "us-east-2"), agent=False)


def misnamed() -> None:
    payload = PROTO + SYSTEM + b"."
    for path in ("api_states/123456789012/sqs/us-east-1/notes.txt", "api_states/123456789012/sqs/us-east-1/image.png", "api_states/README",
                 "API_States/x", "metadata.yaml", ".pod/info.json", ".pod/metamodel/x.json", "README.md", "sqs/Store.PKL", "sqs/BACKEND.Json",
                 "sqs/store", "x.pickle", "x.dill", "moto_state.pkl", "assets/sqs/backend.state", "s3/assets/bucket/store.pkl", "lib/libx.so"):
        attack("misnamed", payload, "os.system", path=path)
    broken = b"cos\nsystem\n(S'true'\ntR0\xff"
    for path in ("api_states/1/sqs/us-east-1/notes.txt", "sqs/backend.pkl", "x.state"):
        attack("misnamed and broken", broken, "broken pickle", path=path)
    attack("text for state", b"name: shop\n", "no document", path="sqs/backend.pkl")
    attack("text among state", b"version 3 of it\n", "unknown format", verdict="review", path="api_states/1/sqs/us-east-1/notes.txt")
    attack("tagged pickle", b"p" + payload, "os.system", path="sqs/store.pkl")
    attack("tagged dill", b"d" + payload, "os.system", path="sqs/store.pkl")
    attack("tagged and broken", b"p" + payload[:-1], "", path="sqs/store.pkl")
    attack("tagged with another tag", b"x" + payload, "", path="sqs/store.pkl")
    attack("tagged in state", b"p" + payload, "os.system", path=SQS)


def jsonpickles() -> None:
    def text_file(name: str, data: object, says: str = "", path: str = "sqs/backend.json", verdict: str = "refuse") -> None:
        attack("jsonpickle " + name, json.dumps(data).encode(), says, path=path, verdict=verdict)

    text_file("reduce", {"v": 1, "data": {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["true"]}]}})
    text_file("reduce of a type", {"py/reduce": [{"py/type": "subprocess.Popen"}, {"py/tuple": ["true"]}]})
    text_file("object", {"py/object": "subprocess.Popen", "args": "true"}, "")
    text_file("function", {"a": {"py/function": "os.system"}})
    text_file("type", {"a": {"py/type": "os.system"}})
    text_file("module", {"a": {"py/mod": "os/os"}})
    text_file("unknown tag", {"a": {"py/tomorrow": "os"}})
    text_file("repr", {"a": {"py/repr": "os/os.system('true')"}})
    text_file("in a key", {"v": 1, "data": {'json://{"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["true"]}]}': 1}})
    attack("jsonpickle escaped tags", b'{"v": 1, "data": {"\\u0070y/reduce": [{"\\u0070y\\/type": "os.system"}, {"py\\u002ftuple": ["true"]}]}}', "",
           path="sqs/backend.json")
    attack("jsonpickle tags far behind", b'{"a": "' + b"x" * 5000 + b'", "b": {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["true"]}]}}', "",
           path="sqs/backend.json")
    attack("json cut", b'{"a": ', "", path="sqs/backend.json")
    attack("json behind the end", b'{"a": 1} {"b": 2}', "", path="sqs/backend.json")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true")
    check = options.parse_args().check
    for part in (calls, dropped, names, old_protocols, objects, byte_code, malformed, misnamed, jsonpickles):
        part()
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in ROWS)
    FILES["attacks.json"] = f"[\n{lines}\n]\n".encode()
    there = {file.name: file.read_bytes() for file in HERE.iterdir() if file.suffix in (".bin", ".json")}
    if check:
        differing = sorted(name for name in {*FILES, *there} if FILES.get(name) != there.get(name))
        for name in differing:
            print(f"{name}: is not what make.py makes")
        return 1 if differing else 0
    for name in set(there) - set(FILES):
        (HERE / name).unlink()
    for name, data in FILES.items():
        (HERE / name).write_bytes(data)
    print(f"{len(FILES) - 1} files, {len(ROWS)} rows, {sum(map(len, FILES.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
