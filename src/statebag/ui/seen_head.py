"""Hold one head as the page shows it: its versions, and the state of each.

The numbers of its versions are used like those of events in an execution. Only the
store's reads are used, so a store without conditional writes, or with none allowed, is shown too.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    InvalidState,
    NotPermitted,
)
from statebag.format import json_text
from statebag.format.head_names import (
    SCOPE_OF_PACKS,
    head_folder,
    parse_head_object,
    version_name,
)
from statebag.format.head_record import HeadState, VersionRecord, decode_record
from statebag.history.events import Payload
from statebag.process.forking import Workers
from statebag.ui.payload_sizes import PayloadSizes, sizes_of
from statebag.ui.state_moments import Moment
from statebag.upkeep.head_objects import is_over, state_of
from statebag.versions.dropping import VersionName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.client import Statebag

__all__ = ["VERSIONS_AT_ONCE", "SeenHead", "is_head", "overview_of_head"]

VERSIONS_AT_ONCE = 100
"""Versions of one answer. Chosen: some screens of them; each is one small object."""

_OF_PACKS = "/" + unquote(SCOPE_OF_PACKS)  # the end of the scopes that heads seal into
_KEPT = 400  # records that stay in memory. Chosen: a bag is at most 96 KiB by default
_NOTE_SHOWN = 120  # characters. Chosen: a line
_READ_AHEAD = 16  # versions. Chosen: as many as are requested side by side
_workers = Workers(16, "statebag-page")  # requests side by side. Chosen, as `versions.head` does


def is_head(name: str) -> bool:
    """Return whether a text is the name of a head's object."""
    one = parse_head_object(name)
    return one is not None and one.kind == "head"


