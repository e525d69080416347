"""What the emulator holds, by name: account, service, region, collection, names."""

from __future__ import annotations

from typing import Any

from pod_agent import capture, services
from pod_agent.codec import World, encode
from pod_agent.blobs import Pins

MAX_NAMES = 1000
_ID_ATTRIBUTES = ("arn", "id", "name", "message_id", "key")


def describe() -> dict[str, Any]:
    """Only under the exclusive lock. Backends equal to fresh ones are left out."""
    found: dict[str, Any] = {}
    for name, backends in services.in_use().items():
        for account, region, backend in services.each_backend(backends):
            collections = _collections(backend.__dict__)
            if not collections or _is_fresh(name, account, region, backends, backend):
                continue
            place = found.setdefault(account, {}).setdefault(name, {})
            place[services.region_in_path(region)] = collections
    return found


def _is_fresh(name: str, account: str, region: str, backends: Any, backend: Any) -> bool:
    try:
        data = encode(backend.__dict__, World(Pins()), (name, account, region))
    except Exception:  # what cannot be captured can still be listed
        return False
    return data == capture.fresh(name, account, region, backends)


def _collections(attributes: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for attribute, value in sorted(attributes.items()):
        names: set[str] = set()
        if isinstance(value, dict):
            names = {str(key)[:256] for key in dict.keys(value) if type(key) in (str, int)}
        elif isinstance(value, list):
            names = {str(name)[:256] for name in map(_name_of, list.__iter__(value)) if name}
        if names:
            found[attribute] = sorted(names)[:MAX_NAMES]
    return found


def _name_of(item: Any) -> str | None:
    attributes = getattr(item, "__dict__", None)
    if type(attributes) is dict:
        for name in _ID_ATTRIBUTES:
            if type(attributes.get(name)) is str:
                return attributes[name]
    return None
