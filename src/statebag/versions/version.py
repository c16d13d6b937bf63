"""`Version`: one bag in the history of a head."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import msgspec

from statebag.format import json_text
from statebag.format.head_record import VersionRecord
from statebag.format.json_check import check_json

__all__ = ["Version", "record_of", "version_of"]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a head.

    Attributes:
        number: Its place in the order in which the versions were written, from 1. Numbers of
            versions that were deleted are not used again.
        label: The writer's name for it; may be empty.
        note: The writer's JSON value.
        bag: The bag.
        written: When it was made, by the writer's clock.
        reads: Further scopes that the bag refers to, encoded: those that it was forked from.
        id: 16 random hex digits, different for each version of any head.
    """

    number: int
    label: str
    note: Any
    bag: Any
    written: datetime
    reads: tuple[str, ...] = ()
    id: str = ""


def version_of(record: VersionRecord, name: str) -> Version:
    """Return the version of a record; `name` is the object that it was read from.

    Raises:
        BlobCorrupt: The record is malformed.
    """
    return Version(
        number=record.number,
        label=record.label,
        note=json_text.decode(record.note.encode(), name),
        bag=json_text.decode(record.bag.encode(), name),
        written=datetime.fromisoformat(record.written),
        reads=record.reads,
        id=record.id,
    )


def record_of(
    bag: Any, *, number: int, label: str = "", note: Any = None, reads: tuple[str, ...] = ()
) -> VersionRecord:
    """Return the record of a new version, made now.

    Raises:
        InvalidState: The bag or the note holds a value that JSON cannot hold.
    """
    check_json(note)
    check_json(bag)
    return VersionRecord(
        number=number,
        label=label,
        id=secrets.token_hex(8),
        written=datetime.now(UTC).isoformat(),
        reads=reads,
        note=json_text.encode(note).decode(),
        bag=json_text.encode(bag).decode(),
    )
