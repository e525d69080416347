"""A bounded reader of pickles that runs nothing.

Why not `pickle.Unpickler`: its `find_class` decides which names may be looked up, yet BUILD may then set attributes of
a class, NEWOBJ calls whatever `__new__` there is, and SETITEMS calls an overridden `__setitem__`. Here the one parser
that checks is the one that builds: an object is made by its built-in base's `__new__`, attributes go into its
`__dict__` after a check, calls are made only to what `Rules` grants.

What holds: the stream's own bytes bound the work (no allocation larger than what has been read); nothing recurses on
input; objects that come from outside the stream (persistent ids) are never changed by it; anything not understood,
and anything behind STOP, is refused as a whole.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict, deque
from sys import intern
from typing import Any, Protocol

from pod_agent.errors import Refused

MAX_INT_BYTES = 65536
MAX_KEY_NODES = 256
UNBALANCED = "the pickle is unbalanced"

_u2 = struct.Struct("<H").unpack_from
_i4 = struct.Struct("<i").unpack_from
_u4 = struct.Struct("<I").unpack_from
_u8 = struct.Struct("<Q").unpack_from
_f8 = struct.Struct(">d").unpack_from

_PLAIN_DICTS = (dict, OrderedDict, defaultdict, Counter)
_ATOMS = frozenset((str, int, bytes, float, bool, type(None)))


class Rules(Protocol):
    """What a stream may name and do. Every method raises Refused for what it may not."""

    def name(self, module: str, name: str) -> Any:
        """The object that a GLOBAL may stand for."""

    def persistent(self, pid: Any) -> Any:
        """The object outside the stream that a persistent id means."""

    def new(self, cls: Any, args: tuple) -> Any:
        """An instance of a class, its `__init__` not run."""

    def call(self, function: Any, args: tuple, created: dict[int, Any]) -> Any:
        """The value that a restore function or a value type gives for `args`."""

    def build(self, instance: Any, state: Any) -> None:
        """Set the attributes of an instance that this stream has made."""


class _Mark:
    __slots__ = ()


_MARK = _Mark()


def _hashable(key: Any) -> Any:
    """Keys of dicts and members of sets: bounded, so that hashing shared nested tuples cannot take for ever."""
    kind = type(key)
    if kind in _ATOMS:
        return key
    if kind is tuple or kind is frozenset:
        left = MAX_KEY_NODES
        stack: list[Any] = list(key)
        while stack:
            left -= 1
            if left < 0:
                raise Refused("a key is nested too deeply")
            part = stack.pop()
            if type(part) in (tuple, frozenset):
                if len(part) > left:
                    raise Refused("a key is nested too deeply")
                stack.extend(part)
        return key
    if kind in (list, dict, set, bytearray):
        raise Refused("a key that cannot be hashed")
    return key


def load(data: bytes, rules: Rules, created: dict[int, Any] | None = None) -> Any:
    """The value of exactly one pickle of protocol 4 or 5, or Refused.

    `created` receives every instance the stream makes, by id.
    """
    made: dict[int, Any] = {} if created is None else created
    try:
        return _run(data, rules, made)
    except Refused:
        raise
    except (IndexError, struct.error):
        raise Refused("the pickle is cut off or unbalanced") from None
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise Refused(f"the pickle is malformed ({type(error).__name__})") from None


def _run(data: bytes, rules: Rules, created: dict[int, Any]) -> Any:  # noqa: C901 (one loop, one case an opcode)
    end = len(data)
    if end < 3 or data[0] != 0x80 or data[1] not in (4, 5):
        raise Refused("not a pickle of protocol 4")
    at = 2
    stack: list[Any] = []
    push = stack.append
    pop = stack.pop
    marks: list[int] = []
    memo: dict[int, Any] = {}
    granted: dict[tuple[str, str], Any] = {}

    base = 0  # where the innermost mark stands: nothing below it may be popped

    def span(length: int) -> bytes:
        nonlocal at
        if length > end - at:
            raise Refused("the pickle is cut off")
        piece = data[at : at + length]
        at += length
        return piece

    def text(length: int) -> str:
        return span(length).decode("utf-8", "surrogatepass")

    def to_mark() -> list[Any]:
        nonlocal base
        if not marks:
            raise Refused(UNBALANCED)
        items = stack[base:]
        del stack[base:]
        marks.pop()
        base = marks[-1] if marks else 0
        return items

    def dict_target() -> Any:
        # Exact types only, so that their own item assignment runs: dict's leaves an OrderedDict without order.
        if len(stack) - base < 1:
            raise Refused(UNBALANCED)
        target = stack[-1]
        if type(target) not in _PLAIN_DICTS:
            raise Refused("items for something that is not a plain dict of this stream")
        return target

    def list_target() -> Any:
        if len(stack) - base < 1:
            raise Refused(UNBALANCED)
        target = stack[-1]
        if type(target) is not list and type(target) is not deque:
            raise Refused("items for something that is not a list of this stream")
        return target

    while True:
        op = data[at]
        at += 1
        # Ordered by how often they occur.
        if op == 0x94:  # MEMOIZE
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            memo[len(memo)] = stack[-1]
        elif op == 0x68:  # BINGET
            push(memo[data[at]])
            at += 1
        elif op == 0x6A:  # LONG_BINGET
            push(memo[_u4(data, at)[0]])
            at += 4
        elif op == 0x8C:  # SHORT_BINUNICODE
            length = at + 1 + data[at]
            if length > end:
                raise Refused("the pickle is cut off")
            push(str(data[at + 1 : length], "utf-8", "surrogatepass"))
            at = length
        elif op == 0x4E:  # NONE
            push(None)
        elif op == 0x89:  # NEWFALSE
            push(False)
        elif op == 0x88:  # NEWTRUE
            push(True)
        elif op == 0x4B:  # BININT1
            push(data[at])
            at += 1
        elif op == 0x28:  # MARK
            base = len(stack)
            marks.append(base)
        elif op == 0x75:  # SETITEMS
            items = to_mark()
            target = dict_target()
            if len(items) % 2:
                raise Refused("a key without a value")
            for index in range(0, len(items), 2):
                target[_hashable(items[index])] = items[index + 1]
        elif op == 0x73:  # SETITEM
            if len(stack) - base < 3:
                raise Refused(UNBALANCED)
            value = pop()
            key = pop()
            dict_target()[_hashable(key)] = value
        elif op == 0x7D:  # EMPTY_DICT
            push({})
        elif op == 0x5D:  # EMPTY_LIST
            push([])
        elif op == 0x29:  # EMPTY_TUPLE
            push(())
        elif op == 0x81:  # NEWOBJ
            if len(stack) - base < 2:
                raise Refused(UNBALANCED)
            args = pop()
            cls = pop()
            if type(args) is not tuple:
                raise Refused("arguments that are no tuple")
            instance = rules.new(cls, args)
            created[id(instance)] = instance
            push(instance)
        elif op == 0x62:  # BUILD
            if len(stack) - base < 2:
                raise Refused(UNBALANCED)
            state = pop()
            target = stack[-1]
            if id(target) not in created:
                raise Refused("state for something that this pickle did not make")
            rules.build(target, state)
        elif op == 0x4D:  # BININT2
            push(_u2(data, at)[0])
            at += 2
        elif op == 0x4A:  # BININT
            push(_i4(data, at)[0])
            at += 4
        elif op == 0x47:  # BINFLOAT
            push(_f8(data, at)[0])
            at += 8
        elif op == 0x43:  # SHORT_BINBYTES
            length = data[at]
            at += 1
            push(span(length))
        elif op == 0x42:  # BINBYTES
            at += 4
            push(span(_u4(data, at - 4)[0]))
        elif op == 0x58:  # BINUNICODE
            at += 4
            push(text(_u4(data, at - 4)[0]))
        elif op == 0x61:  # APPEND
            if len(stack) - base < 2:
                raise Refused(UNBALANCED)
            value = pop()
            list_target().append(value)
        elif op == 0x65:  # APPENDS
            items = to_mark()
            list_target().extend(items)
        elif op == 0x93:  # STACK_GLOBAL
            if len(stack) - base < 2:
                raise Refused(UNBALANCED)
            name = pop()
            module = pop()
            if type(name) is not str or type(module) is not str:
                raise Refused("a name that is no text")
            found = granted.get((module, name))
            if found is None:
                found = granted[(module, name)] = rules.name(module, name)
            push(found)
        elif op == 0x52:  # REDUCE
            if len(stack) - base < 2:
                raise Refused(UNBALANCED)
            args = pop()
            function = pop()
            if type(args) is not tuple:
                raise Refused("arguments that are no tuple")
            push(rules.call(function, args, created))
        elif op == 0x51:  # BINPERSID
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            push(rules.persistent(pop()))
        elif op == 0x85:  # TUPLE1
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            stack[-1] = (stack[-1],)
        elif op == 0x86:  # TUPLE2
            if len(stack) - base < 2:
                raise Refused(UNBALANCED)
            value = pop()
            stack[-1] = (stack[-1], value)
        elif op == 0x87:  # TUPLE3
            if len(stack) - base < 3:
                raise Refused(UNBALANCED)
            last = pop()
            value = pop()
            stack[-1] = (stack[-1], value, last)
        elif op == 0x74:  # TUPLE
            push(tuple(to_mark()))
        elif op == 0x8A:  # LONG1
            length = data[at]
            at += 1
            push(int.from_bytes(span(length), "little", signed=True))
        elif op == 0x8B:  # LONG4
            at += 4
            length = _i4(data, at - 4)[0]
            if not 0 <= length <= MAX_INT_BYTES:
                raise Refused("a number that is too long")
            push(int.from_bytes(span(length), "little", signed=True))
        elif op == 0x30:  # POP
            if marks and base == len(stack):
                marks.pop()
                base = marks[-1] if marks else 0
            else:
                if len(stack) - base < 1:
                    raise Refused(UNBALANCED)
                pop()
        elif op == 0x31:  # POP_MARK
            to_mark()
        elif op == 0x32:  # DUP
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            push(stack[-1])
        elif op == 0x71:  # BINPUT
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            memo[data[at]] = stack[-1]
            at += 1
        elif op == 0x72:  # LONG_BINPUT
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            memo[_u4(data, at)[0]] = stack[-1]
            at += 4
        elif op == 0x8F:  # EMPTY_SET
            push(set())
        elif op == 0x90:  # ADDITEMS
            items = to_mark()
            if len(stack) - base < 1:
                raise Refused(UNBALANCED)
            target = stack[-1]
            if type(target) is not set:
                raise Refused("items for something that is not a set of this stream")
            for item in items:
                target.add(_hashable(item))
        elif op == 0x91:  # FROZENSET
            push(frozenset([_hashable(item) for item in to_mark()]))
        elif op == 0x8D:  # BINUNICODE8
            at += 8
            push(text(_u8(data, at - 8)[0]))
        elif op == 0x8E:  # BINBYTES8
            at += 8
            push(span(_u8(data, at - 8)[0]))
        elif op == 0x96:  # BYTEARRAY8
            at += 8
            push(bytearray(span(_u8(data, at - 8)[0])))
        elif op == 0x95:  # FRAME
            if _u8(data, at)[0] > end - at - 8:
                raise Refused("the pickle is cut off")
            at += 8
        elif op == 0x2E:  # STOP
            if at != end:
                raise Refused("there is data behind the pickle's end")
            if marks or len(stack) != 1:
                raise Refused(UNBALANCED)
            return stack[0]
        else:
            raise Refused(f"opcode 0x{op:02x} is not one that state files use")


def attribute_name(key: Any) -> str:
    """A name that may be set on an instance, interned as Python does it for attributes."""
    if type(key) is not str or not key or len(key) > 256 or (key.startswith("__") and key.endswith("__")):
        raise Refused("an attribute with a name that may not be set")
    return intern(key)
