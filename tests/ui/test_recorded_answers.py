"""Answers of a file: keyed as the page's script asks, bounded, and without a guessable digest."""

import json

import pytest

from statebag.ui import recorded_answers
from statebag.ui.recorded_answers import RecordedAnswers
from tests.ui.conftest import SECRET


@pytest.fixture
def recorded(data, ran):
    return RecordedAnswers(data, ran.good, values=False)


def questions(recorded):
    return [json.loads(key) for key in recorded.answers]


def test_a_state_that_is_the_same_is_recorded_once(recorded, good):
    made = good.snapshot().made
    for one in made[:2]:
        recorded.record_state(good, one.entered, "in")
        recorded.record_state(good, one.left, "out")
    states = recorded.shown()["states"]
    same = [one["same"] for one in states if "same" in one]
    assert len(states) > len(same) > 0
    asked = {dict(pairs)["at"] for name, pairs in questions(recorded) if name == "state"}
    assert asked == {str(one["event"]) for one in states if "same" not in one}
    assert all({"event", "name", "type"} <= set(one) for one in states)


def test_long_values_are_recorded_in_pages(data, ran, good, monkeypatch):
    monkeypatch.setattr(recorded_answers, "PAGE", 3)
    monkeypatch.setattr("statebag.ui.page_answers.PAGE", 3)
    recorded = RecordedAnswers(data, ran.good, values=False)
    recorded.record_state(good, good.payload_event(), "the newest")
    top = [
        answer
        for (_, pairs), answer in zip(questions(recorded), recorded.answers.values(), strict=True)
        if dict(pairs)["path"] == "[]"
    ]
    assert sum(len(answer["members"]) for answer in top) == top[0]["node"]["count"] > 3


def test_it_ends_at_its_bounds(recorded, good, monkeypatch):
    assert not recorded.is_full
    recorded.record_state(good, good.payload_event(), "the newest")
    monkeypatch.setattr(recorded_answers, "_STATES_BYTES", 10)
    assert recorded.is_full
    monkeypatch.setattr(recorded_answers, "_MOST_QUESTIONS", 1)
    before = len(recorded.answers)
    recorded.record_state(good, good.snapshot().made[0].entered, "the first")
    assert len(recorded.answers) - before <= 1


def test_histories_of_values_are_left_out_if_they_would_take_long(recorded, good):
    newest = good.payload_event()
    recorded.record_trails(newest, 5_000, 1)
    recorded.record_trails(newest, 10, 1 << 40)
    assert recorded.answers == {}
    recorded.record_trails(newest, 10, 1_000)
    assert {name for name, _ in questions(recorded)} == {"trail"}


def test_no_digest_of_a_value_is_in_it(recorded, good):
    """A digest of a short value can be guessed."""
    from statebag.format.codec import sha256_hex

    recorded.record_trails(good.payload_event(), 10, 1_000)
    text = json.dumps(recorded.answers)
    for value in (True, "DONE", SECRET):
        assert sha256_hex(json.dumps(value).encode()) not in text
    assert not any("mark" in answer for answer in recorded.answers.values())


def test_what_cannot_be_answered_says_why(recorded):
    recorded.record("state", at=1_000, path="[]")
    (answer,) = recorded.answers.values()
    assert answer["refused"]["error"]


def test_half_a_surrogate_pair_is_written_as_the_script_writes_it():
    assert recorded_answers._text_of(["\ud800", "제목", 1]) == '["\\ud800","제목",1]'
