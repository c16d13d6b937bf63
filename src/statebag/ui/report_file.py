"""Write one execution, or one head, to one file: the page, with the answers that it asks for.

The file loads nothing from elsewhere, and sends nothing anywhere: its Content-Security-Policy
allows only its own script and style.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.ui.page_files import linked_script, page_files
from statebag.ui.recorded_execution import record_execution
from statebag.ui.recorded_head import record_head
from statebag.ui.seen_head import is_head

if TYPE_CHECKING:
    from statebag.ui.page_answers import PageData

__all__ = ["report_of"]


def report_of(data: PageData, name: str, *, values: bool = False) -> str:
    """Return the page of one execution, or of one head, as one HTML text.

    Args:
        data: Answers the questions of the page.
        name: The ARN of the execution, or the name of the head's object.
        values: Whether to include values: those in the payloads, and small ones of the store.

    Raises:
        StatebagError: The history, or the head, cannot be read.
    """
    record = record_head if is_head(name) else record_execution
    about, tables = record(data, name, values=values)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return _page({"made": made, "has_values": values, **about}, tables)


def _page(recorded: dict[str, Any], tables: dict[str, Any]) -> str:
    script = linked_script()
    style = page_files()["style.css"].decode()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # The long lists stand apart: the page reads each when it shows it.
    held = [_data("recorded", recorded)]
    held += [_data(f"recorded-{name}", table) for name, table in tables.items()]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>statebag</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<div id="page"></div>\n<noscript>This page needs JavaScript.</noscript>\n'
        f"{''.join(held)}"
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def _data(name: str, value: Any) -> str:
    # Inside a script element nothing but this character could end it, or begin a comment.
    text = json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
