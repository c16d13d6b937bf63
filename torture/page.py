"""The counts, as a table in docs/reliability.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torture.life import Outcome

__all__ = ["table", "written"]

_START, _END = "<!-- counts -->\n", "<!-- end of counts -->\n"


def table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table, a row for each fault."""
    lines = [
        "| fault | on | staged | calls that were right all the same | typed errors | undetected |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in outcomes:
        counts = (one.staged, one.unnoticed, one.refused, len(one.undetected))
        numbers = " | ".join(f"{count:,}" for count in counts)
        lines.append(f"| {one.name} | {one.place} | {numbers} |")
    staged = sum(one.staged for one in outcomes)
    undetected = sum(len(one.undetected) for one in outcomes)
    lines.append(f"| **all** | | **{staged:,}** | | | **{undetected:,}** |")
    return "\n".join(lines) + "\n"


def written(page: str, outcomes: Sequence[Outcome]) -> str:
    """The page with these counts in the place of those that it had."""
    before, _, rest = page.partition(_START)
    _, _, after = rest.partition(_END)
    return f"{before}{_START}\n{table(outcomes)}\n{_END}{after}"
