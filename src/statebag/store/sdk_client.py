"""Send a store's requests through botocore, if the object storage client cannot.

Directory buckets require requests to be signed for `s3express`, with the key of a session. botocore
makes the session, renews it, and signs. `SdkClient` has the calls of obstore that `ObjectStorage`
uses, and raises obstore's errors, so that everything else is the same for both. It also helps with
proxies that remove headers of answers which the client needs and botocore does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from obstore import exceptions as client

from statebag.errors import StatebagError
from statebag.process.forking import fork_safe_lock
from statebag.store import aws_sdk
from statebag.store.aws_credentials import SdkCredentials, keys_of
from statebag.store.aws_endpoint import has_fixed_credentials
from statebag.store.sdk_options import sdk_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statebag.store.store_place import StorePlace

__all__ = ["SdkClient"]

_PART_BYTES = 1 << 20  # of a body at a time. Chosen: little beside an object's limit
# botocore's errors on the way to the server, by the words of the object storage client.
_WAYS = {
    "ConnectTimeoutError": "kind: Timeout",
    "ConnectionClosedError": "kind: Request",
    "EndpointConnectionError": "kind: Connect",
    "HTTPClientError": "kind: Request",
    "IncompleteReadError": "kind: Decode",
    "ProxyConnectionError": "tunnel error",
    "ReadTimeoutError": "kind: Timeout",
    "ResponseStreamingError": "kind: Decode",
    "SSLError": "invalid peer certificate",
}


class SdkClient:
    """The calls of obstore for one bucket, each by botocore.

    Args:
        place: The place of the store.
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.
        region: The region that requests are signed for.
        credentials: The source of keys; None if the environment or botocore's own chain has them.
        seconds: How long a request may take.

    Raises:
        ConfigurationError: botocore has no counterpart of an option.
    """

    def __init__(
        self,
        place: StorePlace,
        options: Mapping[str, str],
        variables: Mapping[str, str],
        *,
        region: str,
        credentials: object,
        seconds: float,
    ) -> None:
        self._place, self._options, self._variables = place, options, variables
        self._region, self._credentials, self._seconds = region, credentials, seconds
        self._lock = fork_safe_lock()
        self._made: Any = None
        given = sdk_options(
            place.bucket,
            options,
            variables,
            seconds=seconds,
            reason=f"the server of {place.url}",
            finds_keys=credentials is None and not has_fixed_credentials(options, variables),
        )
        self._always = {"Bucket": place.bucket, **given.always}
        self._given = given

    def put(self, _: object, name: str, data: bytes, *, mode: Any = None, **__: Any) -> Any:
        """Write an object, as `obstore.put` does."""
        condition: dict[str, str] = {}
        if mode == "create":
            condition = {"IfNoneMatch": "*"}
        elif mode is not None:
            condition = {"IfMatch": mode.get("e_tag", "")}
        more = {**condition, **self._given.write, **self._given.of_body(data)}
        return _meta(name, self._answer("put_object", name, Body=data, **more), 0)

    def get(self, _: object, name: str, *, options: Any = None) -> _Answer:
        """Read an object or a range of it, as `obstore.get` does."""
        more = {}
        if options is not None:
            start, end = options["range"]
            more = {"Range": f"bytes={start}-{end - 1}"}
        answer = self._answer("get_object", name, **more, **self._given.read)
        size = answer.get("ContentLength")
        try:
            if size is None:  # it bounds what is read
                size = self.head(None, name)["size"] if not more else end - start
        except BaseException:
            answer["Body"].close()
            raise
        return _Answer(name, answer, size, self)

    def head(self, _: object, name: str) -> Any:
        """Return what is known about an object, as `obstore.head` does."""
        answer = self._answer("head_object", name, **self._given.read)
        if "ContentLength" not in answer:
            raise client.GenericError("Content-Length Header missing from response")
        return _meta(name, answer, answer["ContentLength"])

    def delete(self, _: object, name: str) -> None:
        """Delete an object, as `obstore.delete` does."""
        self._answer("delete_object", name)

    def _answer(self, call: str, name: str, **more: Any) -> Any:
        key = "/".join(filter(None, (self._place.prefix, name)))
        try:
            return getattr(self.client(), call)(Key=key, **self._always, **more)
        except Exception as error:  # noqa: BLE001  # botocore's errors have no common root
            raise self.typed(error) from None

    def client(self) -> Any:
        """Return botocore's client; all requests share its session with the bucket."""
        with self._lock:
            if self._made is None:
                is_sdk = isinstance(self._credentials, SdkCredentials)
                self._made = aws_sdk.client_of(
                    self._place.bucket,
                    self._options,
                    self._variables,
                    region=self._region,
                    keys=keys_of(self._options, self._variables, None) if not is_sdk else {},
                    seconds=self._seconds,
                    reason=f"the server of {self._place.url}",
                    session=self._credentials.session() if is_sdk else None,  # type: ignore[attr-defined]
                )
            return self._made

    def typed(self, error: Exception) -> Exception:
        """Return obstore's error for one of botocore."""
        if isinstance(error, StatebagError):
            return error
        response = getattr(error, "response", None)
        if not isinstance(response, dict):
            kind = type(error).__name__
            if kind in _WAYS:
                return client.GenericError(f"{kind}\nDebug source: {_WAYS[kind]}")
            if isinstance(self._credentials, SdkCredentials):
                return self._credentials.typed(error)
            return client.GenericError(f"{kind}, of a credential provider perhaps")
        told, about = response.get("Error", {}), response.get("ResponseMetadata", {})
        status = about.get("HTTPStatusCode")
        region = about.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        text = (
            f"status: {status} <Code>{told.get('Code', '')}</Code> {told.get('Message', '')} "
            f"<StorageClass>{told.get('StorageClass', '')}</StorageClass>"
            f"<Region>{told.get('Region', '') or region or ''}</Region>"
        )
        kinds: dict[int, type[Exception]] = {404: FileNotFoundError, 412: client.PreconditionError}
        return kinds.get(status, client.GenericError)(text)


class _Answer:
    """An answer with a body, in the form of obstore's."""

    def __init__(self, name: str, answer: Any, size: int, sender: SdkClient) -> None:
        self.meta = _meta(name, answer, size)
        self._body, self._sender = answer["Body"], sender

    def __del__(self) -> None:
        self._body.close()  # perhaps nobody has read it

    def stream(self, *, min_chunk_size: int) -> Iterator[bytes]:
        """Yield the body in parts of any size, not `min_chunk_size`: reading may end early."""
        left = min_chunk_size
        try:
            while left > 0 and (part := self._body.read(min(left, _PART_BYTES))):
                left -= len(part)
                yield part
        except Exception as error:  # noqa: BLE001  # as above
            raise self._sender.typed(error) from None
        finally:
            self._body.close()


def _meta(name: str, answer: Any, size: int) -> dict[str, Any]:
    return {
        "path": name,
        "size": size,
        "last_modified": answer.get("LastModified"),
        "e_tag": answer.get("ETag"),
        "version": answer.get("VersionId"),
    }
