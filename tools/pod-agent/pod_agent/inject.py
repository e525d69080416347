"""A posted archive into the running emulator: checked whole, then applied service by service.

Order: the archive's directory, what wrote it, every digest, every pickle as a trial; only then the lock. Under it the
files are linked, and each service's backends get their new attributes in place: backends keep their identity, because
moto's modules and other backends hold references to them. A service that fails is put back as it was.
"""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import moto

from pod_agent import EMULATOR, FORMAT, blobs, capture, decode, outside, owners, restore, services, tracking
from pod_agent.archive import Reader
from pod_agent.decode import Bodies, Key, StateFile
from pod_agent.errors import AgentError, Damaged, one_line
from pod_agent.linking import Linker
from pod_agent.lock import StateLock

STRATEGIES = ("overwrite", "account-region-merge")
MAX_STATE_FILE = 1024**3
MAX_INFO = 256 * 1024 * 1024

_one_at_a_time = threading.Lock()


@dataclass
class Pod:
    """What an archive says and holds, checked."""

    captured: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    files: list[StateFile] = field(default_factory=list)
    pieces: dict[tuple[str, str], Any] = field(default_factory=dict)
    bodies: Bodies | None = None
    blob_count: dict[str, int] = field(default_factory=dict)

    def discard(self) -> None:
        for file in self.files:
            decode.discard(file)


def _document(reader: Reader, path: str) -> dict[str, Any] | None:
    if path not in reader.members:
        return None
    try:
        found = json.loads(reader.read(path, MAX_INFO))
    except (ValueError, RecursionError):
        raise AgentError("not_an_archive", f"'{path}' is no JSON") from None
    if not isinstance(found, dict):
        raise AgentError("not_an_archive", f"'{path}' is no JSON object")
    return found


def _check_emulator(document: dict[str, Any]) -> None:
    if document.get("format") != FORMAT:
        raise AgentError("incompatible", f"the pod has format {document.get('format')!r:.40}, this agent reads {FORMAT}")
    wrote = document.get("emulator")
    if not isinstance(wrote, dict):
        raise AgentError("incompatible", "the pod does not say which emulator wrote it")
    name, version = wrote.get("name"), wrote.get("version")
    if name != EMULATOR or version != moto.__version__:
        raise AgentError(
            "incompatible",
            f"the pod was written by '{str(name)[:40]} {str(version)[:40]}', this is '{EMULATOR} {moto.__version__}'",
        )


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 1000:
        raise AgentError("not_an_archive", "the pod's list of services has another shape")
    found = []
    for entry in value:
        name = entry.get("service") if isinstance(entry, dict) else entry
        if not isinstance(name, str):
            raise AgentError("not_an_archive", "the pod's list of services has another shape")
        found.append(services.canonical(name) or name[:64])
    return found


def _check_digests(reader: Reader, document: dict[str, Any]) -> None:
    """Every entry that capture.json lists is there and is what it says."""
    listed = document.get("entries")
    if listed is None:
        return
    if not isinstance(listed, list):
        raise AgentError("not_an_archive", "the pod's list of entries has another shape")
    for entry in listed:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise AgentError("not_an_archive", "the pod's list of entries has another shape")
        path = entry["path"]
        member = reader.members.get(path)
        if member is None:
            if entry.get("omitted") is True:
                continue
            raise Damaged(f"the archive lacks '{path[:200]}'")
        if member.size != entry.get("size"):
            raise Damaged(f"'{path[:200]}' has another size than the archive says")
        if not path.startswith("assets/") and reader.sha256(path) != entry.get("sha256"):
            raise Damaged(f"'{path[:200]}' has another digest than the archive says")


def _check_blobs(reader: Reader, pod: Pod) -> None:
    """Blobs are named by their digest; each is read once and held against its name."""
    for path in reader.members:
        parts = path.split("/")
        if len(parts) == 5 and parts[0] == "assets" and parts[2] == "blobs":
            if parts[3] != parts[4][:2] or not decode.SHA256.match(parts[4]) or reader.sha256(path) != parts[4]:
                raise Damaged(f"'{path[:200]}' is not what its name says", service=parts[1])
            pod.blob_count[parts[1]] = pod.blob_count.get(parts[1], 0) + 1


