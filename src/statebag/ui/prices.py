"""Estimate what an execution costs, as far as its history shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statebag.format.names import encode_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Estimate", "estimate", "is_below", "pack_names"]

# Dollars a million, in US East (N. Virginia). Sources: the price lists of AWS Step Functions
# (Standard workflows, state transitions) and of Amazon S3 (S3 Standard, requests), 2026-11;
# docs/performance.md counts requests with the same ones.
_TRANSITION = 25.0  # AWS price list reference, as above
_PUT = 5.0  # AWS price list reference, as above
_GET = 0.4  # AWS price list reference, as above
_MILLION = 1_000_000  # a reference of prices: they are for so many
_PACK = re.compile(rb"[A-Za-z0-9%._~-]+(?:/[A-Za-z0-9%._~-]+)*/[0-9a-f]{32}\.pack")
_LONGEST_NAME = 1024  # bytes: the longest key (S3 User Guide, "Naming Amazon S3 objects")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of an execution.

    Attributes:
        transitions: States that it entered; retries are not counted.
        puts: Packs in its own scope that its payloads name: each was written by one PUT.
        gets: The largest number of requests to read them: as if each state opened all its input in
            a new process.
        dollars: The price of all that.
    """

    transitions: int
    puts: int
    gets: int
    dollars: float

    @property
    def per_million(self) -> float:
        """The price of a million such steps, in dollars."""
        return self.dollars / self.transitions * _MILLION if self.transitions else 0.0


def estimate(transitions: int, puts: int, gets: int) -> Estimate:
    """Return the price of some transitions and requests."""
    dollars = (transitions * _TRANSITION + puts * _PUT + gets * _GET) / _MILLION
    return Estimate(transitions, puts, gets, dollars)


def pack_names(line: bytes) -> set[str]:
    """Return texts that look like names of packs; data of a state may look like one too."""
    found = set()
    # From each end back to its quote: the text before may be long base64, which a pattern that
    # looks for the beginning would try at each letter.
    end = line.find(b".pack")
    while end >= 0:
        quote = line.rfind(b'"', max(0, end - _LONGEST_NAME), end)
        name = line[quote + 1 : end + len(b".pack")]
        if quote >= 0 and _PACK.fullmatch(name):
            found.add(name.decode())
        end = line.find(b".pack", end + 1)
    return found


def is_below(packs: Iterable[str], machine: str, name: str) -> set[str]:
    """Return the packs in the scope of an execution, or below it."""
    scope = encode_scope(f"{machine}/{name}") + "/"
    return {pack for pack in packs if pack.startswith(scope)}
