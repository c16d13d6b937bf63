"""`fsck`: read every object of a store, and report what is damaged or missing, and whom it affects.

It reads one execution at a time, in the order of the names, so memory depends on the largest
execution and not on the store. It writes nothing.

A missing pack is noticed if an index or a snapshot refers to it. Bags in flight refer to packs too:
the check follows each bag that it is given, from its stubs to its last blob.
"""

from __future__ import annotations

from collections import Counter, deque
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.format.codec import decompress, verify
from statebag.format.encryption_keys import MAGIC, check_not_encrypted
from statebag.format.head_names import scope_folder
from statebag.format.pack import read_index
from statebag.process.forking import Workers
from statebag.store.checked import checked
from statebag.upkeep.head_objects import bags_of_object
from statebag.upkeep.objects import fits_its_name, kind_of, root_scope
from statebag.upkeep.references import (
    older_fault,
    referred_by_bag,
    referred_by_node,
    referred_by_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from statebag.format.pack import PackedBlob
    from statebag.format.stub import Blob
    from statebag.process.forking import Task
    from statebag.store.contract import ObjectInfo, Store

__all__ = ["FsckReport", "ObjectFault", "fsck"]

FaultKind = Literal["damaged", "missing", "unreadable"]
# Objects read at once: at 15 ms a request, 20,000 packs must take less than 40 s, which 8 do not
# reach (`python -m benchmarks --only upkeep`).
_SIDE_BY_SIDE = 32
# Chosen: they are all in memory, so their bytes are bounded too; a larger object is read alone.
_BYTES_AT_ONCE = 128 << 20
_MOST_WAITING = 1000  # objects listed ahead of what is read. Chosen; an entry is small
_Row = tuple[str, int, int]


class ObjectFault(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        kind: `damaged`: its bytes are not those that were written. `missing`: something refers to
            the object, or to a blob in it, but it is not there. `unreadable`: the store did not
            return it, so nothing is known about it.
        name: The object.
        lost_blobs: How many blobs in it are lost; None if unknown.
        touches: The affected scopes, snapshots and bags. A bag in an affected scope is affected if
            it refers to the object; such bags are listed if they were given to the check.
        detail: What was found, in a few words.
    """

    kind: FaultKind
    name: str
    lost_blobs: int | None
    touches: tuple[str, ...]
    detail: str


class FsckReport(msgspec.Struct):
    """The result of a check.

    Attributes:
        objects: The number of each kind: `pack`, `snapshot`, `head`, `mark`, `other` (the last two
            are listed, not read).
        blobs: Blobs whose digest was checked.
        bytes: Bytes that were read.
        faults: The faults, sorted by object.
        others: The names of the first hundred objects that this library did not write.
        encrypted: The names of the objects that are encrypted with a key that the client does not
            have. Nothing is known about them, or about what they refer to.
        bags: Each given bag, and whether everything that it needs is whole; None if it needs an
            object that is in `encrypted`.
    """

    objects: dict[str, int] = msgspec.field(default_factory=dict)
    blobs: int = 0
    bytes: int = 0
    faults: list[ObjectFault] = msgspec.field(default_factory=list)
    others: list[str] = msgspec.field(default_factory=list)
    encrypted: list[str] = msgspec.field(default_factory=list)
    bags: dict[str, bool | None] = msgspec.field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Return whether every object could be checked, and nothing is wrong."""
        return not (self.faults or self.encrypted)


class _Seen(msgspec.Struct):
    """The facts about one object after it was read."""

    name: str
    size: int = 0
    error: StatebagError | None = None
    rows: frozenset[_Row] = frozenset()  # blobs that are whole
    lost: int | None = 0
    nodes: dict[_Row | None, list[Blob]] = {}  # what each index node, or a snapshot, refers to

    @property
    def is_encrypted(self) -> bool:
        """Whether its bytes could not be checked without a key."""
        return _is_encrypted(self.error)

    @property
    def refers(self) -> Iterable[Blob]:
        return chain.from_iterable(self.nodes.values())


def fsck(
    store: Store,
    prefix: str = "",
    on_object: Callable[[ObjectInfo], None] | None = None,
    bags: Mapping[str, Any] | None = None,
) -> FsckReport:
    """Check every object at and below a prefix, and all objects that given bags read.

    Args:
        store: The store.
        prefix: An encoded scope, or nothing for the whole store.
        on_object: Called after the check of each object, for progress.
        bags: Bags, each with a name for the report, such as that of its file. They may refer to
            objects outside the prefix.

    Raises:
        StoreUnavailable, NotPermitted: The store could not be listed.
        InvalidStub, UnsupportedFormat, LimitExceeded: A given bag is malformed.
    """
    store = checked(store)
    bags = bags or {}
    starts = {label: referred_by_value(bag) for label, bag in bags.items()}
    report = FsckReport()
    counts: Counter[str] = Counter()
    with Workers(_SIDE_BY_SIDE, "statebag-fsck") as pool:
        listed = store.list(prefix)
        if prefix:  # the heads of a scope are in a folder of their own
            listed = chain(listed, store.list(scope_folder(prefix)))
        read = _read(store, listed, pool, counts, report)
        for _, group in groupby(read, lambda one: root_scope(one[0].name)):
            seen: dict[str, _Seen] = {}
            for info, one in group:
                if on_object is not None:
                    on_object(info)
                if one is not None:
                    seen[one.name] = one
            _judge(store, seen, report)
        for label, start in starts.items():
            _follow(store, label, start, pool, report)
            _follow_older(store, label, bags[label], report)
    report.objects = dict(sorted(counts.items()))
    report.faults = _merged(report.faults)
    report.encrypted = sorted(set(report.encrypted))
    return report


def _read(
    store: Store,
    listed: Iterable[ObjectInfo],
    pool: Workers,
    counts: Counter[str],
    report: FsckReport,
) -> Iterator[tuple[ObjectInfo, _Seen | None]]:
    """Yield each object in order, with the facts about it; None for objects that are not read."""
    waiting: deque[tuple[ObjectInfo, Task[_Seen] | None]] = deque()
    reading = size = 0

    def settled() -> tuple[ObjectInfo, _Seen | None]:
        nonlocal reading, size
        info, task = waiting.popleft()
        if task is None:
            return info, None
        one = task.result()
        reading, size = reading - 1, size - info.size
        report.blobs += len(one.rows)
        report.bytes += one.size
        return info, one

    for info in listed:
        kind = kind_of(info.name)
        counts[kind] += 1
        if kind not in {"pack", "snapshot", "head"}:
            if kind == "other" and len(report.others) < 100:
                report.others.append(info.name)
            waiting.append((info, None))
            if len(waiting) > _MOST_WAITING:
                yield settled()
            continue
        while reading and (reading == _SIDE_BY_SIDE or size + info.size > _BYTES_AT_ONCE):
            yield settled()
        waiting.append((info, pool.submit(_look_at, store, info.name)))
        reading, size = reading + 1, size + info.size
    while waiting:
        yield settled()


def _look_at(store: Store, name: str) -> _Seen:
    seen = _Seen(name)
    try:
        data = store.get(name)
        check_not_encrypted(data[: len(MAGIC)], name)
    except StatebagError as error:
        seen.error, seen.lost = error, None
        return seen
    seen.size = len(data)
    if kind_of(name) == "head":
        _look_at_head(seen, data)
        return seen
    if kind_of(name) == "snapshot":
        _look_at_snapshot(seen, data)
    else:
        _look_at_pack(seen, data)
    if not isinstance(seen.error, BlobCorrupt) and not fits_its_name(name, data):
        seen.error = BlobCorrupt("its bytes do not match the digest in its name", object_name=name)
    return seen


def _look_at_snapshot(seen: _Seen, data: bytes) -> None:
    if not fits_its_name(seen.name, data):
        seen.error, seen.lost = BlobCorrupt("its bytes do not match the digest in its name"), 1
        return
    try:
        seen.nodes = {None: referred_by_bag(data, seen.name)}
    except BlobCorrupt as error:
        seen.error, seen.lost = error, 1


def _look_at_head(seen: _Seen, data: bytes) -> None:
    try:
        bags = bags_of_object(data, seen.name)
        seen.nodes = {None: [blob for bag in bags for blob in referred_by_value(bag)]}
    except StatebagError as error:
        seen.error, seen.lost = error, 1


def _look_at_pack(seen: _Seen, data: bytes) -> None:
    try:
        rows = read_index(data, seen.name)
    except StatebagError as error:
        seen.error, seen.lost = error, None
        return
    whole: list[_Row] = []
    for row in rows:
        try:
            _check(seen, data, row)
        except BlobCorrupt as error:
            seen.error, seen.lost = error, (seen.lost or 0) + 1
            continue
        whole.append((row.sha256, row.offset, row.length))
    seen.rows = frozenset(whole)


def _check(seen: _Seen, data: bytes, row: PackedBlob) -> None:
    """Check one blob; a value is decoded in parts, since it can be gigabytes large."""
    frame = data[row.offset : row.offset + row.length]
    if row.kind == "index":
        text = decompress(frame, size=row.size, sha256=row.sha256, where=seen.name)
        at = (row.sha256, row.offset, row.length)
        seen.nodes[at] = referred_by_node(text, seen.name)
    else:
        verify(frame, size=row.size, sha256=row.sha256, where=seen.name)


def _judge(store: Store, seen: dict[str, _Seen], report: FsckReport) -> None:
    """Compare references with the objects that exist, and report whom each fault affects."""
    wanted: dict[str, dict[_Row, list[str]]] = {}
    for one in seen.values():
        for blob in one.refers:
            wanted.setdefault(blob.at, {}).setdefault(_row_of(blob), []).append(one.name)
    for name in wanted:
        if name not in seen:
            seen[name] = _look_at(store, name)  # of another execution, or gone
    for name, one in seen.items():
        if one.is_encrypted:
            report.encrypted.append(name)
            continue
        needs = wanted.get(name, {})
        lost = [row for row in needs if row not in one.rows]
        if one.error is None and not lost:
            continue
        touched = {scope for row in lost for scope in needs[row]} | {name.rpartition("/")[0]}
        report.faults.append(_fault(one, len(lost), tuple(sorted(touched))))


def _follow(
    store: Store, label: str, start: Iterable[Blob], pool: Workers, report: FsckReport
) -> None:
    """Follow a bag through its index nodes to all blobs that an open would read."""
    seen: dict[str, _Seen] = {}
    needs: dict[str, set[_Row]] = {}
    pending = list(start)
    while pending:
        new = sorted({blob.at for blob in pending} - seen.keys())
        seen.update(zip(new, pool.each(lambda name: _look_at(store, name), new), strict=True))
        found: list[Blob] = []
        for blob in pending:
            row, known = _row_of(blob), needs.setdefault(blob.at, set())
            if row not in known:
                known.add(row)
                found.extend(seen[blob.at].nodes.get(row, ()))
        pending = found
    lost = {name: len(rows - seen[name].rows) for name, rows in needs.items()}
    encrypted = [name for name in needs if seen[name].is_encrypted]
    faults = [
        _fault(seen[name], count, (label,))
        for name, count in lost.items()
        if count and not seen[name].is_encrypted
    ]
    report.encrypted.extend(encrypted)
    report.faults.extend(faults)
    report.bags[label] = False if faults else None if encrypted else True


def _follow_older(store: Store, label: str, bag: Any, report: FsckReport) -> None:
    """Do the same for legacy pointers, and report the first fault."""
    error = older_fault(store, bag)
    if error is None:
        return
    if _is_encrypted(error):
        report.encrypted.append(error.object_name or label)
        report.bags[label] = report.bags[label] and None
        return
    seen = _Seen(error.object_name or label, error=error, lost=1)
    report.faults.append(_fault(seen, 1, (label,)))
    report.bags[label] = False


def _merged(faults: Iterable[ObjectFault]) -> list[ObjectFault]:
    """Return the faults by name, joined if several executions and bags met one object."""
    merged: dict[tuple[str, FaultKind], ObjectFault] = {}
    for one in faults:
        before = merged.get((one.name, one.kind), one)
        known = [count for count in (before.lost_blobs, one.lost_blobs) if count is not None]
        merged[one.name, one.kind] = ObjectFault(
            one.kind,
            one.name,
            max(known) if len(known) == 2 else None,
            tuple(sorted({*before.touches, *one.touches})),
            before.detail,
        )
    return [merged[key] for key in sorted(merged)]


def _is_encrypted(error: StatebagError | None) -> bool:
    return isinstance(error, NotPermitted) and error.is_encrypted


def _row_of(blob: Blob) -> _Row:
    return (blob.sha256, blob.offset, blob.length)


def _fault(one: _Seen, lost: int, touches: tuple[str, ...]) -> ObjectFault:
    if isinstance(one.error, BlobMissing) and not one.error.is_archived:
        return ObjectFault("missing", one.name, lost, touches, "the object is not in the store")
    if isinstance(one.error, BlobCorrupt):
        return ObjectFault("damaged", one.name, one.lost, touches, one.error.message)
    if isinstance(one.error, StoreUnavailable) or one.error is not None:
        return ObjectFault("unreadable", one.name, None, touches, one.error.message)
    return ObjectFault(
        "missing", one.name, lost, touches, "it lacks blobs that something refers to"
    )
