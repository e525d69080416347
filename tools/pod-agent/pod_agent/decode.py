"""State files of a posted archive, read under the allow-list: first as a trial, then with what lies outside of them.

The trial reads every file while nothing of the emulator is touched: what a file refers to in other backends is a
`Pending`. Files that refer to nothing are then ready as they are; the others are read once more, under the lock, with
the real objects (see linking.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pod_agent import allow, machine, pending, restore, services
from pod_agent.archive import Reader
from pod_agent.blobs import CACHE, Digest, content_of
from pod_agent.errors import Damaged, Refused

ACCOUNT = re.compile(r"[0-9]{12}\Z")
REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z")
SHA256 = re.compile(r"[0-9a-f]{64}\Z")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")

Key = tuple[str, str, str]  # service, account, region as moto keys it


@dataclass
class StateFile:
    """A state file of the archive, and what the trial found in it."""

    path: str
    service: str
    account: str
    region: str
    name: str
    data: bytes
    root: Any = None
    created: dict[int, Any] = field(default_factory=dict)
    refers_to: set[Key] = field(default_factory=set)
    outside: bool = False

    @property
    def key(self) -> Key:
        return (self.service, self.account, self.region)


class Bodies:
    """The blobs of an archive. All have been checked against their digests before any is asked for."""

    def __init__(self, reader: Reader):
        self._reader = reader
        self._bytes: dict[tuple[str, str], bytes] = {}

    @staticmethod
    def path(service: str, sha256: str) -> str:
        return f"assets/{service}/blobs/{sha256[:2]}/{sha256}"

    def _member(self, service: str, sha256: str) -> Any:
        member = self._reader.members.get(self.path(service, sha256))
        if member is None:
            raise Damaged(f"the archive lacks the body {sha256[:12]}… of '{service}'", service=service)
        return member

    def whole(self, service: str, sha256: str) -> bytes:
        """A body as bytes; the same object each time."""
        key = (service, sha256)
        if key not in self._bytes:
            member = self._member(service, sha256)
            data = b"".join(self._reader.pieces(member.path))
            CACHE.remember(data, data, Digest(sha256, member.crc32, member.size))
            self._bytes[key] = data
        return self._bytes[key]

    def streamed(self, service: str, sha256: str, size: int) -> restore.Body:
        member = self._member(service, sha256)
        if member.size != size:
            raise Damaged(f"the body {sha256[:12]}… of '{service}' has another size", service=service)

        def copy_to(buffer: Any) -> None:
            for piece in self._reader.pieces(member.path):
                buffer.write(piece)

        def seed(owner: Any) -> None:
            content, _ = content_of(owner._value_buffer)
            CACHE.remember(owner, content, Digest(sha256, member.crc32, size))

        return restore.Body(size, copy_to, seed)


def check_address(pid: tuple) -> Key:
    """Service, account and region of a persistent id, in the shapes they have."""
    service, account, region = pid[1:4]
    if service not in services.names() or not ACCOUNT.match(account) or not REGION.match(region):
        raise Refused("a reference to a backend that cannot exist")
    return service, account, services.region_in_moto(region)


class TrialRules:
    """What a file may do while it is only checked."""

    name = staticmethod(allow.lookup)
    new = staticmethod(allow.new)
    build = staticmethod(allow.build)
    call = staticmethod(allow.call)

    def __init__(self, file: StateFile, bodies: Bodies):
        self._file = file
        self._bodies = bodies

    def persistent(self, pid: Any) -> Any:
        if type(pid) is not tuple or not 2 <= len(pid) <= 5 or any(type(part) is not str for part in pid):
            raise Refused("a persistent id of another shape")
        kind, count = pid[0], len(pid)
        if kind == "blob" and count == 2 and SHA256.match(pid[1]):
            return self._bodies.whole(self._file.service, pid[1])
        if kind == "body" and count == 3 and SHA256.match(pid[1]) and pid[2].isdecimal() and len(pid[2]) < 16:
            return self._bodies.streamed(self._file.service, pid[1], int(pid[2]))
        if kind == "ref" and count == 5 and pid[4].startswith("/") and len(pid[4]) <= 8192:
            return self.reference(check_address(pid), pid[4])
        if kind == "backend" and count == 4:
            return self.backend(check_address(pid))
        if kind == "account" and count == 3 and pid[1] in services.names() and ACCOUNT.match(pid[2]):
            return self.account(pid[1], pid[2])
        if kind == "backends" and count == 2 and pid[1] in services.names():
            return self.all_accounts(pid[1])
        raise Refused("a persistent id of an unknown kind")

    def _later(self, *address: str) -> pending.Pending:
        self._file.outside = True
        return pending.Pending((*address, "", "", "")[:4])  # type: ignore[arg-type]

    def reference(self, owner: Key, path: str) -> Any:
        self._file.refers_to.add(owner)
        return self._later(*owner, path)

    def backend(self, key: Key) -> Any:
        return self._later(*key)

    def account(self, service: str, account: str) -> Any:
        return self._later(service, account)

    def all_accounts(self, service: str) -> Any:
        return self._later(service)


class LinkRules(TrialRules):
    """What a file gets when it is read to be installed: `resolve` finds referenced objects, `backend_of` backends."""

    def __init__(
        self,
        file: StateFile,
        bodies: Bodies,
        resolve: Callable[[Key, str], Any],
        backend_of: Callable[[Key], Any],
    ):
        super().__init__(file, bodies)
        self._resolve = resolve
        self._backend_of = backend_of

    def reference(self, owner: Key, path: str) -> Any:
        return self._resolve(owner, path)

    def backend(self, key: Key) -> Any:
        return self._backend_of(key)

    def account(self, service: str, account: str) -> Any:
        return services.backends_of(service)[account]

    def all_accounts(self, service: str) -> Any:
        return services.backends_of(service)


def trial(file: StateFile, bodies: Bodies) -> None:
    """Read a file without touching anything; Refused or Damaged, with its service, if it may not be loaded."""
    pending.checking_only = True
    try:
        file.root = machine.load(file.data, TrialRules(file, bodies), file.created)
        if file.name == "backend":
            check_root(file)
    except (Refused, Damaged) as error:
        error.service = error.service or file.service
        error.message = f"{file.path}: {error.message}"
        raise
    finally:
        pending.checking_only = False


def check_root(file: StateFile) -> None:
    """The root is the attributes of a backend of this service."""
    file.root = allow.check_attributes(services.backends_of(file.service).backend, file.root)
    if file.root.get("region_name") != file.region or file.root.get("account_id") != file.account:
        raise Refused("the state of another account or region")


def discard(file: StateFile) -> None:
    """Close what a file's objects hold open."""
    for item in file.created.values():
        buffer = getattr(item, "__dict__", {}).get("_value_buffer")
        if buffer is not None:
            buffer.close()
    file.created = {}
    file.root = None
