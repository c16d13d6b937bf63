"""`Attached`: bags that belong to one version of a head, and are written without changing the head.

Several writers may add to a version at once, each under its own key, without waiting for one
another. What is attached is deleted with its version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from statebag.errors import BlobCorrupt, BlobMissing, Conflict, InvalidState, StatebagError
from statebag.format.arguments import check_each_text, check_iterable, check_kind
from statebag.format.bag_text import as_bag
from statebag.format.head_names import attached_folder, encode_label, parse_head_object
from statebag.format.head_record import VersionRecord, decode_record, encode_record
from statebag.process.forking import Workers
from statebag.versions.condemned import check_not_condemned
from statebag.versions.coroutines import AttachedCoroutines
from statebag.versions.version import Version, record_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.store.retrying import RetryingStore

__all__ = ["Attached", "attached_objects", "copy_attached", "delete_objects"]

_AT_ONCE = 16  # objects that are read side by side. Chosen, as for versions
_FEW_LABELS = 4  # Chosen: a listing of a whole head takes a request for 1,000 attachments

_workers = Workers(_AT_ONCE, "statebag-attached")


class Attached(AttachedCoroutines):
    """The bags that are attached to the versions of one head.

    Args:
        store: The store.
        scope: The head's encoded scope.
        name: The head's encoded name.
    """

    def __init__(self, store: RetryingStore, scope: str, name: str) -> None:
        self._store = store
        self._scope = scope
        self._name = name

    def put(
        self, label: str, key: str, bag: Any, note: Any = None, *, replaces: Version | None = None
    ) -> Version:
        """Attach a bag to the version of a label, which need not exist yet.

        Args:
            label: The version's label, which is not empty.
            key: The name of this bag at the version.
            bag: A bag that was sealed in the head's scope.
            note: Any small JSON value.
            replaces: The current attachment under the key; None if there is none.

        Raises:
            Conflict: Something else is attached under the key.
            InvalidState: The label, the key or the note is malformed or too long.
            ConfigurationError: `replaces` is not a Version.
        """
        if replaces is not None:
            check_kind("replaces", replaces, Version, "a Version or None")
        name = self._object(label, key)
        bag = as_bag(bag)
        check_not_condemned(self._store, bag, None if replaces is None else replaces.bag)
        token = None
        if replaces is not None:
            record, token = self._look(name)
            if record is None or record.id != replaces.id:
                raise self._conflict(name)
        reads = () if replaces is None else replaces.reads
        record = record_of(bag, number=0, label=label, note=note, reads=reads)
        try:
            self._store.put_if(name, encode_record(record), token)
        except Conflict:
            present, _ = self._look(name)  # the answer to a first try may have been lost
            if present is None or present.id != record.id:
                raise self._conflict(name) from None
        return version_of(record, name)

    def get(self, label: str, key: str) -> Version | None:
        """Return the attachment under a key; None if there is none."""
        name = self._object(label, key)
        record, _ = self._look(name)
        return None if record is None else version_of(record, name)

    def delete(self, label: str, key: str) -> None:
        """Delete the attachment under a key, if there is one; `gc` deletes its packs."""
        self._store.delete(self._object(label, key))

    def all(self, label: str) -> dict[str, Version]:
        """Return all attachments to the version of a label, by key."""
        keys = self.keys(label)
        found = _workers.each(lambda key: self.get(label, key), keys)
        return {key: one for key, one in zip(keys, found, strict=True) if one is not None}

    def several(self, labels: Iterable[str]) -> dict[str, dict[str, Version]]:
        """Return all attachments to the versions of several labels, by label and key.

        A few labels are listed one by one; more by one listing of what is attached to the head.

        Raises:
            ConfigurationError: The labels are not several texts.
            InvalidState: A label is empty, malformed or too long.
        """
        labels = check_each_text("labels", check_iterable("labels", labels, "a list of labels"))
        by_stored = {encode_label(_checked(one, "label")): one for one in labels}
        found: dict[str, dict[str, Version]] = {one: {} for one in by_stored.values()}
        if len(found) <= _FEW_LABELS:
            names = [name for some in _workers.each(self._objects, found) for name in some]
        else:
            names = self._objects_of(found)
        for name, (record, _) in zip(names, _workers.each(self._look, names), strict=True):
            if record is not None:
                *_, label, key = name.split("/")
                found[by_stored[label]][unquote(key)] = version_of(record, name)
        return found

    def keys(self, label: str) -> list[str]:
        """Return the keys of all attachments to the version of a label."""
        return [unquote(one.rpartition("/")[2]) for one in self._objects(label)]

    def _objects(self, label: str) -> list[str]:
        folder = attached_folder(self._scope, self._name, _checked(label, "label"))
        names = [info.name for info in self._store.list(folder)]
        return [one for one in names if parse_head_object(one) is not None]

    def _objects_of(self, labels: Iterable[str]) -> list[str]:
        """Return the names of what is attached to the versions of some labels, from one listing."""
        wanted = {encode_label(one) for one in labels if one}
        if not wanted:
            return []
        only = unquote(next(iter(wanted))) if len(wanted) == 1 else ""
        found = []
        for info in self._store.list(attached_folder(self._scope, self._name, only)):
            one = parse_head_object(info.name)
            if one is not None and one.name == self._name and one.label in wanted:
                found.append(info.name)
        return found

    def _object(self, label: str, key: str) -> str:
        folder = attached_folder(self._scope, self._name, _checked(label, "label"))
        return f"{folder}/{encode_label(_checked(key, 'key'))}"

    def _look(self, name: str) -> tuple[VersionRecord | None, str | None]:
        try:
            data, token = self._store.get_version(name)
        except BlobMissing:
            return None, None
        record = decode_record(data, name)
        if not isinstance(record, VersionRecord):
            raise BlobCorrupt("the attached object holds another record", object_name=name)
        return record, token

    def _conflict(self, name: str) -> Conflict:
        return Conflict(
            "something else is attached under this key",
            object_name=name,
            hint="Read the attachment again, and decide again.",
        )


def copy_attached(
    source: Attached, target: Attached, labels: Iterable[str], reads: tuple[str, ...]
) -> None:
    """Attach the same bags to versions of another head, which may then read further scopes."""

    def copy(name: str) -> None:
        record, _ = source._look(name)  # noqa: SLF001 (of the same module)
        if record is not None:
            more = tuple(dict.fromkeys([*record.reads, *reads]))
            key = unquote(name.rpartition("/")[2])
            target._store.put(  # noqa: SLF001 (of the same module)
                target._object(record.label, key),  # noqa: SLF001 (of the same module)
                encode_record(msgspec.structs.replace(record, reads=more)),
            )

    _workers.each(copy, source._objects_of(labels))  # noqa: SLF001 (of the same module)


def attached_objects(attached: Attached, labels: Iterable[str]) -> list[str]:
    """Return the names of everything that is attached to the versions of some labels."""
    return attached._objects_of(labels)  # noqa: SLF001 (of the same module)


def delete_objects(store: RetryingStore, names: Iterable[str]) -> None:
    """Delete objects in parallel; each was tried when it returns or raises."""

    def tried(name: str) -> StatebagError | None:
        try:
            store.delete(name)
        except StatebagError as error:
            return error
        return None

    for error in _workers.each(tried, names):
        if error is not None:
            raise error


def _checked(text: str, what: str) -> str:
    if text == "":
        raise InvalidState(f"{what} is empty: nothing can be attached to it")
    return text
