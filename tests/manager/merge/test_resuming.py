"""Where a workflow goes on."""

import pytest

from statebag import InvalidState
from statebag.manager.merge.resuming import (
    RESUME_POINT,
    after_answer,
    after_join,
    after_result,
    awaits_answer,
    join_place,
    named_segment,
    pausing,
    pending_action,
)
from statebag.manager.statuses import NEXT_ACTIONS, Statuses

TABLE = Statuses()
AT_1 = {"segment_to_run": 1, "total_segments": 4}


def moved(action, result=None, *, state=AT_1, moves=True):
    result = result or {}
    named = named_segment(result)
    merged = state if named is None else {**state, "segment_to_run": named}
    return after_result(merged, state, result, action, TABLE, moves=moves)


def test_a_segment_is_named_by_a_whole_number():
    assert named_segment({"next_segment_to_run": 7.0}) == 7
    assert named_segment({"next_segment_to_run": None}) is named_segment({}) is None
    for wrong in ("7", 7.5, True):
        with pytest.raises(InvalidState):
            named_segment({"next_segment_to_run": wrong})


def test_a_continue_goes_one_further_or_where_the_result_says():
    assert moved("CONTINUE") == ({**AT_1, "segment_to_run": 2}, "CONTINUE")
    assert moved("CONTINUE", {"next_segment_to_run": 1}) == (AT_1, "CONTINUE")
    assert moved("CONTINUE", {"next_segment_to_run": 3})[0]["segment_to_run"] == 3
    assert moved("CONTINUE", state={"a": 1}) == ({"a": 1}, "CONTINUE")


def test_a_result_may_name_the_segment_by_its_control_field():
    merged = {**AT_1, "segment_to_run": 3}
    assert after_result(merged, AT_1, {"segment_to_run": 3}, "CONTINUE", TABLE, moves=True) == (
        merged,
        "CONTINUE",
    )
    echo = after_result(AT_1, AT_1, {"segment_to_run": 1}, "CONTINUE", TABLE, moves=True)
    assert echo[0]["segment_to_run"] == 2, "it only says which segment ran"


def test_segments_that_have_names_are_not_counted():
    state = {"segment_to_run": "plan"}
    assert moved("CONTINUE", state=state) == (state, "CONTINUE")
    assert moved("PAUSED_FOR_HITP", state=state)[0][RESUME_POINT] == {"after": "PAUSED_FOR_HITP"}


@pytest.mark.parametrize("action", sorted({*NEXT_ACTIONS, "ESCALATE"} - {"CONTINUE"}))
def test_no_other_action_moves(action):
    state, after = moved(action)
    assert (state["segment_to_run"], after) == (1, action)


def test_the_last_segment_is_the_end():
    last = {"segment_to_run": 3, "total_segments": 4}
    assert moved("CONTINUE", state=last) == ({**last, "segment_to_run": 4}, "COMPLETE")
    behind = {"segment_to_run": 4, "total_segments": 4}
    assert moved("CONTINUE", state=behind)[1] == "CONTINUE", "the result insists"
    assert moved("CONTINUE", {"next_segment_to_run": 4}, state=last)[1] == "CONTINUE"


def test_an_action_that_does_not_decide_does_not_move():
    assert moved("CONTINUE", moves=False) == (AT_1, "CONTINUE")
    assert moved("PAUSED_FOR_HITP", moves=False)[0][RESUME_POINT]["segment_to_run"] == 2


@pytest.mark.parametrize("pause", ["PAUSED_FOR_HITP", "PAUSED_FOR_ASYNC_LLM"])
@pytest.mark.parametrize(("named", "expected"), [(None, 2), (1, 1), (3, 3)])
def test_an_answer_goes_on_where_the_pause_said(pause, named, expected):
    state, _ = moved(pause, {"next_segment_to_run": named})
    assert state[RESUME_POINT] == {"after": pause, "segment_to_run": expected}
    assert awaits_answer(state, TABLE)
    after = after_answer(state, {}, TABLE)
    assert after == {**AT_1, "segment_to_run": expected}
    assert not awaits_answer(after, TABLE)
    assert after_answer(state, {"next_segment_to_run": 0}, TABLE)["segment_to_run"] == 0


def test_without_a_resume_point_an_answer_goes_one_further():
    assert after_answer(AT_1, {}, TABLE)["segment_to_run"] == 2
    assert after_answer({"a": 1}, {}, TABLE) == {"a": 1}
    assert awaits_answer({"next_action": "PAUSED_FOR_HITP"}, TABLE)


def test_a_join_goes_on_where_the_fork_said_and_an_answer_leaves_that_alone():
    for named, expected in ((None, 2), (3, 3)):
        state, _ = moved("PARALLEL_GROUP", {"next_segment_to_run": named})
        assert not awaits_answer(state, TABLE)
        assert pending_action(after_answer(state, {}, TABLE)) == "PARALLEL_GROUP"
        assert after_join(state) == {**AT_1, "segment_to_run": expected}
        assert join_place(state) == join_place({**after_join(state), RESUME_POINT: 5}) | {
            RESUME_POINT: state[RESUME_POINT]
        }
    assert after_join(AT_1) == AT_1


def test_a_branch_that_waits_keeps_where_the_join_goes_on():
    state, _ = moved("PARALLEL_GROUP", {"next_segment_to_run": 3})
    waiting = pausing(state, "PAUSED_FOR_HITP")
    assert waiting[RESUME_POINT] == {"after": "PAUSED_FOR_HITP", "segment_to_run": 3}
    assert after_answer(waiting, {}, TABLE)["segment_to_run"] == 3
    assert pausing(AT_1, "PAUSED_FOR_HITP")[RESUME_POINT] == {"after": "PAUSED_FOR_HITP"}


def test_the_next_result_takes_an_old_resume_point_away():
    state, _ = moved("PAUSED_FOR_HITP")
    assert RESUME_POINT not in moved("CONTINUE", state=state)[0]


def test_a_field_of_the_workflows_own_of_that_name_stays():
    for own in ("text", {"mine": 1}, [1], None):
        state = {**AT_1, RESUME_POINT: own}
        assert moved("CONTINUE", state=state)[0][RESUME_POINT] == own
        assert after_answer(state, {}, TABLE)[RESUME_POINT] == own
        assert after_join(state)[RESUME_POINT] == own


def test_a_repeated_append_id_changes_neither_the_place_nor_what_comes_next():
    before = {**AT_1, "last_append_id": "a", "next_action": "PAUSED_FOR_HITP"}
    result = {"append_id": "a", "next_segment_to_run": 3}
    merged = {**before, "segment_to_run": 3}
    assert after_result(merged, before, result, "CONTINUE", TABLE, moves=True) == (
        before,
        "PAUSED_FOR_HITP",
    )


def test_a_segment_that_is_no_number_is_refused_where_segments_are_counted():
    """It would be run again for ever; without a number of segments they may have names."""
    for odd in ("1", "intro", [1], 1.5):
        with pytest.raises(InvalidState) as refused:
            moved("CONTINUE", state={"segment_to_run": odd, "total_segments": 4})
        assert refused.value.path == "$.segment_to_run"
        named = {"next_segment_to_run": 2}
        state = {"segment_to_run": odd, "total_segments": 4}
        assert moved("CONTINUE", named, state=state)[0]["segment_to_run"] == 2
        assert moved("CONTINUE", state={"segment_to_run": odd}) == (
            {"segment_to_run": odd},
            "CONTINUE",
        )
