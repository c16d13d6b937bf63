"""Read the results of a Distributed Map that its ResultWriter left in S3, child by child.

The state's output is `{"MapRunArn", "ResultWriterDetails": {"Bucket", "Key"}}`. The key is that of
a manifest, which lists files of JSON or JSON Lines for each status. The record of a child that did
not succeed describes an execution, with its input and output as JSON text. For a child that
succeeded, the Transformation decides: NONE gives such a description, COMPACT the output, FLATTEN
each item of the output. The manifest does not say which it was. (AWS Step Functions Developer
Guide, "ResultWriter (Map)".)
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    InvalidState,
)
from statebag.format import json_text
from statebag.format.json_type import json_type
from statebag.opening.json_stream import array_items, lines, without_mark
from statebag.opening.map_records import (
    contradiction,
    described,
    is_left_out,
    output_of,
    salvaged,
    unreadable,
)
from statebag.process.forking import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.process.forking import Task
    from statebag.store.contract import Store

__all__ = ["UNREADABLE", "ChildResult", "Transformation", "read_map_results"]

Transformation = Literal["NONE", "COMPACT", "FLATTEN"]

UNREADABLE = "Statebag.UnreadableRecord"
"""`ChildResult.error` of a child whose record in the file cannot be given exactly."""

_CHUNK = 1024 * 1024  # bytes of a file in one request. Chosen; not measured
_AHEAD = 6  # chunks that are requested while one is parsed. Chosen: they take 6 MB; not measured
_STATUSES = ("SUCCEEDED", "FAILED", "PENDING")
_TRANSFORMATIONS = ("NONE", "COMPACT", "FLATTEN")


class ChildResult(msgspec.Struct, frozen=True):
    """The result of one child.

    Attributes:
        status: `SUCCEEDED`, `FAILED`, `PENDING`, `TIMED_OUT` or `ABORTED`.
        output: Its output; the text itself if it is not JSON. None if there is none.
        input: Its input; the text itself if it is not JSON. None if the file does not say.
        name: The child execution's name; None if the file does not say.
        error: The error's name, for a child that failed. `Statebag.UnreadableRecord` if its record
            cannot be given exactly (half of a surrogate pair, NaN, too many levels), or contradicts
            its file (another status than the manifest lists it for, a cause that is not text).
        cause: The error's cause; for an unreadable record, what was found and where.
    """

    status: str
    output: Any = None
    input: Any = None
    name: str | None = None
    error: str | None = None
    cause: str | None = None


def read_map_results(
    locate: Callable[[str, str], tuple[Store, str]],
    details: object,
    transformation: Transformation | None = None,
) -> Iterator[ChildResult]:
    """Yield all children of a Map Run, file by file, with memory for a few chunks of one file.

    Args:
        locate: Returns, for a bucket and a key, the store and the name in it. It refuses objects
            outside the configured roots.
        details: `{"Bucket", "Key"}`, as in a payload.
        transformation: As in the ResultWriter's WriterConfig. If it is None, the first child that
            succeeded decides: NONE if its record describes a child of this Map Run.

    Raises:
        BlobCorrupt: The manifest has another form or lists a file twice, or a file ends early or
            has fewer bytes than the manifest says.
        InvalidState: A later record does not have the form of the first one.
        ConfigurationError: There is no such transformation.
        NotPermitted, BlobMissing, StoreUnavailable: From the store.
    """
    if not callable(locate):
        raise ConfigurationError(f"locate must be a function, not {type(locate).__qualname__}")
    kind = type(transformation).__qualname__
    if transformation is not None and transformation not in _TRANSFORMATIONS:
        raise ConfigurationError(
            "transformation must be a known name or None, not "
            + (f"{transformation!r:.40}" if isinstance(transformation, str) else kind),
            hint=f"Use {', '.join(_TRANSFORMATIONS)}, or None.",
        )
    return _children(locate, details, transformation)


def _children(
    locate: Callable[[str, str], tuple[Store, str]],
    details: object,
    transformation: Transformation | None,
) -> Iterator[ChildResult]:
    if not isinstance(details, dict):
        raise BlobCorrupt(f"ResultWriterDetails must be an object, not {json_type(details)}")
    bucket, key = details.get("Bucket"), details.get("Key")
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise BlobCorrupt("ResultWriterDetails has no Bucket or no Key")
    store, name = locate(bucket, key)
    manifest = json_text.decode(b"".join(without_mark([bytes(store.get(name))])), name)
    form = _Form(manifest, transformation)
    for status, file_key, size in _files(manifest, name):
        store, name = locate(bucket, file_key)
        items = lines if name.endswith(".jsonl") else array_items
        for number, text in enumerate(items(without_mark(_chunks(store, name, size)), name), 1):
            yield form.child(text, status, name, number)


def _files(manifest: Any, name: str) -> list[tuple[str, str, int | None]]:
    """Return the status, the key and the size of each file; None for a size that is not there."""
    try:
        listed = manifest["ResultFiles"]
        found = [
            (status, file["Key"], file.get("Size"))
            for status in (*_STATUSES, *sorted(set(listed) - set(_STATUSES)))
            for file in _listed(listed.get(status, []))
        ]
    except (KeyError, TypeError, AttributeError):
        found = [("", None, None)]
    if not all(isinstance(key, str) and _is_size(size) for _, key, size in found):
        raise BlobCorrupt("the Map Run's manifest is malformed", object_name=name)
    if len({key for _, key, _ in found}) < len(found):
        raise BlobCorrupt(
            "the Map Run's manifest lists a file twice, so its children would count twice",
            object_name=name,
        )
    return found


def _is_size(size: Any) -> bool:
    return size is None or (isinstance(size, int) and not isinstance(size, bool))


def _listed(files: Any) -> list[Any]:
    if not isinstance(files, list):  # an empty object or text would pass for no files
        raise TypeError
    return files


def _chunks(store: Store, name: str, size: int | None) -> Iterator[bytes]:
    """Yield an object's bytes, and request a few chunks ahead.

    Raises:
        BlobCorrupt: It has fewer bytes than the manifest says. In JSON Lines, nothing else would
            show that the last lines are missing. (A tool that added a byte order mark made it
            longer.)
    """
    info = store.head(name)
    if info is None:
        raise BlobMissing(
            "the store does not have a file that the Map Run's manifest lists", object_name=name
        )
    if size is not None and info.size < size:
        raise BlobCorrupt(
            f"the file has only {info.size} bytes; the Map Run's manifest says {size}",
            object_name=name,
        )
    spans = [(start, min(_CHUNK, info.size - start)) for start in range(0, info.size, _CHUNK)]
    coming: deque[Task[list[bytes]]] = deque()
    with Workers(_AHEAD, "statebag-results") as pool:
        for span in spans:
            coming.append(pool.submit(store.get_ranges, name, [span]))
            if len(coming) > _AHEAD:
                yield bytes(coming.popleft().result()[0])
        while coming:
            yield bytes(coming.popleft().result()[0])


class _Form:
    """The form of the records of one Map Run, which the first record decides."""

    def __init__(self, manifest: Any, transformation: Transformation | None) -> None:
        self._map_run = manifest.get("MapRunArn") if isinstance(manifest, dict) else None
        self._told = transformation is not None
        self._describes = None if transformation is None else transformation == "NONE"

    def child(self, text: bytes, status: str, name: str, number: int) -> ChildResult:
        """Return the child in one record."""
        place = f"record {number} of {name}"
        try:
            record = json_text.decode(text, name)
        except BlobCorrupt:
            return self._unreadable(text, place)
        if status == "SUCCEEDED" and not self._is_description(record, place):
            return ChildResult(status, record)
        return self._described(record, status, place)

    def _is_description(self, record: Any, place: str) -> bool:
        if self._describes is None:
            self._describes = described(record, self._map_run)
        if self._describes and not (
            _has_output(record) if self._told else described(record, self._map_run)
        ):
            first = "transformation='NONE' says" if self._told else "the first record does"
            raise InvalidState(
                f"{place} does not describe a child of the Map Run, as {first}",
                hint="Pass the transformation that the ResultWriter's WriterConfig names.",
            )
        return self._describes

    def _described(self, record: Any, status: str, place: str) -> ChildResult:
        if not isinstance(record, dict):
            cause = f"{place} is not an object that describes an execution"
            return ChildResult("FAILED", error=UNREADABLE, cause=cause)
        name, given = _text(record.get("Name")), output_of(record.get("Input"))[0]
        output, problem = output_of(record.get("Output"))
        if status == "SUCCEEDED" and record.get("Output") is None:
            problem = "the file does not include it"
        cause = f"the Output in {place} cannot be given exactly: {problem}"
        contradicts = contradiction(record, status)
        if contradicts is not None:
            cause = f"{place} cannot be given exactly: {contradicts}"
        if problem is not None or contradicts is not None:
            return ChildResult("FAILED", input=given, name=name, error=UNREADABLE, cause=cause)
        return ChildResult(
            status=record.get("Status", status),
            output=output,
            input=given,
            name=name,
            error=_text(record.get("Error")),
            cause=_text(record.get("Cause")),
        )

    def _unreadable(self, text: bytes, place: str) -> ChildResult:
        """Return a failed child for a record that cannot be decoded, with its exact parts."""
        name, given = salvaged(text) if self._describes is not False else (None, None)
        return ChildResult(
            "FAILED",
            input=None if given is None else output_of(given)[0],
            name=name,
            error=UNREADABLE,
            cause=f"{place} cannot be given exactly: {unreadable(text)}",
        )


def _has_output(record: Any) -> bool:
    return isinstance(record, dict) and (
        isinstance(record.get("Output"), str) or is_left_out(record, "Output")
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
