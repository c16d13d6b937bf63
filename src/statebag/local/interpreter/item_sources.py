"""Read the items of a distributed Map from objects in S3.

Formats and fields as in the Developer Guide, "ItemReader (Map)".
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.json_depth import loads
from statebag.format.json_type import json_type
from statebag.local.interpreter.sdk_shapes import result_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ReaderForm", "UnreadableSourceError", "read_items", "reader_form"]

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_TYPES = ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
_MANIFESTS = ("S3_INVENTORY", "ATHENA_DATA")
_TRANSFORMATIONS = ("NONE", "LOAD_AND_FLATTEN")
_KNOWN = frozenset(
    {
        "InputType",
        "CSVHeaderLocation",
        "CSVHeaders",
        "CSVDelimiter",
        "MaxItems",
        "MaxItemsPath",
        "ItemsPointer",
        "ManifestType",
        "Transformation",
    }
)


class UnreadableSourceError(ValueError):
    """An object does not hold items of the expected form; no value is in the message."""


@dataclass(frozen=True, slots=True)
class ReaderForm:
    """The parts of an ItemReader that are not computed.

    Attributes:
        listing: Whether the items are the objects below a prefix, not the contents of one object.
        type: `CSV`, `JSON`, `JSONL`, `PARQUET`, or `MANIFEST` for an inventory.
        athena: Whether the object lists the objects that hold the items.
        flatten: Whether a listing gives the contents of the objects instead of their names.
        headers: The columns of CSV; None if its first row names them.
        delimiter: The character between the cells of CSV.
        pointer: The names and indices of a JSON pointer to the array in a JSON object.
    """

    listing: bool
    type: str
    athena: bool
    flatten: bool
    headers: tuple[str, ...] | None
    delimiter: str
    pointer: tuple[str, ...]


def reader_form(reader: Mapping[str, Any], path: str) -> ReaderForm:
    """Read an ItemReader.

    Args:
        reader: The field of the definition.
        path: Its path, for messages.

    Raises:
        ConfigurationError: It asks for something unknown, or needs a package that is not installed.
    """
    action = str(reader.get("Resource", "")).rpartition(":::")[2]
    if action not in {"s3:getObject", "s3:listObjectsV2"}:
        raise ConfigurationError(
            f"ItemReader must use s3:getObject or s3:listObjectsV2, not {action[:60]!r}",
            path=f"{path}.Resource",
        )
    config = reader.get("ReaderConfig", {})
    place = f"{path}.ReaderConfig"
    for name in config:
        if name not in _KNOWN:
            raise ConfigurationError(
                f"ReaderConfig has no field {name!r}",
                path=f"{place}.{name}",
                hint=f"Its fields are {', '.join(sorted(_KNOWN))}.",
            )
    kind = _chosen(config, "InputType", _TYPES, "JSON", place)
    manifest = _chosen(config, "ManifestType", _MANIFESTS, "", place)
    if kind == "MANIFEST":
        manifest = manifest or "S3_INVENTORY"
    if kind == "PARQUET" and find_spec("pyarrow") is None:
        raise ConfigurationError(
            "reading Parquet needs the package 'pyarrow', which is not installed",
            path=f"{place}.InputType",
            hint="Install it: pip install pyarrow.",
        )
    headers = None
    if config.get("CSVHeaderLocation") == "GIVEN":
        headers = tuple(config.get("CSVHeaders", ()))
        if not headers:
            raise ConfigurationError("CSVHeaders is missing", path=f"{place}.CSVHeaders")
    delimiter = _chosen(config, "CSVDelimiter", tuple(_DELIMITERS), "COMMA", place)
    transformation = _chosen(config, "Transformation", _TRANSFORMATIONS, "NONE", place)
    return ReaderForm(
        listing=action == "s3:listObjectsV2",
        type="MANIFEST" if manifest == "S3_INVENTORY" else kind,
        athena=manifest == "ATHENA_DATA",
        flatten=transformation == "LOAD_AND_FLATTEN",
        headers=headers,
        delimiter=_DELIMITERS[delimiter],
        pointer=_pointer(config.get("ItemsPointer", ""), f"{place}.ItemsPointer"),
    )


def read_items(form: ReaderForm, source: Mapping[str, Any], s3: Any) -> Iterator[Any]:
    """Yield the items, one after another.

    Args:
        form: The form of the items.
        source: The parameters: `Bucket`, and `Key` or `Prefix`.
        s3: A boto3 client.

    Raises:
        UnreadableSourceError: An object does not have the form.
        ClientError: S3 answers with an error.
    """
    bucket = source.get("Bucket")
    if form.listing:
        for entry in _listed(s3, source):
            if not form.flatten:
                yield _listed_item(entry)
            elif not entry["Key"].endswith("/"):
                yield from _parsed(form, _body(s3, bucket, entry["Key"]), s3)
        return
    extra = {"VersionId": source["VersionId"]} if "VersionId" in source else {}
    body = _body(s3, bucket, source.get("Key"), **extra)
    if form.athena:
        for (address,) in csv.reader(io.StringIO(_text(body))):
            place, _, key = address.strip().removeprefix("s3://").partition("/")
            yield from _parsed(form, _body(s3, place, key), s3)
        return
    yield from _parsed(form, body, s3)


def _parsed(form: ReaderForm, body: bytes, s3: Any) -> Iterator[Any]:
    if form.type == "MANIFEST":
        yield from _inventory(body, s3)
    elif form.type == "PARQUET":
        yield from _parquet(body)
    elif form.type == "CSV":
        yield from _rows(_text(_unpacked(body)), form.delimiter, form.headers)
    elif form.type == "JSONL":
        # Only a line feed ends a line: text in JSON may hold other separators.
        for line in io.BytesIO(_unpacked(body)):
            if line.strip():
                yield _json(_text(line), "JSONL")
    else:
        yield from _array(_json(_text(_unpacked(body)), "JSON"), form.pointer)


def _array(value: Any, pointer: tuple[str, ...]) -> list[Any]:
    for name in pointer:
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (LookupError, TypeError, ValueError):
            raise UnreadableSourceError("ItemsPointer leads to nothing in the object.") from None
    if not isinstance(value, list):
        raise UnreadableSourceError("Attempting to map over non-iterable node.")
    return value


def _rows(text: str, delimiter: str, given: tuple[str, ...] | None) -> Iterator[dict[str, str]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    headers = given or tuple(next(rows, ()))
    if len(set(headers)) < len(headers):
        raise UnreadableSourceError("CSV headers cannot contain duplicates.")
    for row in rows:
        if row:
            yield {
                name: row[number] if number < len(row) else ""
                for number, name in enumerate(headers)
            }


def _inventory(body: bytes, s3: Any) -> Iterator[dict[str, str]]:
    """Yield the rows of an S3 inventory, whose manifest names the objects that hold them."""
    manifest = _json(_text(body), "a manifest")
    try:
        bucket = manifest["destinationBucket"].rpartition(":")[2]
        columns = tuple(one.strip() for one in manifest["fileSchema"].split(","))
        keys = [one["key"] for one in manifest["files"]]
        form = manifest["fileFormat"]
    except (KeyError, TypeError, AttributeError):
        raise UnreadableSourceError("The object is not the manifest of an inventory.") from None
    if form != "CSV":
        raise UnreadableSourceError("The files of the inventory are not CSV.")
    for key in keys:
        yield from _rows(_text(_unpacked(_body(s3, bucket, key))), ",", columns)


def _parquet(body: bytes) -> Iterator[Any]:
    import pyarrow.parquet  # noqa: PLC0415 - large, and in a separate package

    table = pyarrow.parquet.ParquetFile(io.BytesIO(body))
    for batch in table.iter_batches():
        yield from map(result_of, batch.to_pylist())  # times and bytes as texts


def _listed(s3: Any, source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(**source)
    for page in pages:
        yield from page.get("Contents", [])


def _listed_item(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "Etag": entry["ETag"],
        "Key": entry["Key"],
        "LastModified": int(entry["LastModified"].timestamp()),
        "Size": entry["Size"],
        "StorageClass": entry.get("StorageClass", "STANDARD"),
    }


def _body(s3: Any, bucket: Any, key: Any, **extra: Any) -> bytes:
    body: bytes = s3.get_object(Bucket=bucket, Key=key, **extra)["Body"].read()
    return body


def _unpacked(body: bytes) -> bytes:
    """Return the bytes of an object, which may be compressed with gzip."""
    try:
        return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    except (OSError, EOFError):
        raise UnreadableSourceError("The object is not in the gzip format.") from None


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableSourceError("The object is not UTF-8 text.") from None


def _json(text: str, form: str) -> Any:
    try:
        return loads(text)
    except ValueError:
        raise UnreadableSourceError(f"The object is not {form}.") from None


def _chosen(
    config: Mapping[str, Any], name: str, known: tuple[str, ...], default: str, place: str
) -> str:
    value = config.get(name, default)
    if value not in known and value != default:
        raise ConfigurationError(
            f"there is no {name} {value!r}",
            path=f"{place}.{name}",
            hint=f"Use {', '.join(known)}.",
        )
    return str(value)


def _pointer(text: Any, path: str) -> tuple[str, ...]:
    """Return the parts of a JSON pointer, unescaped as RFC 6901 says."""
    if text == "":
        return ()
    if not isinstance(text, str) or not text.startswith("/"):
        raise ConfigurationError(
            f"ItemsPointer must be a JSON pointer, such as /a/0, not {json_type(text)}", path=path
        )
    return tuple(one.replace("~1", "/").replace("~0", "~") for one in text[1:].split("/"))
