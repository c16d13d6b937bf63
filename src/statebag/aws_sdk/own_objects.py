"""Protect the store's objects from API calls, which would bypass the checks of an open.

The function's role may read and write them, as each step may. A call to S3 with a bucket and a key
from a payload could read the state of another execution, or replace it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from statebag.errors import NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["check_own_objects"]


def check_own_objects(given: Mapping[str, Any], addresses: Iterable[str]) -> None:
    """Refuse a call to S3 that names an object of the store.

    Args:
        given: The call's parameters, as botocore names them.
        addresses: The addresses of the store and its replicas.

    Raises:
        NotPermitted: A key, also one to delete or to copy from, is below one of the addresses.
    """
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme != "s3":
            continue
        prefix = parts.path.strip("/")
        root = f"{parts.netloc}/{prefix}/" if prefix else f"{parts.netloc}/"
        for name in _named(given):
            if name.startswith(root):
                raise NotPermitted(
                    "the call names an object of the store, whose states belong to executions",
                    path="$.parameters",
                    hint="Pass the bag: parameters may hold one, and a step opens it.",
                )


def _named(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield each object that the parameters name, as bucket/key."""
    bucket = _bare(given.get("Bucket"))
    if isinstance(given.get("Key"), str):
        yield f"{bucket}/{given['Key']}"
    delete = given.get("Delete")
    for one in (delete.get("Objects") or []) if isinstance(delete, dict) else []:
        yield f"{bucket}/{one.get('Key')}"
    source = given.get("CopySource")
    if isinstance(source, str):
        yield _bare(unquote(source).lstrip("/"))


def _bare(name: Any) -> str:
    """Return a bucket's name, even if its ARN is given."""
    return str(name).rpartition(":::")[2]
