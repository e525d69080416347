"""Instances that misbehave, each on a real socket."""

import json
import socket
import threading

ENVIRONMENT = {"emulator": "moto", "emulator_version": "5.2.1", "python": "3.11", "agent": "0.1.0", "format": 1,
               "localstack_version": None, "moto_ext_version": "5.2.1", "pro": False}
INFO = {"version": "5.2.1", "edition": "pod-agent", "agent": "0.1.0", "emulator": "moto", "python": "3.11", "format": 1,
        "session_id": "faults", "injected": None}


class FaultyInstance:
    """Says what a healthy agent says about itself, then `fault(connection)` answers whatever moves state.

    With `deaf` the fault answers everything. Used as a context manager."""

    def __init__(self, fault, deaf=False):
        self._fault, self._deaf = fault, deaf
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        self.sent = 0  # bytes of the fault that the client took
        self._open = []
        self._ended = False
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ended = True
        for one in [self._listener, *self._open]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _serve(self):
        while not self._ended:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            head, body = head.split(b"\r\n\r\n", 1)
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    while len(body) < int(line.split(b":")[1]):
                        body += connection.recv(65536)
            path = head.split(b" ")[1].decode()
            healthy = {"/_localstack/pods/environment": ENVIRONMENT, "/_localstack/info": INFO,
                       "/_localstack/health": {"services": {}, "edition": "pod-agent", "version": "5.2.1"}}
            if path in healthy and not self._deaf:
                connection.sendall(answer(200, "application/json", json.dumps(healthy[path]).encode()))
            else:
                self._fault(self, connection)
        except OSError:
            pass  # the client went away, as it should
        finally:
            if self._fault is not hang:
                connection.close()


def answer(status, kind, body):
    return (f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode() + body


def hang(instance, connection):
    """Accepts and says nothing."""


def says(status, kind, body):
    return lambda instance, connection: connection.sendall(answer(status, kind, body))


def cut_off(whole):
    """Promises all of `whole` and hangs up after half of it."""
    return lambda instance, connection: connection.sendall(
        answer(200, "application/zip", whole)[:-(len(whole) - len(whole) // 2)])


def _zeros(instance, connection, wrap):
    piece = wrap(bytes(1 << 20))
    while not instance._ended:
        connection.sendall(piece)
        instance.sent += 1 << 20


def huge_and_honest(instance, connection):
    """100 GiB of zeros, announced."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % (100 << 30))
    _zeros(instance, connection, lambda piece: piece)


def huge_and_silent(instance, connection):
    """100 GiB of zeros without a word about it."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nTransfer-Encoding: chunked\r\n\r\n")
    _zeros(instance, connection, lambda piece: b"%x\r\n%s\r\n" % (len(piece), piece))
