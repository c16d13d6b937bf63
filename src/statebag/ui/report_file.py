"""One execution in one file, for a ticket: the page, with the answers that it would ask for.

The file loads nothing from elsewhere, and sends nothing anywhere: its Content-Security-Policy
allows only its own script and style.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.ui.page_files import linked_script, page_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.ui.page_answers import PageData
    from statebag.ui.seen_execution import SeenExecution

__all__ = ["report_of"]

# Chosen, so that a report is a few megabytes: states of some events, and what is in them.
_MOST_STEPS = 5_000  # chosen: as above
_MOST_QUESTIONS = 300  # chosen: as above; of each state
_STORED_BYTES = 256 * 1024  # chosen: values behind a stub that a report with values may hold
_MEASURED_AT_ONCE = 1_000  # chosen: payloads


def report_of(data: PageData, arn: str, *, values: bool = False) -> str:
    """Return the page of one execution as one HTML text.

    Args:
        data: Answers the questions of the page.
        arn: The execution.
        values: Whether to include values: those in the payloads, and small ones of the store.

    Raises:
        StatebagError: The history cannot be read.
    """
    seen = data.catalog.get(arn)
    seen.snapshot()
    while not seen.measure(_MEASURED_AT_ONCE):
        pass
    name = seen.arn.arn
    events = list(_events(seen))
    shown: dict[str, Any] = {"values": "1"} if values else {}
    answers: dict[str, Any] = {}

    def record(question: str, **asked: Any) -> Any:
        given = {"arn": name, **{key: str(value) for key, value in asked.items()}}
        try:
            answer = data.answer(question, given)
        except StatebagError as error:
            answer = {"refused": {"error": error.message, "hint": error.hint, "path": error.path}}
        answers[json.dumps([question, sorted(given.items())], separators=(",", ":"))] = answer
        return answer

    record("execution", **({"causes": "1"} if values else {}))
    record("graph")
    record("timeline", points=1_000)
    record("cost")
    for event in [None, *(one["event"] for one in events)]:
        at = {} if event is None else {"at": event}
        _record_state(record, {**at, **shown})
    pair = [str(one["event"]) for one in (events[-2:] if len(events) > 1 else events * 2)]
    if pair:
        record("differences", before=pair[0], after=pair[1], **shown)
    steps: list[Any] = []
    while len(steps) < _MOST_STEPS:
        asked = {"arn": name, "start": str(len(steps)), **({"causes": "1"} if values else {})}
        page = data.answer("steps", asked)
        steps += page["steps"]
        if len(steps) >= page["total"] or not page["steps"]:
            break
    recorded = {
        "arn": name,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "has_values": values,
        "events": events,
        "pair": pair,
        "steps": steps,
        "answers": answers,
    }
    return _page(recorded)


def _record_state(record: Any, asked: dict[str, Any]) -> None:
    """Record the tree of a state, level by level: what stands plain in the bag."""
    level: list[list[str | int]] = [[]]
    questions = 0
    while level and questions < _MOST_QUESTIONS:
        below: list[list[str | int]] = []
        for path in level:
            if questions == _MOST_QUESTIONS:
                break
            text = json.dumps(path, separators=(",", ":"), ensure_ascii=False)
            answer = record("state", path=text, **asked)
            questions += 1
            for one in answer.get("members", ()):
                is_container = one["kind"] in {"object", "array"} and one["count"]
                is_read = not one["is_stub"] or ("values" in asked and one["size"] <= _STORED_BYTES)
                if is_container and is_read:
                    below.append([*path, one["key"]])
        level = below


def _events(seen: SeenExecution) -> Iterator[dict[str, Any]]:
    """Yield the events whose states are in the report, in their order."""
    snapshot = seen.snapshot()
    chosen: dict[int, str] = {}
    made = snapshot.made
    failed = snapshot.stands.state
    largest = max(made, key=lambda one: seen.known_sizes(one.left)[0], default=None)
    picked = [made[0]] if made else []
    picked += [one for one in (largest, failed) if one is not None]
    picked += made[-1:]
    for one in picked:
        chosen[one.entered] = f"{one.state}, input"
        if one.left is not None:
            chosen[one.left] = f"{one.state}, output"
    if made:
        chosen.setdefault(seen.payload_event(), "the newest")
    for event in sorted(chosen):
        if seen.source.log.payload_bytes(event) is not None:
            yield {"event": event, "name": chosen[event]}


def _page(recorded: dict[str, Any]) -> str:
    script = linked_script()
    style = page_files()["style.css"].decode()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # Inside a script element nothing but these could end it, or begin a comment.
    text = json.dumps(recorded, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>statebag</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<div id="page"></div>\n<noscript>This page needs JavaScript.</noscript>\n'
        f'<script type="application/json" id="recorded">{text}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
