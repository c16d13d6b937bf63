"""S3, Google Cloud Storage and Azure Blob Storage, through one client."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from obstore import exceptions as client

from statebag.environment import store_settings
from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.process.forking import Workers, fork_safe_lock
from statebag.store import native_client
from statebag.store.aws_endpoint import has_fixed_credentials
from statebag.store.aws_settings import aws_sdk_is_installed
from statebag.store.bounded import each_within_deadline, within_deadline
from statebag.store.chunked_listing import listed_chunks
from statebag.store.confinement import check_spans, confined_parts, is_confined, too_short
from statebag.store.contract import ObjectInfo
from statebag.store.object_storage_client import (
    Connection,
    by_sdk,
    connected,
    is_own_server,
    longest_seconds,
    settings_digest,
)
from statebag.store.store_place import StorePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from obstore import GetResult, ObjectMeta

    from statebag.store.companion import Companion
    from statebag.store.store_refusal import StoreRefusal

__all__ = ["ObjectStorage"]

# Two spans that lie closer than this are read by one request. Chosen (docs/design/0002): about what
# a store sends in the time that another request takes.
_GAP_BYTES = 1024 * 1024

_Answer = TypeVar("_Answer")

# Spans of one object that lie far apart are read by so many requests at once, as the client's own
# call for several ranges does.
_windows_pool = Workers(10, "statebag-ranges")

# Held while a forked process makes its own client, so that no other thread sees half of it.
_renewing = fork_safe_lock()


class ObjectStorage:
    """Objects below a prefix of a bucket (S3, GCS) or container (Azure).

    Calls are synchronous and may come from many threads. The client itself never retries:
    `RetryingStore` does, within the caller's deadline. The deadline bounds each request and its
    body, and no more is read than was asked for. A put is one plain request; S3 verifies it by
    a SHA-256 checksum.

    A process that was forked after its parent had sent requests cannot use the client. Its first
    request starts another process, which sends the requests to the server, and with the
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
        self._url = place.url
        self._place, self._options = place, options
        # A later fork makes a client again, with the environment as it is now.
        variables = self._variables = dict(store_settings(scheme=place.scheme))
        self._identity = (place.url, settings_digest(options, variables))
        self._needs_sdk = False
        # One of the two, and for which process. Other threads replace the connection, so a request
        # reads it once, and takes the client and its calls from it.
        self._connection: Connection | None = None
        # Of a bucket of S3, where the server said that it is.
        self._region: str | None = None
        self._remote: Companion | None = None
        self._pid = 0
        self._begin()
        # Only with fixed credentials is a call one request, which the client's timeout ends.
        is_fixed = place.scheme == "s3" and has_fixed_credentials(options, variables)
        self._at_most = longest_seconds(options) if is_fixed else None
        # S3, GCS and Azure document that they list in the order of UTF-8 bytes; directory
        # buckets and other servers promise no order.
        self._lists_in_order = not (
            is_own_server(place.scheme, options, variables) or place.is_directory_bucket
        )
        # Whether an answer has shown that the bucket is there.
        self._bucket_seen = False

    @property
    def url(self) -> str:
        """The address without options, credentials or endpoint."""
        return self._url

    @property
    def identity(self) -> tuple[str, ...]:
        """The address, with a digest of the settings that decide the server and the account."""
        return self._identity

    def __repr__(self) -> str:
        return f"ObjectStorage({self._url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._url, self._options)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object by one PUT; the store answers once it is durable."""
        confined_parts(name)
        if (remote := self._inherited()) is not None:
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

        self._one_request(name, "write", write)
        return None

    def get(self, name: str) -> bytes:
        """Return all bytes of an object; raise BlobMissing if there is none."""
        confined_parts(name)
        if (remote := self._inherited()) is not None:
            return remote.get(name)

        def read(by: Connection) -> bytes:
            answer = by.calls.get(by.client, name)
            return _body(answer, answer.meta["size"], name)

        return self._one_request(name, "read", read)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object and their version, for `put_if`."""
        confined_parts(name)
        if (remote := self._inherited()) is not None:
            return remote.get_version(name)

        def read(by: Connection) -> tuple[bytes, str]:
            answer = by.calls.get(by.client, name)
            return _body(answer, answer.meta["size"], name), _version(answer.meta)

        return self._one_request(name, "read", read)

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its present version is this one; with None, if it does not exist.

        S3 and Azure compare the ETag, Google the generation. A different one raises Conflict.
        """
        confined_parts(name)
        if (remote := self._inherited()) is not None:
            return remote.put_if(name, data, version)
        mode: Any = "create" if version is None else _update(version)
        return self._one_request(
            name,
            "replace",
            lambda by: _version(
                by.calls.put(by.client, name, data, mode=mode, use_multipart=False)
            ),
        )

    @property
    def can_delete_if(self) -> bool:
        """Whether the server is known to have conditional deletes: S3 of AWS, where botocore is."""
        if self._place.scheme != "s3":
            return False
        is_own = is_own_server("s3", self._options, self._variables)
        return not is_own and aws_sdk_is_installed()

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its ETag is that of this version; by botocore, as the client cannot.

        Raises:
            Conflict: It is another one by now, or is gone.
            ConfigurationError: The store is none of those that `can_delete_if`.
        """
        confined_parts(name)
        if not self.can_delete_if:
            raise ConfigurationError(
                f"{self._url} has no conditional deletes that this library can rely on",
                object_name=name,
                hint="Replace the object by put_if with bytes that say that it is gone.",
            )
        from statebag.store.conditional_delete import delete_if_match  # noqa: PLC0415 (rarely needed)

        within_deadline(
            lambda: delete_if_match(
                self._place.bucket,
                "/".join(filter(None, (self._place.prefix, name))),
                _update(version).get("e_tag", ""),
                name=name,
                **self._for_sdk(),
            ),
            f"{self._url} did not delete the object",
            at_most=None,
            name=name,
        )

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; spans that are near share a request."""
        confined_parts(name)
        check_spans(name, spans)
        if (remote := self._inherited()) is not None:
            return remote.get_ranges(name, spans)
        windows = _windows(spans)
        if not windows:
            # Nothing is read, but an object that is missing must not seem to be there.
            if spans and self.head(name) is None:
                raise BlobMissing("the store does not have the object", object_name=name)
            return [b""] * len(spans)
        bodies = _windows_pool.each(lambda window: self._window(name, *window), windows)
        starts = [start for start, _ in windows]
        answers = []
        for offset, length in spans:
            if length == 0:
                answers.append(b"")
                continue
            window = bisect_right(starts, offset) - 1
            begin = offset - starts[window]
            data = bodies[window][begin : begin + length]
            if len(data) != length:
                raise too_short(name, offset, length)
            answers.append(data)
        return answers

    def _window(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of one range request, which are fewer at the object's end."""

        def read(by: Connection) -> bytes:
            answer = by.calls.get(by.client, name, options={"range": (start, end)})
            return _body(answer, end - start, name)

        return self._one_request(name, "read", read)

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        confined_parts(name)
        if (remote := self._inherited()) is not None:
            return remote.head(name)
        try:
            return self._one_request(
                name, "look up", lambda by: _info(by.calls.head(by.client, name))
            )
        except BlobMissing:
            if self._bucket_seen:
                return None
        # The answer to a HEAD has no body, so it looks the same where the bucket is missing.
        try:
            return self._one_request(
                name, "look up", lambda by: _info(by.calls.get(by.client, name).meta)
            )
        except BlobMissing:
            self._bucket_seen = True
            return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Return the objects at and below a prefix, by name.

        Stores that list in order are streamed. The objects of others are collected and sorted.
        """
        if prefix:
            confined_parts(prefix)
        if (remote := self._inherited()) is not None:
            return remote.list(prefix)
        found = self._listed(prefix)
        return found if self._lists_in_order else _sorted(found)

    def delete(self, name: str) -> None:
        """Delete an object."""
        confined_parts(name)
        if (remote := self._inherited()) is not None:
            return remote.delete(name)
        try:
            self._one_request(name, "delete", lambda by: by.calls.delete(by.client, name))
        except BlobMissing:
            return None
        return None

    def versions(self, name: str) -> Iterator[bytes]:
        """Iterate earlier versions of an object in a versioned S3 bucket, the newest first."""
        confined_parts(name)
        place = self._place
        if place.scheme != "s3":
            return
        from statebag.store.object_versions import read_versions  # noqa: PLC0415 (rarely needed)

        found = read_versions(
            place.bucket,
            "/".join(filter(None, (place.prefix, name))),
            **self._for_sdk(),
        )
        # The other client's own timeout begins again with every byte that comes.
        yield from each_within_deadline(
            found, f"{self._url} did not read versions of the object", name=name
        )

    def _for_sdk(self) -> dict[str, Any]:
        """Return the settings with which botocore acts as this store's client."""
        connection = self._connection
        return {
            "options": self._options,
            "variables": self._variables,
            "region": connection and connection.region,
            "credentials": connection and connection.credentials,
        }

    def _inherited(self) -> Companion | None:
        """Return the client's stand-in in a forked process; None if a new client was made."""
        if self._pid != os.getpid():
            with _renewing:
                if self._pid != os.getpid():
                    self._begin()
        return self._remote

    def _begin(self) -> None:
        """Make a client for this process, or a stand-in for it."""
        connection, remote = None, None
        # The client reads the environment itself, so it must be what it was, and not for a moment:
        # other threads read it too. And what it needs has ended with a parent's requests.
        is_as_it_was = dict(store_settings(scheme=self._place.scheme)) == self._variables
        if native_client.is_lost() or not is_as_it_was:
            from statebag.store.companion import Companion  # noqa: PLC0415 (after a fork)

            remote = Companion(self._url, self._options, self._variables)
        else:
            connection = connected(
                self._place,
                self._options,
                self._variables,
                region=self._region,
                needs_sdk=self._needs_sdk,
            )
        if (earlier := self._connection) is not None:
            # Kept: dropping it would close the parent's connections.
            native_client.keep(earlier.client)
        self._remote, self._connection = remote, connection
        self._pid = os.getpid()

    def _one_request(
        self, name: str | None, action: str, request: Callable[[Connection], _Answer]
    ) -> _Answer:
        """Send one request, which the client's own timeout limits too."""
        return self._request(name, action, request, at_most=self._at_most)

    def _request(
        self,
        name: str | None,
        action: str,
        request: Callable[[Connection], _Answer],
        *,
        at_most: float | None,
    ) -> _Answer:
        """Call the client within the deadline, with the library's errors."""
        native_client.is_used()
        what = f"{self._url} did not {action} {'the object' if name else 'its objects'}"
        first = True
        while True:
            if (connection := self._connection) is None:
                # Another thread has just replaced it by a stand-in, which the next try uses.
                raise StoreUnavailable(
                    f"{what}: its settings have changed meanwhile", object_name=name
                )
            # Other clients begin their timeout again with every byte that comes.
            longest = None if connection.is_by_sdk else at_most
            try:
                answer = within_deadline(
                    partial(request, connection), what, at_most=longest, name=name
                )
            except StatebagError:
                raise
            except (client.BaseError, OSError, ValueError) as error:
                from statebag.store.store_refusal import refusal_of  # noqa: PLC0415 (of failures)

                refusal = refusal_of(error)
                try:
                    is_mended = first and self._is_mended(refusal, connection)
                except StatebagError as refused:  # an option stands in the way
                    raise refused from None
                if not is_mended:
                    # Not chained: the client's text holds URLs and answers, perhaps secrets.
                    raise self._told(error, refusal, connection, name, action) from None
                first = False
            except BaseException as error:
                # The client's internal failures (a panic) are not an Exception.
                if isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime":
                    raise StoreUnavailable(
                        f"{what}: the client failed ({type(error).__name__})", object_name=name
                    ) from None
                raise
            else:
                self._bucket_seen = True
                return answer

    def _told(
        self,
        error: Exception,
        refusal: StoreRefusal,
        connection: Connection,
        name: str | None,
        action: str,
    ) -> StatebagError:
        """Return the library's error for one of the client's."""
        credentials = connection.credentials
        if refusal.is_without_keys and credentials is not None and credentials.failure:
            failure = credentials.failure
            return type(failure)(failure.message, object_name=name, hint=failure.hint)
        from statebag.store.object_storage_errors import (  # noqa: PLC0415 (of failures)
            is_about_signature,
            translated,
            unsigned_for_directory_bucket,
        )

        is_signed = connection.is_by_sdk
        if self._place.is_directory_bucket and is_about_signature(refusal) and not is_signed:
            return unsigned_for_directory_bucket(self._url, name)
        return translated(error, refusal, self._url, name, action)

    def _is_mended(self, refusal: StoreRefusal, connection: Connection) -> bool:
        """Return whether a second attempt can succeed, with new keys, elsewhere or by botocore.

        Raises:
            ConfigurationError: Only botocore can, and it has nothing in place of an option.
        """
        from statebag.store.object_storage_errors import is_about_keys  # noqa: PLC0415 (of failures)

        region = connection.region
        is_stale = is_about_keys(refusal) and connection.credentials is not None
        is_elsewhere = region is not None and (refusal.is_redirect or refusal.region is not None)
        # botocore needs fewer headers.
        is_odd = (
            refusal.lacks == "Content-Length"
            and self._place.scheme == "s3"
            and not connection.is_by_sdk
            and aws_sdk_is_installed()
        )
        if not (is_stale or is_elsewhere or is_odd):
            return False
        with _renewing:
            if self._connection is not connection:
                return True  # another thread has done it
            if is_odd:
                by_sdk(  # before anything changes
                    self._place,
                    self._options,
                    self._variables,
                    region=region,
                    credentials=connection.credentials,
                )
                self._needs_sdk = True
            if not is_stale and not is_odd:
                from statebag.store.bucket_region import found_region  # noqa: PLC0415 (rarely needed)

                self._region = found_region(
                    self._place, self._options, self._variables, connection, told=refusal.region
                )
                if self._region in {None, region}:
                    return False
            # The client keeps keys for a moment, so it is made again, with who gives them.
            self._begin()
        return self._remote is None

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        # A generator begins with its first object, which may be after a fork.
        if (remote := self._inherited()) is not None:
            yield from remote.list(prefix)
            return
        # The client lists what is below a prefix, not an object of that name.
        if prefix and (info := self.head(prefix)) is not None:
            yield info
        has_owner = self._options.get("expected_bucket_owner") and self._place.scheme == "s3"
        begun_with = self._connection
        if has_owner or (begun_with is not None and begun_with.is_by_sdk):
            yield from self._listed_by_sdk(prefix)
            return
        odd_keys: list[bool] = []

        def up_to_odd_key(advance: Callable[[], _Answer | None]) -> _Answer | None:
            try:
                return advance()
            except client.InvalidPathError:
                odd_keys.append(True)
                return None

        last, seen = "", set()

        def client_of_listing() -> Any:
            """Return the present client, or the one before botocore took over."""
            present = self._connection
            is_native = present is not None and not present.is_by_sdk
            found = present if is_native else begun_with
            return found and found.client

        chunks = listed_chunks(
            client_of_listing,
            prefix,
            # One chunk may be many requests, so the client's timeout for one does not bound it.
            lambda request: self._request(
                None, "list", lambda _: up_to_odd_key(request), at_most=None
            ),
            url=self._url,
            # Azure lists in another order if the account has folders.
            in_order=self._lists_in_order and self._place.scheme != "az",
        )
        for chunk in chunks:
            for meta in chunk:
                if meta["path"]:  # a marker for the root itself, which some consoles make
                    last = meta["path"]
                    if not self._lists_in_order:
                        seen.add(last)
                    yield _info(meta)
        if odd_keys:
            self._check_can_list_odd_keys()
            for info in self._listed_by_sdk(prefix):
                if info.name not in seen and (info.name > last or not self._lists_in_order):
                    yield info

    def _check_can_list_odd_keys(self) -> None:
        """Raise NotPermitted if nobody here can list keys with parts that are no names."""
        if self._place.scheme != "s3" or not aws_sdk_is_installed():
            how = "Install boto3, which can, or move" if self._place.scheme == "s3" else "Move"
            raise NotPermitted(
                f"{self._url} has an object that the client cannot list: a part of its key is "
                "empty, `.` or `..`, or has a control character",
                hint=f"{how} such objects away from the store's prefix.",
            )

    def _listed_by_sdk(self, prefix: str) -> Iterator[ObjectInfo]:
        from statebag.store.owned_listing import owned_listing  # noqa: PLC0415 (rarely needed)

        root = f"{self._place.prefix}/" if self._place.prefix else ""
        below = f"{root}{prefix}/" if prefix else root
        connection: Any = self._connection
        is_by_sdk = connection is not None and connection.is_by_sdk
        sdk = connection.client.client() if is_by_sdk else None
        found = owned_listing(self._url, self._place.bucket, below, **self._for_sdk(), client=sdk)
        for key, size, modified in each_within_deadline(
            found, f"{self._url} did not list its objects"
        ):
            name = key.removeprefix(root)
            if is_confined(name):  # else nobody can ask for it here, and it is not the store's
                yield ObjectInfo(name, size, modified)


def _restored(kind: type[ObjectStorage], url: str, options: dict[str, str]) -> ObjectStorage:
    return kind(url, options=options)


def _body(answer: GetResult, length: int, name: str) -> bytes:
    """Return the body of an answer; reading stops as soon as it is too long."""
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in answer.stream(min_chunk_size=length + 1):
            parts.append(bytes(chunk))
            size += len(parts[-1])
            if size > length:
                raise StoreUnavailable(
                    f"the store sent more than the {length:,} bytes of the request",
                    object_name=name,
                    hint="Another server or a proxy may have answered: check the endpoint.",
                )
        return parts[0] if len(parts) == 1 else b"".join(parts)
    except MemoryError:
        raise BlobCorrupt(
            f"the object has {length:,} bytes, more than this process can hold",
            object_name=name,
            hint="Objects are written from memory: something else has made it longer.",
        ) from None


def _version(meta: Any) -> str:
    """Return an object's version as text: its ETag, and its generation if it has one."""
    return f"{meta.get('e_tag') or ''} {meta.get('version') or ''}"


def _update(version: str) -> dict[str, str]:
    """Return a version in the form of the client."""
    tag, _, number = version.rpartition(" ")
    given = {"e_tag": tag, "version": number}
    return {key: value for key, value in given.items() if value}


def _windows(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the `(start, end)` ranges to read, in order, which cover all spans."""
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
