"""S3, Google Cloud Storage and Azure Blob Storage, through one client."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import contextmanager
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions as client

from statebag.errors import BlobMissing
from statebag.store.confinement import check_spans, confined_parts, too_short
from statebag.store.contract import ObjectInfo
from statebag.store.object_storage_client import (
    Place,
    connected,
    custom_endpoint,
    is_own_server,
    settings_digest,
)
from statebag.store.object_storage_errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from obstore import ObjectMeta

__all__ = ["ObjectStorage"]

# Two spans that lie closer than this are read by one request: about what a store sends in the
# time that another request takes.
_GAP_BYTES = 1024 * 1024


class ObjectStorage:
    """Objects below a prefix of a bucket (S3, GCS) or container (Azure).

    Calls are synchronous and may come from many threads. The client itself never retries:
    `RetryingStore` does, within the caller's deadline. A put is one plain request.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
        options: Settings of the backend by the names that obstore gives them, such as `region`,
            `endpoint`, `server_side_encryption` and `sse_kms_key_id`, and of its HTTP client,
            such as `connect_timeout` (default `3s`) and `timeout` (of a whole request,
            default `20s`). They win over the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`,
            `AWS_ACCESS_KEY_ID`, …), which is read when the store is made. For S3 without
            any credentials there, boto3 is asked for them where it is installed.

    Raises:
        ConfigurationError: The address or a setting is wrong, or no credentials are to be had.
    """

    def __init__(self, url: str, *, options: Mapping[str, str] | None = None) -> None:
        place = Place.parse(url)
        options = dict(options or {})
        self._url = place.url
        self._store = connected(place, options)
        self._place, self._options = place, options
        self._identity = (place.url, settings_digest(place.scheme, options))
        # S3, GCS and Azure document that they list in the order of UTF-8 bytes; directory
        # buckets and other servers promise no order.
        self._lists_in_order = not (
            is_own_server(place.scheme, options) or place.bucket.endswith("--x-s3")
        )
        # Whether an answer has shown that the bucket is there.
        self._bucket_seen = False

    @property
    def url(self) -> str:
        """The address without options, credentials or endpoint."""
        return self._url

    @property
    def identity(self) -> tuple[str, ...]:
        """The address, with a digest of all settings that decide which server and account it is."""
        return self._identity

    def __repr__(self) -> str:
        return f"ObjectStorage({self._url!r})"

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object by one PUT, which a store makes durable before it answers."""
        confined_parts(name)
        with self._typed(name, "write"):
            obstore.put(self._store, name, data, use_multipart=False)

    def get(self, name: str) -> bytes:
        """All bytes of an object, or BlobMissing."""
        confined_parts(name)
        with self._typed(name, "read"):
            return bytes(obstore.get(self._store, name).bytes())

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each `(offset, length)`, near ones by one request, all concurrently."""
        confined_parts(name)
        check_spans(name, spans)
        windows = _windows(spans)
        if not windows:
            # Nothing is read, but an object that is missing must not seem to be there.
            if spans and self.head(name) is None:
                raise BlobMissing("the object is not in the store", object_name=name)
            return [b""] * len(spans)
        starts = [start for start, _ in windows]
        with self._typed(name, "read"):
            # The client can merge near spans too, but cuts a short answer apart unchecked, and
            # aborts the thread when a span begins past its end. So it gets merged ones.
            bodies = obstore.get_ranges(
                self._store, name, starts=starts, ends=[end for _, end in windows], coalesce=0
            )
        answers = []
        for offset, length in spans:
            if length == 0:
                answers.append(b"")
                continue
            window = bisect_right(starts, offset) - 1
            begin = offset - starts[window]
            data = bytes(memoryview(bodies[window])[begin : begin + length])
            if len(data) != length:
                raise too_short(name, offset, length)
            answers.append(data)
        return answers

    def head(self, name: str) -> ObjectInfo | None:
        """Size and time of an object, or None."""
        confined_parts(name)
        try:
            with self._typed(name, "look up"):
                return _info(obstore.head(self._store, name))
        except BlobMissing:
            if self._bucket_seen:
                return None
        # The answer to a HEAD has no body, so it looks the same where the bucket is missing.
        try:
            with self._typed(name, "look up"):
                return _info(obstore.get(self._store, name).meta)
        except BlobMissing:
            self._bucket_seen = True
            return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects at and below a prefix, by name.

        Streamed from stores that list in order; from others all are collected and sorted first.
        """
        if prefix:
            confined_parts(prefix)
        found = self._listed(prefix)
        return found if self._lists_in_order else _sorted(found)

    def delete(self, name: str) -> None:
        """Delete an object."""
        confined_parts(name)
        try:
            with self._typed(name, "delete"):
                obstore.delete(self._store, name)
        except BlobMissing:
            return

    def versions(self, name: str) -> Iterator[bytes]:
        """Earlier versions in a versioned bucket of S3, the newest first; elsewhere none."""
        confined_parts(name)
        place = self._place
        if place.scheme != "s3":
            return
        from statebag.store.object_versions import read_versions  # noqa: PLC0415 (rarely needed)

        yield from read_versions(
            place.bucket,
            "/".join(filter(None, (place.prefix, name))),
            endpoint=custom_endpoint("s3", self._options),
            options=self._options,
        )

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        # The client lists what is below a prefix, not an object of that name.
        if prefix and (info := self.head(prefix)) is not None:
            yield info
        stream = iter(obstore.list(self._store, prefix or None, chunk_size=1000))
        while True:
            with self._typed(None, "list"):
                chunk = next(stream, None)
            if chunk is None:
                return
            for meta in chunk:
                if meta["path"]:  # a marker for the root itself, which some consoles make
                    yield _info(meta)

    @contextmanager
    def _typed(self, name: str | None, action: str) -> Iterator[None]:
        """Turn the client's errors into the library's."""
        try:
            yield
        except (client.BaseError, OSError, ValueError) as error:
            # Not chained: the client's text holds URLs and answers, which may hold secrets.
            raise translated(error, self._url, name, action) from None
        self._bucket_seen = True


def _windows(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The `(start, end)` pieces to read, in order, far apart, that cover all spans."""
    windows: list[tuple[int, int]] = []
    for start, length in sorted(spans):
        if length == 0:
            continue
        if windows and start - windows[-1][1] <= _GAP_BYTES:
            windows[-1] = (windows[-1][0], max(windows[-1][1], start + length))
        else:
            windows.append((start, start + length))
    return windows


def _sorted(found: Iterator[ObjectInfo]) -> Iterator[ObjectInfo]:
    yield from sorted(found, key=lambda info: info.name)


def _info(meta: ObjectMeta) -> ObjectInfo:
    return ObjectInfo(meta["path"], meta["size"], meta["last_modified"])
