"""Who may use the state endpoints. The emulated cloud's own calls are not affected."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping

from pod_agent.errors import AgentError


class Access:
    """With a token: whoever knows it. Without: requests to a loopback name that no web page has sent."""

    def __init__(self, token: str | None):
        self._token = token.encode() if token else None

    def check(self, environ: Mapping[str, object]) -> None:
        """AgentError `unauthorized` or `forbidden`; nothing when the request may go on."""
        if self._token is not None:
            self._check_token(str(environ.get("HTTP_AUTHORIZATION") or ""))
            return
        host = str(environ.get("HTTP_HOST") or "")
        if not is_loopback(host):
            raise AgentError("forbidden", "without a token the state endpoints answer to loopback names only")
        if "HTTP_ORIGIN" in environ:
            raise AgentError("forbidden", "the state endpoints do not answer to web pages")
        if str(environ.get("HTTP_SEC_FETCH_SITE") or "none").lower() not in ("none", "same-origin"):
            raise AgentError("forbidden", "the state endpoints do not answer to web pages")

    def _check_token(self, header: str) -> None:
        scheme, _, value = header.partition(" ")
        if not header or scheme.lower() != "basic":
            raise AgentError("unauthorized", "the state endpoints need a token: Authorization: Basic base64(\":\" + token)")
        try:
            given = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            given = b""
        assert self._token is not None
        if not hmac.compare_digest(given, b":" + self._token):
            raise AgentError("forbidden", "the token is not the right one")


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine by a loopback name or address."""
    host = host.strip().lower()
    if host.startswith("["):
        name = host[1:].partition("]")[0]
    else:
        name = host.rpartition(":")[0] if host.count(":") == 1 else host
    name = name.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
