"""Write many rows of the same fields as columns, so that a long list takes little room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["packed"]


def packed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return rows as columns, in which repeated texts occur once.

    Args:
        rows: JSON objects with the same names.

    Returns:
        `count`, `names`, and for each name one of `columns` and one of `words`. If a column's words
        are a list, the column has places in that list; otherwise it has the values themselves.
    """
    names = list(rows[0]) if rows else []
    columns: list[list[Any]] = []
    words: list[list[str | None] | None] = []
    for name in names:
        column = [row[name] for row in rows]
        places = _places(column)
        words.append(None if places is None else list(places))
        columns.append(column if places is None else [places[one] for one in column])
    return {"count": len(rows), "names": names, "words": words, "columns": columns}


def _places(column: list[Any]) -> dict[str | None, int] | None:
    """Return a number for each text of a column; None if that would save nothing."""
    found: dict[str | None, int] = {}
    for one in column:
        if one is not None and not isinstance(one, str):
            return None
        found.setdefault(one, len(found))
    return found if 2 * len(found) < len(column) else None
