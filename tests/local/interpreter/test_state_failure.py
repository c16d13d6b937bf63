from __future__ import annotations

import pytest

from statebag.local.interpreter.state_failure import StateFailure, is_taken


@pytest.mark.parametrize(
    ("error", "wanted", "taken"),
    [
        ("Mine", ["Mine"], True),
        ("Mine", ["Other"], False),
        ("Mine", ["States.ALL"], True),
        ("Mine", ["States.TaskFailed"], True),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.ALL"], True),
        ("States.DataLimitExceeded", ["States.ALL"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.Runtime"], False),
        (None, ["States.ALL"], True),
        (None, ["Mine"], False),
    ],
)
def test_which_errors_are_taken(error, wanted, taken):
    assert is_taken(StateFailure(error, None), wanted) is taken


def test_a_missing_heartbeat_has_two_names():
    late = StateFailure("States.Timeout", None, heartbeat=True)
    assert is_taken(late, ["States.HeartbeatTimeout"])
    assert is_taken(late, ["States.Timeout"])
    assert not is_taken(StateFailure("States.Timeout", None), ["States.HeartbeatTimeout"])


def test_what_is_final_is_never_taken():
    assert not is_taken(StateFailure("States.DataLimitExceeded", None, final=True), ["States.ALL"])
