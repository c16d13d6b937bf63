"""What of an error may be shown, and the advice about it."""

import json

import pytest

from statebag.history.causes import advice_for, shown_cause
from tests.history.test_replay import ARN


class TestCauses:
    LAMBDA = json.dumps({"errorMessage": "it is CANARY", "errorType": "ValueError"})

    @pytest.mark.parametrize(
        ("error", "cause"),
        [
            ("ValueError", LAMBDA),
            ("Custom", "CANARY"),
            ("States.Runtime", "the path was not found in the input CANARY"),
            # A name that looks like ours makes no text of ours.
            ("BlobMissing", "CANARY"),
            ("BlobMissing", LAMBDA),
            (None, "CANARY"),
        ],
    )
    def test_what_may_quote_values_is_shown_only_when_asked_for(self, error, cause):
        assert shown_cause(error, cause, everything=False) is None
        assert "CANARY" in shown_cause(error, cause, everything=True)

    def test_what_quotes_none_is_shown(self):
        told = json.dumps({"errorMessage": "gone (object x)", "errorType": "BlobMissing"})
        assert shown_cause("BlobMissing", told, everything=False) == "gone (object x)"
        limit = "The state A returned a result with a size exceeding the maximum"
        assert shown_cause("States.DataLimitExceeded", limit, everything=False) == limit

    @pytest.mark.parametrize("error", ["Statebag.NotOpened", "Statebag.PathNotNamed"])
    def test_what_a_run_says_of_its_states_is_shown(self, error):
        cause = "The state 'B' gives a stub to the function b at $ of its event."
        assert shown_cause(error, cause, everything=False) == cause
        # A Fail state may have the name, and a text of its own.
        assert shown_cause(error, "it is CANARY", everything=False) is None

    @pytest.mark.parametrize("error", ["BlobMissing", "StoreUnavailable", "States.Timeout"])
    def test_the_way_on(self, error):
        there = advice_for(error, event=7, arn=ARN, is_local=False)
        assert f"redrive-execution --execution-arn {ARN}" in there
        assert f"statebag cat {ARN} --at 7" in there
        assert "redrive" not in advice_for(error, event=7, arn=ARN, is_local=True)