def read(reader: Reader, force: bool) -> Pod:
    """Check an archive from end to end and decode its files as a trial. Nothing of the emulator is touched."""
    pod = Pod(bodies=Bodies(reader))
    info = _document(reader, ".pod/info.json")
    listing = _document(reader, ".pod/capture.json")
    about = info or listing
    if about is not None and not force:
        _check_emulator(about)
    if listing is not None:
        _check_digests(reader, listing)
    _check_blobs(reader, pod)
    _find_files(reader, pod)
    if about is not None:
        _divide(about.get("services"), pod)
    else:
        pod.captured = sorted({file.service for file in pod.files})
    spoken_for = set(pod.captured) - set(pod.foreign)
    pod.files = [file for file in pod.files if file.service in spoken_for]
    try:
        for file in pod.files:
            decode.trial(file, pod.bodies)  # type: ignore[arg-type]
        _take_pieces(pod)
        _fill_bodies([file for file in pod.files if not file.outside])
    except BaseException:
        pod.discard()
        raise
    return pod


def _divide(listed: Any, pod: Pod) -> None:
    if not isinstance(listed, dict):
        raise AgentError("not_an_archive", "the pod's list of services has another shape")
    known = services.names()
    for name in _names(listed.get("captured")):
        if name in known:
            pod.captured.append(name)
        else:
            pod.foreign.setdefault(name, "this emulator has no such service")
    pod.empty = [name for name in _names(listed.get("empty")) if name in known]
    for name in _names(listed.get("failed")):
        pod.failed[name] = "was not captured; it stays as it is"
    if len(set(pod.captured) | set(pod.empty)) != len(pod.captured) + len(pod.empty):
        raise AgentError("not_an_archive", "the pod lists a service twice")


def _find_files(reader: Reader, pod: Pod) -> None:
    for path in sorted(reader.members):
        parts = path.split("/")
        if parts[0] != "api_states":
            continue
        if len(parts) != 5 or not parts[4].endswith(".state"):
            raise AgentError("not_an_archive", f"'{path[:200]}' is not where a state file lies")
        account, service, region, name = parts[1], parts[2], parts[3], parts[4][: -len(".state")]
        if name == "store":
            pod.foreign[services.canonical(service) or service[:64]] = "not state of moto"
            continue
        if service not in services.names():
            pod.foreign[service[:64]] = "this emulator has no such service"
            continue
        if not decode.ACCOUNT.match(account) or not decode.REGION.match(region) or not decode.NAME.match(name):
            raise AgentError("not_an_archive", f"'{path[:200]}' is not where a state file lies")
        if name != "backend" and (service, name) not in outside.PIECES:
            pod.foreign[service] = f"holds a file '{name}.state' that is not known"
            continue
        data = reader.read(path, MAX_STATE_FILE)
        pod.files.append(StateFile(path, service, account, services.region_in_moto(region), name, data))


def _take_pieces(pod: Pod) -> None:
    for file in [file for file in pod.files if file.name != "backend"]:
        if file.outside or not outside._is_plain(file.root):
            raise decode.Refused(f"{file.path}: is no plain data", service=file.service)
        pod.pieces[(file.service, file.name)] = file.root
        pod.files.remove(file)


def _fill_bodies(files: Iterable[StateFile]) -> None:
    for file in files:
        if file.service == "s3" or file.created:
            for item in file.created.values():
                if "_pod_body" in getattr(item, "__dict__", ()):
                    restore.fill(item)


