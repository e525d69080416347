"""How each kind of object is written, where a plain pickle would fail, lose something, or carry code.

Every kind gets one function, chosen once by its type. What no function takes is refused: a state file holds only what
allow.py grants, so that everything captured can be restored.
"""

from __future__ import annotations

import collections
import copy
import copyreg
import enum
import gc
import io
import itertools
import json
import queue as queues
import re
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import botocore.model
import dateutil.tz
import requests.structures

from pod_agent import allow, restore
from pod_agent.blobs import BLOB_FROM, Pinned, Pins, content_of
from pod_agent.errors import Refused
from pod_agent.factories import describe

MAX_DRAINED = 1_000_000

_newobj = copyreg.__newobj__  # type: ignore[attr-defined]
_RLOCK = type(threading.RLock())
_LOCK = type(threading.Lock())
_DOCKER_CLIENT = "_DockerModel__docker_client"


class CannotReduce(Exception):
    """An object for which there is no way to write it."""


class BodyMark:
    """In the place of an S3 body; the encoder writes it as a persistent id."""

    __slots__ = ("pinned",)

    def __init__(self, pinned: Pinned):
        self.pinned = pinned


def settle(members: set) -> None:
    """Give a set the order that its content alone decides, so that equal sets are written alike in one process."""
    if len(members) < 2:
        return
    try:
        ordered = sorted(members)
    except TypeError:
        return
    fresh: set = set()
    for member in ordered:
        fresh.add(member)
    if list(fresh) != list(members):
        members.clear()
        for member in ordered:
            members.add(member)


def is_value(kind: type) -> bool:
    """Types without an identity of their own."""
    return issubclass(kind, (enum.Enum, BodyMark)) or (issubclass(kind, tuple) and kind is not tuple)


def reduce(item: Any, pins: Pins) -> Any:
    """What `reducer_override` returns for an object that is no built-in container or atom."""
    kind = type(item)
    handler = _HANDLERS.get(kind)
    if handler is None:
        handler = _HANDLERS[kind] = _choose(kind)
    return handler(item, pins)


def _as_is(item: Any, pins: Pins) -> Any:
    return NotImplemented


def _enum(item: enum.Enum, pins: Pins) -> Any:
    """By its value. Python before 3.11.4 writes some enums as a call of `getattr`, which no reader should grant."""
    return (type(item), (item.value,))


def _choose(kind: type) -> Callable[[Any, Pins], Any]:
    if issubclass(kind, enum.Enum):
        return _enum
    if kind in allow.VALUES or kind in allow.BUILT:
        return _as_is
    if issubclass(kind, type):
        return _class
    if issubclass(kind, types.GeneratorType):
        return _generator
    for base, handler in _BY_BASE:
        if issubclass(kind, base):
            return handler
    module = kind.__module__
    if module.startswith(("docker.", "urllib3.", "socket")) or module == "docker":
        return lambda item, pins: (restore.nothing, ())
    if module.startswith("cryptography."):
        return _crypto
    if module.startswith("joserfc."):
        return _jwk
    if module.startswith("moto."):
        return _model(kind)
    raise CannotReduce(f"holds a '{module}.{kind.__qualname__}', for which there is no way to write it")


def _model(kind: type) -> Callable[[Any, Pins], Any]:
    """Objects of moto's own classes."""
    try:
        found = allow.lookup(kind.__module__, kind.__qualname__)
    except Refused:
        raise CannotReduce(f"holds a '{kind.__module__}.{kind.__qualname__}', which may not be loaded") from None
    if found is not kind:
        raise CannotReduce(f"holds a '{kind.__module__}.{kind.__qualname__}' that is not the class of that name")
    if kind.__module__ == "moto.s3.models" and kind.__name__ == "FakeKey":
        return _s3_key
    if issubclass(kind, threading.Thread):
        return _thread
    if issubclass(kind, (dict, list, set, collections.deque)):
        return _raw_container
    if issubclass(kind, tuple):
        return lambda item, pins: (_newobj, (kind, *item))
    for base in (str, int, float, bytes):
        if issubclass(kind, base):
            return lambda item, pins: (_newobj, (kind, base(item)), _attributes(item) or None)
    return _instance


def _attributes(item: Any) -> Any:
    """An object's state: its `__dict__`, with its slots beside it where the class has any."""
    attributes = getattr(item, "__dict__", None)
    if attributes is not None and _DOCKER_CLIENT in attributes:
        attributes = {**attributes, _DOCKER_CLIENT: None}
    slots = {}
    for name in sorted(allow._slots(type(item))):
        mangled = f"_{type(item).__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
        try:
            slots[mangled] = object.__getattribute__(item, mangled)
        except AttributeError:
            continue
    if slots:
        return (attributes or None, slots)
    return attributes


