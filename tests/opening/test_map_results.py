"""What a Distributed Map's ResultWriter leaves, read back one child at a time."""

import json
import random
import tracemalloc

import pytest

from statebag import BlobCorrupt, BlobMissing, NotPermitted, Policy, Statebag
from statebag.store.address import standing_in
from statebag.store.memory import MemoryStore


class Bucket(MemoryStore):
    """A bucket of this process with the address of one in S3."""

    url = "s3://results/maps"


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def sb(bucket):
    with standing_in("s3", lambda _: bucket):
        yield Statebag("memory://map-results", policy=Policy(result_roots=("s3://results/maps",)))


def describe(n, status="SUCCEEDED", **fields):
    return {
        "ExecutionArn": f"arn:aws:states:eu-west-1:1:execution:m/Map:{n}",
        "Input": json.dumps({"n": n}),
        "Name": str(n),
        "Status": status,
        "StopDate": "2026-01-01T00:00:00.000Z",
        **fields,
    }


def write(bucket, files):
    listed = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for status, name, body in files:
        bucket.put(f"run/{name}", body)
        listed[status].append({"Key": f"maps/run/{name}", "Size": len(body)})
    manifest = {"DestinationBucket": "results", "MapRunArn": "arn", "ResultFiles": listed}
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    return {"Bucket": "results", "Key": "maps/run/manifest.json"}


def as_json(records):
    return json.dumps(records).encode()


def as_lines(records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.mark.parametrize(("form", "ending"), [(as_json, "json"), (as_lines, "jsonl")])
def test_described_children_of_every_status_in_several_files(sb, bucket, form, ending):
    details = write(
        bucket,
        [
            ("SUCCEEDED", f"SUCCEEDED_0.{ending}", form([describe(1, Output='{"r": 1.0}')])),
            ("SUCCEEDED", f"SUCCEEDED_1.{ending}", form([describe(2, Output="not JSON")])),
            ("FAILED", f"FAILED_0.{ending}", form([describe(3, "FAILED", Error="E", Cause="c")])),
            ("PENDING", f"PENDING_0.{ending}", form([describe(4, "PENDING")])),
        ],
    )
    children = list(sb.map_results(details))
    assert [child.status for child in children] == ["SUCCEEDED", "SUCCEEDED", "FAILED", "PENDING"]
    assert [child.output for child in children] == [{"r": 1.0}, "not JSON", None, None]
    assert [child.input for child in children] == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]
    assert (children[2].error, children[2].cause, children[2].name) == ("E", "c", "3")


@pytest.mark.parametrize(("form", "ending"), [(as_json, "json"), (as_lines, "jsonl")])
def test_compact_and_flattened_outputs(sb, bucket, form, ending):
    outputs = [{"Status": "mine"}, [1, 2], "text", None, 7]
    details = write(bucket, [("SUCCEEDED", f"SUCCEEDED_0.{ending}", form(outputs))])
    assert [child.output for child in sb.map_results(details)] == outputs


def test_an_empty_run_has_no_children(sb, bucket):
    assert list(sb.map_results(write(bucket, []))) == []


def test_nothing_outside_the_roots_is_read(sb, bucket):
    details = write(bucket, [])
    for wrong in (
        {"Bucket": "other", "Key": "maps/run/manifest.json"},
        {"Bucket": "results", "Key": "run/manifest.json"},
        {"Bucket": "results", "Key": "maps/../run/manifest.json"},
    ):
        with pytest.raises(NotPermitted):
            list(sb.map_results(wrong))
    manifest = {"ResultFiles": {"SUCCEEDED": [{"Key": "elsewhere/x.json", "Size": 1}]}}
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(NotPermitted):
        list(sb.map_results(details))


def test_missing_and_damaged_files_are_errors(sb, bucket):
    details = write(bucket, [("SUCCEEDED", "SUCCEEDED_0.json", b'[{"a": 1')])
    with pytest.raises(BlobCorrupt):
        list(sb.map_results(details))
    bucket.delete("run/SUCCEEDED_0.json")
    with pytest.raises(BlobMissing):
        list(sb.map_results(details))
    bucket.put("run/manifest.json", b"[]")
    with pytest.raises(BlobCorrupt):
        list(sb.map_results(details))
    for wrong in (None, {}, {"Bucket": "results"}, {"Bucket": 1, "Key": 2}):
        with pytest.raises(BlobCorrupt):
            list(sb.map_results(wrong))


def test_gathering_ten_times_the_children_takes_no_ten_times_the_memory(sb, bucket):
    noise = random.Random(5).randbytes(5_000).hex()  # hardly compressible text
    growth = []
    for count in (1_000, 10_000):
        records = (describe(n, Output=json.dumps({"n": n, "noise": noise})) for n in range(count))
        details = write(bucket, [("SUCCEEDED", "SUCCEEDED_0.jsonl", as_lines(records))])
        tracemalloc.start()
        seen = sum(child.output["n"] for child in sb.map_results(details))
        growth.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == count * (count - 1) // 2
    assert growth[1] < 64 * 1024 * 1024
    assert growth[1] <= 1.5 * growth[0]
