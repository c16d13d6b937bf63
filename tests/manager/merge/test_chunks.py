"""Counting and sampling the chunks of a distributed run."""

import pytest

from statebag.manager.merge.chunks import Tally, has_failed, order_of


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_these_have_failed(status):
    assert has_failed({"status": status})


@pytest.mark.parametrize(
    "chunk", [{"status": "SUCCEEDED"}, {"status": ["FAILED"]}, {}, "FAILED", 1]
)
def test_others_have_not(chunk):
    assert not has_failed(chunk)


def test_the_order_is_the_chunks_own_or_where_it_came():
    assert order_of({"execution_order": 7}, 1) == 7
    assert order_of({"execution_order": 7.0}, 1) == 7
    for other in ({}, {"execution_order": "7"}, {"execution_order": True}, "text", None):
        assert order_of(other, 3) == 3


def test_samples_are_the_first_in_order_whatever_came_first():
    tally = Tally(3, 2)
    for order in (9, 4, 7, 1, 8, 2):
        tally.add({"o": order, "status": "FAILED" if order > 3 else "SUCCEEDED"}, order)
    assert [one["o"] for one in tally.summary()["chunk_results"]] == [1, 2, 4]
    assert [one["o"] for one in tally.failures] == [4, 7]
    assert (tally.total, tally.failed, tally.summary()["succeeded"]) == (6, 4, 2)


def test_the_final_status():
    tally = Tally(1, 1)
    assert tally.final_status == "COMPLETE"
    tally.add({"status": "ABORTED"}, 0)
    assert tally.final_status == "FAILED"
    tally.add({"status": "SUCCEEDED"}, 1)
    assert tally.final_status == "COMPLETE"


def test_nothing_is_sampled_where_nothing_is_asked_for():
    tally = Tally(0, 0)
    tally.add({"status": "FAILED"}, 0)
    assert tally.record({"mine": 1}, [])["distributed_chunk_summary"]["chunk_results"] == []
    assert tally.record({"mine": 1}, [])["mine"] == 1


def test_what_was_not_started_is_no_success():
    tally = Tally(1, 1)
    tally.add({"status": "PENDING"}, 0)
    assert tally.summary()["succeeded"] == 0
    assert tally.summary()["failed"] == 0