class SeenHead:
    """One head, whose object is read again at each question.

    Args:
        client: Reads the store.
        name: The name of its object: `@heads/<scope>/@<name>/@head`.

    Raises:
        ConfigurationError: It is not the name of a head's object.
    """

    moments_at_once = 200  # chosen: each is a request

    def __init__(self, client: Statebag, name: str) -> None:
        one = parse_head_object(name)
        if one is None or one.kind != "head":
            raise ConfigurationError(
                f"this is not the name of a head's object ({len(name)} characters)",
                hint="`statebag heads` lists them: @heads/<scope>/@<name>/@head",
            )
        self.key = name
        self.scope, self.name = unquote(one.scope), unquote(one.name)
        self._encoded = one.scope, one.name
        self._client = client
        self._lock = threading.Lock()
        self._state: HeadState | None = None
        self._records: OrderedDict[tuple[str, int], VersionRecord] = OrderedDict()
        self._sizes: dict[str, PayloadSizes] = {}

    def look(self) -> HeadState:
        """Return what the head's object says now.

        Raises:
            BlobMissing: The head does not exist, or was deleted.
            StatebagError: The store cannot be read.
        """
        state = state_of(self._client.store, self.key)
        if state is None or state.newest is None:
            raise BlobMissing(
                "the head was deleted" if state else "the head does not exist",
                object_name=self.key,
                hint="`statebag heads` lists those that exist.",
            )
        self._state = state
        return state

    def names(self, state: HeadState) -> list[VersionName]:
        """Return the versions that a state of the head has, the newest first."""
        newest = state.newest
        assert newest is not None
        found = {newest.number: VersionName(newest.number, newest.label)}
        folder = f"{head_folder(*self._encoded)}/@{state.life}"
        for info in self._client.store.list(folder):
            one = parse_head_object(info.name)
            if one is None or one.kind != "version" or is_over(one, state, set()):
                continue
            label = unquote(one.label)
            found.setdefault(one.number, VersionName(one.number, label, info.modified))
        return sorted(found.values(), reverse=True)

    def record(self, state: HeadState, one: VersionName) -> VersionRecord:
        """Return the record of a version.

        Raises:
            BlobMissing: It was deleted in the meantime.
            BlobCorrupt: Its object holds something else.
        """
        if state.newest is not None and state.newest.number == one.number:
            return state.newest
        key = (state.life, one.number)
        with self._lock:
            known = self._records.get(key)
        if known is None:
            name = version_name(*self._encoded, state.life, one.number, one.label)
            found = decode_record(self._client.store.get(name), name)
            if not isinstance(found, VersionRecord) or found.number != one.number:
                raise BlobCorrupt("the object holds another version", object_name=name)
            known = found
            with self._lock:
                self._records[key] = known
                while len(self._records) > _KEPT:
                    self._records.popitem(last=False)
        return known

    def at(self, number: int | None) -> VersionRecord:
        """Return the record of a version by its number; None stands for the newest.

        Raises:
            InvalidState: There is no such version.
        """
        state = self._state or self.look()
        newest = state.newest
        assert newest is not None
        if number is None or number == newest.number:
            return newest
        with self._lock:
            known = self._records.get((state.life, number))
        if known is not None:
            return known
        state = self.look()
        found = next((one for one in self.names(state) if one.number == number), None)
        if found is None:
            raise InvalidState(
                f"the head has no version {number}: its newest is {newest.number}",
                hint="Choose one that the head's page lists: others were deleted.",
            )
        return self.record(state, found)

    def rows(self, start: int, count: int, *, values: bool) -> dict[str, Any]:
        """Return some versions, the newest first, and the numbers of all.

        Args:
            start: The first one, from 0.
            count: How many at most.
            values: Whether notes may be shown.
        """
        state = self.look()
        names = self.names(state)
        shown = names[start : start + min(count, VERSIONS_AT_ONCE)]
        records = _workers.each(lambda one: self._row(state, one, values=values), shown)
        return {
            "start": start,
            "total": len(names),
            "versions": list(records),
        }

    def _row(self, state: HeadState, one: VersionName, *, values: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "number": one.number,
            "label": one.label,
            "superseded": None if one.superseded is None else one.superseded.isoformat(),
        }
        try:
            record = self.record(state, one)
        except (BlobMissing, BlobCorrupt, NotPermitted) as error:
            return {**row, "trouble": error.message}
        sizes = self._measured(record)
        row |= {"written": record.written, "sealed": sizes.sealed, "opened": sizes.opened}
        if record.note != "null":
            row["note_size"] = len(record.note.encode())
            if values:
                row["note"] = record.note[:_NOTE_SHOWN]
        return row

    def numbers(self) -> list[int]:
        """Return the numbers of all versions, the oldest first."""
        return [one.number for one in reversed(self.names(self.look()))]

    def payload_event(self, number: int | None = None) -> int:
        """Return the number of a version that exists; None stands for the newest."""
        if number is None:
            newest = self.look().newest
            assert newest is not None
            return newest.number
        return self.at(number).number

    def mark(self, number: int) -> str:
        """Return a mark that no other version of any head has."""
        return self.at(number).id

    def bag(self, number: int) -> Any:
        """Return the bag of a version."""
        return json_text.decode(self.at(number).bag.encode(), self.key)

    def sizes(self, number: int) -> PayloadSizes:
        """Return the sizes of the bag of a version."""
        return self._measured(self.at(number))

    def _measured(self, record: VersionRecord) -> PayloadSizes:
        known = self._sizes.get(record.id)
        if known is None:
            known = self._sizes[record.id] = sizes_of(record.bag)
        return known

    def kind_of(self, number: int) -> str:
        """Return a word for a version: its label."""
        return self.at(number).label

    def moments(self, at: int, after: int) -> Iterator[Moment]:
        """Yield the versions after one, the oldest first; all are of one thread."""
        del at
        names = [one for one in reversed(self.names(self.look())) if one.number > after]
        for start in range(0, len(names), _READ_AHEAD):
            some = names[start : start + _READ_AHEAD]
            payloads = _workers.each(self._payload, some)
            for one, payload in zip(some, payloads, strict=True):
                yield Moment(one.number, "version", one.label, partial(_same, payload))

    def _payload(self, one: VersionName) -> Payload | None:
        state = self._state or self.look()
        try:
            return Payload(one.number, self.record(state, one).bag)
        except BlobMissing:  # it was deleted a moment ago
            return None


def _same(payload: Payload | None) -> Payload | None:
    return payload


def overview_of_head(head: SeenHead) -> dict[str, Any]:
    """Return what the page shows above a head's versions: names, numbers, sizes, origins."""
    state = head.look()
    newest = state.newest
    assert newest is not None
    numbers = head.numbers()
    origins = [one for one in dict.fromkeys(newest.reads) if not one.endswith(_OF_PACKS)]
    return {
        "arn": head.key,
        "scope": head.scope,
        "name": head.name,
        "newest": newest.number,
        "label": newest.label,
        "written": newest.written,
        "versions": len(numbers),
        "numbers": numbers,
        "sealed": head.sizes(newest.number).sealed,
        "opened": head.sizes(newest.number).opened,
        "origins": origins,
    }
