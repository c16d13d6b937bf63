"""Readers of items: as in the Developer Guide ("ItemReader (Map)")."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime

import pytest

from statebag.errors import ConfigurationError
from statebag.local.interpreter.item_sources import (
    UnreadableSourceError,
    read_items,
    reader_form,
)


class Objects:
    """An S3 client of a few objects."""

    def __init__(self, objects):
        self._objects = objects

    def get_object(self, Bucket, Key, **_):  # noqa: N803 - boto3's names
        return {"Body": io.BytesIO(self._objects[Bucket, Key])}

    def get_paginator(self, _name):
        return self

    def paginate(self, Bucket, Prefix=""):  # noqa: N803 - boto3's names
        found = [
            {
                "Key": key,
                "ETag": '"e"',
                "Size": len(body),
                "LastModified": datetime(2026, 1, 1, tzinfo=UTC),
            }
            for (bucket, key), body in self._objects.items()
            if bucket == Bucket and key.startswith(Prefix)
        ]
        yield {"Contents": found[:1]}
        yield {"Contents": found[1:]}
        yield {}


def items(objects, action="getObject", source=None, **config):
    form = reader_form({"Resource": f"arn:aws:states:::s3:{action}", "ReaderConfig": config}, "$.R")
    stored = {("box", key): body for key, body in objects.items()}
    return list(read_items(form, source or {"Bucket": "box", "Key": "k"}, Objects(stored)))


@pytest.mark.parametrize(
    ("config", "body", "found"),
    [
        ({"InputType": "JSON"}, b'[{"v": 1}, 2]', [{"v": 1}, 2]),
        ({}, b"[1, 2]", [1, 2]),
        ({"InputType": "JSON"}, b"\xef\xbb\xbf[1]", [1]),
        ({"InputType": "JSON", "ItemsPointer": "/a/0/b~1c"}, b'{"a": [{"b/c": [7]}]}', [7]),
        ({"InputType": "JSONL"}, '{"v": "é"}\n\n2\n'.encode(), [{"v": "é"}, 2]),
        ({"InputType": "JSONL"}, gzip.compress(b"1\n2", mtime=0), [1, 2]),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            b'b,a\n1,"x, y"\n2\n',
            [{"b": "1", "a": "x, y"}, {"b": "2", "a": ""}],
        ),
        (
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["p", "q"],
                "CSVDelimiter": "TAB",
            },
            b"1\t2\n",
            [{"p": "1", "q": "2"}],
        ),
    ],
)
def test_what_is_in_an_object(config, body, found):
    assert items({"k": body}, **config) == found


@pytest.mark.parametrize(
    ("config", "body", "problem"),
    [
        ({"InputType": "JSON"}, b"{}", "non-iterable"),
        ({"InputType": "JSON"}, b"[", "not JSON"),
        ({"InputType": "JSON"}, b"\xff", "not UTF-8"),
        ({"InputType": "JSON", "ItemsPointer": "/a"}, b"{}", "ItemsPointer leads to nothing"),
        ({"InputType": "JSONL"}, b"1\n[", "not JSONL"),
        ({"InputType": "CSV"}, b"a,a\n", "duplicates"),
        ({"InputType": "CSV"}, b"\x1f\x8b\x00", "gzip"),
        ({"InputType": "MANIFEST"}, b"{}", "not the manifest of an inventory"),
    ],
)
def test_what_cannot_be_read(config, body, problem):
    with pytest.raises(UnreadableSourceError, match=problem):
        items({"k": body}, **config)


def test_the_rows_of_an_inventory():
    manifest = {
        "sourceBucket": "other",
        "destinationBucket": "arn:aws:s3:::box",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "d/1.csv.gz"}, {"key": "d/2.csv.gz"}],
    }
    objects = {
        "k": json.dumps(manifest).encode(),
        "d/1.csv.gz": gzip.compress(b'"other","a b","3"\n', mtime=0),
        "d/2.csv.gz": gzip.compress(b'"other","c","4"\n', mtime=0),
    }
    assert items(objects, InputType="MANIFEST") == [
        {"Bucket": "other", "Key": "a b", "Size": "3"},
        {"Bucket": "other", "Key": "c", "Size": "4"},
    ]


def test_the_objects_that_an_athena_manifest_lists():
    objects = {"k": b"s3://box/d/1\ns3://box/d/2\n", "d/1": b"1\n2\n", "d/2": b"3\n"}
    assert items(objects, InputType="JSONL", ManifestType="ATHENA_DATA") == [1, 2, 3]


def test_the_objects_below_a_prefix():
    objects = {"in/a": b"[1]", "in/b": b"[2, 3]", "out/c": b"[4]"}
    source = {"Bucket": "box", "Prefix": "in/"}
    listed = items(objects, "listObjectsV2", source)
    assert [(one["Key"], one["Size"]) for one in listed] == [("in/a", 3), ("in/b", 6)]
    assert listed[0]["LastModified"] == 1767225600
    flat = items(
        objects, "listObjectsV2", source, InputType="JSON", Transformation="LOAD_AND_FLATTEN"
    )
    assert flat == [1, 2, 3]


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"InputType": "XML"}, "InputType"),
        ({"CSVDelimiter": "COLON"}, "CSVDelimiter"),
        ({"Unknown": 1}, "Unknown"),
        ({"ItemsPointer": "a"}, "ItemsPointer"),
        ({"CSVHeaderLocation": "GIVEN"}, "CSVHeaders"),
        ({"ManifestType": "X"}, "ManifestType"),
    ],
)
def test_a_reader_of_another_form_is_refused(config, place):
    with pytest.raises(ConfigurationError) as caught:
        items({"k": b"[]"}, **config)
    assert caught.value.path == f"$.R.ReaderConfig.{place}"


def test_parquet_needs_its_package(monkeypatch):
    monkeypatch.setattr("statebag.local.interpreter.item_sources.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="pyarrow"):
        items({"k": b""}, InputType="PARQUET")


def test_the_rows_of_a_parquet_file():
    pyarrow = pytest.importorskip("pyarrow", reason="reads Parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="reads Parquet")
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"n": [1, 2], "s": ["a", None]}), file)
    found = items({"k": file.getvalue()}, InputType="PARQUET")
    assert found == [{"n": 1, "s": "a"}, {"n": 2, "s": None}]


def test_a_line_ends_with_a_line_feed_alone():
    form = reader_form(
        {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSONL"}}, "$"
    )

    class S3:
        def get_object(self, **_):
            return {"Body": io.BytesIO('{"a": "one\u2028two"}\r\n\n[2]'.encode())}

    assert list(read_items(form, {"Bucket": "b", "Key": "k"}, S3())) == [{"a": "one\u2028two"}, [2]]
