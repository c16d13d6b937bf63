"""Record what a report shows about one head: its versions, their states, what each changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.ui.packed_rows import packed
from statebag.ui.recorded_answers import RecordedAnswers
from statebag.ui.seen_head import VERSIONS_AT_ONCE

if TYPE_CHECKING:
    from statebag.ui.page_answers import PageData

__all__ = ["record_head"]

_MOST_VERSIONS = 1_000  # chosen: each is a request


def record_head(
    data: PageData, name: str, *, values: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the page in the file reads first, and the long lists, which it reads later.

    Args:
        data: Answers the questions of the page.
        name: The name of the head's object.
        values: Whether to include values, and notes.

    Raises:
        BlobMissing: The head does not exist, or was deleted.
        StatebagError: The store cannot be read.
    """
    head = data.heads.get(name)
    state = head.look()
    names = head.names(state)[:_MOST_VERSIONS]
    recorded = RecordedAnswers(data, head.key, values=values)
    recorded.record("head")
    recorded.record("forks")
    versions: list[dict[str, Any]] = []
    while len(versions) < len(names):
        page = head.rows(len(versions), VERSIONS_AT_ONCE, values=values)
        versions += page["versions"]
        if not page["versions"]:
            break
    recorded.newest = names[0].number
    for place, one in enumerate(names):
        if recorded.is_full:
            break
        recorded.record_state(head, one.number, one.label or "without a label")
        if place:
            newer = names[place - 1]
            recorded.record_differences(one.number, newer.number, newer.label)
    payloads = [one.get("sealed", 0) for one in versions]
    recorded.record_trails(recorded.newest, len(payloads), sum(payloads))
    tables = {"versions": packed(_alike(versions))}
    return {"kind": "h", "arn": head.key, **recorded.shown()}, tables


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that have the same names: a missing value is None."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]
