"""moto's threaded server with the middleware in front of its dispatcher."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import sys
import threading
from typing import Any

import moto
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from pod_agent.middleware import Middleware

STALLED = 300.0
DEEP = 12_000
STACK = 64 * 1024 * 1024


class Handler(WSGIRequestHandler):
    """HTTP/1.1, so that answers can be chunked; silent about requests, which may carry secrets."""

    protocol_version = "HTTP/1.1"
    timeout = STALLED

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        return


def run(host: str, port: int, token: str | None, max_body: int) -> int:
    """Serve until a signal; the exit code."""
    sys.setrecursionlimit(DEEP)
    threading.stack_size(STACK)
    _more_files()
    listener = _listen(host, port)
    if listener is None:
        return 1
    port = listener.getsockname()[1]
    # moto's queue URLs and callbacks are built from this.
    os.environ.setdefault("MOTO_PORT", str(port))
    app = Middleware(DomainDispatcherApplication(create_backend_app), token, max_body)
    server = make_server(host, port, app, threaded=True, request_handler=Handler, fd=listener.fileno())
    server.daemon_threads = True  # type: ignore[attr-defined]

    def stop(signum: int, frame: Any) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    shown = f"[{host}]" if ":" in host else host
    print(f"pod-agent: moto {moto.__version__} on http://{shown}:{port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    sys.stdout.flush()
    # Requests under way and moto's own threads end with the process.
    os._exit(0)


def _listen(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        number = getattr(error, "errno", None)
        reason = "it is in use" if number == errno.EADDRINUSE else str(error)
        print(f"pod-agent: cannot listen on {host} port {port}: {reason}", file=sys.stderr)
        return None
    return listener


def _more_files() -> None:
    """moto keeps large S3 bodies in one open file each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
