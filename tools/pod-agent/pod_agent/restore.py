"""The named functions that state files may call, each for one thing that a pickle cannot hold by itself.

Every function checks its arguments and gives a value; none runs code from the file. The names and shapes are part of
the format: a state file written today must load tomorrow. A `Pending` (see pending.py) may stand where an object of
another backend will be once its owner is loaded.
"""

from __future__ import annotations

import collections
import copy
import datetime
import io
import json
import queue as queues
import re
import tempfile
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

from pod_agent.errors import Refused
from pod_agent.pending import Pending, no_pending

MAX_PATTERN = 4096
MAX_KEY_TEXT = 65536

# What a default dict may make.
FACTORY_TYPES: tuple[type, ...] = (
    list,
    dict,
    set,
    int,
    str,
    float,
    bool,
    tuple,
    bytes,
    frozenset,
    collections.OrderedDict,
    collections.deque,
)

# Classes whose own __setstate__ reads more than attributes; they come with a setter of this module.
NEEDS_SETTER = frozenset(("FakeKey",))


def _check(condition: bool, what: str) -> None:
    if not condition:
        raise Refused(f"calls {what} with arguments of another kind")


class Factory:
    """A default factory described by data: the name of a plain type, or ('defaultdict', spec of the inner one)."""

    __slots__ = ("spec",)

    def __init__(self, spec: Any):
        self.spec = spec

    def __call__(self) -> Any:
        return _make(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factory) and other.spec == self.spec

    def __hash__(self) -> int:
        return hash(repr(self.spec))


_PLAIN = {t.__name__: t for t in FACTORY_TYPES}


def _make(spec: Any) -> Any:
    if type(spec) is str:
        return _PLAIN[spec]()
    kind, inner = spec
    if kind == "defaultdict":
        return collections.defaultdict(Factory(inner) if inner is not None else None)
    return copy.deepcopy(inner)  # ("value", plain data)


def _spec_is_good(spec: Any, depth: int = 0) -> bool:
    if depth > 8:
        return False
    if type(spec) is str:
        return spec in _PLAIN
    if type(spec) is tuple and len(spec) == 2 and spec[0] == "defaultdict":
        return spec[1] is None or _spec_is_good(spec[1], depth + 1)
    return type(spec) is tuple and len(spec) == 2 and spec[0] == "value" and is_plain(spec[1])


def is_plain(value: Any, depth: int = 0) -> bool:
    """Atoms, and lists and dicts of them, at most a thousand: what a default factory with content may make.

    Counted as often as they are reached, since a list that holds another one twice makes two of them.
    """
    left = 1000
    stack = [(value, depth)]
    while stack:
        part, depth = stack.pop()
        left -= 1
        if left < 0:
            return False
        if type(part) in (str, int, float, bool, type(None), datetime.datetime, datetime.timedelta):
            continue
        if depth > 8 or type(part) not in (list, dict) or len(part) > 100:
            return False
        if type(part) is dict:
            if not all(type(key) is str for key in part):
                return False
            part = list(part.values())
        stack.extend((inner, depth + 1) for inner in part)
    return True


def factory(spec: Any) -> Factory:
    _check(_spec_is_good(spec), "factory")
    return Factory(spec)


def nothing() -> None:
    """In the place of what belongs to one process alone: a Docker client, a container."""


def lock() -> Any:
    return threading.Lock()


def rlock() -> Any:
    return threading.RLock()


def condition() -> threading.Condition:
    return threading.Condition()


def event(is_set: Any) -> threading.Event:
    _check(type(is_set) is bool, "event")
    made = threading.Event()
    if is_set:
        made.set()
    return made


def semaphore(value: Any, bounded: Any) -> threading.Semaphore:
    _check(type(value) is int and value >= 0 and type(bounded) is bool, "semaphore")
    return (threading.BoundedSemaphore if bounded else threading.Semaphore)(value)


