"""Find the name that was meant, in any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Part

__all__ = ["near_name", "near_path"]

_MISSPELT = 0.75  # chosen: a name of five letters with one wrong; `other` and `route` are 0.6
_COMPARED = 1_000  # names. Chosen: comparing takes a millisecond for some of them


def near_name(name: str, names: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the name that is most like another one; None if none is.

    A syllable of Hangul is compared by its letters, and an accent apart from its letter.

    Args:
        name: A name that is not among them.
        names: Other names.
        likeness: The share of letters in the same order that makes a name near, from 0 to 1; that
            of difflib by default.
    """
    import difflib  # noqa: PLC0415  # needed seldom, as the next one
    from itertools import islice  # noqa: PLC0415
    from unicodedata import normalize  # noqa: PLC0415

    apart = {normalize("NFD", one): one for one in islice(names, _COMPARED)}
    found = difflib.get_close_matches(normalize("NFD", name), apart, n=1, cutoff=likeness)
    return apart[found[0]] if found else None


def near_path(path: tuple[Part, ...], paths: Iterable[tuple[Part, ...]]) -> tuple[Part, ...] | None:
    """Return the path that is the same but for one name that is misspelt, or for its beginning.

    A path from the payload's root, `$.state.route`, is near to that from the state's, `$.route`.

    Args:
        path: A path that is not among them.
        paths: Other paths.
    """
    known = [one for one in paths if one and one != path]
    for place, part in enumerate(path):
        spelt = {
            str(one[place]): one
            for one in known
            if len(one) == len(path) and one[:place] + one[place + 1 :] == _without(path, place)
        }
        near = near_name(str(part), spelt, likeness=_MISSPELT)
        if near is not None:
            return spelt[near]
    for one in known:
        longer, shorter = sorted((one, path), key=len, reverse=True)
        if shorter and longer[-len(shorter) :] == shorter:
            return one
    return None


def _without(path: tuple[Part, ...], place: int) -> tuple[Part, ...]:
    return path[:place] + path[place + 1 :]
