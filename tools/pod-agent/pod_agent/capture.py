"""A consistent cut of the emulator's state, and the archive of it.

Under the exclusive lock: every backend is encoded, bodies are pinned. After its release: bodies are hashed, the
archive is streamed. What is captured is what can be restored; a service of which one backend fails is listed as failed
and left out as a whole.
"""

from __future__ import annotations

import hashlib
import json
import platform
import secrets
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import moto
from moto.core.base_backend import BackendDict

from pod_agent import EMULATOR, FORMAT, __version__, archive, blobs, outside, services, tracking
from pod_agent.codec import SharedAcrossRegions, Unwritable, World, encode, settle_tokens
from pod_agent.errors import one_line
from pod_agent.lock import StateLock

PROCESS = secrets.token_hex(16)
TRIES = 3

# Backends whose fresh state is never twice the same (random default networks): always written.
_VOLATILE: set[str] = {"ec2"}
_PROBED: set[str] = set()
_FRESH: dict[tuple[str, str, str], bytes] = {}
# What a backend was right after this agent reset it; as long as it is that, it counts as empty.
PRISTINE: dict[tuple[str, str, str], tuple[Any, bytes]] = {}


def emulator() -> dict[str, str]:
    version = ".".join(platform.python_version_tuple()[:2])
    return {"name": EMULATOR, "version": moto.__version__, "python": version, "agent": __version__}


@dataclass
class StateFile:
    service: str
    path: str
    data: bytes
    tokens: tuple[str, ...] = ()


@dataclass
class Cut:
    """What was found under the lock."""

    files: list[StateFile] = field(default_factory=list)
    pins: blobs.Pins = field(default_factory=blobs.Pins)
    captured: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    pins_of: dict[str, list[blobs.Pinned]] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    path: str
    size: int
    sha256: str
    omitted: bool = False
    data: bytes | None = None
    pinned: blobs.Pinned | None = None


@dataclass
class Capture:
    """A cut with every digest known, ready to be streamed."""

    cut: Cut
    entries: list[Listed]
    digest: str

    def document(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "emulator": emulator(),
            "process": PROCESS,
            "services": {"captured": self.cut.captured, "empty": self.cut.empty, "failed": self.cut.failed},
            "entries": [
                {"path": e.path, "size": e.size, "sha256": e.sha256, "omitted": e.omitted} for e in self.entries
            ],
            "digest": self.digest,
        }

    def stream(self) -> Iterator[bytes]:
        try:
            yield from archive.write(self._zip_entries())
        finally:
            self.close()

    def _zip_entries(self) -> Iterator[archive.Entry]:
        for entry in self.entries:
            if entry.omitted:
                continue
            if entry.data is not None:
                yield archive.Entry(entry.path, entry.size, zlib.crc32(entry.data), (entry.data,), deflate=True)
            else:
                assert entry.pinned is not None
                found = entry.pinned.hash()
                yield archive.Entry(entry.path, entry.size, found.crc32, entry.pinned.pieces())
        last = json.dumps(self.document(), indent=1, sort_keys=True).encode()
        yield archive.Entry(".pod/capture.json", len(last), zlib.crc32(last), (last,), deflate=True)

    def close(self) -> None:
        self.cut.pins.close()


def digest_of(entries: list[Listed]) -> str:
    sha = hashlib.sha256()
    for entry in sorted(entries, key=lambda e: e.path):
        sha.update(f"{entry.sha256} {entry.path}\n".encode())
    return sha.hexdigest()


def take_cut(wanted: list[str] | None = None, have: frozenset[str] = frozenset()) -> Cut:
    """Encode what is there. Only under the exclusive lock."""
    cut = Cut(pins=blobs.Pins(have))
    in_use = services.in_use()
    names = list(services.names()) if wanted is None else sorted(set(wanted))
    world = World(cut.pins)
    for name in names:
        if name not in in_use and not outside.of_service(name):
            cut.empty.append(name)
            continue
        backends = in_use.get(name)
        try:
            files = _encode_with_retries(name, backends, world)
        except Exception as error:  # one service's failure is that service's alone
            cut.failed.append({"service": name, "reason": one_line(error)})
            continue
        cut.pins_of[name] = list(cut.pins.used.values()) if files else []
        cut.files.extend(files)
        (cut.captured if files else cut.empty).append(name)
    return cut