def _instance(item: Any, pins: Pins) -> Any:
    state = _attributes(item)
    _check_names(type(item), state)
    return (_newobj, (type(item),), state or None)


_names_seen: dict[tuple[type, str], bool] = {}


def _check_names(kind: type, state: Any) -> None:
    """Fail now, with a name, rather than when the file is loaded."""
    attributes = state[0] if type(state) is tuple else state
    for name in attributes or ():
        allowed = _names_seen.get((kind, name))
        if allowed is None:
            allowed = _names_seen[(kind, name)] = type(name) is str and allow.may_set(kind, name)
        if not allowed:
            raise CannotReduce(f"'{kind.__name__}' carries an attribute '{name}' that may not be set")


def _raw_container(item: Any, pins: Pins) -> Any:
    """Subclasses of containers: their raw content, past overridden `items`, `__iter__` and `__setitem__`."""
    extra = None
    items: Any
    if isinstance(item, dict):
        base = collections.OrderedDict if isinstance(item, collections.OrderedDict) else dict
        items = dict(base.items(item))
        if isinstance(item, collections.defaultdict):
            extra = describe(item.default_factory)
    elif isinstance(item, list):
        items = list(list.__iter__(item))
    elif isinstance(item, set):
        settle_copy: set = set(set.__iter__(item))
        settle(settle_copy)
        items = list(settle_copy)
    else:
        items = list(collections.deque.__iter__(item))
    attributes = getattr(item, "__dict__", None) or None
    _check_names(type(item), attributes)
    return (_newobj, (type(item),), (items, attributes, extra), None, None, restore.set_raw)


def _s3_key(item: Any, pins: Pins) -> Any:
    attributes = {k: v for k, v in item.__dict__.items() if k not in ("_value_buffer", "lock")}
    buffer = item._value_buffer
    body: Any = None
    if not buffer.closed:
        content, fd = content_of(buffer)
        size = len(content) if fd is None else content[2]
        if fd is None and size < BLOB_FROM:
            body = bytes(content)
        else:
            body = BodyMark(pins.of_key(item, content, fd, size))
    return (_newobj, (type(item),), (attributes, body), None, None, restore.set_key)


def _thread(item: Any, pins: Pins) -> Any:
    attributes = {k: v for k, v in item.__dict__.items() if k not in restore.THREAD_ATTRIBUTES}
    if _DOCKER_CLIENT in attributes:
        attributes[_DOCKER_CLIENT] = None
    return (_newobj, (type(item),), attributes, None, None, restore.set_thread)


def _class(item: type, pins: Pins) -> Any:
    try:
        allow.lookup(item.__module__, item.__qualname__)
    except Refused:
        raise CannotReduce(f"holds the class '{item.__module__}.{item.__qualname__}', which may not be loaded") from None
    return NotImplemented


def _function(item: Any, pins: Pins) -> Any:
    if restore.FUNCTIONS.get(item.__name__) is item:
        return NotImplemented
    raise CannotReduce(f"holds the function '{item.__module__}.{item.__qualname__}', which is code")


def _method(item: types.MethodType, pins: Pins) -> Any:
    return (restore.method, (item.__self__, item.__func__.__name__))


def _generator(item: Any, pins: Pins) -> Any:
    """A generator is run to its end, and replaced where it is held by an iterator over what it gave."""
    drained = list(itertools.islice(item, MAX_DRAINED + 1))
    if len(drained) > MAX_DRAINED:
        raise CannotReduce("holds a generator without an end")
    rest = iter(drained)
    for holder in gc.get_referrers(item):
        if type(holder) is dict:
            for key, value in list(holder.items()):
                if value is item:
                    holder[key] = rest
    return (restore.iterator, (list(drained),))


def _iterator(item: Any, pins: Pins) -> Any:
    return (restore.iterator, (list(copy.copy(item)),))


def _count(item: Any, pins: Pins) -> Any:
    arguments = item.__reduce__()[1]
    return (restore.count, (arguments[0], arguments[1] if len(arguments) > 1 else 1))


def _queue(item: Any, pins: Pins) -> Any:
    return (restore.queue, (type(item).__name__, item.maxsize, list(item.queue)))


def _simple_queue(item: Any, pins: Pins) -> Any:
    items = []
    while True:
        try:
            items.append(item.get_nowait())
        except queues.Empty:
            break
    for value in items:
        item.put(value)
    return (restore.queue, ("SimpleQueue", 0, items))


def _semaphore(item: Any, pins: Pins) -> Any:
    return (restore.semaphore, (item._value, isinstance(item, threading.BoundedSemaphore)))


