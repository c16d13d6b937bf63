"""Spans of an object: near ones share a request, and no body is read further than asked for."""

import pytest

from statebag.errors import (
    BlobCorrupt,
    StoreUnavailable,
)
from statebag.store.object_storage import ObjectStorage
from statebag.store.range_reads import read_spans
from tests.store.canned_server import META, canned_server, http_answer


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        http_answer(206, b"short", length=100, Content_Range="bytes 0-99/200", **META),
        http_answer(206, b"other", Content_Range="bytes 50-54/200", **META),
        http_answer(200, b"everything, not the range", **META),
    ],
    ids=["closed", "garbage", "cut off", "another range", "no range"],
)
def test_a_broken_answer_to_a_range_is_unavailable(environment, answer):
    with canned_server(answer) as (endpoint, _):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(StoreUnavailable):
            ObjectStorage("s3://bucket/prefix").get_ranges("a", [(0, 5)])


def test_a_body_that_breaks_off_is_unavailable(environment):
    with canned_server(http_answer(200, b"short", length=100, **META)) as (endpoint, _):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(StoreUnavailable):
            ObjectStorage("s3://bucket/prefix").get("a")


def test_a_whole_answer_that_is_shorter_than_asked_is_corruption(environment):
    answer = http_answer(206, b"0123", Content_Range="bytes 0-3/4", **META)
    with canned_server(answer) as (endpoint, _):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(BlobCorrupt):
            ObjectStorage("s3://bucket/prefix").get_ranges("a", [(0, 10)])


def test_near_spans_are_one_request_and_far_ones_are_not(environment):
    with canned_server(http_answer(503)) as (endpoint, requests):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        store = ObjectStorage("s3://bucket/prefix")
        with pytest.raises(StoreUnavailable):
            store.get_ranges("a", [(500, 10), (0, 100), (100, 0), (700_000, 1), (20, 30)])
    assert [line for line in requests[0].lower().splitlines() if line.startswith("range:")] == [
        "range: bytes=0-700000"
    ]
    assert len(requests) == 1


def test_a_range_that_begins_at_the_end_is_damage_also_where_it_is_answered(environment):
    """Some servers answer 206 there, and the client itself refuses it; a retry would not help."""
    answer = http_answer(206, b"0123456789", **META, Content_Range="bytes 0-9/10")
    with canned_server(answer) as (endpoint, _):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(BlobCorrupt, match="ends before"):
            ObjectStorage("s3://bucket").get_ranges("a", [(10, 2)])


def reading(data):
    """A function that reads ranges of an object as a server does, and the ranges that it read."""
    read = []

    def window(start, end):
        read.append((start, end))
        return data[start:end]

    return window, read


def test_spans_get_their_own_bytes_in_the_order_asked():
    data = bytes(range(256)) * 20_000
    window, read = reading(data)
    spans = [(4_000_000, 3), (0, 10), (5, 0), (2, 4), (1_000_000, 1)]
    found = read_spans("a", spans, window)
    assert found == [data[start : start + length] for start, length in spans]
    assert sorted(read) == [(0, 1_000_001), (4_000_000, 4_000_003)]


def test_a_span_in_a_shared_request_that_the_object_does_not_have_is_damage():
    window, _ = reading(b"0123456789")
    with pytest.raises(BlobCorrupt, match="offset 8"):
        read_spans("a", [(0, 2), (8, 3)], window)


def test_a_refusal_of_one_of_several_requests_is_raised():
    def refuse(start, end):
        raise StoreUnavailable("no")

    with pytest.raises(StoreUnavailable):
        read_spans("a", [(0, 1), (9_000_000, 1)], refuse)
