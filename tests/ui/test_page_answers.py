"""Questions of the page, with hostile parameters."""

import json

import pytest

from statebag.errors import ConfigurationError, StatebagError
from tests.ui.conftest import HEAD, HOSTILE, SECRET


def ask(data, name, arn, **asked):
    return data.answer(name, {"arn": arn, **asked})


def test_every_question_is_answered_and_masks(data, ran):
    asked = {
        "steps": {},
        "state": {"path": '["history"]', "count": "3"},
        "search": {"text": "needle", "where": "value"},
        "trail": {"path": "$.secret"},
        "differences": {"before": "2", "after": "36"},
        "inside": {"before": "6", "after": "36", "path": "$"},
        "text": {"path": '["small"]'},
        "head": {"arn": HEAD},
        "versions": {"arn": HEAD},
        "forks": {"arn": HEAD},
    }
    for name in data.answers:
        text = json.dumps(data.answer(name, {"arn": ran.good, **asked.get(name, {})}))
        assert SECRET not in text, name


@pytest.mark.parametrize("key", HOSTILE)
def test_odd_names_go_there_and_back(data, ran, key):
    path = json.dumps(["odd", key])
    answer = ask(data, "state", ran.good, path=path, values="1")
    assert answer["node"]["key"] == key
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("steps", {"start": "-1"}),
        ("steps", {"start": "1e9"}),
        ("steps", {"count": "9" * 5_000}),
        ("steps", {"start": "٣"}),
        ("state", {"at": "0x1"}),
        ("state", {"path": "[1"}),
        ("state", {"path": "[true]"}),
        ("state", {"path": "[" * 5_000}),
        ("state", {"path": "$.a[*]"}),
        ("state", {"path": '["history", -1]'}),
        ("state", {"at": "999"}),
        ("search", {}),
        ("inside", {"before": "2", "path": "[[]]"}),
        ("trail", {"path": '{"a": 1}'}),
    ],
)
def test_malformed_questions_are_refused_without_their_text(data, ran, name, asked):
    with pytest.raises(StatebagError) as caught:
        ask(data, name, ran.good, **asked)
    assert "9" * 20 not in str(caught.value)


def test_without_an_arn(data):
    with pytest.raises(ConfigurationError, match="does not have the parameter arn"):
        data.answer("steps", {})


def test_states_are_kept_for_the_next_question(data, ran, good):
    one = data.tree(good, good.payload_event())
    assert data.tree(good, good.payload_event()) is one
    for step in good.snapshot().made:
        data.tree(good, step.entered)
    assert len(data._trees) <= 6
