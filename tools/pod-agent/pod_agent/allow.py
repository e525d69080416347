"""The allow-list: what a state file may name, and the checks on attributes.

A name is looked up statically in a module that is known, never by walking dots and never by importing what a file
says. It is granted only if it is a class that the module itself defines, is no backend, no thread-free pass to moto's
functions; or one of the few value types and restore functions in the tables below.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import functools
import importlib
import inspect
import ipaddress
import os
import re
import sys
import types
import uuid
from typing import Any

import moto
import requests.structures
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.core.responses import BaseResponse

from pod_agent import pending, restore, services
from pod_agent.errors import Refused

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_COMMON = frozenset(("core", "utilities", "packages"))
_NOT_STATE = frozenset(("responses", "urls", "server", "exceptions"))


def _args_datetime(args: tuple) -> bool:
    return len(args) in (1, 2) and type(args[0]) is bytes and len(args[0]) == 10 and (
        len(args) == 1 or isinstance(args[1], datetime.tzinfo)
    )


def _is_text(limit: int):
    return lambda args: len(args) == 1 and type(args[0]) is str and len(args[0]) <= limit


def _is_address(args: tuple) -> bool:
    return len(args) == 1 and ((type(args[0]) is str and len(args[0]) <= 100) or (type(args[0]) is int and args[0] >= 0))


def _args_deque(args: tuple) -> bool:
    return args == () or (args[0] == () and (len(args) == 1 or (len(args) == 2 and type(args[1]) in (int, type(None)))))


def _args_defaultdict(args: tuple) -> bool:
    return args == () or (len(args) == 1 and is_factory(args[0]))


def is_factory(made: Any) -> bool:
    """None, a plain type, a class of moto's state, a method that `restore.method` made, or a description."""
    if made is None or type(made) in (restore.Factory, types.MethodType, pending.Pending):
        return True
    return isinstance(made, type) and (made in restore.FACTORY_TYPES or (granted_class(made) and not is_enum(made)))


# Value types that may be called, each with what it may be called with.
VALUES: dict[type, Any] = {
    datetime.datetime: _args_datetime,
    datetime.date: lambda args: len(args) == 1 and type(args[0]) is bytes and len(args[0]) == 4,
    datetime.time: lambda args: len(args) in (1, 2) and type(args[0]) is bytes and len(args[0]) == 6,
    datetime.timedelta: lambda args: len(args) == 3 and all(type(a) is int for a in args),
    datetime.timezone: lambda args: len(args) in (1, 2) and type(args[0]) is datetime.timedelta,
    decimal.Decimal: _is_text(1000),
    ipaddress.IPv4Address: _is_address,
    ipaddress.IPv6Address: _is_address,
    ipaddress.IPv4Network: _is_address,
    ipaddress.IPv6Network: _is_address,
    ipaddress.IPv4Interface: _is_address,
    ipaddress.IPv6Interface: _is_address,
    collections.OrderedDict: lambda args: args == (),
    collections.Counter: lambda args: len(args) == 1 and type(args[0]) is dict,
    collections.deque: _args_deque,
    collections.defaultdict: _args_defaultdict,
    bytearray: lambda args: args == () or (len(args) == 1 and type(args[0]) is bytes),
    complex: lambda args: len(args) == 2 and all(type(a) is float for a in args),
    uuid.SafeUUID: lambda args: len(args) == 1 and type(args[0]) in (int, type(None)),
}

# Value types made by NEWOBJ and BUILD, with the attributes they may get.
BUILT: dict[type, frozenset[str]] = {
    uuid.UUID: frozenset(("int", "is_safe")),
    requests.structures.CaseInsensitiveDict: frozenset(("_store",)),
}

# Types that may stand as plain values (what a default dict makes).
PLAIN: frozenset[type] = frozenset(restore.FACTORY_TYPES)

TABLE: dict[tuple[str, str], Any] = {(t.__module__, t.__qualname__): t for t in (*VALUES, *BUILT, *PLAIN)}
TABLE.update({("pod_agent.restore", name): function for name, function in restore.FUNCTIONS.items()})


