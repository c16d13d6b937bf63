"""Describe what an expression of a definition builds: objects, merges, one of several.

Nothing is evaluated: a value is described by the places that it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statebag.asl.jsonata import Looked

__all__ = [
    "MadeAt",
    "MadeEither",
    "MadeMerge",
    "MadeObject",
    "MadeOther",
    "MadePlace",
    "MadeValue",
]


@dataclass(frozen=True, slots=True)
class MadePlace:
    """The value at a place.

    Attributes:
        root: `input`, `result`, `error`, `context`, or `$name` of a variable.
        path: Below the root.
    """

    root: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class MadeObject:
    """An object, or an array if its members are numbered."""

    members: tuple[tuple[str | int, MadeValue], ...]


@dataclass(frozen=True, slots=True)
class MadeMerge:
    """Objects merged into one; a later one wins."""

    parts: tuple[MadeValue, ...]


@dataclass(frozen=True, slots=True)
class MadeEither:
    """One of several values."""

    ways: tuple[MadeValue, ...]


@dataclass(frozen=True, slots=True)
class MadeAt:
    """What stands at a path in a value that is made."""

    value: MadeValue
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class MadeOther:
    """A value that is computed in any other way.

    Attributes:
        looked: The places that it is computed from.
        own: Bytes of its own text, if it is a literal; otherwise of the whole expression.
    """

    looked: Looked
    own: int


MadeValue = MadePlace | MadeObject | MadeMerge | MadeEither | MadeAt | MadeOther
