"""The class manifest: what state files of this moto may name, as data for readers that have no Python.

What `allow.py` grants is decided with moto imported; the manifest writes the same decisions down, so that libpod's policy
reaches them from a file. Deterministic: the same moto gives the same bytes.

  {"format": 1, "emulator": "moto", "version": "5.2.1", "services": [...],
   "bases":   {module: {name: class}},    classes that state may not name, but that others inherit from
   "classes": {module: {name: class}}}

A class is an object with those of these members that it needs:
  kind        what its instances are: enum, dict, ordered_dict, default_dict, deque, list, set, tuple, str, int, float,
              bytes, thread, object; `none` where there can be none
  bases       "module:name" of its direct bases; what is listed here for them holds for it too
  methods     names that are callable: no attribute of an instance may hide them
  properties  names behind a descriptor that takes assignments: the same
  plain       names that a base lists and this class has made plain again
  slots       names that it keeps outside of `__dict__`
  setstate    true: it has a `__setstate__`, which a plain unpickler would run
"""

from __future__ import annotations

import collections
import enum
import json
import threading
from dataclasses import dataclass
from typing import Any

import moto

from pod_agent import allow, services
from pod_agent.errors import Refused

FORMAT = 1

_KINDS: tuple[tuple[str, type], ...] = (
    ("enum", enum.Enum),
    ("ordered_dict", collections.OrderedDict),
    ("default_dict", collections.defaultdict),
    ("deque", collections.deque),
    ("dict", dict),
    ("list", list),
    ("set", set),
    ("tuple", tuple),
    ("str", str),
    ("int", int),
    ("float", float),
    ("bytes", bytes),
    ("thread", threading.Thread),
)


@dataclass
class _Names:
    """What instances of a class may not carry."""

    methods: set[str]
    properties: set[str]


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _names(cls: type) -> _Names:
    found = _Names(set(), set())
    for name in {*dir(cls), *dir(type(cls))}:
        if _is_dunder(name) or allow.may_set(cls, name):
            continue
        (found.methods if callable(getattr(cls, name, None)) else found.properties).add(name)
    return found


def _kind(cls: type) -> str:
    for kind, base in _KINDS:
        if issubclass(cls, base):
            return kind
    if not hasattr(cls, "__del__"):  # which would run on something that is not complete
        try:
            object.__new__(cls)
        except TypeError:
            return "none"
    return "object"


def _has_setstate(cls: type) -> bool:
    return any("__setstate__" in base.__dict__ for base in cls.__mro__ if base is not object)


def _key(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _granted() -> list[type]:
    """Every class that a state file may name, sorted. A module that does not load here would not load for a pod."""
    found = []
    for module in sorted(allow._modules()):
        try:
            loaded = allow._load_known(module)
        except (ImportError, Refused):
            continue
        for name, item in sorted(vars(loaded).items()):
            if isinstance(item, type) and item.__module__ == module:
                try:
                    if allow.lookup(module, name) is item:
                        found.append(item)
                except Refused:
                    continue
    return found


def _entry(cls: type, with_kind: bool) -> dict[str, Any]:
    own = _names(cls)
    inherited = _Names(set(), set())
    for base in cls.__bases__:
        names = _names(base)
        inherited.methods |= names.methods
        inherited.properties |= names.properties
    both = inherited.methods | inherited.properties
    made: dict[str, Any] = {}
    if with_kind:
        made["kind"] = _kind(cls)
        made["setstate"] = _has_setstate(cls)
    made["bases"] = [_key(base) for base in cls.__bases__]
    made["methods"] = sorted(own.methods - inherited.methods)
    made["properties"] = sorted(own.properties - inherited.properties)
    made["plain"] = sorted(both - own.methods - own.properties)
    declared = cls.__dict__.get("__slots__", ())
    slots = {declared} if isinstance(declared, str) else set(declared)
    made["slots"] = sorted(slots - {"__dict__", "__weakref__"})
    return {name: value for name, value in made.items() if value}


def export() -> str:
    """The manifest as JSON text, one class a line."""
    granted = _granted()
    names = {_key(cls) for cls in granted}
    bases = {_key(base): base for cls in granted for base in cls.__mro__ if _key(base) not in names}

    def lines(classes: list[type], with_kind: bool) -> str:
        modules: dict[str, list[str]] = {}
        for cls in classes:
            entry = json.dumps(_entry(cls, with_kind), sort_keys=True, separators=(",", ":"))
            modules.setdefault(cls.__module__, []).append(f"{json.dumps(cls.__qualname__)}:{entry}")
        return ",\n".join(
            f"{json.dumps(module)}:{{\n" + ",\n".join(sorted(entries)) + "}" for module, entries in sorted(modules.items())
        )

    head = json.dumps({"emulator": "moto", "format": FORMAT, "services": services.names(), "version": moto.__version__})
    return (
        f'{head[:-1]},\n"bases":{{\n{lines(list(bases.values()), False)}}},\n'
        f'"classes":{{\n{lines(granted, True)}}}}}\n'
    )
