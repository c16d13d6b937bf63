from __future__ import annotations

import pytest

from statebag.errors import ConfigurationError, InvalidState, LimitExceeded
from statebag.local.tokens import TokenDesk, TokenRefused, answer, heartbeat, waiting_tokens

from .machines import LIMIT, text_of


def desk(folder=None, *, is_open=True):
    got = []
    made = TokenDesk(folder)
    made.add(
        "../odd token",
        state="S",
        execution="arn",
        succeed=lambda output: got.append(("output", output)),
        fail=lambda error, cause: got.append((error, cause)),
        beat=lambda: got.append("beat"),
        is_open=lambda: is_open,
    )
    return made, got


def test_a_token_is_answered_once():
    made, got = desk()
    made.beat("../odd token")
    made.succeed("../odd token", "1")
    with pytest.raises(TokenRefused) as caught:
        made.fail("../odd token", "E", None)
    assert caught.value.timed_out
    assert got == ["beat", ("output", "1")]


def test_a_token_of_a_task_that_ended_is_too_late():
    made, _ = desk(is_open=False)
    with pytest.raises(TokenRefused) as caught:
        made.succeed("../odd token", "1")
    assert caught.value.timed_out


def test_an_unknown_token_is_not_too_late():
    made, _ = desk()
    with pytest.raises(TokenRefused) as caught:
        made.beat("other")
    assert not caught.value.timed_out


def test_any_token_is_a_safe_file_name(tmp_path):
    desk(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".token"
    (listed,) = waiting_tokens(tmp_path)
    assert (listed.token, listed.state, listed.execution) == ("../odd token", "S", "arn")


def test_an_answer_is_given_once(tmp_path):
    desk(tmp_path)
    answer(tmp_path, "../odd token", {"ok": 1})
    assert waiting_tokens(tmp_path) == []
    with pytest.raises(ConfigurationError, match="already has an answer"):
        answer(tmp_path, "../odd token", {"ok": 2})


@pytest.mark.parametrize("call", [answer, heartbeat])
def test_a_token_that_nobody_waits_for_is_refused(tmp_path, call):
    with pytest.raises(ConfigurationError, match="no task waits"):
        call(tmp_path, "unknown")


def test_an_output_over_the_limit_is_refused_with_both_sizes(tmp_path):
    desk(tmp_path)
    with pytest.raises(LimitExceeded, match=r"262,146.*262,144"):
        answer(tmp_path, "../odd token", text_of(LIMIT + 2))
    answer(tmp_path, "../odd token", text_of(LIMIT))


def test_an_output_that_is_no_json_is_refused(tmp_path):
    desk(tmp_path)
    with pytest.raises(InvalidState):
        answer(tmp_path, "../odd token", {1, 2})


def test_what_waits_at_the_end_is_woken(tmp_path):
    made, got = desk(tmp_path)
    with made.watched():
        pass
    assert got == [(None, None)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"neither": 1}'])
def test_an_answer_that_cannot_be_read_fails_the_task_and_leaves_no_run_waiting(tmp_path, content):
    made, got = desk(tmp_path)
    (waiting,) = tmp_path.iterdir()
    waiting.with_suffix(".answer").write_text(content)
    made._deliver("../odd token")
    ((error, cause),) = got
    assert error == "States.Runtime"
    assert "cannot be read" in cause
