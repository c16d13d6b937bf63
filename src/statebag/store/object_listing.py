"""List the objects of a store, including those that only botocore can list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from obstore import exceptions as client

from statebag.errors import NotPermitted
from statebag.store.aws_settings import aws_sdk_is_installed
from statebag.store.bounded import each_within_deadline
from statebag.store.chunked_listing import listed_chunks
from statebag.store.confinement import is_confined
from statebag.store.contract import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore import ObjectMeta

    from statebag.store.live_connection import LiveConnection
    from statebag.store.store_place import StorePlace

__all__ = ["info_of", "objects_below"]

Answer = TypeVar("Answer")


def objects_below(live: LiveConnection, prefix: str, *, in_order: bool) -> Iterator[ObjectInfo]:
    """Yield the objects below a prefix, but not the object of that name.

    Args:
        live: The connection of the store.
        prefix: The prefix; empty for everything.
        in_order: Whether the server lists by name, so that these objects must be in that order too.

    Raises:
        StatebagError: As for every request to the store.
        NotPermitted: The client cannot list the store's objects, and botocore is not installed.
    """
    place = live.place
    has_owner = live.options.get("expected_bucket_owner") and place.scheme == "s3"
    begun_with = live.connection
    if has_owner or (begun_with is not None and begun_with.is_by_sdk):
        yield from _listed_by_sdk(live, prefix)
        return
    odd_keys: list[bool] = []

    def up_to_odd_key(advance: Callable[[], Answer | None]) -> Answer | None:
        try:
            return advance()
        except client.InvalidPathError:
            odd_keys.append(True)
            return None

    last, seen = "", set()

    def client_of_listing() -> Any:
        """Return the current client, or the one before botocore took over."""
        present = live.connection
        is_native = present is not None and not present.is_by_sdk
        found = present if is_native else begun_with
        return found and found.client

    chunks = listed_chunks(
        client_of_listing,
        prefix,
        # One chunk may be many requests, so the client's timeout for one does not bound it.
        lambda request: live.request(None, "list", lambda _: up_to_odd_key(request), at_most=None),
        url=place.url,
        # Azure lists in another order if the account has folders.
        in_order=in_order and place.scheme != "az",
    )
    for chunk in chunks:
        for meta in chunk:
            if meta["path"]:  # a marker for the root itself, which some consoles make
                last = meta["path"]
                if not in_order:
                    seen.add(last)
                yield info_of(meta)
    if odd_keys:
        _check_can_list_odd_keys(place)
        for info in _listed_by_sdk(live, prefix):
            if info.name not in seen and (info.name > last or not in_order):
                yield info


def info_of(meta: ObjectMeta) -> ObjectInfo:
    """Return what the client says about an object, in the store's own form."""
    return ObjectInfo(meta["path"], meta["size"], meta["last_modified"])


def _check_can_list_odd_keys(place: StorePlace) -> None:
    """Raise NotPermitted if nothing here can list keys with parts that are not names."""
    if place.scheme != "s3" or not aws_sdk_is_installed():
        how = "Install boto3, which can, or move" if place.scheme == "s3" else "Move"
        raise NotPermitted(
            f"{place.url} has an object that the client cannot list: a part of its key is "
            "empty, `.` or `..`, or has a control character",
            hint=f"{how} such objects away from the store's prefix.",
        )


def _listed_by_sdk(live: LiveConnection, prefix: str) -> Iterator[ObjectInfo]:
    from statebag.store.owned_listing import owned_listing  # noqa: PLC0415 (rarely needed)

    place = live.place
    root = f"{place.prefix}/" if place.prefix else ""
    below = f"{root}{prefix}/" if prefix else root
    connection: Any = live.connection
    is_by_sdk = connection is not None and connection.is_by_sdk
    sdk = connection.client.client() if is_by_sdk else None
    found = owned_listing(place.url, place.bucket, below, **live.for_sdk(), client=sdk)
    for key, size, modified in each_within_deadline(found, f"{place.url} did not list its objects"):
        name = key.removeprefix(root)
        if is_confined(name):  # else nobody can ask for it here, and it is not the store's
            yield ObjectInfo(name, size, modified)
