"""A counting proxy in front of an S3 server: counts, and makes each request take as long as set.

    python -m benchmarks.proxy http://127.0.0.1:8333 --delay-ms 15

It hands on every byte unchanged (so signatures, which cover the Host header, stay valid: the
server checks them against the address that the client used, the proxy's), keeps connections
open on both sides and serves many at once. It does as little as it can for a request, since what
it takes of a core is taken from the client and the server that it stands between. Its own
requests:

    GET  /-/counts           the counters as JSON
    POST /-/delay/<ms>       from now on
    POST /-/tail/<ms>/<ms>   from now on each request takes another time, as those of a real store
                             do: a lognormal one, of which the median and the p99 are given
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Proxy"]

_END = b"\r\n\r\n"
_HEAD_LIMIT = 64 * 1024
_NO_BODY = frozenset({204, 304})
_P99 = 2.3263  # standard deviations of a normal distribution, above which one in a hundred is


@dataclass
class _Counts:
    """Requests by kind, body bytes, and the objects that were written."""

    requests: Counter[str] = field(default_factory=Counter)
    bytes_up: int = 0
    bytes_down: int = 0
    errors: int = 0
    objects: set[str] = field(default_factory=set)

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "errors": self.errors,
            "objects": len(self.objects),
        }


class Proxy:
    """The proxy.

    Args:
        host: The server's.
        port: The server's.
        delay: Seconds that are added to each request.
    """

    def __init__(self, host: str, port: int, delay: float) -> None:
        self.host = host
        self.port = port
        self.delay = delay
        self.counts = _Counts()
        self._spread = 0.0
        self._random = random.Random(20)  # the same delays in each run, and nothing secret

    def client(self) -> _Client:
        """What serves one client's connection."""
        return _Client(self)

    def count(self, method: str, target: str, size: int) -> None:
        """A request whose body has come."""
        kind = method
        if method == "GET" and ("list-type=" in target or target.partition("?")[0].count("/") < 2):
            kind = "LIST"
        self.counts.requests[kind] += 1
        self.counts.bytes_up += size
        if method == "PUT":
            self.counts.objects.add(target.partition("?")[0])

    def wait(self) -> float:
        """Seconds that the next request takes, besides the server's own."""
        if not self._spread:
            return self.delay
        return self._random.lognormvariate(math.log(self.delay), self._spread)

    def own(self, target: str) -> bytes:
        """The answer to one of the proxy's own requests."""
        if target.startswith("/-/delay/"):
            self.delay, self._spread = float(target.rpartition("/")[2]) / 1000, 0.0
        if target.startswith("/-/tail/"):
            median, p99 = (float(one) / 1000 for one in target.split("/")[3:])
            self.delay, self._spread = median, math.log(p99 / median) / _P99
        data = json.dumps(self.counts.as_dict()).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)


class _Message(asyncio.Protocol):
    """One side of the proxy: tells where messages end in what arrives."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def taken_head(self) -> bytes | None:
        """The head of the next message with the empty line behind it, once it is all there."""
        end = self.waiting.find(_END)
        if end < 0:
            if len(self.waiting) > _HEAD_LIMIT:
                self.close()
            return None
        head = bytes(self.waiting[: end + len(_END)])
        del self.waiting[: end + len(_END)]
        return head

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class _Client(_Message):
    """A client's connection: one request after another."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self.proxy = proxy
        self.server: _Server | None = None
        self.head: bytes | None = None
        self.size = 0
        self.body: int | _Chunks = 0
        self.is_served = False

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if not self.is_served:
            self.advance()

    def advance(self) -> None:
        """Take the next request as far as it is there."""
        assert self.transport is not None
        if self.head is None:
            head = self.taken_head()
            if head is None:
                return
            if _header(head, b"expect") == b"100-continue":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                head = _without(head, b"expect")  # it is never signed
            self.head = head
            chunked = b"chunked" in _header(head, b"transfer-encoding")
            self.body = _Chunks() if chunked else int(_header(head, b"content-length") or 0)
        size = self.body if isinstance(self.body, int) else self.body.end(self.waiting)
        if size is None or len(self.waiting) < size:
            return
        method, target = self.head.split(b" ", 2)[:2]
        if target.startswith(b"/-/"):
            self.transport.write(self.proxy.own(target.decode()))
            del self.waiting[:size]
            self.head = None
            self.advance()
            return
        self.proxy.count(method.decode(), target.decode("latin-1"), size)
        request = self.head + self.waiting[:size]
        del self.waiting[:size]
        self.is_served = True
        is_head = method == b"HEAD"
        closes = _header(self.head, b"connection").lower() == b"close"
        asyncio.get_running_loop().call_later(
            self.proxy.wait(), self.hand_on, request, is_head, closes
        )

    def hand_on(self, request: bytes, is_head: bool, closes: bool) -> None:
        """Send a request to the server, by the connection of the last one where that is open."""
        if self.server is None or self.server.is_gone:
            self.server = _Server(self)
            task = asyncio.ensure_future(self._connected(self.server, request, is_head, closes))
            self.server.task = task
        else:
            self.server.send(request, is_head, closes)

    async def _connected(
        self,
        server: _Server,
        request: bytes,
        is_head: bool,
        closes: bool,
    ) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: server, self.proxy.host, self.proxy.port)
        except OSError:
            self.close()
        else:
            server.send(request, is_head, closes)

    def answered(self, closes: bool) -> None:
        """The server's answer is out."""
        self.head, self.is_served = None, False
        if closes:
            self.close()
        elif self.waiting:
            self.advance()

    def pause_writing(self) -> None:
        if self.server is not None and self.server.transport is not None:
            self.server.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.server is not None and self.server.transport is not None:
            self.server.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.server is not None:
            self.server.close()


