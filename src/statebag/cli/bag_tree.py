"""Print the state of a bag as a tree with a line for each field, for `statebag inspect`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.cli.counts import counted
from statebag.cli.fitted_table import Column, FittedTable, Name, print_left_out
from statebag.cli.styled_text import Text, console
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from statebag.opening.inspection import Field, Inspection

__all__ = ["print_bag"]

# Chosen so that what is usual fits one screen, and the rest a scroll of it; `--all` shows
# everything.
_SHOWN_IN_ONE = 30  # fields of one object
_SHOWN_ROWS = 200  # chosen: as above
_SHOWN_PACKS = 12  # a bag usually has 8 at most (`Policy.max_packs`)
_FILE_WIDTH = 1000  # characters of a line in a file. Chosen: wider than any row, so no row is cut
_COLUMNS = (
    Column("field"),
    Column("kind", leaves=2),
    Column("size", right=True),
    Column("in bag", leaves=4, right=True),
    Column("form", leaves=3),
    Column("where", leaves=1),
)
_STYLES = {
    "plain": "dim",
    "carried": "cyan",
    "stored": "green",
    "pieces": "green",
    "patched": "cyan",
    "layered": "cyan",
    "rest": "yellow",
    "escaped": "magenta",
}


@dataclass(slots=True)
class _Row:
    """A line of the tree: a field, or a note on fields that are left out, with their bytes."""

    guide: str
    field: Field | None
    note: str = ""
    size: int = 0


def print_bag(inspection: Inspection, *, bound: int, show_all: bool) -> None:
    """Print the tree, the packs and the totals on the standard output.

    Args:
        inspection: The facts about the bag.
        bound: The policy's bound of a bag, in bytes.
        show_all: Whether to print every field.
    """
    out = console(file_width=_FILE_WIDTH)
    numbers = {pack.name: f"p{i}" for i, pack in enumerate(inspection.packs, 1)}
    rows = list(islice(_rows(inspection.root, show_all=show_all), _SHOWN_ROWS + 1))
    if show_all:
        rows = list(_rows(inspection.root, show_all=True))
    elif len(rows) > _SHOWN_ROWS:
        rows[-1] = _Row("", None, "...")
    table = FittedTable(_COLUMNS)
    for row in rows:
        table.add_row(*_cells(row, numbers))
    table.print_on(out)
    print_left_out(out, table, "--json")
    if any(row.field is None for row in rows):
        out.print(Text("Not every field is shown: --all shows them.", style="dim"))
    _print_packs(out, inspection, show_all=show_all)
    _print_totals(out, inspection, bound)


def _rows(root: Field, *, show_all: bool) -> Iterator[_Row]:
    """Return the lines in the order of the state, with plain values below the top on request."""
    yield _Row("", root)
    sealed = _with_stubs(root)
    pending = _below(root, "", show_all=show_all)
    while pending:
        row, indent = pending.pop()
        yield row
        one = row.field
        if one is not None and one.children and (show_all or one.path in sealed):
            pending.extend(_below(one, indent, show_all=show_all))


def _below(parent: Field, indent: str, *, show_all: bool) -> list[tuple[_Row, str]]:
    """Return the lines directly below a field, last first; only the largest of many."""
    shown = parent.children
    rows: list[tuple[_Row, str]] = []
    if len(shown) > _SHOWN_IN_ONE and not show_all:
        ranked = sorted(range(len(shown)), key=lambda i: shown[i].size, reverse=True)
        kept = set(ranked[:_SHOWN_IN_ONE])
        out = [one for i, one in enumerate(shown) if i not in kept]
        shown = tuple(one for i, one in enumerate(shown) if i in kept)
        size = sum(one.size for one in out)
        rows.append((_Row(indent + "└─ ", None, f"... {len(out):,} smaller", size), ""))
    for one in reversed(shown):
        last = not rows
        guide = indent + ("└─ " if last else "├─ ")
        rows.append((_Row(guide, one), indent + ("   " if last else "│  ")))
    return rows


def _with_stubs(root: Field) -> set[tuple[str | int, ...]]:
    """Return the paths of all plain objects and arrays that have a stub somewhere in them."""
    paths: set[tuple[str | int, ...]] = set()
    for one in root.walk():
        if one.form != "plain":
            path = one.path if one.children else one.path[:-1]
            while path not in paths:
                paths.add(path)
                path = path[:-1]
    return paths


def _cells(row: _Row, numbers: dict[str, str]) -> tuple[Name | Text, ...]:
    follow = row.guide.replace("└─", "  ").replace("├─", "│ ")
    if row.field is None:
        size = Text(f"{row.size:,}" if row.size else "", style="dim")
        name = Name(Text(row.note, style="dim"), lead=row.guide, follow=follow)
        return (name, Text(), size, Text(), Text(), Text())
    one = row.field
    name = Name(Text(_name(one), style="bold"), lead=row.guide, follow=follow)
    kind = one.kind if one.count is None else f"{one.kind} {one.count:,}"
    return (
        name,
        Text(kind),
        Text(f"{one.size:,}"),
        Text(f"{one.bag_bytes:,}"),
        Text(_form(one), style=_STYLES.get(one.form, "")),
        Text(_where(one, numbers), style="dim"),
    )


def _name(one: Field) -> str:
    if not one.path:
        return "$"
    part = one.path[-1]
    if isinstance(part, int):
        return f"[{part}]"
    # Names come from anywhere: nothing in them may steer the terminal.
    return part if part and printable(part) == part else printable(repr(part))


def _form(one: Field) -> str:
    counts = Counter[str](place.part for place in one.places)
    parts = [
        f"{counts[part]:,} {one_of if counts[part] == 1 else several}"
        for part, one_of, several in (
            ("piece", "chunk", "chunks"),
            ("index", "index", "indexes"),
        )
        if counts[part]
    ]
    if counts["tail"]:
        parts.append("tail")
    cut = ", ".join(parts)
    if one.form in {"rest", "patched", "layered"}:
        return f"{one.form}: {cut}" if cut else one.form
    return cut or one.form


def _where(one: Field, numbers: dict[str, str]) -> str:
    """Return the packs by number, with the span if there is one; `bag` for inline bytes."""
    spans = Counter(place.pack for place in one.places if place.pack is not None)
    texts = []
    if len(spans) > 2:
        texts.append(f"{sum(spans.values()):,} in {len(spans):,} packs")
    else:
        for pack, times in spans.items():
            place = next(place for place in one.places if place.pack == pack)
            span = f"{place.offset}+{place.length}" if times == 1 else f"x{times:,}"
            texts.append(f"{numbers[pack]} {span}")
    if any(place.pack is None for place in one.places):
        texts.append("bag")
    return ", ".join(texts)


def _print_packs(out: Console, inspection: Inspection, *, show_all: bool) -> None:
    if not inspection.packs:
        return
    if not show_all and len(inspection.packs) > _SHOWN_PACKS:
        more = len(inspection.packs) - _SHOWN_PACKS
    else:
        more = 0
    for number, pack in enumerate(inspection.packs[: len(inspection.packs) - more], 1):
        line = Text(f"p{number} ", style="bold")
        line.append(
            f"{pack.name}  {counted(pack.blobs, 'blob')}, {pack.bytes:,} bytes", style="not bold"
        )
        out.print(line, soft_wrap=True)
    if more:
        out.print(Text(f"... and {more:,} more packs: --all", style="dim"))
    if inspection.unread_indexes:
        out.print(
            Text(
                f"{inspection.unread_indexes:,} index blobs list further chunks: --deep reads them"
            )
        )


def _print_totals(out: Console, inspection: Inspection, bound: int) -> None:
    size, state = inspection.bag_bytes, inspection.root.size
    of_limit = _share(size, "the payload limit", PAYLOAD_LIMIT)
    counted = "counted with the spaces and escapes that a runtime may add"
    if all(one.form == "plain" for one in inspection.root.walk()):
        head = f"plain state {state:,} bytes"
        told = f", none of it in a store. As a payload it is {size:,} bytes,\n{counted}: "
        told += of_limit
        if size > PAYLOAD_LIMIT:
            told += ". A function that seals it makes a bag that fits"
    else:
        head = f"state {state:,} bytes, bag {size:,} bytes"
        told = f", {counted}:\n{_share(size, 'its bound', bound)}, {of_limit}"
    out.print(Text.assemble((head, "bold"), told), soft_wrap=True)


def _share(size: int, limit: str, most: int) -> str:
    """Return a size in relation to a limit: as a share of it, or how many times as large."""
    if size < 2 * most:
        return f"{size / most:.1%} of {limit} {most:,}"
    return f"{size / most:,.1f} times {limit} {most:,}"
