"""From checked files to roots that refer to each other and to the running emulator. Only under the exclusive lock.

Owners are read before those that refer to them. Where two refer to each other, the second finds a `Pending` in the
first, which is filled in at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

from pod_agent import decode, machine, owners, services, tracking
from pod_agent.decode import Bodies, Key, StateFile
from pod_agent.errors import AgentError, one_line
from pod_agent.pending import CannotPatch, Pending

_ATOMS = frozenset((str, int, float, bool, bytes, type(None)))


class NotThere(Exception):
    """A reference to an object that neither the archive nor the emulator has."""


class Linker:
    """Builds the roots of all files. `failed` says which services could not be, and why."""

    def __init__(self, files: list[StateFile], bodies: Bodies):
        self._files = {file.key: file for file in files}
        self._bodies = bodies
        self._ready: set[Key] = set()
        self.failed: dict[str, str] = {}
        self.made: dict[Key, BaseBackend] = {}

    def run(self) -> None:
        for file in self._ordered():
            if file.service in self.failed:
                continue
            try:
                self._read(file)
            except (NotThere, CannotPatch, AgentError, LookupError) as error:
                self.failed[file.service] = str(error) if isinstance(error, (NotThere, CannotPatch)) else one_line(error)
            self._ready.add(file.key)
        for file in self._files.values():
            if file.service not in self.failed and file.refers_to:
                try:
                    patch(file.root, lambda waiting: self._find(waiting.address[:3], waiting.address[3]))  # type: ignore[arg-type]
                except (NotThere, CannotPatch) as error:
                    self.failed[file.service] = str(error)
        self._spread_failures()

    def _ordered(self) -> list[StateFile]:
        order: list[StateFile] = []
        left = dict(sorted(self._files.items()))
        while left:
            free = [k for k, f in left.items() if not any(owner in left and owner != k for owner in f.refers_to)]
            for key in free or [next(iter(left))]:
                order.append(left.pop(key))
        return order

    def _read(self, file: StateFile) -> None:
        self.backend(file.key)
        if file.outside:
            decode.discard(file)
            rules = decode.LinkRules(file, self._bodies, self._resolve, self.backend)
            file.root = machine.load(file.data, rules, file.created)
            decode.check_root(file)

    def _resolve(self, owner: Key, path: str) -> Any:
        if owner in self._files and owner not in self._ready and owner[0] not in self.failed:
            return Pending((*owner, path))
        return self._find(owner, path)

    def _find(self, owner: Key, path: str) -> Any:
        file = self._files.get(owner)
        if file is not None and owner[0] in self.failed:
            raise NotThere(f"refers to '{owner[0]}', which could not be loaded")
        if file is not None:
            root = file.root
        else:
            backend = services.live(*owner)
            if backend is None:
                raise NotThere(f"refers to '{owner[0]}' in {owner[1]}/{owner[2]}, which is not there")
            root = backend.__dict__
        try:
            found = owners.resolve(root, path)
        except (LookupError, ValueError):
            raise NotThere(f"refers to '{owner[0]}{path[:120]}', which is not there") from None
        if not type(found).__module__.startswith("moto.") or isinstance(found, BaseBackend):
            raise NotThere(f"refers to '{owner[0]}{path[:120]}', which is no object of it")
        return found

    def backend(self, key: Key) -> BaseBackend:
        """The backend of a key, made if it is not there; `made` says which, so that a failure can take them back."""
        found = services.live(*key)
        if found is None:
            service, account, region = key
            backends = services.backends_of(service)
            if not region_exists(backends, account, region):
                raise NotThere(f"there is no region '{region}' for '{service}'")
            with tracking.untracked():
                found = self.made[key] = backends[account][region]
        return found

    def _spread_failures(self) -> None:
        """Whoever refers to a service that failed has objects that will not be there."""
        again = True
        while again:
            again = False
            for file in self._files.values():
                if file.service in self.failed:
                    continue
                for owner in file.refers_to:
                    if owner in self._files and owner[0] in self.failed:
                        self.failed[file.service] = f"refers to '{owner[0]}', which could not be loaded"
                        again = True
                        break


def region_exists(backends: BackendDict, account: str, region: str) -> bool:
    from moto.settings import allow_unknown_region

    return region in backends[account] or allow_unknown_region()


def patch(root: dict[str, Any], find: Callable[[Pending], Any]) -> None:
    """Put the real objects in the place of every Pending that a root still holds."""
    seen: set[int] = {id(root)}
    todo: deque[Any] = deque([root])

    def real(waiting: Pending) -> Any:
        found = find(waiting)
        return found if waiting.change is None else waiting.change(found)

    def look(value: Any) -> None:
        if type(value) in _ATOMS or id(value) in seen:
            return
        if isinstance(value, (BaseBackend, BackendDict, AccountSpecificBackend, type)):
            return
        seen.add(id(value))
        todo.append(value)

    while todo:
        node = todo.popleft()
        if isinstance(node, dict):
            for key, value in list(dict.items(node)):
                if type(value) is Pending:
                    value = real(value)
                    dict.__setitem__(node, key, value)
                look(key)
                look(value)
        elif isinstance(node, list):
            for place, value in enumerate(list.__iter__(node)):
                if type(value) is Pending:
                    value = real(value)
                    list.__setitem__(node, place, value)
                look(value)
        elif isinstance(node, (tuple, set, frozenset)):
            for value in node:
                if type(value) is Pending:
                    raise CannotPatch("two services refer to each other through a tuple or a set")
                look(value)
        elif type(node) is Pending:
            raise CannotPatch("two services refer to each other through the key of a dict")
        attributes = getattr(node, "__dict__", None)
        if type(attributes) is dict:
            look(attributes)
