"""Where a special measurement runs: its server, its settings, and a store on it."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.control import Control

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Place", "run"]


@dataclass(frozen=True)
class Place:
    """The server and how much to do.

    Attributes:
        endpoint: The proxy's address.
        bucket: On the server.
        delay_ms: Of each request while something is timed.
        short: Whether only to show that it runs.
        settings: What else was given.
    """

    endpoint: str
    bucket: str
    delay_ms: float
    short: bool
    settings: dict[str, Any]

    def address(self) -> str:
        """Of an empty prefix."""
        return f"s3://{self.bucket}/{uuid.uuid4().hex}"

    def control(self) -> Control:
        """Of the proxy."""
        return Control(self.endpoint)


def run(measure: Callable[[Place], dict[str, Any]]) -> None:
    """Run a measurement as the settings in the first argument say, and print its figures."""
    settings = json.loads(sys.argv[1])
    place = Place(
        settings.pop("endpoint"),
        settings.pop("bucket"),
        settings.pop("delay_ms"),
        settings.pop("short"),
        settings,
    )
    json.dump(measure(place), sys.stdout)