@functools.cache
def _modules() -> frozenset[str]:
    """Every module that may define state: files of moto's service folders and common parts, read from its own folder.

    Some are imported by moto only when a request needs them, so that a fresh process does not have them yet. They are
    moto's own files, known before a name from a pod is looked at.
    """
    top = os.path.dirname(moto.__file__)
    folders = {services.folder_of(name) for name in services.names()} | _COMMON
    found = set()
    for folder in folders:
        for place, inner, files in os.walk(os.path.join(top, folder)):
            inner[:] = [name for name in inner if name.isidentifier() and name not in _NOT_STATE]
            package = ".".join(["moto", *os.path.relpath(place, top).split(os.sep)])
            for file in files:
                name, extension = os.path.splitext(file)
                if extension == ".py" and name.isidentifier() and name not in _NOT_STATE:
                    found.add(package if name == "__init__" else f"{package}.{name}")
    return frozenset(found)


def _load_known(module: str) -> types.ModuleType:
    """A module of moto that may define state; imported if moto has not done so yet."""
    if module not in _modules():
        raise Refused(f"names the module '{module[:100]}', which holds no state of moto")
    loaded = sys.modules.get(module)
    return loaded if loaded is not None else importlib.import_module(module)


@functools.lru_cache(maxsize=8192)
def lookup(module: str, name: str) -> Any:
    """The class or restore function that a state file may mean by these two words, or Refused."""
    found = TABLE.get((module, name))
    if found is not None:
        return found
    if module.split(".")[0] != "moto" or not _NAME.match(name) or len(name) > 200:
        raise Refused(f"names '{module[:100]}.{name[:100]}', which may not be loaded")
    cls = vars(_load_known(module)).get(name)
    if not granted_class(cls) or cls.__module__ != module or cls.__qualname__ != name:
        raise Refused(f"names '{module}.{name}', which may not be loaded")
    return cls


@functools.lru_cache(maxsize=8192)
def granted_class(cls: Any) -> bool:
    """A class whose instances are state: defined in moto, and neither a backend, a response handler nor a metaclass."""
    return (
        isinstance(cls, type)
        and type(cls).__module__.split(".")[0] in ("builtins", "moto", "enum", "abc", "typing", "_abc")
        and cls.__module__.startswith("moto.")
        and not issubclass(cls, (BaseBackend, BackendDict, AccountSpecificBackend, BaseResponse, type, BaseException))
    )


@functools.lru_cache(maxsize=8192)
def _slots(cls: type) -> frozenset[str]:
    names: set[str] = set()
    for base in cls.__mro__:
        declared = base.__dict__.get("__slots__", ())
        names.update((declared,) if isinstance(declared, str) else declared)
    return frozenset(names - {"__dict__", "__weakref__"})


@functools.lru_cache(maxsize=65536)
def may_set(cls: type, name: str) -> bool:
    """Whether an instance of `cls` may carry `name` in its `__dict__`: no dunder, and nothing that hides behaviour.

    Hiding a method or a property behind a value of the file's choice would change what the emulator does.
    """
    if name.startswith("__") and name.endswith("__"):
        return False
    try:
        static = inspect.getattr_static(cls, name)
    except AttributeError:
        return True
    if isinstance(static, functools.cached_property):
        return True
    return not (callable(static) or isinstance(static, (property, classmethod, staticmethod)) or inspect.isdatadescriptor(static))


def check_attributes(cls: type, attributes: Any) -> dict[str, Any]:
    """`attributes` with interned names, or Refused."""
    if type(attributes) is not dict:
        raise Refused(f"state of '{cls.__name__}' that is no dict")
    good = _GOOD.setdefault(cls, {})
    checked = {}
    for key, value in attributes.items():
        name = good.get(key)
        if name is None:
            if type(key) is not str or len(key) > 256 or not may_set(cls, key):
                raise Refused(f"sets '{str(key)[:60]}' of '{cls.__name__}'")
            name = sys.intern(key)
            if len(good) < 1000:
                good[name] = name
        checked[name] = value
    return checked


