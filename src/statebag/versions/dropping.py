"""The versions of a head, and the rules by which retention drops them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from statebag.errors import ConfigurationError
from statebag.format.arguments import check_kind, is_huge

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

__all__ = ["VersionName", "checked_numbers", "over", "with_dropped"]


class VersionName(msgspec.Struct, frozen=True, order=True):
    """A version, without its bag.

    Attributes:
        number: Its number.
        label: Its label.
        superseded: When the next version was written, by the store's clock; None for the newest.
    """

    number: int
    label: str
    superseded: datetime | None = None


def with_dropped(
    dropped: Iterable[tuple[int, int]], numbers: Iterable[int]
) -> tuple[tuple[int, int], ...]:
    """Return ranges of numbers with more numbers in them; ranges that touch are joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted([*dropped, *((number, number) for number in numbers)]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def over(
    names: Collection[VersionName],
    now: datetime,
    *,
    keep: int | None,
    younger: timedelta | None,
) -> list[int]:
    """Return the numbers of the versions that retention drops; never the newest.

    A version stays if it is among the `keep` newest, or was superseded less than `younger` ago.

    Raises:
        ConfigurationError: Neither is given, `keep` is less than 1, or one is of another type.
    """
    if keep is None and younger is None:
        raise ConfigurationError(
            "keep and younger are both missing: nothing says which versions to keep"
        )
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 1):
        raise ConfigurationError(
            "keep must be an int of at least 1, not "
            + (type(keep).__qualname__ if type(keep) is not int or is_huge(keep) else str(keep)),
            hint="Head.delete() deletes all versions.",
        )
    if younger is not None:
        check_kind("younger", younger, timedelta, "a timedelta")
    ordered = sorted(names, reverse=True)
    dropped = []
    for place, one in enumerate(ordered):
        among_newest = place < (1 if keep is None else keep)
        is_young = younger is not None and (
            one.superseded is None or now - one.superseded < younger
        )
        if not among_newest and not is_young:
            dropped.append(one.number)
    return dropped


def checked_numbers(numbers: object) -> Iterable[int]:
    """Return the numbers of versions as a list.

    Raises:
        ConfigurationError: One is not an int; a float of the same value would be written.
    """
    found = (
        list(numbers) if isinstance(numbers, Iterable) and not isinstance(numbers, str) else None
    )
    if found is None or any(type(one) is not int for one in found):
        odd = numbers if found is None else next(one for one in found if type(one) is not int)
        raise ConfigurationError(
            f"versions must be given as a list of int, not {type(odd).__qualname__}",
            hint="Pass [version.number, ...].",
        )
    return found