def _encode_with_retries(name: str, backends: BackendDict | None, world: World) -> list[StateFile]:
    """moto's background threads (jobs, executions) change state without a request: try again, up to three times."""
    for attempt in range(TRIES):
        try:
            return _encode_service(name, backends, world)
        except SharedAcrossRegions:
            world.share(name)
            return _encode_service(name, backends, world)
        except (RuntimeError, Unwritable) as error:
            if "during iteration" not in str(error) or attempt == TRIES - 1:
                raise
            time.sleep(0.02 * (attempt + 1))
    raise AssertionError("unreachable")


def _encode_service(name: str, backends: BackendDict | None, world: World) -> list[StateFile]:
    world.pins.begin()
    files: list[StateFile] = []
    if backends is not None:
        for account, region, backend in services.each_backend(backends):
            where = (name, account, region)
            data = encode(backend.__dict__, world, where)
            if data == fresh(name, account, region, backends) or _is_pristine(where, backend, data):
                continue
            path = f"api_states/{account}/{name}/{services.region_in_path(region)}/backend.state"
            files.append(StateFile(name, path, data))
    if files:
        for piece in outside.of_service(name):
            value = piece.read()
            if value is not None:
                where = (name, outside.NO_ACCOUNT, piece.name)
                files.append(StateFile(name, piece.path, encode(value, world, where)))
    return files


def _is_pristine(where: tuple[str, str, str], backend: Any, data: bytes) -> bool:
    known = PRISTINE.get(where)
    return known is not None and known[0] is backend and known[1] == hashlib.sha256(data).digest()


def note_pristine(where: tuple[str, str, str], backend: Any) -> None:
    """Remember what a backend is right after a reset. Only under the exclusive lock."""
    if where[0] in _VOLATILE:
        try:
            data = encode(backend.__dict__, World(blobs.Pins()), where)
        except Unwritable:
            return
        PRISTINE[where] = (backend, hashlib.sha256(data).digest())


def fresh(name: str, account: str, region: str, backends: BackendDict) -> bytes | None:
    """What a backend that nobody has used looks like, or None where two of them differ."""
    if name in _VOLATILE:
        return None
    key = (name, account, region)
    if key not in _FRESH:
        with tracking.untracked():
            data = _encode_fresh(key, backends)
            if data is not None and name not in _PROBED:
                _PROBED.add(name)
                if _encode_fresh(key, backends) != data:
                    data = None
        if data is None:
            _VOLATILE.add(name)
            return None
        _FRESH[key] = data
    return _FRESH[key]


def _encode_fresh(key: tuple[str, str, str], backends: BackendDict) -> bytes | None:
    name, account, region = key
    try:
        made = backends.backend(region, account)
        return encode(made.__dict__, World(blobs.Pins()), key)
    except Exception:  # a backend that cannot be made or written is simply never equal to a fresh one
        return None


def finish(cut: Cut, have: frozenset[str] = frozenset()) -> Capture:
    """Hash the bodies and put the digests into the pickles. Needs no lock."""
    tokens: dict[bytes, bytes] = {}
    for token, pinned in cut.pins.by_token.items():
        if pinned.digest is None:
            tokens[token.encode()] = pinned.hash().sha256.encode()
    entries: dict[str, Listed] = {}
    for file in cut.files:
        data = settle_tokens(file.data, cut.pins, tokens)
        entries[file.path] = Listed(file.path, len(data), hashlib.sha256(data).hexdigest(), data=data)
    for service, pins in cut.pins_of.items():
        for pinned in pins:
            found = pinned.hash()
            path = f"assets/{service}/blobs/{found.sha256[:2]}/{found.sha256}"
            entries[path] = Listed(path, found.size, found.sha256, found.sha256 in have, pinned=pinned)
    ordered = [entries[path] for path in sorted(entries)]
    return Capture(cut, ordered, digest_of(ordered))


def take(
    lock: StateLock, wanted: list[str] | None = None, have: frozenset[str] = frozenset(), timeout: float = 30.0
) -> Capture:
    """A capture of the state now: the lock is held for the encoding alone."""
    with lock.exclusive(timeout):
        if wanted is None:
            blobs.CACHE.begin()
        cut = take_cut(wanted, have)
    made = finish(cut, have)
    if wanted is None:
        blobs.CACHE.forget_untouched()
    return made
