"""The body of a post, spooled into a private file under a cap: raw, chunked, or the multipart field `pod`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from pod_agent.errors import AgentError

PIECE = 256 * 1024


def _too_large(limit: int) -> AgentError:
    return AgentError("too_large", f"the body is larger than {limit} bytes")


def pieces(environ: dict[str, Any], limit: int) -> Iterator[bytes]:
    """The body as it arrives. A Content-Length that is not kept is a bad request."""
    source = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        given = 0
        while True:
            try:
                piece = source.read(PIECE)
            except (OSError, ValueError):
                raise AgentError("bad_request", "the body was cut short or is badly chunked") from None
            if not piece:
                return
            given += len(piece)
            if given > limit:
                raise _too_large(limit)
            yield piece
    text = str(environ.get("CONTENT_LENGTH") or "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise AgentError("bad_request", "Content-Length is no number")
    left = int(text)
    if left > limit:
        raise _too_large(limit)
    while left:
        piece = source.read(min(PIECE, left))
        if not piece:
            raise AgentError("bad_request", "the body is shorter than its Content-Length")
        left -= len(piece)
        yield piece


def spool(environ: dict[str, Any], limit: int) -> tuple[BinaryIO, int]:
    """The archive in a file without a name, and its length. The caller closes it."""
    kind, options = parse_options_header(str(environ.get("CONTENT_TYPE") or ""))
    body = pieces(environ, limit)
    if kind == "multipart/form-data":
        boundary = options.get("boundary", "")
        if not boundary or len(boundary) > 200:
            raise AgentError("bad_request", "a multipart body without a boundary")
        body = _field(body, boundary.encode("latin-1", "replace"))
    out = tempfile.TemporaryFile(prefix="pod-agent-")
    try:
        length = 0
        for piece in body:
            out.write(piece)
            length += len(piece)
        out.flush()
    except BaseException:
        out.close()
        raise
    return out, length  # type: ignore[return-value]


def _field(body: Iterator[bytes], boundary: bytes) -> Iterator[bytes]:
    """The content of the multipart field `pod`."""
    decoder = MultipartDecoder(boundary, max_form_memory_size=None)
    inside = found = False
    ended = False
    while not ended:
        try:
            event = decoder.next_event()
        except ValueError:
            raise AgentError("bad_request", "the multipart body is malformed") from None
        if isinstance(event, NeedData):
            piece = next(body, None)
            try:
                decoder.receive_data(piece)
            except ValueError:
                raise AgentError("bad_request", "the multipart body is malformed") from None
            if piece is None and not isinstance(event, Epilogue):
                try:
                    event = decoder.next_event()
                except ValueError:
                    raise AgentError("bad_request", "the multipart body was cut short") from None
                if isinstance(event, NeedData):
                    raise AgentError("bad_request", "the multipart body was cut short")
            else:
                continue
        if isinstance(event, (Field, File)):
            inside = event.name == "pod"
            if inside and found:
                raise AgentError("bad_request", "the multipart body has two fields `pod`")
            found = found or inside
        elif isinstance(event, Data) and inside:
            yield event.data
        elif isinstance(event, Epilogue):
            ended = True
    for _ in body:
        pass
    if not found:
        raise AgentError("bad_request", "the multipart body has no field `pod`")