def _weak_reference(item: Any, pins: Pins) -> Any:
    target = item()
    return (restore.nothing, ()) if target is None else (restore.weak, (target,))


def _weak_proxy(item: Any, pins: Pins) -> Any:
    try:
        target = item.__repr__.__self__
    except ReferenceError:
        return (restore.nothing, ())
    return (restore.weak_proxy, (target,))


def _timer(item: threading.Timer, pins: Pins) -> Any:
    return (restore.timer, (float(item.interval), item.function, tuple(item.args)))


def _mapping_proxy(item: Any, pins: Pins) -> Any:
    raise CannotReduce("holds a view of a class")


def _pem_private(item: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return item.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())


def _pem_public(item: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return item.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)


# What a key was written as, by identity: writing an RSA key out takes longer than the rest of its backend.
_PEM: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _crypto(item: Any, pins: Pins) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        known = _PEM.get(item)
    except TypeError:
        known = None
    if known is not None:
        return (known[0], (known[1],))
    if isinstance(item, x509.Certificate):
        made = (restore.certificate, item.public_bytes(Encoding.PEM))
    elif isinstance(item, x509.CertificateSigningRequest):
        made = (restore.signing_request, item.public_bytes(Encoding.PEM))
    elif hasattr(item, "private_bytes"):
        made = (restore.private_key, _pem_private(item))
    elif hasattr(item, "public_bytes"):
        made = (restore.public_key, _pem_public(item))
    else:
        raise CannotReduce(f"holds a '{type(item).__qualname__}', for which there is no way to write it")
    try:
        _PEM[item] = made
    except TypeError:
        pass
    return (made[0], (made[1],))


def _jwk(item: Any, pins: Pins) -> Any:
    name = type(item).__name__
    if name not in ("RSAKey", "ECKey", "OKPKey", "OctKey"):
        raise CannotReduce(f"holds a '{name}', for which there is no way to write it")
    private = bool(getattr(item, "is_private", False)) or name == "OctKey"
    return (restore.jwk, (name, json.dumps(item.as_dict(private=private), sort_keys=True)))


def _default_dict(item: collections.defaultdict, pins: Pins) -> Any:
    return (collections.defaultdict, (describe(item.default_factory),), None, None, iter(list(dict.items(item))))


_BY_BASE: list[tuple[Any, Callable[[Any, Pins], Any]]] = [
    ((types.FunctionType, types.BuiltinFunctionType), _function),
    (types.MethodType, _method),
    (weakref.WeakValueDictionary, lambda item, pins: (restore.weak_values, (dict(item),))),
    (weakref.WeakKeyDictionary, lambda item, pins: (restore.weak_keys, (list(item.items()),))),
    (weakref.WeakSet, lambda item, pins: (restore.weak_set, (list(item),))),
    (weakref.ref, _weak_reference),
    ((weakref.ProxyType, weakref.CallableProxyType), _weak_proxy),
    (_LOCK, lambda item, pins: (restore.lock, ())),
    (_RLOCK, lambda item, pins: (restore.rlock, ())),
    (threading.Condition, lambda item, pins: (restore.condition, ())),
    (threading.Event, lambda item, pins: (restore.event, (item.is_set(),))),
    (threading.Semaphore, _semaphore),
    (threading.Timer, _timer),
    (queues.SimpleQueue, _simple_queue),
    (queues.Queue, _queue),
    (re.Pattern, lambda item, pins: (restore.regex, (item.pattern, int(item.flags)))),
    (restore.Factory, lambda item, pins: (restore.factory, (item.spec,))),
    (io.BytesIO, lambda item, pins: (restore.byte_buffer, (item.getvalue(),))),
    (io.StringIO, lambda item, pins: (restore.text_buffer, (item.getvalue(),))),
    (itertools.count, _count),
    ((type(iter([])), type(iter(())), type(iter({})), type(iter({}.values())), type(iter({}.items()))), _iterator),
    (botocore.model.ServiceModel, lambda item, pins: (restore.service_model, (item.service_name,))),
    (dateutil.tz.tzutc, lambda item, pins: (restore.tzutc, ())),
    (dateutil.tz.tzlocal, lambda item, pins: (restore.tzlocal, ())),
]


def _zone(item: Any, pins: Pins) -> Any:
    return (restore.zone, (item.key,))


def _late_handlers() -> None:
    import zoneinfo

    _BY_BASE.append((zoneinfo.ZoneInfo, _zone))


_late_handlers()

_HANDLERS: dict[type, Callable[[Any, Pins], Any]] = {
    collections.defaultdict: _default_dict,
    requests.structures.CaseInsensitiveDict: _as_is,
    frozenset: _as_is,
}
