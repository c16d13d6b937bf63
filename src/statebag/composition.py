"""Give the core what it needs of the rooms above it, which it does not import.

The core seals and opens states of any application. The state data manager has legacy pointers,
which look like ordinary data. The core escapes data that looks like one, and follows one if a
caller passes `legacy=True`. Both need code of the manager, which is loaded at its first use. The
manager also derives a field from another one, and registers how. Lint knows from it which fields
the manager keeps plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.derived import declare_derived
from statebag.format.escape import also_escape
from statebag.lint.application import give_fields
from statebag.opening.foreign_pointers import give_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statebag.opening.foreign_pointers import ReaderMaker

__all__ = ["compose"]

_POINTER_TAGS: dict[str, tuple[Any, ...]] = {
    "type": ("s3_reference", "history_archive", "compressed"),
    "__s3_offloaded": (True,),
}


def compose() -> None:
    """Give the core what it needs from the rooms above it, without loading them yet."""
    also_escape("legacy pointers", _POINTER_TAGS, _recognizer)
    give_reader(_reader_maker)
    declare_derived("scheduling_summary", source="scheduling_metadata", derive=_summaries_of)
    give_fields(_kept_plain)


def _recognizer() -> Callable[[dict[str, Any]], bool]:
    from statebag.manager.legacy.pointer_format import is_pointer  # noqa: PLC0415  # few need it

    return is_pointer


def _kept_plain() -> tuple[str, ...]:
    from statebag.manager.control_fields import CONTROL_FIELDS  # noqa: PLC0415  # for lint alone
    from statebag.manager.merge.fork import PENDING  # noqa: PLC0415  # for lint alone

    return (*CONTROL_FIELDS, PENDING)


def _summaries_of(metadata: Any) -> Iterable[Any]:
    from statebag.manager.scheduling import summaries_of  # noqa: PLC0415  # few need it

    return summaries_of(metadata)


def _reader_maker() -> ReaderMaker:
    from statebag.manager.legacy.pointers import PointerReader  # noqa: PLC0415  # few need it

    return PointerReader