class _Server(_Message):
    """A connection to the server, for one of a client: answers are handed on as they come."""

    def __init__(self, client: _Client) -> None:
        super().__init__()
        self.client = client
        self.task: asyncio.Future[None] | None = None
        self.is_gone = False
        self.is_head = False
        self.closes_client = False
        self.closes = False
        self.left: int | _Chunks | None = None  # of the answer's body; None before its head

    def send(self, request: bytes, is_head: bool, closes: bool) -> None:
        """Send a request whose answer is awaited."""
        assert self.transport is not None
        self.is_head, self.closes_client = is_head, closes
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        out = self.client.transport
        assert out is not None
        while self.left is None:
            head = self.taken_head()
            if head is None:
                return
            status = int(head[9:12])
            if status == 100:
                continue
            self.client.proxy.counts.errors += status >= 400
            self.closes = _header(head, b"connection").lower() == b"close"
            out.write(head)
            if self.is_head or status in _NO_BODY:
                self.left = 0
            elif b"chunked" in _header(head, b"transfer-encoding"):
                self.left = _Chunks()
            else:
                self.left = int(_header(head, b"content-length") or 0)
                self.client.proxy.counts.bytes_down += self.left
        if isinstance(self.left, _Chunks):
            end = self.left.end(self.waiting)
            if end is None:
                return
            self.client.proxy.counts.bytes_down += end
            out.write(bytes(self.waiting[:end]))
            del self.waiting[:end]
            self.left = 0
        elif self.waiting:
            self.left -= len(self.waiting)
            out.write(bytes(self.waiting))
            self.waiting.clear()
        if self.left <= 0:
            self.left = None
            if self.closes:
                self.is_gone = True
                self.close()
            self.client.answered(self.closes_client)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_gone = True
        if self.client.is_served:  # nobody will answer any more
            self.client.close()


class _Chunks:
    """Finds the end of a body in chunks, sizes and trailers with it."""

    def __init__(self) -> None:
        self._seen = 0
        self._in_trailers = False

    def end(self, data: bytearray) -> int | None:
        """Where the body ends; None while it is not all there."""
        while True:
            line = data.find(b"\r\n", self._seen)
            if line < 0:
                return None
            if self._in_trailers:
                is_last = line == self._seen
                self._seen = line + 2
                if is_last:
                    return self._seen
                continue
            size = int(bytes(data[self._seen : line]).split(b";")[0], 16)
            if size == 0:
                self._in_trailers = True
                self._seen = line + 2
                continue
            after = line + 2 + size + 2
            if len(data) < after:
                return None
            self._seen = after


def _header(head: bytes, name: bytes) -> bytes:
    """A header's value, empty where there is none."""
    lower = head.lower()
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return lower[start : lower.find(b"\r\n", start)].strip()


def _without(head: bytes, name: bytes) -> bytes:
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(name + b":"))


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.proxy")
    parser.add_argument("server")
    parser.add_argument("--delay-ms", type=float, default=15.0)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    address = urlsplit(arguments.server)
    proxy = Proxy(address.hostname or "127.0.0.1", address.port or 80, arguments.delay_ms / 1000)
    server = await asyncio.get_running_loop().create_server(
        proxy.client, "127.0.0.1", arguments.port, backlog=512
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
