"""A proxy that breaks connections to an S3 server, and the life behind it."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from statebag import Statebag
from statebag.store.address import store_from_url
from torture.life import SCOPE, STEPS, Outcome, Workflow, small_policy, state_after, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["broken_connections", "silent_server"]

_MODES = ("refuse", "lost answer", "cut answer", "503", "reset")
# Of a call with a deadline of one second: far more than a machine that does other work is late, and
# far less than a thousand attempts take.
_ENDLESS_SECONDS = 60
_UNAVAILABLE = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 0\r\n\r\n"
)


class _BreakingProxy:
    """Hands requests on, one connection each, and breaks some: which ones, a seed decides."""

    def __init__(self, target: tuple[str, int], share: float, seed: int) -> None:
        self._target = target
        self._share = share
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.broken = dict.fromkeys(_MODES, 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _mode(self) -> str | None:
        with self._lock:
            if self._chance.random() >= self._share:
                return None
            mode = self._chance.choice(_MODES)
            self.broken[mode] += 1
            return mode

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = _message(client)
            if not request:
                return
            mode = self._mode()
            if mode == "refuse":
                return
            if mode == "503":
                client.sendall(_UNAVAILABLE)
                return
            answer = self._asked(request)
            if mode == "lost answer":
                return
            if mode == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            client.sendall(answer[: len(answer) * 2 // 3] if mode == "cut answer" else answer)

    def _asked(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        ]
        with socket.create_connection(self._target) as server:
            server.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
            received = []
            while data := server.recv(65536):
                received.append(data)
        answer = b"".join(received)
        head, separator, body = answer.partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        return b"\r\n".join([*kept, b"Connection: close"]) + separator + body


def _message(connection: socket.socket) -> bytes:
    """One whole request of a client that says how long its body is."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return b""
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        received = connection.recv(65536)
        if not received:
            return b""
        body += received
    return head + b"\r\n\r\n" + body


@contextmanager
def _breaking(endpoint: str, share: float, seed: int) -> Iterator[_BreakingProxy]:
    host, _, port = endpoint.removeprefix("http://").partition(":")
    proxy = _BreakingProxy((host, int(port)), share, seed)
    try:
        yield proxy
    finally:
        proxy.close()


def broken_connections(address: str, endpoint: str, times: int) -> Outcome:
    """A third of all requests fails on its way; a step that fails is run again, as by an engine."""
    outcome = Outcome("connections break: " + ", ".join(_MODES), "S3")
    for life in range(times):
        with _breaking(endpoint, 1 / 3, seed=life) as proxy:
            options = {"endpoint": f"http://127.0.0.1:{proxy.port}", "timeout": "5s"}
            store = store_from_url(f"{address}/life-{life}", options=options)
            workflow = Workflow(store, attempts=4, deadline_seconds=20.0)
            _lived(workflow, outcome, f"life {life}")
            outcome.staged += sum(proxy.broken.values())
    return outcome


def _lived(workflow: Workflow, outcome: Outcome, what: str) -> None:
    bag: Any = None
    for number in range(STEPS + 1):
        for _ in range(50):
            with watched(outcome, f"{what} step {number}") as tried:
                after = workflow.step(bag, number) if number else workflow.first()
            if not tried.failed:
                break
        else:
            outcome.wrong(f"{what}: step {number} never came through")
            return
        bag = after
    for _ in range(50):
        with watched(outcome, f"{what} in the end") as tried:
            if not workflow.opens_to(bag, STEPS):
                outcome.wrong(f"{what}: the state is not what it should be")
        if not tried.failed:
            return
    outcome.wrong(f"{what}: the last bag never opened")


def silent_server(times: int) -> Outcome:
    """A server that takes requests and never answers: the deadline ends it, typed."""
    outcome = Outcome("a server never answers", "S3")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = {
            "endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "region": "us-east-1",
            "access_key_id": "key",
            "secret_access_key": "secret",
            "timeout": "300ms",
            "connect_timeout": "300ms",
        }
        for n in range(times):
            client = Statebag(
                store_from_url("s3://bucket/prefix", options=options),
                policy=small_policy(attempts=1000, deadline_seconds=1.0),
                replicas=(),
            )
            outcome.staged += 1
            began = time.monotonic()
            with watched(outcome, f"silence {n}"):
                client.seal(state_after(1), scope=SCOPE)
            seconds = time.monotonic() - began
            if seconds > _ENDLESS_SECONDS:
                outcome.wrong(f"silence {n}: the deadline of 1 s was over after {seconds:.1f} s")
    if outcome.unnoticed:
        outcome.wrong("a seal came back without an answer of the store")
    return outcome
