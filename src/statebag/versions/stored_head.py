"""Read and write the objects of one head: its own, and those of superseded versions.

The head's own object is written only if no other writer has changed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from statebag.errors import BlobCorrupt, BlobMissing, Conflict
from statebag.format.head_names import head_folder, head_name, parse_head_object, version_name
from statebag.format.head_record import HeadState, VersionRecord, decode_record, encode_record
from statebag.versions.attached import attached_objects, delete_objects
from statebag.versions.dropping import VersionName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statebag.store.retrying import RetryingStore
    from statebag.versions.attached import Attached
    from statebag.versions.version import Version

__all__ = ["StoredHead", "is_newest"]

# Deletions and retention begin again after another writer's change. Chosen: once is the rule.
_TURNS = 50


class StoredHead:
    """Read and write the objects of one head.

    Args:
        store: The store, which has conditional writes.
        scope: The head's encoded scope.
        name: The head's encoded name.
        attached: What is attached to the head's versions, and deleted with them.

    Attributes:
        object_name: The name of the head's own object.
    """

    def __init__(self, store: RetryingStore, scope: str, name: str, attached: Attached) -> None:
        self._store = store
        self._scope, self._name = scope, name
        self._attached = attached
        self.object_name = head_name(scope, name)
        self._seen: tuple[HeadState, str] | None = None

    def look(self) -> tuple[HeadState | None, str | None]:
        """Return what the head's object says, and its version in the store; None twice if missing.

        Raises:
            StoreUnavailable, NotPermitted, BlobCorrupt: From the store.
        """
        try:
            data, token = self._store.get_version(self.object_name)
        except BlobMissing:
            self._seen = None
            return None, None
        state = decode_record(data, self.object_name)
        if not isinstance(state, HeadState):
            raise BlobCorrupt(
                "the object of a head holds another record", object_name=self.object_name
            )
        self._seen = (state, token)
        return state, token

    def expected(self, expected: Version | None) -> tuple[HeadState | None, str | None]:
        """Return what `look` does, if the head still has the expected version.

        Raises:
            Conflict: It has another one.
        """
        seen = self._seen
        if seen is not None and expected is not None and is_newest(seen[0], expected):
            return seen
        state, token = self.look()
        newest = None if state is None else state.newest
        if (newest is None) != (expected is None) or (
            expected is not None and state is not None and not is_newest(state, expected)
        ):
            raise self.conflict()
        return state, token

    def was_seen_with(self, expected: Version | None) -> bool:
        """Return whether the head had the expected version when it was last looked at."""
        return (
            self._seen is not None and expected is not None and is_newest(self._seen[0], expected)
        )

    def conflict(self) -> Conflict:
        """Return the error for a writer that was not the first."""
        return Conflict(
            "the head was advanced by another writer",
            object_name=self.object_name,
            hint="Read the head again, and decide again.",
        )

    def replace(self, state: HeadState, token: str | None, record: VersionRecord) -> None:
        """Make a version the newest one; raise what `put` raises."""
        self.put(
            HeadState(life=state.life, last=record.number, dropped=state.dropped, newest=record),
            token,
            record,
        )

    def put(self, state: HeadState, token: str | None, record: VersionRecord) -> None:
        """Write the head's object, if it has not changed since it was read.

        Args:
            state: What the object is to say.
            token: The object's version when it was read; None if it did not exist.
            record: The version that this write adds, which shows after a lost answer whether it was
                written.

        Raises:
            Conflict: Another writer was first.
        """
        try:
            token = self._store.put_if(self.object_name, encode_record(state), token)
        except Conflict:
            self._seen = None
            if not self._was_written(state.life, record):
                raise self.conflict() from None
        else:
            self._seen = (state, token)

    def _was_written(self, life: str, record: VersionRecord) -> bool:
        """Return whether a write whose answer was lost came before that of another writer."""
        state, _ = self.look()
        if state is None or state.life != life:
            return False
        if state.newest is not None and state.newest.id == record.id:
            return True
        kept = self.record(state, VersionName(record.number, record.label))
        return kept is not None and kept.id == record.id

    def keep(self, life: str, record: VersionRecord) -> None:
        """Write a version to its own object."""
        name = version_name(self._scope, self._name, life, record.number, record.label)
        self._store.put(name, encode_record(record))

    def names(self, state: HeadState) -> list[VersionName]:
        """Return the versions that a state of the head has, the newest first."""
        newest = state.newest
        if newest is None:
            return []
        names = [VersionName(newest.number, newest.label)]
        for info in self._store.list(self._folder_of(state.life)):
            one = parse_head_object(info.name)
            if one is None or one.number > state.last or one.number == newest.number:
                continue
            if not state.has_dropped(one.number):
                names.append(VersionName(one.number, unquote(one.label), info.modified))
        return sorted(names, reverse=True)

    def record(self, state: HeadState, one: VersionName) -> VersionRecord | None:
        """Return the record of a version; None if it was deleted in the meantime."""
        if state.newest is not None and state.newest.number == one.number:
            return state.newest
        name = version_name(self._scope, self._name, state.life, one.number, one.label)
        try:
            record = decode_record(self._store.get(name), name)
        except BlobMissing:
            return None
        if not isinstance(record, VersionRecord) or record.number != one.number:
            raise BlobCorrupt("the object holds another version", object_name=name)
        return record

    def change(self, change: Callable[[HeadState], HeadState | None]) -> None:
        """Replace the content of the head's object, then delete the versions that are not in it.

        Args:
            change: Returns what it is to say; None to read the head again.

        Raises:
            Conflict: Other writers changed the head each time.
        """
        for _ in range(_TURNS):
            state, token = self.look()
            if state is None:
                return
            changed = change(state)
            if changed is None:
                continue
            # Before the write: after it, another writer may attach to versions of the same labels.
            attached = self._attached_to_gone(state, changed)
            if changed != state:
                try:
                    token = self._store.put_if(self.object_name, encode_record(changed), token)
                except Conflict:
                    continue
                self._seen = (changed, token)
            elif attached and self.look()[1] != token:
                attached = []  # what is attached may be newer than the look
            self._clean(changed, attached)
            return
        raise self.conflict()

    def _folder_of(self, life: str) -> str:
        return f"{head_folder(self._scope, self._name)}/@{life}"

    def _attached_to_gone(self, state: HeadState, changed: HeadState) -> list[str]:
        """Return the names of what is attached to versions that a change removes, or removed."""
        gone = set() if state.newest is None else {state.newest.label}
        gone.update(self._over(changed).values())
        if changed.newest is not None:
            gone -= {one.label for one in self.names(changed)}
        return attached_objects(self._attached, gone)

    def _over(self, state: HeadState) -> dict[str, str]:
        """Return the names of the objects of versions that are gone, with the versions' labels.

        Only those of this life count: another writer may begin the next one in the meantime. `gc`
        deletes what a crash left of earlier lives.
        """
        over: dict[str, str] = {}
        for info in self._store.list(self._folder_of(state.life)):
            one = parse_head_object(info.name)
            if one is not None and (state.newest is None or state.has_dropped(one.number)):
                over[info.name] = unquote(one.label)
        return over

    def _clean(self, state: HeadState, attached: Iterable[str]) -> None:
        """Delete the objects of versions that are gone, with what was attached to them.

        Args:
            state: What the head's object says.
            attached: The names of what was attached.
        """
        # Versions last: while one is there, this can be repeated.
        delete_objects(self._store, attached)
        delete_objects(self._store, self._over(state))


def is_newest(state: HeadState, expected: Version) -> bool:
    """Return whether a state of a head has that version as its newest one."""
    return state.newest is not None and state.newest.id == expected.id
