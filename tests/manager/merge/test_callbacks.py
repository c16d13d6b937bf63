"""Results from outside change nothing but the segment."""

from statebag.manager.merge.callbacks import merge_outside_result


def test_the_result_is_kept_whole_and_the_segment_moves():
    result = {"status": "SUCCESS", "execution_id": "m/forged", "state_s3_path": "s3://x/y"}
    state = {"execution_id": "m/e", "segment_to_run": 1, "status": "PAUSED_FOR_HITP"}
    assert merge_outside_result(state, result, result, "callback_result") == {
        "execution_id": "m/e",
        "segment_to_run": 2,
        "status": "PAUSED_FOR_HITP",
        "callback_result": result,
    }


def test_the_result_may_name_the_segment():
    result = {"next_segment_to_run": 8}
    state = merge_outside_result({"segment_to_run": 1}, result, result, "async_result")
    assert state == {"segment_to_run": 8, "async_result": result}
