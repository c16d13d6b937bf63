"""Counting and sampling the chunks of a distributed run."""

import pytest

from statebag.manager.merge.chunks import Tally, failure_on_record, order_of
from statebag.manager.statuses import CLASSES, Statuses

TABLE = Statuses()


@pytest.mark.parametrize("status", [*CLASSES["failed"], "failed"])
def test_these_have_failed(status):
    assert failure_on_record({"status": status}, TABLE) == {"status": status}


@pytest.mark.parametrize("status", ["PENDING", "WHAT", "", 7, ["FAILED"]])
def test_so_have_those_whose_status_is_not_known_and_the_reason_is_on_record(status):
    kept = failure_on_record({"status": status}, TABLE)
    assert kept["status"] == status
    assert kept["failure_reason"]["Error"] == "Statebag.UnknownStatus"


@pytest.mark.parametrize(
    "chunk", [{"status": "SUCCEEDED"}, {"status": "continue"}, {}, "FAILED", 1]
)
def test_others_have_not(chunk):
    assert failure_on_record(chunk, TABLE) is None


def test_the_order_is_the_chunks_own_or_where_it_came():
    assert order_of({"execution_order": 7}, 1) == 7
    assert order_of({"execution_order": 7.0}, 1) == 7
    assert order_of({"StatusCode": 200, "Payload": {"execution_order": 7}}, 1) == 7
    assert order_of({"execution_order": "07"}, 1) == 7
    for odd in ("7th", "", "-", "\u0667", "9" * 40, True, None, [7]):
        assert order_of({"execution_order": odd}, 3) == 3
    for other in ({}, "text", None):
        assert order_of(other, 3) == 3


def test_samples_are_the_first_in_order_whatever_came_first():
    tally = Tally(3, 2, TABLE)
    for order in (9, 4, 7, 1, 8, 2):
        tally.add({"o": order, "status": "FAILED" if order > 3 else "SUCCEEDED"}, order)
    assert [one["o"] for one in tally.summary()["chunk_results"]] == [1, 2, 4]
    assert [one["o"] for one in tally.failures] == [4, 7]
    assert (tally.total, tally.failed, tally.summary()["succeeded"]) == (6, 4, 2)


def test_the_final_status():
    tally = Tally(1, 1, TABLE)
    assert tally.final_status == "COMPLETE"
    tally.add({"status": "ABORTED"}, 0)
    assert tally.final_status == "FAILED"
    tally.add({"status": "SUCCEEDED"}, 1)
    assert tally.final_status == "COMPLETE"


def test_nothing_is_sampled_where_nothing_is_asked_for():
    tally = Tally(0, 0, TABLE)
    tally.add({"status": "FAILED"}, 0)
    assert tally.record({"mine": 1}, [])["distributed_chunk_summary"]["chunk_results"] == []
    assert tally.record({"mine": 1}, [])["mine"] == 1


def test_what_was_not_started_is_no_success():
    tally = Tally(1, 1, TABLE)
    tally.add({"status": "PENDING"}, 0)
    assert tally.final_status == "FAILED"
    assert (tally.summary()["succeeded"], tally.summary()["failed"]) == (0, 1)


def test_one_that_waits_is_neither_a_success_nor_a_failure():
    tally = Tally(1, 1, TABLE)
    tally.add({"status": "PAUSED_FOR_ASYNC_LLM"}, 0)
    assert tally.final_status == "PAUSED_FOR_ASYNC_LLM"
    tally.add({"status": "PAUSE"}, 1)
    tally.add({"status": "FAILED"}, 2)
    tally.add({"status": "COMPLETE"}, 3)
    assert tally.final_status == "PAUSED_FOR_HITP"
    assert (tally.summary()["succeeded"], tally.summary()["failed"]) == (1, 1)
