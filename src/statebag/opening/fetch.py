"""Get blobs from the cache or the store, and verify each.

Frames that are close together in a pack are read as one range. Packs are read concurrently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    LimitExceeded,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.format.codec import decompress_each
from statebag.format.extents import WORTH_READING_OVER, joined
from statebag.format.json_memory import OpenedValues
from statebag.format.pack import TRAILER, end_length, read_end
from statebag.format.stub import Extent
from statebag.opening.verified import Texts
from statebag.process.forking import Workers
from statebag.store.identity import asks_for_nothing, identity_of
from statebag.store.presence import Presence
from statebag.store.recovery import NOT_READ, PASSING, Recovery
from statebag.telemetry import usage
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from statebag.format.pack import PackedBlob
    from statebag.format.stub import Blob
    from statebag.policy import Policy
    from statebag.process.forking import Task
    from statebag.store.cache import BlobCache
    from statebag.store.contract import Store
    from statebag.store.identity import Identity

__all__ = ["Fetcher"]

# Requests at once. 10,000 results at 15 ms a request: 2.3 s with 32, 1.5 s with 64, no less with
# 128 (`python -m benchmarks --only gather` has the figures of one machine).
_SIDE_BY_SIDE = 64
# Bytes that are read for a pack's index at first. Chosen: the rows of some 500 blobs, of 12 MB
_END = 65_536

_workers = Workers(_SIDE_BY_SIDE, "statebag-read")


class _Range(msgspec.Struct):
    """Bytes of one pack that are read at once, and the blobs in them."""

    at: str
    start: int
    end: int
    blobs: list[Blob]


class Fetcher:
    """Reads blobs within the limits of one open.

    Args:
        store: Where packs live.
        cache: Verified texts of this process.
        policy: The limits.
        recovery: Where to look for a lost object; by default, only in the store again.
        presence: Records which packs the store returned, and which it did not.
        identity: The store's, if it is known.

    Attributes:
        packs: All packs that were read, including those whose blobs the cache had.
    """

    def __init__(
        self,
        store: Store,
        cache: BlobCache,
        policy: Policy,
        recovery: Recovery | None = None,
        presence: Presence | None = None,
        identity: Identity | None = None,
    ) -> None:
        self._presence = presence or Presence()
        self._identity = identity_of(store) if identity is None else identity
        self._recovery = recovery or Recovery(store)
        self._store = store
        self._cache = cache
        self._policy = policy
        self._bytes = 0
        self._values = OpenedValues(policy.max_open_bytes)
        self._blobs = 0
        self._requests = 0
        self.packs: set[str] = set()
        self._ahead: dict[str, list[tuple[Extent, Task[list[bytes]]]]] = {}  # by pack
        self._along = 0

    def has_all(self, blobs: Iterable[Blob]) -> bool:
        """Return whether the cache holds the text of each blob."""
        return None not in self._cache.get_each([self._key(blob) for blob in blobs])

    def read_ahead(self, blobs: Iterable[Blob], advised: Sequence[Extent]) -> None:
        """Request the blobs of a later `texts` without waiting, within the limits.

        Args:
            blobs: The blobs that are needed for certain.
            advised: The prefetch lists of stubs, which may be wrong.
        """
        blobs = list(blobs)
        held = self._cache.get_each([self._key(blob) for blob in blobs])
        missing = [blob for blob, text in zip(blobs, held, strict=True) if text is None]
        wanted = [_extent(blob) for blob in missing]
        extents = joined([*wanted, *advised])
        if len(extents) + self._requests > self._policy.max_open_requests:
            return
        if sum(one.length for one in extents) > self._policy.max_open_bytes:
            return
        self._request(extents)

    def read_along(self, blobs: Iterable[Blob], others: Iterable[Extent], most: int) -> None:
        """Request the blobs of a later `texts` without waiting, and what lies near them.

        No request is sent for the others alone: each pack is asked as often as without them.

        Args:
            blobs: The blobs that are needed for certain.
            others: What is needed later, as far as it is known; it may be wrong.
            most: Bytes that all such calls request at most, if the policy allows as many; a pack
                that would take more is left out.
        """
        most = min(most, self._policy.max_open_bytes)
        from bisect import bisect_right  # noqa: PLC0415 - only a seal with a parent needs it

        blobs = list(dict.fromkeys(blobs))
        held = self._cache.get_each([self._key(blob) for blob in blobs])
        missing = [blob for blob, text in zip(blobs, held, strict=True) if text is None]
        wanted: dict[str, list[Extent]] = {}
        for blob in missing:
            if not self.is_ahead(blob):
                wanted.setdefault(blob.at, []).append(_extent(blob))
        near: dict[str, list[Extent]] = {name: list(some) for name, some in wanted.items()}
        for one in others:
            if one.at in near:
                near[one.at].append(one)
        chosen: list[list[Extent]] = []
        for name, some in near.items():
            extents = joined(some)
            starts = [one.offset for one in extents]
            holding = {bisect_right(starts, part.offset) - 1 for part in wanted[name]}
            chosen.append([extents[n] for n in sorted(holding)])
        for some in sorted(chosen, key=_length):
            self._along += _length(some)
            if self._along > most or self._requests + len(some) > self._policy.max_open_requests:
                return
            self._request(some)

    def another(self) -> Fetcher:
        """Return one with limits of its own, which has what this one requested ahead."""
        other = Fetcher(
            self._store, self._cache, self._policy, self._recovery, self._presence, self._identity
        )
        other._ahead = self._ahead
        return other

    def _request(self, extents: Sequence[Extent]) -> None:
        self._requests += len(extents)
        for one in extents:
            span = [(one.offset, one.length)]
            task = _workers.submit(self._store.get_ranges, one.at, span)
            self._ahead.setdefault(one.at, []).append((one, task))

    def is_ahead(self, blob: Blob) -> bool:
        """Return whether a blob was requested already."""
        return any(_covers(one, blob) for one, _ in self._ahead.get(blob.at, ()))

    def texts(self, blobs: Iterable[Blob]) -> Texts:
        """Return the verified text of each blob.

        Raises:
            LimitExceeded: The policy's bound on bytes, blobs or requests; before any request.
            BlobMissing, BlobCorrupt, StoreUnavailable, NotPermitted: From the store.
        """
        wanted = dict.fromkeys(blobs)
        self.packs.update(blob.at for blob in wanted)
        self.reckon(len(wanted), sum(blob.size for blob in wanted))
        texts: dict[Blob, bytes] = {}
        missing: list[Blob] = []
        held = self._cache.get_each([self._key(blob) for blob in wanted])
        for blob, text in zip(wanted, held, strict=True):
            if text is None:
                missing.append(blob)
            else:
                texts[blob] = text
        usage.add(cache_hits=len(texts), blobs_read=len(missing))
        if self._ahead:
            texts.update(self._from_ahead(missing))
            missing = [blob for blob in missing if blob not in texts]
        ranges = _coalesced(missing)
        self._requests += len(ranges)
        if self._requests > self._policy.max_open_requests:
            raise LimitExceeded(
                f"the open would send more than {self._policy.max_open_requests} requests",
                hint="Open less with only=, or raise Policy.max_open_requests.",
            )
        for part in self._read(ranges):
            texts.update(part)
        return Texts(texts)

    def reckon(self, blobs: int, size: int) -> None:
        """Count blobs and bytes against the limits, before they are read or decoded."""
        self._blobs += blobs
        self._bytes += size
        self.check_listed(self._blobs)
        self.check_given(self._bytes)

    def reckon_values(self, text: bytes) -> None:
        """Count the memory that the values of a text will take; see `OpenedValues`."""
        self._values.reckon(text)

    def check_listed(self, blobs: int) -> None:
        """Refuse more blobs than one open may read; an index may list one blob many times."""
        _check("blobs", blobs, self._policy.max_open_blobs)

    def check_given(self, size: int) -> None:
        """Refuse more bytes than one open may return."""
        _check("bytes", size, self._policy.max_open_bytes)

    def _from_ahead(self, blobs: Sequence[Blob]) -> dict[Blob, bytes]:
        """Return the prefetched blobs that arrived whole; the others are read as usual."""
        texts: dict[Blob, bytes] = {}
        by_pack: dict[str, list[Blob]] = {name: [] for name in self._ahead}
        for blob in blobs:
            if blob.at in by_pack:
                by_pack[blob.at].append(blob)
        for extent, task in [one for some in self._ahead.values() for one in some]:
            wanted = by_pack[extent.at]
            inside = [blob for blob in wanted if blob not in texts and _covers(extent, blob)]
            if not inside:
                continue
            try:
                data = task.result()[0]
            except StatebagError:
                continue  # the advice was wrong: each is read by its own span
            found, _ = self._verified(inside, data, extent.offset)
            if found:
                end = max(blob.offset + blob.length for blob in found)
                self._presence.saw(extent.at, end + TRAILER)
            texts.update(found)
        return texts

    def _verified(
        self, blobs: Sequence[Blob], data: bytes, start: int
    ) -> tuple[dict[Blob, bytes], BlobCorrupt | None]:
        """Return the whole blobs, which the cache keeps, and the errors of the others."""
        texts, error = decompress_each(data, start, blobs)
        self._cache.put_each([(self._key(blob), text) for blob, text in texts.items()])
        return texts, error

    def _read(self, ranges: Sequence[_Range]) -> Iterable[dict[Blob, bytes]]:
        return _workers.each(self._read_range, ranges)

    def _read_range(self, one: _Range) -> dict[Blob, bytes]:
        try:
            return self._read_once(one)
        except NOT_READ as error:
            return self._recovered(one, error)

    def _recovered(self, one: _Range, error: StatebagError) -> dict[Blob, bytes]:
        """Return each blob from a place that has it intact; otherwise raise the worst error."""
        texts: dict[Blob, bytes] = {}
        worst, places = error, 0
        for place, data in self._recovery.spans(one.at, one.start, one.end - one.start, error):
            places += place != PASSING
            found, corrupt = self._verified(
                [blob for blob in one.blobs if blob not in texts], data, one.start
            )
            texts.update(found)
            healed = len(found)
            if corrupt is not None and isinstance(worst, BlobMissing):
                worst = corrupt
            if healed:
                if place != PASSING:
                    self._presence.missed(one.at)
                warn(
                    "HealedReads",
                    "%d blobs of %s were read from %s; run statebag repair",
                    healed,
                    one.at,
                    place,
                    count=healed,
                )
            if len(texts) == len(one.blobs):
                return texts
        if isinstance(worst, BlobCorrupt):
            self._refuse_encrypted(one.at)
        if not isinstance(error, StoreUnavailable):
            self._presence.missed(one.at)
        raise type(worst)(
            worst.message,
            path=worst.path,
            object_name=worst.object_name or one.at,
            hint=f"{places} other places had it, none of them intact" if places else worst.hint,
        )

    def _refuse_encrypted(self, name: str) -> None:
        """Raise the true reason if an object is encrypted and this reader has no keys.

        Such an object looks like a damaged one. With keys, the store itself looks at the magic, and
        what it returns here has been decrypted.
        """
        from statebag.format.encryption_keys import MAGIC, check_not_encrypted  # noqa: PLC0415 (rare)

        try:
            start = self._store.get_ranges(name, [(0, len(MAGIC))])[0]
        except StatebagError:
            return
        check_not_encrypted(start, name)

    def _read_once(self, one: _Range) -> dict[Blob, bytes]:
        data = self._store.get_ranges(one.at, [(one.start, one.end - one.start)])[0]
        texts, error = self._verified(one.blobs, data, one.start)
        if error is not None:
            raise error
        self._presence.saw(one.at, one.end + TRAILER)
        return texts

    def lacking(self, blobs: Mapping[str, Sequence[Blob]]) -> set[str]:
        """Return the packs whose own index does not list these blobs, or cannot be read.

        Args:
            blobs: By pack. The store must not encrypt.
        """

        def lacks(name: str) -> bool:
            try:
                rows = self._index_of(name)
            except StatebagError:
                return True
            listed = {(row.sha256, row.offset, row.length, row.size) for row in rows}
            wanted = {(one.sha256, one.offset, one.length, one.size) for one in blobs[name]}
            return not wanted <= listed

        names = list(blobs)
        found = _workers.each(lacks, names)
        return {name for name, one in zip(names, found, strict=True) if one}

    def _index_of(self, name: str) -> list[PackedBlob]:
        info = self._store.head(name)
        if info is None:
            raise BlobMissing("the pack is not in the store", object_name=name)
        size = info.size
        length = min(size, _END)
        end = self._store.get_ranges(name, [(size - length, length)])[0]
        needed = end_length(end, size, name)
        if needed > length:
            self.check_given(needed)
            end = self._store.get_ranges(name, [(size - needed, needed)])[0]
        rows = [row for row in read_end(end, size, name) if row.kind == "value"]
        self._presence.saw(name, size)
        return rows

    def found(self, names: Sequence[str]) -> set[str]:
        """Return the packs that the store has, not cut short.

        A pack counts as missing if the store refuses.
        """

        def is_there(name: str) -> bool:
            try:
                info = self._store.head(name)
            except (NotPermitted, StoreUnavailable):
                return False
            # An encrypted object is longer than what is read of it.
            return info is not None and info.size >= self._presence.least_size(name)

        if asks_for_nothing(self._store):
            return {name for name in names if is_there(name)}
        there = _workers.each(is_there, names)
        return {name for name, one in zip(names, there, strict=True) if one}

    def remember(self, written: Iterable[tuple[Blob, bytes]]) -> None:
        """Keep texts that were just stored, for a later open in this process."""
        self._cache.put_each([(self._key(blob), text) for blob, text in written])

    def in_memory(self, at: str) -> dict[tuple[int, str], bytes]:
        """Return the texts of one pack that the cache holds, by offset and SHA-256."""
        found = {}
        for key in self._cache.keys():  # noqa: SIM118 (it is no dict)
            text = self._cache.get(key)
            if key[:2] == (self._identity, at) and text is not None:
                _, _, offset, _, _, digest = key
                found[int(str(offset)), str(digest)] = text
        return found

    def _key(self, blob: Blob) -> tuple[Identity, str, int, int, int, str]:
        """Return all that a text was checked against: a stub with another size finds nothing."""
        return (self._identity, blob.at, blob.offset, blob.length, blob.size, blob.sha256)


def _check(what: str, amount: int, limit: int) -> None:
    if amount > limit:
        raise LimitExceeded(
            f"the open would read {amount} {what}; the limit is {limit}",
            hint=f"Open less with only=, or raise Policy.max_open_{what} "
            f"(STATEBAG_MAX_OPEN_{what.upper()}).",
        )


def _extent(blob: Blob) -> Extent:
    return Extent(blob.at, blob.offset, blob.length)


def _covers(one: Extent, blob: Blob) -> bool:
    """Return whether an extent of the blob's pack has all its bytes."""
    return 0 <= blob.offset - one.offset <= one.length - blob.length


def _length(extents: Iterable[Extent]) -> int:
    return sum([one.length for one in extents])


def _coalesced(blobs: Iterable[Blob]) -> list[_Range]:
    ranges: list[_Range] = []
    for blob in sorted(blobs, key=lambda blob: (blob.at, blob.offset)):
        end = blob.offset + blob.length
        last = ranges[-1] if ranges else None
        if last and last.at == blob.at and blob.offset - last.end <= WORTH_READING_OVER:
            last.end = max(last.end, end)
            last.blobs.append(blob)
        else:
            ranges.append(_Range(blob.at, blob.offset, end, [blob]))
    return ranges
