"""A counting proxy in front of an S3 server: counts, and makes each request take as long as set.

    python -m benchmarks.proxy http://127.0.0.1:8333 --delay-ms 15

It hands on every byte unchanged (so signatures, which cover the Host header, stay valid: the
server checks them against the address that the client used, the proxy's), keeps connections
open on both sides and serves many at once. Its own requests:

    GET  /-/counts           the counters as JSON
    POST /-/delay/<ms>       from now on
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

__all__ = ["Proxy"]

_HEAD_LIMIT = 64 * 1024
_CHUNK = 256 * 1024


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


@dataclass(frozen=True)
class _Head:
    """The first line and the headers of a message."""

    first: str
    headers: dict[str, str]
    raw: bytes

    @property
    def length(self) -> int | None:
        """Bytes of the body; None where the message does not say."""
        text = self.headers.get("content-length")
        return None if text is None else int(text)

    @property
    def chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "")

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


class Proxy:
    """The proxy.

    Args:
        host: The server's.
        port: The server's.
        delay: Seconds that are added to each request.
    """

    def __init__(self, host: str, port: int, delay: float) -> None:
        self._host = host
        self._port = port
        self._delay = delay
        self._counts = _Counts()

    async def serve(self, client: StreamReader, answer: StreamWriter) -> None:
        """Serve one client's connection until it ends."""
        upstream: tuple[StreamReader, StreamWriter] | None = None
        try:
            while (head := await _read_head(client)) is not None:
                if head.first.split(" ")[1].startswith("/-/"):
                    self._control(head, answer)
                    continue
                if head.headers.get("expect", "").lower() == "100-continue":
                    answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await _read_body(client, head)
                self._count(head, len(body))
                await asyncio.sleep(self._delay)
                if upstream is None:
                    upstream = await asyncio.open_connection(self._host, self._port)
                if await self._exchange(head, body, upstream, answer):
                    upstream[1].close()
                    upstream = None
                if head.closes:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client or the server left: what is under way has nobody to go to
        finally:
            answer.close()
            if upstream is not None:
                upstream[1].close()

    def _count(self, head: _Head, size: int) -> None:
        method, target, _ = head.first.split(" ")
        kind = method
        if method == "GET" and ("list-type=" in target or target.partition("?")[0].count("/") < 2):
            kind = "LIST"
        self._counts.requests[kind] += 1
        self._counts.bytes_up += size
        if method == "PUT":
            self._counts.objects.add(target.partition("?")[0])

    async def _exchange(
        self,
        head: _Head,
        body: bytes,
        upstream: tuple[StreamReader, StreamWriter],
        answer: StreamWriter,
    ) -> bool:
        """Send a request on and its answer back; whether the server's connection is used up."""
        reader, writer = upstream
        writer.write(_without_expect(head.raw))
        if body:
            writer.write(body)
        while True:
            reply = await _read_head(reader)
            if reply is None:
                raise ConnectionResetError
            status = int(reply.first.split(" ")[1])
            if status != 100:
                break
        self._counts.errors += status >= 400
        answer.write(reply.raw)
        if head.first.startswith("HEAD ") or status in {204, 304}:
            pass
        elif reply.chunked:
            data = await _read_chunks(reader)
            self._counts.bytes_down += len(data)
            answer.write(data)
        elif reply.length is not None:
            left = reply.length
            self._counts.bytes_down += left
            while left:
                data = await reader.read(min(left, _CHUNK))
                if not data:
                    raise ConnectionResetError
                left -= len(data)
                answer.write(data)
        await answer.drain()
        return reply.closes

    def _control(self, head: _Head, answer: StreamWriter) -> None:
        path = head.first.split(" ")[1]
        if path.startswith("/-/delay/"):
            self._delay = float(path.rpartition("/")[2]) / 1000
        data = json.dumps(self._counts.as_dict()).encode()
        answer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))


async def _read_head(reader: StreamReader) -> _Head | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = raw.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return _Head(first, {name.strip().lower(): value.strip() for name, _, value in pairs}, raw)


async def _read_body(reader: StreamReader, head: _Head) -> bytes:
    if head.chunked:
        return await _read_chunks(reader)
    return await reader.readexactly(head.length or 0)


async def _read_chunks(reader: StreamReader) -> bytes:
    """The chunks of a body as they came, with their sizes, up to the empty one's end."""
    parts: list[bytes] = []
    while True:
        line = await reader.readline()
        size = int(line.split(b";")[0], 16)
        parts.append(line)
        if not size:
            break
        parts.append(await reader.readexactly(size + 2))
    while True:  # trailers
        line = await reader.readline()
        parts.append(line)
        if line in {b"\r\n", b""}:
            return b"".join(parts)


def _without_expect(raw: bytes) -> bytes:
    """The head without the header that the proxy has answered already; it is never signed."""
    if b"xpect:" not in raw:
        return raw
    lines = raw.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(b"expect:"))


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.proxy")
    parser.add_argument("server")
    parser.add_argument("--delay-ms", type=float, default=15.0)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    address = urlsplit(arguments.server)
    proxy = Proxy(address.hostname or "127.0.0.1", address.port or 80, arguments.delay_ms / 1000)
    server = await asyncio.start_server(
        proxy.serve, "127.0.0.1", arguments.port, limit=_HEAD_LIMIT + _CHUNK
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
