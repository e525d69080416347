"""libpod and Python read the same pickles alike, and Python loads what libpod writes to the same graph."""

import collections
import datetime
import decimal
import io
import ipaddress
import json
import os
import pickle
import pickletools
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
ROOT = HERE.parent.parent

from stand_in import Unpickler, outline  # noqa: E402

TOOL = Path(os.environ["PODGIT"]).resolve().parents[2] / "tests" / "conformance" / "document_tool"


class Plain:
    pass


class Slotted:
    __slots__ = ("a", "b")


class Keyworded:
    def __new__(cls, *, size):
        return object.__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"size": 3}


class ListOfItems(list):
    pass


class DictOfItems(dict):
    pass


def objects():
    plain = Plain()
    plain.name, plain.me, plain.items = "x", plain, [1, 2]
    slotted = Slotted()
    slotted.a, slotted.b = plain, (plain, [plain])
    items, mapping = ListOfItems([1, plain]), DictOfItems(a=plain)
    items.note, mapping.note = "n", items
    return [plain, slotted, items, mapping, plain]


def values():
    ring = []
    ring.append((ring, "x"))
    tuple_ring = ([], 1)
    tuple_ring[0].append(tuple_ring)
    shared = ["shared"]
    zone = datetime.timezone(datetime.timedelta(hours=1))
    return {
        "atoms": [None, True, False, 0, 1, 255, 256, 65535, 65536, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, -(2**63), 2**255,
                  -(2**4000), 0.0, -0.0, 1.5, float("inf"), 1e-320, "", "text", "äöü", "\ud800 alone", "x" * 300, "y" * 70000, b"",
                  b"z" * 300],
        "containers": {"list": [1, [2, [3]]], "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), "set": {1, "a", (2, 3)},
                       "frozen": frozenset({1, (2,)}), 5: None, (1, 2): "tuple", "many": list(range(3000)),
                       "dict": {str(i): i for i in range(2500)}, "bytes": bytearray(b"array")},
        "sharing": [shared, shared, {"again": shared}, (shared, shared)],
        "list ring": ring,
        "tuple ring": tuple_ring,
        "values": [datetime.datetime(2026, 11, 26, 1, 2, 3, 4, zone), datetime.date(2026, 1, 1), datetime.time(1, 2), zone,
                   datetime.timedelta(1, 2, 3), uuid.UUID(int=2**127 + 1), decimal.Decimal("1.50"), ipaddress.ip_network("10.0.0.0/8"),
                   ipaddress.ip_address("::1")],
        "collections": [collections.OrderedDict(b=1, a=2), collections.defaultdict(list, a=[1]), collections.Counter("abca"),
                        collections.deque([1, 2], 5)],
        "objects": objects(),
        "long texts": ["l" * 5000, "l" * 5000, ["l" * 5000]],
    }


