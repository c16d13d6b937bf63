"""Answers: kept whole, and counted once."""

from statebag.manager.merge.callbacks import merge_answer
from statebag.manager.merge.deliveries import DELIVERIES, delivery_id
from statebag.manager.merge.resuming import RESUME_POINT
from statebag.manager.statuses import Statuses

TABLE = Statuses()
NAME = "callback_result"


def merged(state, result, name=NAME):
    return merge_answer(state, result, result, name, delivery_id(name, result), TABLE)


def test_the_answer_is_kept_whole_and_the_segment_moves():
    result = {"status": "SUCCESS", "execution_id": "m/forged", "state_s3_path": "s3://x/y"}
    state = {"execution_id": "m/e", "segment_to_run": 1, "status": "PAUSED_FOR_HITP"}
    after, action = merged(state, result)
    assert action == after.pop("next_action") == "CONTINUE"
    assert after.pop(DELIVERIES) == [{"sha256": delivery_id(NAME, result)}]
    assert after == {
        "execution_id": "m/e",
        "segment_to_run": 2,
        "status": "PAUSED_FOR_HITP",
        NAME: result,
    }


def test_an_answer_counts_once_for_each_pause():
    pause = {RESUME_POINT: {"after": "PAUSED_FOR_HITP", "segment_to_run": 5}}
    first, _ = merged({"segment_to_run": 4, **pause}, {"approved": True})
    assert merged(first, {"approved": True}) == (first, "CONTINUE")
    later = {**first, "segment_to_run": 8, "next_action": "HALTED", "loop_counter": 9}
    assert merged(later, {"approved": True}) == (later, "HALTED")
    second, _ = merged({**later, **pause}, {"approved": True})
    assert second["segment_to_run"] == 5


def test_without_a_recorded_pause_the_same_words_count_again_once_the_loop_has_turned():
    first, _ = merged({"segment_to_run": 0, "loop_counter": 0}, {"status": "COMPLETE"})
    assert merged(first, {"status": "COMPLETE"})[0] == first
    assert merged({**first, "segment_to_run": 3}, {"status": "COMPLETE"})[0]["segment_to_run"] == 3
    turned, _ = merged({**first, "loop_counter": 1}, {"status": "COMPLETE"})
    assert turned["segment_to_run"] == 2


def test_a_failed_answer_goes_nowhere_and_a_better_one_may_come():
    pause = {"segment_to_run": 4, RESUME_POINT: {"after": "PAUSED_FOR_HITP", "segment_to_run": 5}}
    failed, action = merged(pause, {"error": "E"})
    assert (action, failed["error"], failed["segment_to_run"]) == ("FAILED", "E", 4)
    assert merged(failed, {"error": "E"}) == (failed, "FAILED")
    good, action = merged(failed, {"approved": True})
    assert (action, good["segment_to_run"]) == ("CONTINUE", 5)
