"""`Head`: a named pointer to the newest of several bags, and the versions behind it.

The object of a head holds its newest version. Advancing takes two writes: the current version is
written to its own object, then the object of the head is replaced if it has not changed. So each
version with its own object was once the newest, and a crash between any two requests leaves the
older or the newer version, never a part of one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import unquote

from statebag.errors import (
    BlobMissing,
    ConfigurationError,
    Conflict,
    InvalidState,
    NotPermitted,
)
from statebag.format import json_text
from statebag.format.arguments import check_callable, check_kind, check_number
from statebag.format.bag_text import as_bag
from statebag.format.head_names import (
    SCOPE_OF_PACKS,
    encode_label,
)
from statebag.format.head_record import HeadState, VersionRecord
from statebag.format.json_check import check_json
from statebag.format.names import encode_scope, scope_of
from statebag.opening.opener import Confinement
from statebag.process.forking import Workers
from statebag.store.contract import is_conditional
from statebag.upkeep.store_time import store_time
from statebag.versions.attached import Attached, copy_attached
from statebag.versions.condemned import (
    check_copied,
    check_not_condemned,
    instant,
    note_sealed,
    packs_named,
)
from statebag.versions.coroutines import HeadCoroutines
from statebag.versions.dropping import VersionName, checked_numbers, over, with_dropped
from statebag.versions.sealing_client import SealingClient
from statebag.versions.stored_head import StoredHead, is_newest
from statebag.versions.version import Version, record_of, version_of

__all__ = ["Head"]

# A writer begins again after another one who dropped versions. Chosen: once is the rule.
_TURNS = 50
_AT_ONCE = 16  # versions that are read side by side. Chosen: each is a request of some KB

_workers = Workers(_AT_ONCE, "statebag-versions")


class Head(HeadCoroutines):
    """One head. Its methods may be called from several threads and processes.

    Args:
        client: The client that seals and opens; its store must have conditional writes.
        scope: The scope of its packs, such as `agents/thread-7`.
        name: The head's name, which may have several parts, separated by slashes.

    Attributes:
        scope: As given.
        name: As given.

    Raises:
        ConfigurationError: The store has no conditional writes.
        InvalidState: The scope or the name is empty or malformed.
    """

    def __init__(self, client: SealingClient, scope: str, name: str) -> None:
        check_conditional(client)
        self.scope = scope
        self.name = name
        self._client = client
        self._scope = encode_scope(scope)
        self._packs = f"{scope}/{unquote(SCOPE_OF_PACKS)}"  # where this head seals to
        encode_scope(self._packs)
        self._name = encode_scope(name)
        self.attached = Attached(client.store, self._scope, self._name)
        self._stored = StoredHead(client.store, self._scope, self._name, self.attached)

    def __repr__(self) -> str:
        return f"Head({self.scope!r}, {self.name!r})"

    def read(self) -> Version | None:
        """Return the newest version; None if the head does not exist. One request.

        Raises:
            StoreUnavailable, NotPermitted, BlobCorrupt: From the store.
        """
        state, _ = self._stored.look()
        return None if state is None or state.newest is None else self._version(state.newest)

    def seal(self, state: Any, after: Version | None = None, *, heal: bool = False) -> Any:
        """Return the bag of a state for the next version.

        Args:
            state: As for `Statebag.seal`.
            after: The version that it follows; blobs of a fork's origin are not written again.
            heal: As for `Statebag.seal`.

        Raises:
            StatebagError: As for `Statebag.seal`.
        """
        bag = self._reader(after).seal(state, scope=self._packs, heal=heal)
        note_sealed(self._client.store, bag)
        return bag

    def open(
        self, version: Version, only: Iterable[str | Sequence[str | int]] | None = None
    ) -> Any:
        """Return the state of a version.

        Args:
            version: A version of this head.
            only: As for `Statebag.open`.

        Raises:
            StatebagError: As for `Statebag.open`.
        """
        check_kind("version", version, Version, "a Version")
        return self._reader(version).open(version.bag, only, scope=self._packs)

    def advance(
        self, bag: Any, expected: Version | None, *, label: str = "", note: Any = None
    ) -> Version:
        """Make a bag the newest version, if the newest one is still the expected one.

        Args:
            bag: A bag that was sealed in this head's scope; everything in it is stored.
            expected: The version that this one follows; None if the head must not exist yet.
            label: A name for the version, such as the id of a step.
            note: Any small JSON value, which is kept with the version.

        Returns:
            The new version. After a `StoreUnavailable` it is not known whether it was written:
            read the head.

        Raises:
            NotPermitted: The bag names objects of a scope that readers of the head may not read.
            Conflict: Another writer was first. Read the head again, and apply the change to that.
            InvalidState: The label or the note is malformed or too large.
        """
        if expected is not None:
            check_kind("expected", expected, Version, "a Version or None")
        encode_label(label)
        bag = as_bag(bag)
        for turn in count(1):
            state, token = self._stored.expected(expected)
            check_not_condemned(self._client.store, bag, None if expected is None else expected.bag)
            reads = () if expected is None else expected.reads
            self._check_scopes(bag, reads)
            if state is None or state.newest is None:  # a new life: earlier numbers are free again
                state = HeadState(life=secrets.token_hex(8), last=0, dropped=(), newest=None)
            record = record_of(bag, number=state.last + 1, label=label, note=note, reads=reads)
            if state.newest is not None:
                self._stored.keep(state.life, state.newest)
            try:
                self._stored.replace(state, token, record)
            except Conflict:
                # One who only dropped versions is in nobody's way.
                if turn == _TURNS or not self._stored.was_seen_with(expected):
                    raise
            else:
                break
        return self._version(record)

    def versions(self) -> list[VersionName]:
        """Return all versions without their bags, the newest first. Two requests."""
        state, _ = self._stored.look()
        return [] if state is None else self._stored.names(state)

    def find(self, label: str) -> Version | None:
        """Return the newest version of this label; None if there is none."""
        state, _ = self._stored.look()
        if state is None or state.newest is None:
            return None
        if state.newest.label == label:
            return self._version(state.newest)
        same = (one for one in self._stored.names(state) if one.label == label)
        found = next(same, None)
        return None if found is None else self._read_version(state, found)

    def history(
        self, limit: int | None = None, wanted: Callable[[VersionName], bool] | None = None
    ) -> Iterator[Version]:
        """Iterate the versions, the newest first. A few are read ahead; memory does not grow.

        A version that is deleted in the meantime is left out.

        Args:
            limit: The largest number of versions to return.
            wanted: Returns whether a version is wanted; others are not read.

        Raises:
            ConfigurationError: An argument is of another type, or `limit` is below 0.
        """
        if limit is not None:
            check_number("limit", limit, 0)
        if wanted is not None:
            check_callable("wanted", wanted, "a function of a VersionName")
        return self._history(limit, wanted)

    def _history(
        self, limit: int | None, wanted: Callable[[VersionName], bool] | None
    ) -> Iterator[Version]:
        state, _ = self._stored.look()
        if state is None or state.newest is None:
            return
        names = [one for one in self._stored.names(state) if wanted is None or wanted(one)][:limit]
        for start in range(0, len(names), _AT_ONCE):
            batch = names[start : start + _AT_ONCE]
            found = _workers.each(lambda one: self._read_version(state, one), batch)
            yield from [one for one in found if one is not None]

    def fork(
        self,
        target: Head,
        at: Version | None = None,
        *,
        whole: bool = False,
        note: Callable[[Any], Any] | None = None,
    ) -> Version:
        """Begin another head with a version of this one, without writing blobs again.

        The new head refers to packs in this head's scope, and its readers may read them.

        Args:
            target: A head that does not exist, usually in another scope.
            at: The version to begin with; by default the newest.
            whole: Whether to copy all versions up to this one, with what is attached to them.
            note: Returns the note of a copied version from that of the original.

        Raises:
            Conflict: The target exists, or a version was dropped meanwhile and its packs go.
            BlobMissing: The version, or this head, does not exist, or no longer does.
            ConfigurationError: An argument is of another type.
            InvalidState: `note` returned a value that JSON cannot hold.
        """
        check_kind("target", target, Head, "a Head")
        if at is not None:
            check_kind("at", at, Version, "a Version or None")
        if note is not None:
            check_callable("note", note, "a function of a note")
        begun_at = instant()
        state, _ = self._stored.look()
        if state is None or state.newest is None:
            raise BlobMissing(
                "the head to fork does not exist", object_name=self._stored.object_name
            )
        names = sorted(self._stored.names(state))
        last = state.newest.number if at is None else at.number
        names = [one for one in names if one.number == last or (whole and one.number < last)]
        life = secrets.token_hex(8)
        records = _workers.each(lambda one: self._stored.record(state, one), names)
        found = [target._taken_over(one, self, note) for one in records if one is not None]
        if not found or found[-1].number != last or (at is not None and found[-1].id != at.id):
            raise BlobMissing(
                f"version {last} of the head to fork does not exist",
                object_name=self._stored.object_name,
            )
        _, token = target._stored.expected(None)
        _workers.each(lambda record: target._stored.keep(life, record), found[:-1])
        labels = {record.label for record in found}
        copy_attached(self.attached, target.attached, labels, target._reads_of(self))
        if not whole:
            dropped = [(1, last - 1)] if last > 1 else []
        else:  # numbers above the last one are free in the new head
            dropped = [(first, min(end, last)) for first, end in state.dropped if first <= last]
        begun = HeadState(life=life, last=last, dropped=tuple(dropped), newest=found[-1])
        check_copied(
            self._client.store, lambda: [target._version(one).bag for one in found], begun_at
        )
        target._stored.put(begun, token, found[-1])
        return target._version(found[-1])

    def drop(self, numbers: Iterable[int]) -> None:
        """Delete some versions, but keep objects that other versions and heads use.

        The versions are gone at once; `gc` deletes the packs that nothing needs any more. If the
        newest version is among them, the newest of the others takes its place.

        Args:
            numbers: The numbers of versions; those that do not exist are ignored.
        """
        gone = set(checked_numbers(numbers))

        def without(state: HeadState) -> HeadState | None:
            names = self._stored.names(state)
            left = [one for one in names if one.number not in gone]
            newest: VersionRecord | None = state.newest
            if newest is not None and newest.number in gone and left:
                newest = self._stored.record(state, left[0])
                if newest is None:  # another writer dropped it just now
                    return None
            elif not left:
                newest = None
            present = {one.number for one in names} & gone
            dropped = with_dropped(state.dropped, present)
            return HeadState(life=state.life, last=state.last, dropped=dropped, newest=newest)

        self._stored.change(without)

    def retain(self, keep: int | None = None, younger: timedelta | None = None) -> list[int]:
        """Delete versions by number and age; return the numbers of those that were deleted.

        A version stays if it is the newest, is among the `keep` newest, or was superseded less than
        `younger` ago by the store's clock.

        Args:
            keep: The least number of versions to keep.
            younger: The age up to which a superseded version is kept.

        Raises:
            ConfigurationError: Neither is given, `keep` is less than 1, or one is of another type.
        """
        state, _ = self._stored.look()
        names = [] if state is None else self._stored.names(state)
        numbers = over(names, store_time(self._client.store), keep=keep, younger=younger)
        if numbers:
            self.drop(numbers)
        return numbers

    def delete(self, expected: Version | None = None) -> None:
        """Delete the head with all its versions, but keep objects that other heads use.

        A small object records that the head was deleted; it can be created again.

        Args:
            expected: Delete it only if this is still the newest version; None deletes it in any
                case.

        Raises:
            Conflict: There is another version.
            ConfigurationError: `expected` is not a Version.
        """
        if expected is not None:
            check_kind("expected", expected, Version, "a Version or None")

        def ended(state: HeadState) -> HeadState:
            if expected is not None and not is_newest(state, expected):
                raise self._stored.conflict()
            return HeadState(life=state.life, last=state.last, dropped=(), newest=None)

        self._stored.change(ended)

    def _check_scopes(self, bag: Any, reads: tuple[str, ...]) -> None:
        """Refuse a bag whose objects the readers of this head may not read."""
        readable = (*self._client.policy.readable_scopes, *reads)
        allowed = Confinement(encode_scope(self._packs), readable)
        for pack in packs_named(bag):
            if not allowed.allows(scope_of(pack)):
                raise NotPermitted(
                    "the bag names an object of another scope, which readers of this head may not "
                    "read",
                    object_name=pack,
                    hint="Seal the state with head.seal.",
                )

    def _reader(self, version: Version | None) -> SealingClient:
        if version is not None:
            check_kind("version", version, Version, "a Version")
        reads = () if version is None else version.reads
        return self._client.with_readable(*reads) if reads else self._client

    def _read_version(self, state: HeadState, one: VersionName) -> Version | None:
        record = self._stored.record(state, one)
        return None if record is None else self._version(record)

    def _version(self, record: VersionRecord) -> Version:
        return version_of(record, self._stored.object_name)

    def _reads_of(self, origin: Head) -> tuple[str, ...]:
        """Return the scopes that a version of another head refers to, and this one may not read."""
        if origin._scope == self._scope:
            return ()
        if origin.scope.endswith("/**"):
            raise InvalidState(
                f"the scope to fork must not end in '**' ({origin.scope}), which would name all "
                "scopes below another one",
                hint="Use other names for scopes.",
            )
        return (origin.scope, origin._packs)

    def _taken_over(
        self, record: VersionRecord, origin: Head, note: Callable[[Any], Any] | None
    ) -> VersionRecord:
        text = record.note
        if note is not None:
            changed = note(json_text.decode(text.encode()))
            check_json(changed)
            text = json_text.encode(changed).decode()
        reads = tuple(dict.fromkeys([*record.reads, *self._reads_of(origin)]))
        return VersionRecord(
            number=record.number,
            label=record.label,
            id=record.id,
            written=record.written,
            reads=reads,
            note=text,
            bag=record.bag,
        )


def check_conditional(client: SealingClient) -> None:
    """Refuse a store without conditional writes.

    Raises:
        ConfigurationError: Two writers could lose each other's versions there.
    """
    if not is_conditional(client.store):
        raise ConfigurationError(
            f"{client.store.url} has no conditional writes, which heads need",
            hint="Use S3, Google Cloud Storage, Azure, a folder (not on Windows) or memory; "
            "`statebag doctor` says what a store can do.",
        )