@dataclass
class _Before:
    """A service as it was, to be put back."""

    states: dict[Key, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    installed: list[Key] = field(default_factory=list)
    pieces: dict[str, Any] = field(default_factory=dict)


class Injection:
    """One apply of a checked pod. Only under the exclusive lock."""

    def __init__(self, pod: Pod, strategy: str):
        self._pod = pod
        self._overwrite = strategy == "overwrite"
        self._before: dict[str, _Before] = {}
        self.lines: dict[str, dict[str, str]] = {}

    def run(self) -> capture.Cut:
        """Apply, and take the cut of what is there then."""
        pod = self._pod
        linker = Linker(pod.files, pod.bodies)  # type: ignore[arg-type]
        linker.run()
        for name, reason in {**pod.foreign, **pod.failed, **linker.failed}.items():
            self._say(name, "error", f"{reason}; the service was left as it was")
        for name in pod.captured:
            if name not in self.lines:
                self._guarded(name, self._replace, linker)
        for name in pod.empty:
            if name not in self.lines and self._overwrite:
                self._guarded(name, self._clear, linker)
        for key in linker.made:
            if key[0] in linker.failed:
                services.remove(*key)
        outside.rebuild_bucket_map()
        cut = self._check_writable()
        self._let_go()
        return cut

    def _say(self, service: str, status: str, message: str) -> None:
        self.lines[service] = {"service": service, "status": status, "message": message}

    def _guarded(self, name: str, action: Any, linker: Linker) -> None:
        self._before[name] = _Before()
        try:
            action(name, linker)
        except Exception as error:  # whatever goes wrong with one service stays with it
            self._put_back(name)
            self._say(name, "error", f"{one_line(error)}; the service was left as it was")

    def _set(self, name: str, key: Key, backend: Any, state: dict[str, Any]) -> None:
        self._before[name].states[key] = (backend, backend.__dict__)
        backend.__dict__ = state

    def _reset(self, name: str, key: Key, backend: Any) -> None:
        """As moto's own reset, without closing the bodies of every S3 object of the process."""
        self._set(name, key, backend, {})
        backend.__init__(key[2], key[1])
        capture.note_pristine(key, backend)

    def _replace(self, name: str, linker: Linker) -> None:
        files = [file for file in self._pod.files if file.service == name]
        _fill_bodies([file for file in files if file.outside])
        kept = {file.key for file in files}
        for file in files:
            backend = linker.backend(file.key)
            if file.key in linker.made:
                self._before[name].installed.append(file.key)
            self._set(name, file.key, backend, file.root)
        if self._overwrite:
            for account, region, backend in list(services.each_backend(services.backends_of(name))):
                key = (name, account, region)
                if key not in kept and key not in linker.made:
                    self._reset(name, key, backend)
        self._replace_pieces(name)
        if name == "s3":
            found = {(a, r): b.__dict__ for a, r, b in services.each_backend(services.backends_of("s3"))}
            outside.check_bucket_names(found)
        count = self._pod.blob_count.get(name, 0)
        self._say(name, "ok", f"{len(files)} state file{'s' * (len(files) != 1)}, {count} blob{'s' * (count != 1)}")

    def _replace_pieces(self, name: str) -> None:
        for piece in outside.of_service(name):
            old = piece.read()
            self._before[name].pieces[piece.name] = dict(old) if old is not None else None
            new = self._pod.pieces.get((name, piece.name))
            if new is not None and not self._overwrite and old is not None and piece.name != "counters":
                new = {**old, **new}
            if new is not None:
                piece.write(new)
            elif self._overwrite:
                piece.clear()

    def _clear(self, name: str, linker: Linker) -> None:
        backends = services.in_use().get(name)
        if backends is not None:  # nobody has used it: there is nothing to say either
            for account, region, backend in list(services.each_backend(backends)):
                if (name, account, region) not in linker.made:
                    self._reset(name, (name, account, region), backend)
            self._replace_pieces(name)
            self._say(name, "ok", "empty")

    def _put_back(self, name: str) -> None:
        before = self._before.pop(name)
        for backend, state in before.states.values():
            backend.__dict__ = state
        for key in before.installed:
            services.remove(*key)
        for piece in outside.of_service(name):
            if piece.name in before.pieces:
                piece.clear()
                if before.pieces[piece.name] is not None:
                    piece.write(before.pieces[piece.name])

    def _check_writable(self) -> capture.Cut:
        """What has been loaded must be what can be captured again, or the next capture would lose the service."""
        blobs.CACHE.begin()
        cut = capture.take_cut()
        lost = [failure for failure in cut.failed if self.lines.get(failure["service"], {}).get("status") == "ok"]
        for failure in lost:
            self._put_back(failure["service"])
            self._say(failure["service"], "error", f"{failure['reason']}; the service was left as it was")
        if lost:
            outside.rebuild_bucket_map()
            cut.pins.close()
            cut = capture.take_cut()
        return cut

    def _let_go(self) -> None:
        """What was replaced leaves moto's lists and closes its files; what replaces it enters them."""
        for name, before in self._before.items():
            for backend, state in before.states.values():
                old = list(owners.owned(name, state))
                tracking.forget(old)
                for item in old:
                    buffer = getattr(item, "__dict__", {}).get("_value_buffer")
                    if buffer is not None:
                        item.disposed = True
                        buffer.close()
        for file in self._pod.files:
            if self.lines.get(file.service, {}).get("status") == "ok":
                tracking.track(file.created.values())
                file.created = {}
            else:
                decode.discard(file)


def inject(
    lock: StateLock,
    reader: Reader,
    strategy: str,
    *,
    force: bool = False,
    expected: str | None = None,
    timeout: float = 30.0,
) -> Iterator[dict[str, Any]]:
    """Apply an archive; the lines of the answer, the last one `completion`. Raises before anything has changed."""
    if strategy not in STRATEGIES:
        raise AgentError("unsupported_strategy", f"the strategy '{strategy[:60]}' is not one of {', '.join(STRATEGIES)}")
    with _one_at_a_time:
        pod = read(reader, force)
        try:
            with lock.exclusive(timeout):
                if expected is not None:
                    _check_expected(expected, pod)
                injection = Injection(pod, strategy)
                cut = injection.run()
        except BaseException:
            pod.discard()
            raise
        lines = [injection.lines[name] for name in sorted(injection.lines)]
        now = capture.finish(cut)
        now.close()
        blobs.CACHE.forget_untouched()
        del injection, cut
        gc.collect()  # what was replaced is full of cycles, and may be as large as what replaces it
    status = "ok" if all(line["status"] == "ok" for line in lines) else "partial"
    lines.append({"event": "completion", "operation": "load", "status": status, "digest": now.digest})
    return iter(lines)


def _check_expected(expected: str, pod: Pod) -> None:
    """`If-Match`: the digest of everything, or of the services that the pod speaks for."""
    now = capture.finish(capture.take_cut())
    spoken_for = set(pod.captured) | set(pod.empty)
    part = [entry for entry in now.entries if entry.path.split("/")[2 if entry.path.startswith("api_states") else 1] in spoken_for]
    now.close()
    if expected not in (now.digest, capture.digest_of(part)):
        raise AgentError("state_moved", "the state is no longer the one that was expected")


def reset(lock: StateLock, service: str | None, timeout: float = 30.0) -> None:
    """All of the emulator's state, or one service's, back to nothing."""
    with _one_at_a_time, lock.exclusive(timeout):
        names = list(services.in_use()) if service is None else [service]
        pod = Pod(empty=names, bodies=None)
        injection = Injection(pod, "overwrite")
        injection.run().pins.close()
        if service is None:
            _drop_everything()
        for name, line in injection.lines.items():
            if line["status"] != "ok":
                raise AgentError("internal", line["message"], service=name)


def _drop_everything() -> None:
    """After a reset of all, nobody holds a backend any more: they go, as when the emulator has just started."""
    for backends in services.in_use().values():
        dict.clear(backends)
    from moto.core.base_backend import BackendDict

    BackendDict._instances.clear()
    capture.PRISTINE.clear()
