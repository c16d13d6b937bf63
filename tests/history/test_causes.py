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

    @pytest.mark.parametrize(
        ("error", "text", "rest"),
        [
            (
                "States.Runtime",
                "The JSONPath '$.a' specified for the field 'value.$' could not be found",
                " in the input 'CANARY'",
            ),
            (
                "States.Runtime",
                "Invalid path '$.a.b' : Missing property in path $['a']",
                "",
            ),
            (
                "States.Runtime",
                "The SecondsPath parameter cannot be parsed as a long value: $.s",
                " == CANARY",
            ),
            ("States.Runtime", "ToleratedFailureCount cannot be negative", "."),
            (
                "States.QueryEvaluationError",
                (
                    "The JSONata expression '$x' specified for the field 'Output/r' "
                    "returned nothing (undefined)"
                ),
                ".",
            ),
            (
                "States.QueryEvaluationError",
                (
                    "The JSONata expression '$x' specified for the field 'Items' returned an "
                    "unexpected result type. Expected 'array', but was 'string'"
                ),
                ' for value: "CANARY"',
            ),
            (
                "States.QueryEvaluationError",
                "Map state input must be an array",
                ' but was: "CANARY"',
            ),
        ],
    )
    def test_what_the_service_says_of_a_path_is_shown_up_to_a_value(self, error, text, rest):
        begin = "An error occurred while executing the state 'A' (entered at the event id #2). "
        cut = " ..." if "CANARY" in rest else ""
        assert shown_cause(error, begin + text + rest, everything=False) == begin + text + cut
        # A function's error may have the same text, and any name but these.
        assert shown_cause("Custom", begin + text + rest, everything=False) is None
        assert shown_cause(error, f"CANARY {begin}{text}", everything=False) is None

    @pytest.mark.parametrize(
        "text",
        [
            "The Timestamp field cannot be parsed as a date: CANARY",
            'The MaxConcurrencyPath field refers to value "CANARY" which is not a valid integer',
            "CANARY",
        ],
    )
    def test_what_the_service_says_of_a_value_is_hidden(self, text):
        begin = "An error occurred while executing the state 'A' (entered at the event id #2). "
        assert shown_cause("States.Runtime", begin + text, everything=False) is None

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
