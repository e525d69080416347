"""An HTTP proxy between a client and a server, on which the line can go wrong.

    with FaultProxy("http://127.0.0.1:7480") as proxy:
        proxy.choose = lambda request: Fault("lost-answer") if request.method == "PUT" else None
        ...                                # the client talks to proxy.url
    proxy.requests                         # what came by, with the answers' statuses

Every request is passed on as it is, Host and all, so that signatures stay good. Connections are kept as the client
keeps them.
"""

import asyncio
import fcntl
import struct
import termios
import threading
import time
import urllib.parse
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What happens to one request. `at` counts bytes of the body in question."""

    kind: str            # reset-request, reset-answer, cut-answer, stall-request, stall-answer, cut-head, lost-answer, status
    at: int = 0
    status: int = 503
    body: bytes = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    headers: tuple = ()


@dataclass
class Request:
    number: int          # from 1
    method: str
    target: str
    headers: dict
    status: int | None = None     # of the server's answer; None: it was never asked, or the client never told
    sent: int = 0                 # bytes of the body that the client sent
    received: int = 0             # bytes of the body that the client was given
    fault: Fault | None = None


@dataclass
class Line:
    latency: float = 0.0          # seconds, of each request
    rate: float = 0.0             # bytes a second, each way and connection; 0: no bound


class _Broken(Exception):
    pass


@dataclass
class FaultProxy:
    upstream: str
    line: Line = field(default_factory=Line)
    tls: object = None            # an ssl.SSLContext: the client's side is encrypted
    choose: object = None         # called with each Request; a Fault or None
    requests: list = field(default_factory=list)

    def __enter__(self):
        parts = urllib.parse.urlsplit(self.upstream)
        self._host, self._port = parts.hostname, parts.port
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    def clear(self):
        self.requests.clear()
        self.choose = None

    def count(self, method, text=""):
        return sum(1 for request in self.requests if request.method == method and text in request.target)

    def _run(self, started):
        asyncio.set_event_loop(self._loop)

        async def serve():
            self._stopped = asyncio.Event()
            self._tasks = set()
            server = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=1 << 20, ssl=self.tls)
            self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            started.set()
            await self._stopped.wait()
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._loop.run_until_complete(serve())
        self._loop.close()

    async def _client(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        server = None
        try:
            while True:
                server = await self._request(reader, writer, server)
        except (_Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, server and server[1]):
                if end:
                    end.close()

    @staticmethod
    def _reset(writer):
        """The other side sees a reset rather than an end."""
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER
        writer.transport.abort()
        raise _Broken

    @staticmethod
    async def _arrived(writer):
        """What was written is with the client, who would not see it after a reset."""
        sock = writer.get_extra_info("socket")
        while not writer.transport.is_closing():
            waiting = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
            if not waiting and not writer.transport.get_write_buffer_size():
                return
            await asyncio.sleep(0.01)

    async def _pace(self, begun, moved):
        if self.line.rate:
            ahead = moved / self.line.rate - (time.monotonic() - begun)
            if ahead > 0.001:
                await asyncio.sleep(ahead)

    @staticmethod
    async def _head(reader):
        text = await reader.readuntil(b"\r\n\r\n")
        first, *lines = text[:-4].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return text, first, headers

    async def _request(self, reader, writer, server):
        head, first, headers = await self._head(reader)
        method, target, _ = first.split(" ", 2)
        request = Request(len(self.requests) + 1, method, target, headers)
        self.requests.append(request)
        fault = request.fault = self.choose(request) if self.choose else None
        kind = fault.kind if fault else ""
        if self.line.latency:
            await asyncio.sleep(self.line.latency)
        size = int(headers.get("content-length", 0))

        if kind == "status":
            await self._body(reader, None, size, request, "sent")
            extra = "".join(f"{name}: {value}\r\n" for name, value in fault.headers)
            body = b"" if method == "HEAD" else fault.body
            writer.write(f"HTTP/1.1 {fault.status} Fault\r\nContent-Length: {len(fault.body)}\r\n{extra}\r\n".encode() + body)
            await writer.drain()
            return server

        if server is None:
            server = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        server[1].write(head)
        if kind in ("reset-request", "stall-request"):
            await self._body(reader, server[1], min(fault.at, size), request, "sent")
            server[1].close()
            if kind == "reset-request":
                self._reset(writer)
            await self._stall(reader)
        await self._body(reader, server[1], size, request, "sent")

        while True:
            answer, status_line, answer_headers = await self._head(server[0])
            status = int(status_line.split(" ", 2)[1])
            if status >= 200:
                break
        request.status = status
        empty = method == "HEAD" or status in (204, 304)
        length = 0 if empty else int(answer_headers["content-length"]) if "content-length" in answer_headers else None
        if length is None:  # chunked, or until the end: small answers alone
            body = await self._all(server[0], answer_headers)
            answer = answer.replace(b"Transfer-Encoding: chunked\r\n", b"").replace(b"transfer-encoding: chunked\r\n", b"")
            answer = answer[:-2] + f"Content-Length: {len(body)}\r\n\r\n".encode()
            source, length = asyncio.StreamReader(), len(body)
            source.feed_data(body)
            source.feed_eof()
        else:
            source = server[0]
        if kind == "lost-answer":
            await self._body(source, None, length, request, "received")
            self._reset(writer)
        if kind == "cut-head":
            writer.write(answer[:len(answer) // 2])
            await self._arrived(writer)
            self._reset(writer)
        writer.write(answer)
        if kind in ("cut-answer", "reset-answer", "stall-answer"):
            await self._body(source, writer, min(fault.at, length), request, "received")
            await self._arrived(writer)
            if kind == "reset-answer":
                self._reset(writer)
            if kind == "stall-answer":
                await self._stall(reader)
            raise _Broken
        await self._body(source, writer, length, request, "received")
        return server

    async def _stall(self, reader):
        """Says nothing until the client goes."""
        while await reader.read(1 << 16):
            await asyncio.sleep(0.01)
            if self._stopped.is_set():
                break
        raise _Broken

    async def _body(self, reader, writer, size, request, counter):
        begun, moved = time.monotonic(), 0
        while moved < size:
            piece = await reader.read(min(1 << 16, size - moved))
            if not piece:
                raise _Broken
            moved += len(piece)
            setattr(request, counter, moved)
            if writer is not None:
                writer.write(piece)
                await writer.drain()
            await self._pace(begun, moved)
        if writer is not None:
            await writer.drain()

    @staticmethod
    async def _all(reader, headers):
        if "chunked" not in headers.get("transfer-encoding", ""):
            return await reader.read()
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            body += await reader.readexactly(size)
            await reader.readline()
            if size == 0:
                return body
