"""S3, Google Cloud Storage and Azure Blob Storage, through one client."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from obstore import exceptions as client

from statebag.errors import BlobMissing, ConfigurationError, NotPermitted
from statebag.store.aws_settings import aws_sdk_is_installed
from statebag.store.bounded import each_within_deadline, within_deadline
from statebag.store.confinement import check_spans, confined_parts
from statebag.store.live_connection import LiveConnection
from statebag.store.object_listing import info_of, objects_below
from statebag.store.object_storage_client import Connection, is_own_server, settings_digest
from statebag.store.range_reads import body_of, read_spans
from statebag.store.store_place import StorePlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from statebag.store.contract import ObjectInfo

__all__ = ["ObjectStorage"]


class ObjectStorage:
    """Objects below a prefix of a bucket (S3, GCS) or container (Azure).

    Calls are synchronous and may come from many threads. The client itself never retries:
    `RetryingStore` does, within the caller's deadline. The deadline bounds each request and its
    body, and only the bytes that were asked for are read. A put is one plain request; S3 verifies
    it by a SHA-256 checksum.

    A process that was forked after its parent had sent requests cannot use the client. Its first
    request starts another process, which sends the requests. They go to the server, and use the
    credentials, that the environment named when the store was made. A pickle of the store has its
    address and options; the environment is read again where it is restored.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
        options: Settings of the backend by the names that obstore gives them, such as `region`,
            `endpoint`, `server_side_encryption` and `sse_kms_key_id`, and of its HTTP client,
            such as `connect_timeout` (default `3s`) and `timeout` (of a whole request,
            default `20s`). For S3 also `profile` and `expected_bucket_owner` (the number of the
            account that must own the bucket); for Azure, `connection_string`. They win over the
            environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …), which is read
            when the store is made. Settings that only the provider's SDK understands are left to
            it, if it is installed: botocore, google-auth, azure-identity (docs/stores.md).
            `checksum_algorithm` is `SHA256` by default; `none` leaves it out.

    Raises:
        ConfigurationError: The address or a setting is wrong, or there are no credentials.
    """

    def __init__(self, url: str, *, options: Mapping[str, str] | None = None) -> None:
        place = StorePlace.parse(url)
        options = dict(options or {})
        self._live = LiveConnection(place, options)
        variables = self._live.variables
        self._identity = (place.url, settings_digest(options, variables))
        # S3, GCS and Azure document that they list in the order of UTF-8 bytes; directory
        # buckets and other servers promise no order.
        self._lists_in_order = not (
            is_own_server(place.scheme, options, variables) or place.is_directory_bucket
        )

    @property
    def url(self) -> str:
        """The address without options, credentials or endpoint."""
        return self._live.place.url

    @property
    def identity(self) -> tuple[str, ...]:
        """The address, with a digest of the settings that decide the server and the account."""
        return self._identity

    def __repr__(self) -> str:
        return f"ObjectStorage({self.url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.url, self._live.options)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object by one PUT; the store answers once it is durable."""
        confined_parts(name)
        if (remote := self._live.remote()) is not None:
            return remote.put(name, data)

        def write(by: Connection) -> None:
            try:
                by.calls.put(by.client, name, data, use_multipart=False)
            except client.BaseError as error:
                from statebag.store.store_refusal import (  # noqa: PLC0415 (of failures)
                    is_only_without_etag,
                )

                if not is_only_without_etag(error):
                    raise

        self._live.one_request(name, "write", write)
        return None

    def get(self, name: str) -> bytes:
        """Return all bytes of an object; raise BlobMissing if there is none."""
        confined_parts(name)
        if (remote := self._live.remote()) is not None:
            return remote.get(name)

        def read(by: Connection) -> bytes:
            answer = by.calls.get(by.client, name)
            return body_of(answer, answer.meta["size"], name)

        return self._live.one_request(name, "read", read)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object and their version, for `put_if`."""
        confined_parts(name)
        if (remote := self._live.remote()) is not None:
            return remote.get_version(name)

        def read(by: Connection) -> tuple[bytes, str]:
            answer = by.calls.get(by.client, name)
            return body_of(answer, answer.meta["size"], name), _version(answer.meta)

        return self._live.one_request(name, "read", read)

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its current version is this one; with None, if it does not exist.

        S3 and Azure compare the ETag, Google the generation. A different one raises Conflict.
        """
        confined_parts(name)
        if (remote := self._live.remote()) is not None:
            return remote.put_if(name, data, version)
        mode: Any = "create" if version is None else _update(version)
        return self._live.one_request(
            name,
            "replace",
            lambda by: _version(
                by.calls.put(by.client, name, data, mode=mode, use_multipart=False)
            ),
        )

    @property
    def can_delete_if(self) -> bool:
        """Whether the server has conditional deletes: S3 of AWS, if botocore is installed."""
        if self._live.place.scheme != "s3":
            return False
        is_own = is_own_server("s3", self._live.options, self._live.variables)
        return not is_own and aws_sdk_is_installed()

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object, through botocore, if its ETag is that of this version.

        Raises:
            Conflict: The object has changed since, or is gone.
            ConfigurationError: The store is not one of those that `can_delete_if`.
        """
        confined_parts(name)
        if not self.can_delete_if:
            raise ConfigurationError(
                f"{self.url} has no conditional deletes that this library can rely on",
                object_name=name,
                hint="Replace the object, by put_if, with bytes that say that it is gone.",
            )
        from statebag.store.conditional_delete import delete_if_match  # noqa: PLC0415 (rarely needed)

        within_deadline(
            lambda: delete_if_match(
                self._live.place.bucket,
                "/".join(filter(None, (self._live.place.prefix, name))),
                _update(version).get("e_tag", ""),
                name=name,
                **self._live.for_sdk(),
            ),
            f"{self.url} did not delete the object",
            at_most=None,
            name=name,
        )

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; spans that are near share a request."""
        confined_parts(name)
        check_spans(name, spans)
        if (remote := self._live.remote()) is not None:
            return remote.get_ranges(name, spans)
        if not any(length for _, length in spans):
            # Nothing is read, but an object that is missing must not seem to be there.
            if spans and self.head(name) is None:
                raise BlobMissing("the store does not have the object", object_name=name)
            return [b""] * len(spans)
        return read_spans(name, spans, partial(self._window, name))

    def _window(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of one range request, fewer of them at the object's end."""

        def read(by: Connection) -> bytes:
            answer = by.calls.get(by.client, name, options={"range": (start, end)})
            return body_of(answer, end - start, name)

        return self._live.one_request(name, "read", read)

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        confined_parts(name)
        if (remote := self._live.remote()) is not None:
            return remote.head(name)
        status: int | None = None

        def look(by: Connection) -> ObjectInfo:
            nonlocal status
            try:
                return info_of(by.calls.head(by.client, name))
            except client.BaseError as error:
                from statebag.store.store_refusal import refusal_of  # noqa: PLC0415 (of failures)

                status = refusal_of(error).status
                raise

        try:
            return self._live.one_request(name, "look up", look)
        except BlobMissing:
            if self._live.has_answered:
                return None
        except (ConfigurationError, NotPermitted):
            # So does a server that is busy, or that wants newer keys than these.
            if status is None:  # it is not the answer's status that tells
                raise
        # The answer to a HEAD has no body, so it looks the same where the bucket is missing.
        try:
            return self._live.one_request(
                name, "look up", lambda by: info_of(by.calls.get(by.client, name).meta)
            )
        except BlobMissing:
            self._live.has_answered = True
            return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Return the objects at and below a prefix, by name.

        Stores that list in order are streamed. The objects of others are collected and sorted.
        """
        if prefix:
            confined_parts(prefix)
        if (remote := self._live.remote()) is not None:
            return remote.list(prefix)
        found = self._listed(prefix)
        return found if self._lists_in_order else _sorted(found)

    def delete(self, name: str) -> None:
        """Delete an object."""
        confined_parts(name)
        if (remote := self._live.remote()) is not None:
            return remote.delete(name)
        try:
            self._live.one_request(name, "delete", lambda by: by.calls.delete(by.client, name))
        except BlobMissing:
            return None
        return None

    def versions(self, name: str) -> Iterator[bytes]:
        """Iterate earlier versions of an object in a versioned S3 bucket, the newest first."""
        confined_parts(name)
        place = self._live.place
        if place.scheme != "s3":
            return
        from statebag.store.object_versions import read_versions  # noqa: PLC0415 (rarely needed)

        found = read_versions(
            place.bucket,
            "/".join(filter(None, (place.prefix, name))),
            **self._live.for_sdk(),
        )
        # The other client's own timeout begins again with every byte that comes.
        yield from each_within_deadline(
            found, f"{self.url} did not read versions of the object", name=name
        )

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        # A generator begins with its first object, which may be after a fork.
        if (remote := self._live.remote()) is not None:
            yield from remote.list(prefix)
            return
        # The client lists what is below a prefix, not an object of that name.
        if prefix and (info := self.head(prefix)) is not None:
            yield info
        yield from objects_below(self._live, prefix, in_order=self._lists_in_order)


def _restored(kind: type[ObjectStorage], url: str, options: dict[str, str]) -> ObjectStorage:
    return kind(url, options=options)


def _version(meta: Any) -> str:
    """Return an object's version as text: its ETag, and its generation if it has one."""
    return f"{meta.get('e_tag') or ''} {meta.get('version') or ''}"


def _update(version: str) -> dict[str, str]:
    """Return a version in the form of the client."""
    tag, _, number = version.rpartition(" ")
    given = {"e_tag": tag, "version": number}
    return {key: value for key, value in given.items() if value}


def _sorted(found: Iterator[ObjectInfo]) -> Iterator[ObjectInfo]:
    yield from sorted(found, key=lambda info: info.name)
