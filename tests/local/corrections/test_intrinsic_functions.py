from __future__ import annotations

import pytest

from statebag.errors import ConfigurationError
from tests.local.machines import chain, run, task


def computed(expression, input_value=None, **fields):
    state = {"Type": "Pass", "Parameters": {"v.$": expression}, **fields}
    return run(chain(("P", state)), {} if input_value is None else input_value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (r"States.Format('it\'s {}: \{{}\}', $.s, $.n)", "it's ü: {3}"),
        ("""States.Format('{"n": {}}', $.n)""", '{"n": 3}'),
        ("States.Array(null, true, 'x')", [None, True, "x"]),
        ("States.JsonToString($.s)", '"ü"'),
        ("States.Base64Encode($.s)", "w7w="),
        ("States.Format('{}', $$.State.Name)", "P"),
    ],
)
def test_escapes_braces_literals_and_every_character(expression, value):
    assert computed(expression, {"s": "ü", "n": 3}).output == {"v": value}


def test_a_variable_is_an_argument():
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"kept.$": "$.n"}}),
        ("B", {"Type": "Pass", "Parameters": {"v.$": "States.MathAdd($kept, 1)"}}),
    )
    assert run(definition, {"n": 3}).output == {"v": 4}


def test_a_failure_has_an_error_that_can_be_caught():
    state = task(
        Parameters={"v.$": "States.ArrayGetItem($.list, 5)"},
        Catch=[{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "R"}],
    )
    definition = chain(("T", state), ("R", {"Type": "Pass"}))
    execution = run(definition, {"list": [1]}, {"work": print})
    assert execution.output["Error"] == "States.IntrinsicFailure"


def test_a_missing_path_is_a_runtime_error():
    assert computed("States.MathAdd($.gone, 1)").error == "States.Runtime"


def test_what_is_no_function_is_refused_before_the_run(capfd):
    with pytest.raises(ConfigurationError, match=r"States\.Nothing"):
        computed("States.Nothing(1)")
    assert capfd.readouterr().err == ""


def test_a_fail_state_computes_its_error_and_its_cause():
    fail = {
        "Type": "Fail",
        "ErrorPath": "States.Format('{}Refused', $.what)",
        "CausePath": "States.JsonToString($)",
    }
    execution = run(chain(("F", fail)), {"what": "Order"})
    assert (execution.error, execution.cause) == ("OrderRefused", '{"what":"Order"}')


def test_a_fail_state_takes_no_function_that_gives_no_text():
    with pytest.raises(ConfigurationError, match=r"States\.MathAdd"):
        run(chain(("F", {"Type": "Fail", "CausePath": "States.MathAdd(1, 2)"})))
