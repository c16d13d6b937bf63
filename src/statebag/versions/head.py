"""`Head`: a named pointer to the newest of several bags, and the versions behind it.

The object of a head holds its newest version. Advancing takes two writes: the present version is
written to its own object, then the object of the head is replaced if it has not changed. So each
version with its own object was once the newest, and a crash between any two requests leaves the
older or the newer version, never a part of one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from statebag.errors import (
    BlobCorrupt,
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
    head_folder,
    head_name,
    parse_head_object,
    version_name,
)
from statebag.format.head_record import HeadState, VersionRecord, decode_record, encode_record
from statebag.format.json_check import check_json
from statebag.format.names import encode_scope, scope_of
from statebag.opening.opener import Confinement
from statebag.process.forking import Workers
from statebag.store.contract import is_conditional
from statebag.upkeep.store_time import store_time
from statebag.versions.attached import (
    Attached,
    copy_attached,
    delete_attached,
    delete_objects,
)
from statebag.versions.condemned import check_not_condemned, packs_named
from statebag.versions.coroutines import HeadCoroutines
from statebag.versions.dropping import VersionName, over, with_dropped
from statebag.versions.sealing_client import SealingClient
from statebag.versions.version import Version, record_of, version_of

__all__ = ["Head"]

# Deletions and retention begin again after another writer's change. Chosen: once is the rule.
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
        self._object = head_name(self._scope, self._name)
        self._seen: tuple[HeadState, str] | None = None
        self.attached = Attached(client.store, self._scope, self._name)

    def __repr__(self) -> str:
        return f"Head({self.scope!r}, {self.name!r})"

    def read(self) -> Version | None:
        """Return the newest version; None if the head does not exist. One request.

        Raises:
            StoreUnavailable, NotPermitted, BlobCorrupt: From the store.
        """
        state, _ = self._look()
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
        return self._reader(after).seal(state, scope=self._packs, heal=heal)

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
        """Make a bag the newest version, if the newest one still is the expected one.

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
        state, token = self._expected(expected)
        check_not_condemned(self._client.store, bag, None if expected is None else expected.bag)
        reads = () if expected is None else expected.reads
        self._check_scopes(bag, reads)
        if state is None or state.newest is None:  # a new life: earlier numbers are free again
            state = HeadState(life=secrets.token_hex(8), last=0, dropped=(), newest=None)
        record = record_of(bag, number=state.last + 1, label=label, note=note, reads=reads)
        if state.newest is not None:
            self._keep(state.life, state.newest)
        self._replace(state, token, record)
        return self._version(record)

    def versions(self) -> list[VersionName]:
        """Return all versions without their bags, the newest first. Two requests."""
        state, _ = self._look()
        return [] if state is None else self._names(state)

    def find(self, label: str) -> Version | None:
        """Return the newest version of this label; None if there is none."""
        state, _ = self._look()
        if state is None or state.newest is None:
            return None
        if state.newest.label == label:
            return self._version(state.newest)
        same = (one for one in self._names(state) if one.label == label)
        found = next(same, None)
        return None if found is None else self._read_version(state, found)

    def history(
        self, limit: int | None = None, wanted: Callable[[VersionName], bool] | None = None
    ) -> Iterator[Version]:
        """Iterate the versions, the newest first. Some are read ahead; memory does not grow.

        A version that is deleted meanwhile is left out.

        Args:
            limit: The most versions to return.
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
        state, _ = self._look()
        if state is None or state.newest is None:
            return
        names = [one for one in self._names(state) if wanted is None or wanted(one)][:limit]
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
            Conflict: The target exists.
            BlobMissing: The version does not exist (any more), or this head does not.
            ConfigurationError: An argument is of another type.
            InvalidState: `note` returned what JSON cannot hold.
        """
        check_kind("target", target, Head, "a Head")
        if at is not None:
            check_kind("at", at, Version, "a Version or None")
        if note is not None:
            check_callable("note", note, "a function of a note")
        state, _ = self._look()
        if state is None or state.newest is None:
            raise BlobMissing("the head to fork does not exist", object_name=self._object)
        names = sorted(self._names(state))
        last = state.newest.number if at is None else at.number
        names = [one for one in names if one.number == last or (whole and one.number < last)]
        life = secrets.token_hex(8)
        records = _workers.each(lambda one: self._record(state, one), names)
        found = [target._taken_over(one, self, note) for one in records if one is not None]
        if not found or found[-1].number != last or (at is not None and found[-1].id != at.id):
            raise BlobMissing(
                f"version {last} of the head to fork does not exist", object_name=self._object
            )
        _, token = target._expected(None)
        _workers.each(lambda record: target._keep(life, record), found[:-1])
        labels = {record.label for record in found}
        copy_attached(self.attached, target.attached, labels, target._reads_of(self))
        dropped = state.dropped if whole else with_dropped([(1, last - 1)][: last - 1], ())
        begun = HeadState(life=life, last=last, dropped=dropped, newest=found[-1])
        target._put(begun, token, found[-1])
        return target._version(found[-1])

    def drop(self, numbers: Iterable[int]) -> None:
        """Delete some versions; objects that other versions and heads use stay.

        The versions are gone at once; `gc` deletes the packs that nothing needs any more. If the
        newest version is among them, the newest of the others takes its place.

        Args:
            numbers: The numbers of versions; those that do not exist are ignored.
        """
        gone = set(_checked_numbers(numbers))

        def without(state: HeadState) -> HeadState | None:
            names = self._names(state)
            left = [one for one in names if one.number not in gone]
            newest: VersionRecord | None = state.newest
            if newest is not None and newest.number in gone and left:
                newest = self._record(state, left[0])
                if newest is None:  # another writer dropped it just now
                    return None
            elif not left:
                newest = None
            present = {one.number for one in names} & gone
            dropped = with_dropped(state.dropped, present)
            return HeadState(life=state.life, last=state.last, dropped=dropped, newest=newest)

        self._change(without)

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
        state, _ = self._look()
        names = [] if state is None else self._names(state)
        numbers = over(names, store_time(self._client.store), keep=keep, younger=younger)
        if numbers:
            self.drop(numbers)
        return numbers

    def delete(self, expected: Version | None = None) -> None:
        """Delete the head with all its versions; objects that other heads use stay.

        A small object records that the head was deleted; it can be created again.

        Args:
            expected: Delete it only if this still is the newest version; None deletes it anyway.

        Raises:
            Conflict: There is another version.
            ConfigurationError: `expected` is no Version.
        """
        if expected is not None:
            check_kind("expected", expected, Version, "a Version or None")

        def ended(state: HeadState) -> HeadState:
            if expected is not None and not _is_newest(state, expected):
                raise self._conflict()
            return HeadState(life=state.life, last=state.last, dropped=(), newest=None)

        self._change(ended)

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

    def _look(self) -> tuple[HeadState | None, str | None]:
        try:
            data, token = self._client.store.get_version(self._object)
        except BlobMissing:
            self._seen = None
            return None, None
        state = decode_record(data, self._object)
        if not isinstance(state, HeadState):
            raise BlobCorrupt("the object of a head holds another record", object_name=self._object)
        self._seen = (state, token)
        return state, token

    def _expected(self, expected: Version | None) -> tuple[HeadState | None, str | None]:
        """Return the state of the head's object, which must have the expected version."""
        seen = self._seen
        if seen is not None and expected is not None and _is_newest(seen[0], expected):
            return seen
        state, token = self._look()
        newest = None if state is None else state.newest
        if (newest is None) != (expected is None) or (
            expected is not None and state is not None and not _is_newest(state, expected)
        ):
            raise self._conflict()
        return state, token

    def _conflict(self) -> Conflict:
        return Conflict(
            "the head was advanced by another writer",
            object_name=self._object,
            hint="Read the head again, and decide again.",
        )

    def _replace(self, state: HeadState, token: str | None, record: VersionRecord) -> None:
        self._put(
            HeadState(life=state.life, last=record.number, dropped=state.dropped, newest=record),
            token,
            record,
        )

    def _put(self, state: HeadState, token: str | None, record: VersionRecord) -> None:
        try:
            token = self._client.store.put_if(self._object, encode_record(state), token)
        except Conflict:
            self._seen = None
            if not self._was_written(state.life, record):
                raise self._conflict() from None
        else:
            self._seen = (state, token)

    def _was_written(self, life: str, record: VersionRecord) -> bool:
        """Return whether a write whose answer was lost took place before that of another writer."""
        state, _ = self._look()
        if state is None or state.life != life:
            return False
        if state.newest is not None and state.newest.id == record.id:
            return True
        kept = self._record(state, VersionName(record.number, record.label))
        return kept is not None and kept.id == record.id

    def _keep(self, life: str, record: VersionRecord) -> None:
        name = version_name(self._scope, self._name, life, record.number, record.label)
        self._client.store.put(name, encode_record(record))

    def _folder_of(self, life: str) -> str:
        return f"{head_folder(self._scope, self._name)}/@{life}"

    def _names(self, state: HeadState) -> list[VersionName]:
        """Return the versions that a state of the head has, the newest first."""
        newest = state.newest
        if newest is None:
            return []
        names = [VersionName(newest.number, newest.label)]
        for info in self._client.store.list(self._folder_of(state.life)):
            one = parse_head_object(info.name)
            if one is None or one.number > state.last or one.number == newest.number:
                continue
            if not state.has_dropped(one.number):
                names.append(VersionName(one.number, unquote(one.label), info.modified))
        return sorted(names, reverse=True)

    def _record(self, state: HeadState, one: VersionName) -> VersionRecord | None:
        """Return the record of a version; None if it was deleted meanwhile."""
        if state.newest is not None and state.newest.number == one.number:
            return state.newest
        name = version_name(self._scope, self._name, state.life, one.number, one.label)
        try:
            record = decode_record(self._client.store.get(name), name)
        except BlobMissing:
            return None
        if not isinstance(record, VersionRecord) or record.number != one.number:
            raise BlobCorrupt("the object holds another version", object_name=name)
        return record

    def _read_version(self, state: HeadState, one: VersionName) -> Version | None:
        record = self._record(state, one)
        return None if record is None else self._version(record)

    def _version(self, record: VersionRecord) -> Version:
        return version_of(record, self._object)

    def _reads_of(self, origin: Head) -> tuple[str, ...]:
        """Return the scopes that a version of another head refers to, and this one may not read."""
        if origin._scope == self._scope:
            return ()
        if origin.scope.endswith("/**"):
            raise InvalidState(
                f"the scope to fork must not end in '**' ({origin.scope}), which would name all "
                "scopes below another",
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

    def _change(self, change: Callable[[HeadState], HeadState | None]) -> None:
        """Replace the state of the head's object, then delete the versions that are not in it."""
        for _ in range(_TURNS):
            state, token = self._look()
            if state is None:
                return
            changed = change(state)
            if changed is None:
                continue
            labels = set() if state.newest is None else {state.newest.label}
            if changed != state:
                try:
                    token = self._client.store.put_if(self._object, encode_record(changed), token)
                except Conflict:
                    continue
                self._seen = (changed, token)
            self._clean(changed, labels)
            return
        raise self._conflict()

    def _clean(self, state: HeadState, gone: set[str]) -> None:
        """Delete the objects of versions that are gone, with what was attached to them.

        Only those of this life: another writer may begin the next one meanwhile. What a crash left
        of earlier lives is deleted by `gc`.

        Args:
            state: What the head's object says.
            gone: More labels of versions that may be gone.
        """
        over: dict[str, str] = {}  # names of objects, with the labels of their versions
        for info in self._client.store.list(self._folder_of(state.life)):
            one = parse_head_object(info.name)
            if one is not None and (state.newest is None or state.has_dropped(one.number)):
                over[info.name] = unquote(one.label)
        # Versions last: while one is there, this can be repeated.
        left = {one.label for one in self._names(state)}
        delete_attached(self.attached, gone.union(over.values()) - left)
        delete_objects(self._client.store, over)


def _checked_numbers(numbers: object) -> Iterable[int]:
    """Refuse what is no list of version numbers: a float of the same value would be written."""
    found = (
        list(numbers) if isinstance(numbers, Iterable) and not isinstance(numbers, str) else None
    )
    if found is None or any(type(one) is not int for one in found):
        odd = numbers if found is None else next(one for one in found if type(one) is not int)
        raise ConfigurationError(
            f"versions must be given as a list of int, not {type(odd).__qualname__}",
            hint="Pass [version.number, ...].",
        )
    return found


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


def _is_newest(state: HeadState, expected: Version) -> bool:
    return state.newest is not None and state.newest.id == expected.id
