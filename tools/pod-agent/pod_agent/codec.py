"""Backends to bytes: one pickle of protocol 4 a backend, its root the backend's attributes.

What holds: whatever is written loads again under the allow-list, or the backend fails with a reason here; nothing of
another backend is copied in (persistent ids below); bytes of 4 KiB and more stay outside.

Persistent ids, tuples of text:
  ("backend", service, account, region)      a backend          ("account", service, account)   its regions
  ("backends", service)                      all its accounts   ("ref", service, account, region, path)  see owners.py
  ("blob", sha256)                           bytes              ("body", sha256, "size")        an S3 body, streamed
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

from pod_agent import reducers, services
from pod_agent.blobs import BLOB_FROM, Pins
from pod_agent.owners import OwnerMap

_ATOMS = frozenset((str, int, float, bool, type(None), dict, list, tuple))


class Unwritable(Exception):
    """Something that cannot be restored, so that its service cannot be captured."""


class SharedAcrossRegions(Exception):
    """Two backends of a service hold the same object: they have to be written with references."""


class World:
    """What the encoders of one capture share. Valid while the lock is held exclusively."""

    def __init__(self, pins: Pins):
        self.pins = pins
        self._maps: dict[tuple[str, str, str], OwnerMap] = {}
        self._by_service: dict[str, list[tuple[str, str, OwnerMap]]] = {}
        self._first_seen: dict[int, tuple[str, str, str]] = {}
        self._foreign: dict[str, dict[int, tuple[str, ...]]] = {}

    def maps_of(self, service: str) -> list[tuple[str, str, OwnerMap]]:
        found = self._by_service.get(service)
        if found is None:
            backends = services.in_use().get(service)
            found = []
            if backends is not None:
                for account, region, backend in services.each_backend(backends):
                    found.append((account, region, OwnerMap(service, backend.__dict__)))
            self._by_service[service] = found
        return found

    def reference(self, service: str, item: Any) -> tuple[str, ...] | None:
        """The persistent id of an object that a backend of `service` owns, or None."""
        best: tuple[int, tuple[str, ...]] | None = None
        for account, region, owners in self.maps_of(service):
            path = owners.path(item)
            if path is not None and (best is None or owners.depth(item) < best[0]):
                best = owners.depth(item), ("ref", service, account, services.region_in_path(region), path)
        return None if best is None else best[1]

    def foreign(self, service: str) -> dict[int, tuple[str, ...]] | None:
        return self._foreign.get(service)

    def claim(self, item: Any, where: tuple[str, str, str]) -> None:
        """Note who wrote an object; two who did share it."""
        first = self._first_seen.setdefault(id(item), where)
        if first != where:
            raise SharedAcrossRegions

    def share(self, service: str) -> None:
        """From now on, objects that several backends of the service reach are written by one of them."""
        seen: dict[int, tuple[int, str, str, OwnerMap]] = {}
        shared: set[int] = set()
        for account, region, owners in self.maps_of(service):
            for item in owners.ids():
                depth = owners._depth.get(item, 0)
                if item in seen:
                    shared.add(item)
                    if depth >= seen[item][0]:
                        continue
                seen[item] = (depth, account, region, owners)
        table: dict[int, tuple[str, ...]] = {}
        for item in shared:
            _, account, region, owners = seen[item]
            table[item] = (account, region, owners)  # type: ignore[assignment]
        self._foreign[service] = table
        self._first_seen = {k: v for k, v in self._first_seen.items() if v[0] != service}


class Encoder(pickle.Pickler):
    """Writes one backend."""

    def __init__(self, out: io.BytesIO, world: World, where: tuple[str, str, str]):
        super().__init__(out, protocol=4)
        self._world = world
        self._where = where
        self._service = where[0]
        self._kinds: dict[type, Any] = {}

    def persistent_id(self, item: Any) -> Any:  # noqa: D102 (see the module)
        kind = type(item)
        if kind in _ATOMS:
            return None
        if kind is bytes:
            if len(item) < BLOB_FROM:
                return None
            return ("blob", self._world.pins.of_bytes(item).name())
        if kind is set:
            reducers.settle(item)
            return None
        role = self._kinds.get(kind)
        if role is None:
            role = self._kinds[kind] = self._role(kind)
        return role(item) if role is not _nothing else None

    def _role(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, BaseBackend):
            return self._backend
        if issubclass(kind, AccountSpecificBackend):
            return lambda item: ("account", services.service_of_class(item.backend), item.account_id)
        if issubclass(kind, BackendDict):
            return lambda item: ("backends", services.name_of(item))
        if kind is reducers.BodyMark:
            return lambda item: ("body", item.pinned.name(), str(item.pinned.size))
        if not kind.__module__.startswith("moto.") or issubclass(kind, type) or reducers.is_value(kind):
            return _nothing
        owner = services.service_of_class(kind)
        if owner is None:
            return _nothing
        if owner == self._service:
            return self._own
        return lambda item: self._world.reference(owner, item)

    def _backend(self, item: BaseBackend) -> tuple[str, ...]:
        service = services.service_of_backend(item)
        if service is None or not hasattr(item, "account_id"):
            raise Unwritable(f"holds a backend of no known service ({type(item).__name__})")
        return ("backend", service, item.account_id, services.region_in_path(item.region_name))

    def _own(self, item: Any) -> tuple[str, ...] | None:
        foreign = self._world.foreign(self._service)
        if foreign is not None:
            owner = foreign.get(id(item))
            if owner is not None and owner[:2] != self._where[1:]:
                account, region, owners = owner  # type: ignore[misc]
                path = owners.path(item)  # type: ignore[attr-defined]
                return ("ref", self._service, account, services.region_in_path(region), path)
            return None
        self._world.claim(item, self._where)
        return None

    def reducer_override(self, item: Any) -> Any:  # noqa: D102
        return reducers.reduce(item, self._world.pins)


def _nothing(item: Any) -> None:
    return None


def encode(backend_state: dict[str, Any], world: World, where: tuple[str, str, str]) -> bytes:
    """The pickle of one backend's attributes. Bodies that are not hashed yet stand in it as tokens."""
    out = io.BytesIO()
    encoder = Encoder(out, world, where)
    try:
        encoder.dump(backend_state)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError, reducers.CannotReduce) as error:
        raise Unwritable(str(error)) from error
    return out.getvalue()


def settle_tokens(data: bytes, pins: Pins, tokens: dict[bytes, bytes]) -> bytes:
    """`data` with every token replaced by the digest of its body; both are 64 characters long.

    Tokens follow the words `blob` or `body` in a persistent id; they are random, so nothing else equals one.
    """
    if not tokens:
        return data
    parts: list[bytes] = []
    last = 0
    at = data.find(b"\x8c\x40")
    while at >= 0:
        digest = tokens.get(data[at + 2 : at + 66])
        if digest is not None:
            parts.append(data[last : at + 2])
            parts.append(digest)
            last = at + 66
            at = data.find(b"\x8c\x40", last)
        else:
            at = data.find(b"\x8c\x40", at + 1)
    parts.append(data[last:])
    return b"".join(parts)
