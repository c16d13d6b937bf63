"""The results of a Distributed Map, as its ResultWriter left them in S3, one child at a time.

The state's output is `{"MapRunArn", "ResultWriterDetails": {"Bucket", "Key"}}`; the key is that
of a manifest, which lists files of JSON or JSON Lines for each status. With the transformation
NONE (and always for children that did not succeed) a record describes a child execution and
has its input and output as JSON text; with COMPACT it is the output, with FLATTEN an item of it.
(AWS Step Functions Developer Guide, "ResultWriter (Map)".)
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, BlobMissing, StatebagError
from statebag.forking import Workers
from statebag.format import json_text
from statebag.opening.json_stream import array_items, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.forking import Task
    from statebag.store.contract import Store

__all__ = ["ChildResult", "read_map_results"]

_CHUNK = 1024 * 1024
_AHEAD = 6  # chunks on their way while one is looked at
_STATUSES = ("SUCCEEDED", "FAILED", "PENDING")
_DESCRIPTION = frozenset({"ExecutionArn", "Name", "Status"})


class ChildResult(msgspec.Struct, frozen=True):
    """What one child gave.

    Attributes:
        status: `SUCCEEDED`, `FAILED`, `PENDING`, `TIMED_OUT` or `ABORTED`.
        output: Its output; where that is no JSON, the text itself. None where there is none.
        input: Its input, likewise; None where the file does not say.
        name: The child execution's name; None where the file does not say.
        error: The error's name, for a child that failed.
        cause: The error's cause.
    """

    status: str
    output: Any = None
    input: Any = None
    name: str | None = None
    error: str | None = None
    cause: str | None = None


def read_map_results(
    locate: Callable[[str, str], tuple[Store, str]], details: object
) -> Iterator[ChildResult]:
    """All children of a Map Run, file by file, with memory for a few chunks of one file.

    Args:
        locate: From a bucket and a key to the store that may be read and the name in it;
            refuses what lies outside the configured roots.
        details: `{"Bucket", "Key"}`, as in a payload.

    Raises:
        BlobCorrupt: The manifest or a file has another form.
        NotPermitted, BlobMissing, StoreUnavailable: From the store.
    """
    if not isinstance(details, dict):
        raise BlobCorrupt("ResultWriterDetails is no object")
    bucket, key = details.get("Bucket"), details.get("Key")
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise BlobCorrupt("ResultWriterDetails has no Bucket or no Key")
    store, name = locate(bucket, key)
    files = _manifest(json_text.decode(store.get(name), name), name)
    for status, file_key in files:
        store, name = locate(bucket, file_key)
        chunks = _chunks(store, name)
        items = lines if name.endswith(".jsonl") else array_items
        for text in items(chunks, name):
            yield _child(json_text.decode(text, name), status)


def _manifest(manifest: Any, name: str) -> list[tuple[str, str]]:
    try:
        listed = manifest["ResultFiles"]
        return [
            (status, str(file["Key"]))
            for status in (*_STATUSES, *sorted(set(listed) - set(_STATUSES)))
            for file in listed.get(status, [])
        ]
    except (KeyError, TypeError, AttributeError):
        raise BlobCorrupt("a Map Run's manifest has another form", object_name=name) from None


def _chunks(store: Store, name: str) -> Iterator[bytes]:
    """An object's bytes, a few chunks ahead of whoever uses them."""
    info = store.head(name)
    if info is None:
        raise BlobMissing("a file that a Map Run's manifest lists is gone", object_name=name)
    spans = [(start, min(_CHUNK, info.size - start)) for start in range(0, info.size, _CHUNK)]
    coming: deque[Task[list[bytes]]] = deque()
    with Workers(_AHEAD, "statebag-results") as pool:
        for span in spans:
            coming.append(pool.submit(store.get_ranges, name, [span]))
            if len(coming) > _AHEAD:
                yield bytes(coming.popleft().result()[0])
        while coming:
            yield bytes(coming.popleft().result()[0])


def _child(record: Any, status: str) -> ChildResult:
    if isinstance(record, dict) and record.keys() >= _DESCRIPTION:
        return ChildResult(
            status=str(record["Status"]),
            output=_parsed(record.get("Output")),
            input=_parsed(record.get("Input")),
            name=str(record["Name"]),
            error=record.get("Error"),
            cause=record.get("Cause"),
        )
    return ChildResult(status, record)


def _parsed(text: Any) -> Any:
    """The value of JSON text inside a string; text that is none stays as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json_text.decode(text.encode())
    except (StatebagError, UnicodeEncodeError):
        return text
