from __future__ import annotations

import pytest

from tests.local.machines import chain, run

VALUES = {
    "negative": -1, "exponent": 1e5, "tiny": 1e-7, "big": 2**70, "half": -0.5, "one": 1.0,
    "text": 'é " \\ \n \t / 😀 \x07', "none": None, "empty": [], "object": {},
    "Next": 1, "Type": "Task", "States.ALL": 1, "Seconds": {"End": False}, "$": 1, "x y": [[1]],
}  # fmt: skip


@pytest.mark.parametrize("field", ["Result", "Parameters"])
def test_literals_of_a_definition_keep_their_value_and_type(field):
    output = run(chain(("P", {"Type": "Pass", field: VALUES}))).output
    assert repr(output) == repr(VALUES)


def test_literals_of_jsonata_and_of_assign_keep_theirs():
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"kept": {"n": -1, "t": 1e-7}}}),
        ("B", {"Type": "Pass", "Output": {**VALUES, "kept": "{% $kept %}"}}),
        QueryLanguage="JSONata",
    )
    assert repr(run(definition).output) == repr({**VALUES, "kept": {"n": -1, "t": 1e-7}})


def test_states_may_have_any_name():
    name = 'Ü "x\\ 😀'
    execution = run(chain((name, {"Type": "Pass"}), ("b", {"Type": "Succeed"})))
    assert execution.transitions[0].state == name


def test_a_path_may_be_quoted():
    state = {"Type": "Pass", "Parameters": {"v.$": '$["x y"]'}, "ResultPath": '$["p q"]'}
    assert run(chain(("P", state)), {"x y": 1}).output == {"x y": 1, "p q": {"v": 1}}
