"""Asking the proxy what it has counted, and telling it how slow to be."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Control"]


class Control:
    """A connection to the proxy that stays open.

    Args:
        url: The proxy's address.
    """

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def counts(self) -> dict[str, Any]:
        """What it has counted since it began."""
        return self._ask("GET", "/-/counts")

    def set_delay(self, milliseconds: float) -> None:
        """What each request takes from now on, besides the server's own time."""
        self._ask("POST", f"/-/delay/{milliseconds}")

    def set_tail(self, median: float, p99: float) -> None:
        """From now on each request takes a lognormal time with these two, in milliseconds."""
        self._ask("POST", f"/-/tail/{median}/{p99}")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        self._connection.request(method, path)
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer
