"""Text and values as agents' states hold them: deterministic by seed, compressing 2.5 to 4 times.

Words and set phrases are drawn by Zipf's law, sentences carry numbers and identifiers now and
then, records repeat their keys. That is what makes real states compress as they do.
"""

# ruff: noqa: SIM905  # the two word lists would take a screen each as lists

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import Any

__all__ = ["Writer"]

_SYLLABLES = (
    "an ar be con de di el en er es ex fi for ge ha in is it ka la le li lo ma me mi na ne ni no "
    "o per po pre pro ra re ri ro sa se si so sta su ta te ti to tra tu un ur va ve vi"
).split()
_COMMON = (
    "the of and to a in is that for it as was with be by on not this are or from at which have "
    "has an they if will file error value state result function test returns should when line "
    "check call list name path data user request response module import class method failed "
    "retry step output input config update because after before between found missing"
).split()
_VOCABULARY = 6000
_PHRASES = 500
_PHRASE_SHARE = 0.3  # phrases for each single word
_STATUSES = ("open", "running", "done", "failed", "skipped", "waiting")
_FOLDERS = ("src", "tests", "docs", "tools", "core", "api")


class Writer:
    """Makes text, records and fields.

    Args:
        seed: The same seed makes the same values.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        words = Random(1)  # the vocabulary is that of all writers
        made = (
            "".join(words.choices(_SYLLABLES, k=words.choice((2, 2, 3, 3, 4))))
            for _ in range(_VOCABULARY)
        )
        self._words = list(dict.fromkeys([*_COMMON, *made]))
        ranks = [1 / (rank + 3) for rank in range(len(self._words))]
        phrases = [
            " ".join(words.choices(self._words, weights=ranks, k=words.randrange(3, 9)))
            for _ in range(_PHRASES)
        ]
        self._units = [*self._words, *phrases]
        heavy = _PHRASE_SHARE * sum(ranks) / sum(1 / (rank + 8) for rank in range(_PHRASES))
        weights = [*ranks, *(heavy / (rank + 8) for rank in range(_PHRASES))]
        self._weights = list(accumulate(weights))

    def text(self, size: int) -> str:
        """Sentences of about `size` bytes; never an exact number of them."""
        words = self.random.choices(self._units, cum_weights=self._weights, k=size // 8 + 12)
        for place in range(self.random.randrange(7, 14), len(words), 13):
            words[place] += ".\n" if place % 4 == 0 else ","
        for place in range(5, len(words), 31):
            words[place] = self._oddity()
        return " ".join(words)[: max(size, 1)]

    def identifier(self) -> str:
        """12 hex digits."""
        return f"{self.random.getrandbits(48):012x}"

    def record(self, size: int) -> dict[str, Any]:
        """An object of about `size` bytes with the keys that records of agents have."""
        choice = self.random.choice
        return {
            "id": self.identifier(),
            "path": f"{choice(_FOLDERS)}/{choice(self._words)}/{choice(self._words)}.py",
            "status": choice(_STATUSES),
            "score": round(self.random.random(), 4),
            "attempt": self.random.randrange(4),
            "notes": self.text(max(size - 130, 20)),
        }

    def records(self, size: int, each: int = 420) -> list[Any]:
        """An array of records, `size` bytes in all."""
        return [self.record(self._about(each)) for _ in range(max(size // each, 1))]

    def keyed(self, size: int, each: int = 420) -> dict[str, Any]:
        """An object of records by identifier, `size` bytes in all."""
        return {
            f"{self.identifier()}": self.record(self._about(each))
            for _ in range(max(size // (each + 17), 1))
        }

    def entry(self, step: int, median: int) -> dict[str, Any]:
        """One entry of a history; lengths spread as those of recorded runs do (log-normal)."""
        length = int(median * self.random.lognormvariate(0, 0.9))
        return {
            "step": step,
            "role": self.random.choice(("assistant", "tool", "user")),
            "at": f"2026-11-{1 + step % 28:02d}T07:{self.random.randrange(60):02d}:07Z",
            "call": self.identifier(),
            "content": self.text(max(length - 100, 20)),
        }

    def edited(self, value: Any) -> Any:
        """The value with a small part of it changed in place, as a new value."""
        if isinstance(value, str):
            start = self.random.randrange(max(len(value) - 160, 1))
            return value[:start] + self.text(self.random.randrange(60, 200)) + value[start + 120 :]
        copy: Any = value.copy()
        keys = list(copy) if isinstance(copy, dict) else range(len(copy))
        for key in self.random.sample(keys, min(len(keys), self.random.choice((1, 1, 2, 3)))):
            copy[key] = {
                **copy[key],
                "status": self.random.choice(_STATUSES),
                "score": round(self.random.random(), 4),
                "notes": self.text(self._about(120)),
            }
        return copy

    def _about(self, size: int) -> int:
        return int(size * self.random.uniform(0.5, 1.5))

    def _oddity(self) -> str:
        kind = self.random.randrange(3)
        if kind == 0:
            return str(self.random.randrange(10**6))
        if kind == 1:
            return f"{self.random.choice(self._words)}_{self.random.choice(self._words)}()"
        return self.identifier()
