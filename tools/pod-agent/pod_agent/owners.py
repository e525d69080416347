"""Where an object lives: the path from its backend, and back again.

An object that one backend owns and another refers to is written as a reference, so that after loading there is one
object again. The owner is a backend of the service that the object's class belongs to; the path is the shortest one
over dict keys, list places and attributes. Nothing else can be addressed: not members of sets, not what only weak
references hold.

Path: `/key` for a text key of a dict, `/#5` for a number as key, `/3` for a place in a list or tuple, `/@name` for an
attribute. In keys `%`, `/`, and `@` or `#` in front are written as %XX.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

from pod_agent import services

_ATOMS = frozenset((str, int, float, bool, bytes, type(None)))


def escape(key: str) -> str:
    key = key.replace("%", "%25").replace("/", "%2F")
    if key[:1] in ("@", "#"):
        key = f"%{ord(key[0]):02X}{key[1:]}"
    return key


def unescape(part: str) -> str:
    for code, char in (("%40", "@"), ("%23", "#"), ("%2F", "/"), ("%25", "%")):
        part = part.replace(code, char)
    return part


class OwnerMap:
    """Paths of every object of a service's own classes that one backend reaches. Valid while the lock is held."""

    def __init__(self, service: str, root: dict[str, Any]):
        self._found: dict[int, tuple[int, str]] = {}
        self._depth: dict[int, int] = {}
        self._walk(service, root)

    def _walk(self, service: str, root: dict[str, Any]) -> None:
        found = self._found
        todo: deque[tuple[Any, int, int]] = deque([(root, id(root), 0)])
        mine: dict[type, bool] = {}
        found[id(root)] = (0, "")
        self._objects = objects = [root]

        def visit(child: Any, parent: int, edge: str, depth: int) -> None:
            kind = type(child)
            if kind in _ATOMS or id(child) in found:
                return
            inside = mine.get(kind)
            if inside is None:
                inside = mine[kind] = _is_inside(kind, service)
            if not inside:
                return
            found[id(child)] = (parent, edge)
            self._depth[id(child)] = depth
            todo.append((child, id(child), depth))
            objects.append(child)

        while todo:
            node, here, depth = todo.popleft()
            depth += 1
            if isinstance(node, dict):
                for key, value in list(dict.items(node)):
                    edge = escape(key) if type(key) is str else f"#{key}" if type(key) is int else None
                    if edge is not None:
                        visit(value, here, edge, depth)
            elif isinstance(node, (list, tuple)):
                for place, value in enumerate(list.__iter__(node) if isinstance(node, list) else node):
                    visit(value, here, str(place), depth)
            attributes = getattr(node, "__dict__", None)
            if type(attributes) is dict:
                for name, value in list(attributes.items()):
                    visit(value, here, "@" + escape(name), depth)

    def path(self, item: Any) -> str | None:
        """The path of an object, or None if the backend does not reach it."""
        at = id(item)
        if at not in self._found:
            return None
        parts: list[str] = []
        while True:
            parent, edge = self._found[at]
            if parent == 0:
                break
            parts.append(edge)
            at = parent
        return "/" + "/".join(reversed(parts))

    def depth(self, item: Any) -> int:
        return self._depth.get(id(item), 1 << 30)

    def ids(self) -> set[int]:
        return set(self._found)


def owned(service: str, root: dict[str, Any]) -> list[Any]:
    """Every object that a backend's attributes reach and that is the service's own."""
    return OwnerMap(service, root)._objects


def _is_inside(kind: type, service: str) -> bool:
    if issubclass(kind, (BaseBackend, BackendDict, AccountSpecificBackend, type)):
        return False
    if issubclass(kind, (dict, list, tuple)) or kind.__module__.startswith("moto."):
        owner = services.service_of_class(kind)
        return owner is None or owner == service
    return False


def resolve(root: dict[str, Any], path: str) -> Any:
    """The object at a path, or LookupError."""
    if not path.startswith("/") or len(path) > 8192:
        raise LookupError(path[:100])
    node: Any = root
    for part in path[1:].split("/"):
        if part.startswith("@"):
            node = node.__dict__[unescape(part[1:])] if hasattr(node, "__dict__") else None
        elif isinstance(node, dict):
            key: Any = int(part[1:]) if part.startswith("#") else unescape(part)
            node = dict.__getitem__(node, key)
        elif isinstance(node, list):
            node = list.__getitem__(node, int(part))
        elif isinstance(node, tuple):
            node = node[int(part)]
        else:
            raise LookupError(path[:100])
        if node is None:
            raise LookupError(path[:100])
    return node
