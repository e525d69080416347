"""The WSGI middleware around moto: the agent's paths to the agent, every other request to the emulator under the lock.

What holds: a request's body is at hand before the lock is taken and its answer is complete before the lock is given
back, so no slow client stops a capture.
"""

from __future__ import annotations

import io
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from pod_agent import longpoll
from pod_agent.access import Access
from pod_agent.endpoints import Endpoints, Reply, json_reply
from pod_agent.errors import AgentError
from pod_agent.lock import Busy, StateLock

IN_MEMORY = 1024 * 1024
PIECE = 256 * 1024


class Dropped(ConnectionError):
    """An answer that breaks off: the connection is closed, so that nobody takes it for complete."""


def status_line(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


class Middleware:
    def __init__(self, emulator: Callable[..., Iterable[bytes]], token: str | None, max_body: int):
        self._emulator = emulator
        self._access = Access(token)
        self.lock = StateLock()
        self._changes = longpoll.Changes()
        self._endpoints = Endpoints(self.lock, max_body)
        longpoll.yield_in_sleeps(self.lock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if Endpoints.is_mine(str(environ.get("PATH_INFO", ""))):
            code, headers, body = self._own(environ)
            start_response(status_line(code), headers)
            if environ.get("REQUEST_METHOD") == "HEAD":
                if not isinstance(body, list):
                    body.close()  # type: ignore[attr-defined]
                return []
            return body if isinstance(body, list) else self._streamed(body)
        return self._cloud(environ, start_response)

    def _own(self, environ: dict[str, Any]) -> Reply:
        """The agent's answer; a failure of any kind is a JSON document."""
        try:
            self._access.check(environ)
            reply = self._endpoints.answer(environ)
            self._changes.happened()
            return reply
        except AgentError as error:
            failure = error
        except Busy as error:
            failure = AgentError("busy", str(error))
        except (ConnectionError, TimeoutError):
            failure = AgentError("bad_request", "the request broke off")
        except Exception:
            traceback.print_exc(file=sys.stderr)
            failure = AgentError("internal", "the agent failed; its log says where")
        code, headers, body = json_reply(failure.document(), failure.status)
        if failure.code == "unauthorized":
            headers.append(("WWW-Authenticate", 'Basic realm="pod-agent"'))
        return code, headers, body

    @staticmethod
    def _streamed(body: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from body
        except GeneratorExit:
            raise
        except ConnectionError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise Dropped("the archive broke off") from error
        finally:
            body.close()  # type: ignore[attr-defined]

    def _cloud(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        kept = _take_body(environ)
        try:
            longpoll.before_request(environ, self.lock)
            receive = longpoll.recognise(environ)
            if receive is not None:
                status, headers, body = longpoll.poll(receive, self._ask, self._changes)
            else:
                status, headers, body = self._ask(environ)
                self._changes.happened()
        except Busy as error:
            code, headers, own = json_reply(AgentError("busy", str(error)).document(), 503)
            status, body = status_line(code), list(own)
        finally:
            if kept is not None:
                kept.close()
        start_response(status, headers)
        return body

    def _ask(self, environ: dict[str, Any]) -> longpoll.Answer:
        """One pass through the emulator, under the shared lock, to its last byte."""
        given: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            given[:] = [status, headers]
            return written.append

        written: list[bytes] = []
        with self.lock.shared():
            answer = self._emulator(environ, start)
            try:
                body = written + list(answer)
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()
        return given[0], given[1], body


def _take_body(environ: dict[str, Any]) -> Any:
    """Read the request's body into memory, or into a file when it is long; returns what is to be closed."""
    source = environ["wsgi.input"]
    chunked = bool(environ.get("wsgi.input_terminated"))
    text = str(environ.get("CONTENT_LENGTH") or "0")
    left = None if chunked else int(text) if text.isdecimal() else 0
    if left is not None and left <= IN_MEMORY:
        environ["wsgi.input"] = io.BytesIO(source.read(left) if left else b"")
        return None
    out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)
    length = 0
    while left is None or left > 0:
        piece = source.read(PIECE if left is None else min(PIECE, left))
        if not piece:
            break
        out.write(piece)
        length += len(piece)
        if left is not None:
            left -= len(piece)
    out.seek(0)
    if length <= IN_MEMORY:
        environ["wsgi.input"] = io.BytesIO(out.read())
        out.close()
        out = None  # type: ignore[assignment]
    else:
        environ["wsgi.input"] = out
    environ["CONTENT_LENGTH"] = str(length)
    return out
