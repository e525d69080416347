"""The failures a client may see, each with its status and code of PROTOCOL.md."""

from __future__ import annotations

STATUS = {
    "bad_request": 400,
    "not_an_archive": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "unknown_service": 404,
    "state_moved": 412,
    "too_large": 413,
    "incompatible": 422,
    "refused": 422,
    "damaged": 422,
    "unsupported_strategy": 422,
    "internal": 500,
    "busy": 503,
}


def printable(text: str, limit: int = 900) -> str:
    """`text` with what a terminal or an editor would act on escaped, and cut: messages quote names of state files."""
    text = "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


class AgentError(Exception):
    """A failure with a code of the protocol; `service` names the one to blame, if one is."""

    def __init__(self, code: str, message: str, *, service: str | None = None, status: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.service = service
        self.status = status or STATUS[code]

    def document(self) -> dict:
        error = {"code": self.code, "message": printable(self.message)}
        if self.service:
            error["service"] = self.service
        return {"error": error}


class Refused(AgentError):
    """A state file names or does what may not be loaded."""

    def __init__(self, message: str, *, service: str | None = None):
        super().__init__("refused", message, service=service)


class Damaged(AgentError):
    """Bytes that are not what their digest or size says."""

    def __init__(self, message: str, *, service: str | None = None):
        super().__init__("damaged", message, service=service)


def one_line(error: BaseException, limit: int = 300) -> str:
    """What an exception says, on one bounded line, without anything of the file system's layout."""
    text = f"{type(error).__name__}: {error}" if not isinstance(error, AgentError) else error.message
    text = "".join(ch if ch.isprintable() else " " for ch in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