# Names that instances of a class may carry, as they have been found good.
_GOOD: dict[type, dict[str, str]] = {}


def is_enum(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, enum.Enum)


def new(cls: Any, args: tuple) -> Any:
    """An instance made by its built-in base, so that none of moto's code runs."""
    if not isinstance(cls, type) or is_enum(cls):
        raise Refused("makes an instance of something that is no class")
    if cls in BUILT:
        if args:
            raise Refused(f"makes a '{cls.__name__}' with arguments")
        return object.__new__(cls)
    if not granted_class(cls):
        raise Refused(f"makes a '{cls.__name__}'")
    for base in (collections.OrderedDict, collections.defaultdict, collections.deque, dict, list, set):
        if issubclass(cls, base):
            if args:
                raise Refused(f"makes a '{cls.__name__}' with arguments")
            return base.__new__(cls)
    for base, kinds in ((tuple, None), (str, str), (int, int), (float, float), (bytes, bytes)):
        if issubclass(cls, base):
            if kinds is None:
                return tuple.__new__(cls, args)
            if len(args) != 1 or type(args[0]) is not kinds:
                raise Refused(f"makes a '{cls.__name__}' with arguments of another kind")
            return base.__new__(cls, args[0])  # type: ignore[call-overload]
    if args:
        raise Refused(f"makes a '{cls.__name__}' with arguments")
    return object.__new__(cls)


def build(instance: Any, state: Any) -> None:
    """Attributes for an instance that the stream made; slots only by the names the class declares."""
    cls = type(instance)
    if cls in BUILT:
        if type(state) is not dict or not set(state) <= BUILT[cls]:
            raise Refused(f"state of a '{cls.__name__}' of another shape")
        if cls is uuid.UUID:
            number = state.get("int")
            if type(number) is not int or not 0 <= number < 1 << 128:
                raise Refused("a UUID that is no number of 128 bits")
            object.__setattr__(instance, "int", number)
            object.__setattr__(instance, "is_safe", state.get("is_safe", uuid.SafeUUID.unknown))
        else:
            if not isinstance(state.get("_store"), dict):
                raise Refused(f"state of a '{cls.__name__}' of another shape")
            instance.__dict__.update(state)
        return
    if not granted_class(cls) or cls.__name__ in restore.NEEDS_SETTER:
        raise Refused(f"state for a '{cls.__name__}'")
    slots: Any = None
    if type(state) is tuple and len(state) == 2:
        state, slots = state
    if state is not None:
        instance.__dict__.update(check_attributes(cls, state))
    if slots is not None:
        if type(slots) is not dict or not set(slots) <= _slots(cls):
            raise Refused(f"slots of '{cls.__name__}' that it does not have")
        for name, value in slots.items():
            object.__setattr__(instance, name, value)


def call(function: Any, args: tuple, created: dict[int, Any]) -> Any:
    """The result of a granted call; `created` lets a setter see that its object comes from the same stream."""
    if isinstance(function, types.FunctionType):
        if restore.FUNCTIONS.get(function.__name__) is not function:
            raise Refused("calls something that may not be called")
        if function.__name__ in restore.SETTERS:
            if len(args) != 2 or id(args[0]) not in created:
                raise Refused("state for something that this pickle did not make")
        return function(*args)
    if not isinstance(function, type):
        raise Refused("calls something that may not be called")
    check = VALUES.get(function)
    if check is not None:
        if not check(args):
            raise Refused(f"calls '{function.__name__}' with arguments of another kind")
        return function(*args)
    if is_enum(function) and granted_class(function):
        if len(args) != 1 or type(args[0]) not in (str, int, float, bool, tuple):
            raise Refused(f"calls '{function.__name__}' with arguments of another kind")
        value = function._value2member_map_.get(args[0])
        if value is None and issubclass(function, enum.Flag) and type(args[0]) is int:
            value = function(args[0])
        if value is None:
            raise Refused(f"a value that '{function.__name__}' does not have")
        return value
    raise Refused(f"calls '{function.__module__}.{function.__qualname__}', which may not be called")