def queue(kind: Any, maxsize: Any, items: Any) -> Any:
    _check(type(kind) is str and kind in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"), "queue")
    _check(type(maxsize) is int and type(items) is list, "queue")
    if kind == "SimpleQueue":
        simple = queues.SimpleQueue()
        for item in items:
            simple.put(item)
        return simple
    made = getattr(queues, kind)(maxsize)
    made.queue = collections.deque(items) if kind == "Queue" else list(items)
    made.unfinished_tasks = len(items)
    return made


def regex(pattern: Any, flags: Any) -> re.Pattern:
    _check(type(pattern) in (str, bytes) and len(pattern) <= MAX_PATTERN and type(flags) is int, "regex")
    try:
        return re.compile(pattern, flags & ~int(re.DEBUG))
    except (re.error, OverflowError, RecursionError):
        raise Refused("a pattern that is no regular expression") from None


def method(owner: Any, name: Any) -> Any:
    """A method bound to a model object; only what its class defines as a plain function."""
    _check(type(name) is str and not name.startswith("__"), "method")
    if isinstance(owner, Pending):
        return owner.then(lambda real: method(real, name))
    for base in type(owner).__mro__:
        function = base.__dict__.get(name)
        if function is not None:
            _check(isinstance(function, types.FunctionType) and base.__module__.startswith("moto."), "method")
            return types.MethodType(function, owner)
    raise Refused(f"a method that '{type(owner).__name__}' does not have")


def weak(target: Any) -> Any:
    if isinstance(target, Pending):
        return target.then(weak)
    try:
        return weakref.ref(target)
    except TypeError:
        raise Refused("a weak reference to a plain value") from None


def weak_proxy(target: Any) -> Any:
    if isinstance(target, Pending):
        return target.then(weak_proxy)
    try:
        return weakref.proxy(target)
    except TypeError:
        raise Refused("a weak reference to a plain value") from None


def weak_values(items: Any) -> weakref.WeakValueDictionary:
    _check(type(items) is dict, "weak_values")
    no_pending(items.values(), "a weak dictionary")
    try:
        return weakref.WeakValueDictionary(items)
    except TypeError:
        raise Refused("a weak reference to a plain value") from None


def weak_keys(items: Any) -> weakref.WeakKeyDictionary:
    _check(type(items) is list, "weak_keys")
    made: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
    for pair in items:
        _check(type(pair) is tuple and len(pair) == 2, "weak_keys")
        no_pending(pair, "a weak dictionary")
        made[pair[0]] = pair[1]
    return made


def weak_set(items: Any) -> weakref.WeakSet:
    _check(type(items) is list, "weak_set")
    no_pending(items, "a weak set")
    return weakref.WeakSet(items)


def iterator(items: Any) -> Any:
    """What was left of a generator or an iterator."""
    _check(type(items) is list, "iterator")
    return iter(items)


def cycle(items: Any) -> Any:
    _check(type(items) is list, "cycle")
    import itertools

    return itertools.cycle(items)


def count(start: Any, step: Any) -> Any:
    _check(type(start) in (int, float) and type(step) in (int, float), "count")
    import itertools

    return itertools.count(start, step)


def text_buffer(value: Any) -> io.StringIO:
    _check(type(value) is str, "text_buffer")
    made = io.StringIO()
    made.write(value)
    return made


def byte_buffer(value: Any) -> io.BytesIO:
    _check(type(value) is bytes, "byte_buffer")
    return io.BytesIO(value)


def zone(key: Any) -> Any:
    """A time zone by its name in the system's database."""
    import zoneinfo

    _check(type(key) is str and re.fullmatch(r"[A-Za-z0-9_+\-/]{1,64}", key) is not None, "zone")
    try:
        return zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise Refused("a time zone that does not exist") from None


def tzutc() -> Any:
    import dateutil.tz

    return dateutil.tz.tzutc()


def tzlocal() -> Any:
    import dateutil.tz

    return dateutil.tz.tzlocal()


def _loaded_key(load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception:
        raise Refused("a key or certificate that cannot be read") from None


def private_key(pem: Any) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    _check(type(pem) is bytes and len(pem) <= MAX_KEY_TEXT, "private_key")
    return _loaded_key(lambda: load_pem_private_key(pem, None))


def public_key(pem: Any) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    _check(type(pem) is bytes and len(pem) <= MAX_KEY_TEXT, "public_key")
    return _loaded_key(lambda: load_pem_public_key(pem))


def certificate(pem: Any) -> Any:
    from cryptography.x509 import load_pem_x509_certificate

    _check(type(pem) is bytes and len(pem) <= MAX_KEY_TEXT, "certificate")
    return _loaded_key(lambda: load_pem_x509_certificate(pem))


def signing_request(pem: Any) -> Any:
    from cryptography.x509 import load_pem_x509_csr

    _check(type(pem) is bytes and len(pem) <= MAX_KEY_TEXT, "signing_request")
    return _loaded_key(lambda: load_pem_x509_csr(pem))


def jwk(kind: Any, text: Any) -> Any:
    """A JSON web key: its class by name, and its members as JSON."""
    from joserfc import jwk as keys

    _check(type(kind) is str and kind in ("RSAKey", "ECKey", "OKPKey", "OctKey"), "jwk")
    _check(type(text) is str and len(text) <= MAX_KEY_TEXT, "jwk")
    return _loaded_key(lambda: getattr(keys, kind).import_key(json.loads(text)))


def service_model(name: Any) -> Any:
    """botocore's description of a service: constant data that some backends hold."""
    from moto.core.utils import get_service_model

    _check(type(name) is str and re.fullmatch(r"[a-z0-9\-]{1,64}", name) is not None, "service_model")
    try:
        return get_service_model(name)
    except Exception:
        raise Refused("a service description that does not exist") from None


def timer(interval: Any, function: Any, args: Any) -> threading.Timer:
    """A timer that was waiting. It comes back as one that has not been started: no thread begins by loading."""
    _check(type(interval) is float and isinstance(function, (types.MethodType, Pending)) and type(args) is tuple, "timer")
    no_pending([function], "a timer")
    made = threading.Timer(interval, function, args=args)
    made.daemon = True
    return made


def set_raw(instance: Any, state: Any) -> None:
    """Items and attributes of a subclass of dict, list, set or deque, past its overridden methods."""
    from pod_agent import allow
    from pod_agent.machine import _hashable

    _check(type(state) is tuple and len(state) == 3, "set_raw")
    items, attributes, extra = state
    if attributes is not None:
        instance.__dict__.update(allow.check_attributes(type(instance), attributes))
    if isinstance(instance, dict):
        _check(type(items) is dict, "set_raw")
        base = collections.OrderedDict if isinstance(instance, collections.OrderedDict) else dict
        for key, value in items.items():
            base.__setitem__(instance, key, value)
        if isinstance(instance, collections.defaultdict):
            _check(allow.is_factory(extra), "set_raw")
            collections.defaultdict.default_factory.__set__(instance, extra)  # type: ignore[attr-defined]
        return
    _check(type(items) is list, "set_raw")
    if isinstance(instance, collections.deque):
        collections.deque.extend(instance, items)
    elif isinstance(instance, list):
        list.extend(instance, items)
    elif isinstance(instance, set):
        for item in items:
            set.add(instance, _hashable(item))
    else:
        raise Refused("items for something that holds none")


def set_thread(instance: Any, attributes: Any) -> None:
    """A model that is a thread (a batch job): its attributes come back, its thread as one that has ended."""
    from pod_agent import allow

    _check(isinstance(instance, threading.Thread) and type(attributes) is dict, "set_thread")
    name = attributes.pop("_name", None)
    daemon = attributes.pop("_daemonic", True)
    _check(type(name) in (str, type(None)) and type(daemon) is bool, "set_thread")
    checked = allow.check_attributes(type(instance), attributes)
    _check(not set(checked) & THREAD_ATTRIBUTES, "set_thread")
    threading.Thread.__init__(instance, name=name, daemon=daemon)
    # Ended, as far as anyone who asks or joins can tell.
    instance._started.set()  # type: ignore[attr-defined]
    instance._is_stopped = True  # type: ignore[attr-defined]
    instance._tstate_lock = None  # type: ignore[attr-defined]
    instance.__dict__.update(checked)


THREAD_ATTRIBUTES = frozenset(threading.Thread(daemon=True).__dict__) - {"_name", "_daemonic"}


class Body:
    """The bytes of an S3 object: short ones at hand, long ones to be streamed from where the archive lies."""

    __slots__ = ("size", "copy_to", "seed")

    def __init__(self, size: int, copy_to: Callable[[Any], None], seed: Callable[[Any], None] | None = None):
        self.size = size
        self.copy_to = copy_to
        self.seed = seed


# From this size on a body goes to a file at once, while file descriptors last; smaller ones follow moto's threshold.
ROLL_FROM = 1024 * 1024
_rolled = 0


def _may_roll() -> bool:
    import resource

    global _rolled
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    _rolled += 1
    if _rolled % 64 == 1:
        import os

        _rolled = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else _rolled
    return _rolled < soft // 2


def set_key(instance: Any, state: Any) -> None:
    """An S3 object or part: attributes, and a body that moto keeps in a spooled file of its own.

    The body is not copied yet: `fill` does that when the whole pod has been checked.
    """
    from moto.s3.models import FakeKey

    from pod_agent import allow

    _check(isinstance(instance, FakeKey) and type(state) is tuple and len(state) == 2, "set_key")
    attributes, body = state
    checked = allow.check_attributes(type(instance), attributes)
    _check(not {"_value_buffer", "lock"} & set(checked), "set_key")
    limit = checked.get("_max_buffer_size")
    _check(type(limit) is int and limit >= 0, "set_key")
    _check(type(body) in (bytes, Body, type(None)), "set_key")
    if type(body) is bytes:
        _check(checked.get("contentsize") == len(body), "set_key")
    elif type(body) is Body:
        _check(checked.get("contentsize") == body.size, "set_key")
    instance.__dict__.update(checked)
    instance.lock = threading.Lock()
    instance._value_buffer = tempfile.SpooledTemporaryFile(max_size=limit)
    if body is None:
        instance._value_buffer.close()
    elif type(body) is bytes:
        instance._value_buffer.write(body)
    else:
        instance.__dict__["_pod_body"] = body


def fill(instance: Any) -> None:
    """Copy the body of a restored S3 object into its spooled file, in pieces."""
    body = instance.__dict__.pop("_pod_body", None)
    if body is None:
        return
    buffer = instance._value_buffer
    if body.size >= ROLL_FROM and _may_roll():
        buffer.rollover()
    body.copy_to(buffer)
    buffer.flush()
    if body.seed is not None:
        body.seed(instance)


SETTERS = frozenset(("set_raw", "set_thread", "set_key"))
FUNCTIONS: dict[str, Any] = {
    function.__name__: function
    for function in (
        factory,
        nothing,
        lock,
        rlock,
        condition,
        event,
        semaphore,
        queue,
        regex,
        method,
        weak,
        weak_proxy,
        weak_values,
        weak_keys,
        weak_set,
        iterator,
        cycle,
        count,
        text_buffer,
        byte_buffer,
        zone,
        tzutc,
        tzlocal,
        private_key,
        public_key,
        certificate,
        signing_request,
        jwk,
        service_model,
        timer,
        set_raw,
        set_thread,
        set_key,
    )
}