def with_keywords():
    return [Keyworded(size=3)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Name → bytes of every pickle there is."""
    found = {}
    for name, value in values().items():
        for protocol in range(2 if name == "objects" else 0, 6):  # slots need protocol 2
            found[f"{name}, protocol {protocol}"] = pickle.dumps(value, protocol)
    for protocol in range(2, 6):
        found[f"keywords, protocol {protocol}"] = pickle.dumps(with_keywords(), protocol)
    data = ROOT / "tests" / "data"
    for folder in ("captured", "state", "states"):
        for file in sorted((data / folder).rglob("*.state")):
            found[str(file.relative_to(data))] = file.read_bytes()
    for file in sorted((data / "localstack-persist").rglob("*.pkl")):
        found[str(file.relative_to(data))] = file.read_bytes()[1:]  # behind the mark of its format
    with zipfile.ZipFile(data / "pods" / "happy-new-year.zip") as pod:
        for name in pod.namelist():
            if name.endswith(".state"):
                found[name] = pod.read(name)
    return found


@pytest.fixture(scope="module")
def read(corpus, tmp_path_factory):
    """Name → what the tool says, and the canonical writing or None."""
    folder = tmp_path_factory.mktemp("corpus")
    names, out = list(corpus), folder / "out"
    out.mkdir()
    for number, name in enumerate(names):
        (folder / str(number)).write_bytes(corpus[name])
    answers = run([folder / str(number) for number in range(len(names))], out)
    return {name: (answer, (out / str(number)).read_bytes() if (out / str(number)).exists() else None)
            for number, (name, answer) in enumerate(zip(names, answers, strict=True))}


def run(files, folder=None):
    command = [TOOL] + ([folder] if folder else [])
    done = subprocess.run(command, input="".join(f"{file}\n" for file in files), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def load(data):
    return Unpickler(io.BytesIO(data)).load()


def globals_of(data):
    unpickler = Unpickler(io.BytesIO(data))
    unpickler.load()
    return sorted([module, name] for module, name in unpickler.names)


def test_the_corpus_is_as_large_as_promised(corpus):
    assert len(corpus) > 120
    assert sum(len(data) for data in corpus.values()) > 1_000_000


def test_what_pickletools_reads_is_read_and_names_the_same(corpus, read):
    for name, data in corpus.items():
        end = None
        for opcode, _, place in pickletools.genops(data):
            end = place
        answer = read[name][0]
        assert "error" not in answer, (name, answer)
        assert answer["trailing"] == len(data) - end - 1, name
        assert sorted(answer["globals"]) == globals_of(data), name


def test_what_is_written_loads_to_the_same_graph_in_python(corpus, read):
    for name, data in corpus.items():
        answer, written = read[name]
        assert "refused" not in answer, (name, answer)
        assert outline(load(written)) == outline(load(data)), name


def test_writing_is_a_fixed_point_and_says_the_same(read, tmp_path):
    files, digests = [], []
    for number, (answer, written) in enumerate(read.values()):
        files.append(tmp_path / str(number))
        files[-1].write_bytes(written)
        digests.append(answer["digest"])
    out = tmp_path / "out"
    out.mkdir()
    for number, answer in enumerate(run(files, out)):
        assert answer["digest"] == digests[number], list(read)[number]
        assert (out / str(number)).read_bytes() == files[number].read_bytes(), list(read)[number]


def test_what_is_written_is_one_whatever_the_protocol_and_the_hash_seed(read, tmp_path):
    for name in ("list ring", "tuple ring", "values", "collections", "long texts"):
        assert len({read[f"{name}, protocol {protocol}"][1] for protocol in (4, 5)}) == 1, name
    script = "import pickle, sys; sys.stdout.buffer.write(pickle.dumps([{str(i) for i in range(500)}, {('k', i) for i in range(50)}]))"
    files = []
    for seed in ("0", "1", "2"):
        files.append(tmp_path / seed)
        files[-1].write_bytes(subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed},
                                             capture_output=True, check=True).stdout)
    out = tmp_path / "out"
    out.mkdir()
    answers = run(files, out)
    assert len({file.read_bytes() for file in files}) == 3
    assert len({answer["digest"] for answer in answers}) == 1
    assert len({(out / str(number)).read_bytes() for number in range(3)}) == 1


def test_what_python_refuses_is_refused(tmp_path):
    broken = {
        "cut": pickle.dumps({"a": [1, 2, 3]})[:-4],
        "no stop": b"\x80\x04N",
        "nothing": b"",
        "an unknown opcode": b"\x80\x04\xffN.",
        "an empty stack": b"\x80\x04R.",
        "a slot never set": b"\x80\x04h\x07.",
        "a text that is not UTF-8": b"\x80\x04\x8c\x02\xff\xfe.",
        "a protocol to come": b"\x80\x06N.",
        "an odd dict": b"(Va\nd.",
        "a number that is none": b"Ione\n.",
        "a length below zero": b"\x80\x04T\xff\xff\xff\xff.",
        "a length beyond the file": b"\x80\x04X\xff\xff\xff\x7fa.",
        "a frame beyond the file": b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.",
    }
    files = []
    for number, data in enumerate(broken.values()):
        files.append(tmp_path / str(number))
        files[-1].write_bytes(data)
    for (name, data), answer in zip(broken.items(), run(files), strict=True):
        with pytest.raises(Exception):  # noqa: B017 (Python raises a dozen kinds)
            pickle.loads(data)  # names nothing
        assert "error" in answer, name
