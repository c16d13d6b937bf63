"""Where a Distributed Map's items are in S3, and how their objects are read.

Formats and fields as in the Developer Guide, "ItemReader (Map)".
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from statebag.errors import ConfigurationError
from statebag.format.json_depth import loads

__all__ = ["ItemSource", "UnreadableItemsError", "item_source", "listed_item", "parsed_items"]

_GET, _LIST = ":s3:getObject", ":s3:listObjectsV2"
_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_FORMATS = ("JSON", "JSONL", "CSV")


class UnreadableItemsError(ValueError):
    """An object that does not hold items of the format that it should; no value in the message."""


@dataclass(frozen=True, slots=True)
class ItemSource:
    """An ItemReader without the names of bucket and object, which a template computes.

    Attributes:
        listing: The items are the objects below a prefix, not what is in one object.
        format: `JSON`, `JSONL` or `CSV`.
        headers: A CSV's columns; None: its first row names them.
        delimiter: The character between a CSV's cells.
    """

    listing: bool
    format: str
    headers: tuple[str, ...] | None
    delimiter: str


def item_source(reader: dict[str, Any], path: str) -> ItemSource:
    """Read an ItemReader.

    Raises:
        ConfigurationError: it asks for what this engine cannot read, with the place.
    """
    resource = reader.get("Resource", "")
    if not resource.endswith((_GET, _LIST)):
        raise ConfigurationError(
            f"ItemReader must use s3:getObject or s3:listObjectsV2, not {resource!r:.80}",
            path=f"{path}.Resource",
        )
    config = reader.get("ReaderConfig", {})
    kind = config.get("InputType", "JSON")
    place = f"{path}.ReaderConfig"
    if kind not in _FORMATS:
        raise ConfigurationError(
            f"this engine does not read items of the InputType {kind!r}",
            path=f"{place}.InputType",
            hint=f"It reads {', '.join(_FORMATS)}.",
        )
    for field in ("Transformation", "ItemsPointer", "ManifestType"):
        if field in config:
            raise ConfigurationError(f"this engine does not know {field}", path=f"{place}.{field}")
    headers = None
    if kind == "CSV" and config.get("CSVHeaderLocation") == "GIVEN":
        headers = tuple(config.get("CSVHeaders", ()))
        if not headers:
            raise ConfigurationError("CSVHeaders is missing", path=f"{place}.CSVHeaders")
    delimiter = config.get("CSVDelimiter", "COMMA")
    if delimiter not in _DELIMITERS:
        raise ConfigurationError(
            f"there is no CSVDelimiter {delimiter!r}", path=f"{place}.CSVDelimiter"
        )
    return ItemSource(resource.endswith(_LIST), kind, headers, _DELIMITERS[delimiter])


def parsed_items(source: ItemSource, body: bytes) -> list[Any]:
    """The items in an object.

    Raises:
        UnreadableItemsError: it is not of the source's format.
    """
    try:
        text = body.decode("utf-8-sig")
        if source.format == "JSONL":
            return [loads(line) for line in text.splitlines() if line.strip()]
        if source.format == "JSON":
            items = loads(text)
            if not isinstance(items, list):
                raise UnreadableItemsError("Attempting to map over non-iterable node.")
            return items
    except UnicodeDecodeError as error:
        raise UnreadableItemsError("The object is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise UnreadableItemsError(f"The object is not {source.format} text.") from error
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=source.delimiter)
    headers = source.headers or tuple(next(rows, ()))
    if len(set(headers)) < len(headers):
        raise UnreadableItemsError("CSV headers cannot contain duplicates.")
    return [
        {header: row[i] if i < len(row) else "" for i, header in enumerate(headers)}
        for row in rows
        if row
    ]


def listed_item(entry: dict[str, Any]) -> dict[str, Any]:
    """The item that stands for an object of `listObjectsV2`."""
    return {
        "Etag": entry["ETag"],
        "Key": entry["Key"],
        "LastModified": int(entry["LastModified"].timestamp()),
        "Size": entry["Size"],
        "StorageClass": entry.get("StorageClass", "STANDARD"),
    }
