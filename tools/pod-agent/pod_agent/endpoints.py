"""The state endpoints of PROTOCOL.md."""

from __future__ import annotations

import datetime
import json
import platform
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import moto

from pod_agent import EMULATOR, FORMAT, __version__, capture, inject, metamodel, services, upload
from pod_agent.archive import Reader
from pod_agent.errors import AgentError
from pod_agent.lock import StateLock

MAX_REQUEST = 64 * 1024 * 1024
MAX_HAVE = 1_000_000

# Status code, headers, body.
Reply = tuple[int, list[tuple[str, str]], Iterator[bytes] | list[bytes]]
_RESET = re.compile(r"/_localstack/state/([A-Za-z0-9_-]{1,64})/reset\Z")


def json_reply(document: Any, status: int = 200) -> Reply:
    body = json.dumps(document, sort_keys=True).encode()
    return status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], [body]


class Endpoints:
    """Answers to the agent's own paths; everything else is the emulator's."""

    def __init__(self, lock: StateLock, max_body: int):
        self._lock = lock
        self._max_body = max_body
        self._session = str(uuid.uuid4())
        self._injected: dict[str, Any] | None = None
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Reply]] = {
            ("GET", "/_localstack/pods/state"): self._get_state,
            ("POST", "/_pod/state"): self._post_state,
            ("POST", "/_localstack/pods"): self._inject,
            ("POST", "/_localstack/state/reset"): self._reset_all,
            ("GET", "/_localstack/health"): self._health,
            ("GET", "/_localstack/info"): self._info,
            ("GET", "/_localstack/pods/environment"): self._environment,
            ("GET", "/_localstack/pods/state/metamodel"): self._metamodel,
        }

    @staticmethod
    def is_mine(path: str) -> bool:
        return path.startswith(("/_localstack/", "/_pod/")) or path in ("/_localstack", "/_pod")

    def answer(self, environ: dict[str, Any]) -> Reply:
        """The reply, or AgentError."""
        method = str(environ.get("REQUEST_METHOD"))
        path = str(environ.get("PATH_INFO")).rstrip("/")
        handler = self._routes.get(("GET" if method == "HEAD" else method, path))
        if handler is not None:
            return handler(environ)
        found = _RESET.match(path)
        if found and method == "POST":
            return self._reset_one(found.group(1))
        if found or any(path == known for _, known in self._routes):
            raise AgentError("bad_request", f"{path} does not answer to {method[:20]}", status=405)
        raise AgentError("not_found", "there is no such endpoint")

    @staticmethod
    def _query(environ: dict[str, Any]) -> dict[str, str]:
        try:
            return {k: v[-1] for k, v in parse_qs(str(environ.get("QUERY_STRING") or ""), max_num_fields=50).items()}
        except ValueError:
            raise AgentError("bad_request", "the query has too many fields") from None

    @staticmethod
    def _known(names: list[str]) -> list[str]:
        known = []
        for name in names:
            found = services.canonical(name)
            if found is None:
                raise AgentError("unknown_service", f"there is no service '{name[:64]}'", service=name[:64], status=400)
            known.append(found)
        return sorted(set(known))

    def _archive(self, wanted: list[str] | None, have: frozenset[str]) -> Reply:
        made = capture.take(self._lock, wanted, have)
        headers = [
            ("Content-Type", "application/zip"),
            ("x-localstack-pod-services", ",".join(made.cut.captured)),
            ("x-localstack-pod-size", str(sum(e.size for e in made.entries if not e.omitted))),
            ("Cache-Control", "no-store"),
        ]
        return 200, headers, made.stream()

    def _get_state(self, environ: dict[str, Any]) -> Reply:
        asked = self._query(environ).get("services")
        wanted = self._known([n for n in asked.split(",") if n.strip()]) if asked else None
        return self._archive(wanted or None, frozenset())

    def _post_state(self, environ: dict[str, Any]) -> Reply:
        body = b"".join(upload.pieces(environ, MAX_REQUEST))
        try:
            document = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            raise AgentError("bad_request", "the body is no JSON") from None
        if not isinstance(document, dict):
            raise AgentError("bad_request", "the body is no JSON object")
        asked, have = document.get("services"), document.get("have") or []
        for value in (asked or [], have):
            if not isinstance(value, list) or len(value) > MAX_HAVE or not all(isinstance(v, str) for v in value):
                raise AgentError("bad_request", "`services` and `have` are lists of text")
        return self._archive(self._known(asked) if asked else None, frozenset(have))

    def _inject(self, environ: dict[str, Any]) -> Reply:
        query = self._query(environ)
        strategy = query.get("merge", "account-region-merge")
        if strategy not in inject.STRATEGIES:
            raise AgentError(
                "unsupported_strategy", f"the strategy '{strategy[:60]}' is not one of {', '.join(inject.STRATEGIES)}"
            )
        version = str(environ.get("HTTP_X_POD_VERSION") or "") or None
        if version is not None and len(version.encode("latin-1", "replace")) > 256:
            raise AgentError("bad_request", "x-pod-version is longer than 256 bytes")
        expected = str(environ.get("HTTP_IF_MATCH") or "").strip().strip('"') or None
        source, length = upload.spool(environ, self._max_body)
        with source:
            reader = Reader(source, length)
            force = query.get("force") in ("1", "true")
            lines = list(inject.inject(self._lock, reader, strategy, force=force, expected=None if expected == "*" else expected))
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self._injected = {"version": version, "time": now}
        body = b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in lines)
        return 201, [("Content-Type", "application/x-ndjson"), ("Content-Length", str(len(body)))], [body]

    def _reset_all(self, environ: dict[str, Any]) -> Reply:
        inject.reset(self._lock, None)
        self._injected = None
        return json_reply({"status": "ok"})

    def _reset_one(self, name: str) -> Reply:
        service = services.canonical(name)
        if service is None:
            raise AgentError("unknown_service", f"there is no service '{name}'", service=name)
        inject.reset(self._lock, service)
        return json_reply({"status": "ok", "service": service})

    def _health(self, environ: dict[str, Any]) -> Reply:
        running = {name: "running" for name in services.names()}
        return json_reply({"services": running, "edition": "pod-agent", "version": moto.__version__})

    def _info(self, environ: dict[str, Any]) -> Reply:
        return json_reply(
            {
                "version": moto.__version__,
                "edition": "pod-agent",
                "agent": __version__,
                "emulator": EMULATOR,
                "python": platform.python_version(),
                "format": FORMAT,
                "session_id": self._session,
                "injected": self._injected,
            }
        )

    def _environment(self, environ: dict[str, Any]) -> Reply:
        return json_reply(
            {
                "emulator": EMULATOR,
                "emulator_version": moto.__version__,
                "python": platform.python_version(),
                "agent": __version__,
                "format": FORMAT,
                "localstack_version": None,
                "moto_ext_version": moto.__version__,
                "pro": False,
            }
        )

    def _metamodel(self, environ: dict[str, Any]) -> Reply:
        with self._lock.exclusive():
            found = metamodel.describe()
        return json_reply(found)
