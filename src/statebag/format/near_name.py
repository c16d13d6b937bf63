"""Find the name that was meant, in any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["near_name"]

_COMPARED = 1_000  # names. Chosen: comparing takes a millisecond for some of them


def near_name(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like another one; None if none is.

    A syllable of Hangul is compared by its letters, and an accent apart from its letter.

    Args:
        name: A name that is not among them.
        names: Other names.
    """
    import difflib  # noqa: PLC0415  # needed seldom, as the next one
    from itertools import islice  # noqa: PLC0415
    from unicodedata import normalize  # noqa: PLC0415

    apart = {normalize("NFD", one): one for one in islice(names, _COMPARED)}
    found = difflib.get_close_matches(normalize("NFD", name), apart, n=1)
    return apart[found[0]] if found else None
