"""An S3 server whose credentials change at a fixed pace, and which throttles at random.

A proxy in front of a server that asks nobody for credentials. It reads which key signed a request,
and refuses each key that has ended; the secret is not checked. As on AWS, the next key is given out
before the one before it ends.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["AUTHORIZATION", "ChangingServer", "changing_server"]

AUTHORIZATION = "torture"
"""What a client shows to get credentials, as a container's token."""

_OVERLAP = 0.5  # of a period, in which the key before is valid too
_THROTTLED = (
    (503, "SlowDown"),
    (503, "ServiceUnavailable"),
    (429, "TooManyRequests"),
    (400, "ThrottlingException"),
    (500, "InternalError"),
)
_REFUSED = ((403, "InvalidAccessKeyId"), (400, "ExpiredToken"))
_KEY = re.compile(r"Credential=KEY(\d+)/")
_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


@dataclass
class ChangingServer:
    """What runs.

    Attributes:
        period: Seconds after which there is another key.
        share: How many of all requests are throttled, between bursts.
        burst: Seconds of each period in which all requests are throttled.
        url: The proxy's.
        folder: Has `credentials`, as a profile's file, and `process.json`, as the output of a
            credential process; both are replaced when the keys change.
        counts: What was answered, by kind.
        keys: The keys that were let in.
    """

    period: float
    share: float
    burst: float
    target: tuple[str, int]
    folder: Path
    seed: int = 1
    url: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._chance = random.Random(self.seed)
        self.write_files()

    @property
    def present(self) -> int:
        """The number of the newest key."""
        return int((time.monotonic() - self._began) / self.period)

    def count(self, kind: str) -> None:
        with self._lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    def credentials(self) -> dict[str, Any]:
        """The present key, with the time at which it ends."""
        number = self.present
        left = (number + 1 + _OVERLAP) * self.period - (time.monotonic() - self._began)
        ends = datetime.fromtimestamp(time.time() + left, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "AccessKeyId": f"KEY{number}",
            "SecretAccessKey": f"secret-{number}",
            "Token": f"token-{number}",
            "Expiration": ends,
        }

    def write_files(self) -> None:
        """Write the present key to both files, each replaced as a whole."""
        now = self.credentials()
        said = {**now, "Version": 1, "SessionToken": now["Token"]}
        lines = [
            "[default]",
            f"aws_access_key_id = {now['AccessKeyId']}",
            f"aws_secret_access_key = {now['SecretAccessKey']}",
            f"aws_session_token = {now['Token']}",
        ]
        for name, text in (
            ("process.json", json.dumps(said)),
            ("credentials", "\n".join(lines) + "\n"),
        ):
            new = self.folder / f"{name}.new"
            new.write_text(text)
            new.replace(self.folder / name)

    def refusal(self, head: str) -> tuple[int, str] | None:
        """How a request is refused: its key has ended, or it is throttled; None if it is let in."""
        found = _KEY.search(head)
        number = int(found[1]) if found else -1
        elapsed = (time.monotonic() - self._began) / self.period
        with self._lock:
            chance = self._chance.random()
            throttled, refused = self._chance.choice(_THROTTLED), self._chance.choice(_REFUSED)
        if not number <= elapsed < number + 1 + _OVERLAP:
            self.count("refused: the key has ended")
            return refused
        # In the middle of each period, so that it does not hide the change of keys.
        in_burst = 0.4 * self.period < elapsed % 1 * self.period < 0.4 * self.period + self.burst
        if in_burst or chance < self.share:
            self.count("throttled" + (" in a burst" if in_burst else ""))
            return throttled
        with self._lock:
            self.keys.add(number)
        self.count("answered")
        return None


@contextmanager
def changing_server(
    target: str, folder: Path, *, period: float, share: float = 0.05, burst: float = 4.0, seed: int
) -> Iterator[ChangingServer]:
    """Serve until the block ends.

    Args:
        target: The URL of a server that lets in whoever asks.
        folder: For the files of credentials.
        period, share, burst: As in `ChangingServer`.
        seed: Decides what is throttled.
    """
    host, _, port = target.removeprefix("http://").partition(":")
    server = ChangingServer(period, share, burst, (host, int(port)), folder, seed)
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listener.daemon_threads = True
    server.url = f"http://127.0.0.1:{listener.server_address[1]}"
    ended = threading.Event()

    def renew() -> None:
        written = server.present
        while not ended.wait(min(0.05, period / 20)):
            if server.present != written:
                written = server.present
                server.write_files()

    threads = [threading.Thread(target=listener.serve_forever), threading.Thread(target=renew)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        ended.set()
        listener.shutdown()
        for thread in threads:
            thread.join()
        listener.server_close()


def _handler(server: ChangingServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client that went away
                super().handle()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/credentials":
                is_known = self.headers.get("Authorization") == AUTHORIZATION
                text = json.dumps(server.credentials()).encode()
                self._answer(200 if is_known else 401, text, {"Content-Type": "application/json"})
                return
            refusal = server.refusal(self.headers.get("Authorization", ""))
            if refusal is not None:
                status, code = refusal
                text = f"<Error><Code>{code}</Code><Message>so it is</Message></Error>".encode()
                more = {"Retry-After": "1"} if status in {429, 503} else {}
                self._answer(status, text, {"Content-Type": "application/xml", **more})
                return
            self._answer(*self._asked(body))

        def _asked(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
            connection = http.client.HTTPConnection(*server.target, timeout=60)
            try:
                kept = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in _HOP
                    and name.lower() not in {"authorization", "x-amz-security-token"}
                }
                connection.request(self.command, self.path, body, kept)
                answer = connection.getresponse()
                headers = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}
                if self.command == "HEAD":
                    headers["Content-Length"] = answer.getheader("Content-Length") or "0"
                return answer.status, answer.read(), headers
            finally:
                connection.close()

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with suppress(OSError):
                    self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
