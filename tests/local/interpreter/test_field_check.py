from __future__ import annotations

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from tests.local.interpreter.events import inner
from tests.local.machines import chain, task

PASS = chain(("P", {"Type": "Pass"}))
EACH = {"Type": "Map", "ItemProcessor": PASS}


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"Type": "Pass", "Resource": "x"}, "Resource"),
        ({"Type": "Pass", "Output": 1}, "Output"),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Parameters": {}}, "Parameters"),
        ({"Type": "Wait", "Seconds": 1, "SecondsPath": "$"}, ""),
        ({"Type": "Wait"}, ""),
        ({"Type": "Wait", "Seconds": "soon"}, "Seconds"),
        ({"Type": "Wait", "Seconds": -1}, "Seconds"),
        (task(TimeoutSeconds=0), "TimeoutSeconds"),
        (task(TimeoutSeconds=5, TimeoutSecondsPath="$"), "TimeoutSecondsPath"),
        (task(Retry=[{"ErrorEquals": ["A"], "MaxAttempts": "2"}]), "Retry[0].MaxAttempts"),
        (task(Retry=[{"ErrorEquals": ["A"], "BackoffRate": 0.5}]), "Retry[0].BackoffRate"),
        ({**EACH, "ItemBatcher": {"MaxItemsPerBatch": 1}}, "ItemBatcher"),
        ({**EACH, "ItemReader": {}}, "ItemReader"),
        ({**EACH, "ItemProcessor": inner(), "ItemBatcher": {}}, "ItemBatcher"),
        ({"Type": "Pass", "InputPath": "a.b"}, ""),
        ({"Type": "Pass", "Parameters": {"a.$": "States.Gone()"}}, ""),
    ],
)
def test_a_field_that_cannot_be_is_refused_with_its_place(state, place):
    with pytest.raises(ConfigurationError) as caught:
        run(chain(("S", state)), mocks={"S": {"Return": 1}} if state["Type"] == "Task" else None)
    assert caught.value.path == f"$.States.S{'.' if place else ''}{place}"


def test_a_jsonata_machine_has_no_state_in_jsonpath():
    definition = chain(
        ("S", {"Type": "Pass", "QueryLanguage": "JSONPath"}), QueryLanguage="JSONata"
    )
    with pytest.raises(ConfigurationError, match="not JSONPath"):
        run(definition)
    after = chain(("S", {"Type": "Pass", "Parameters": {"a.$": "$.x"}}))
    assert run(after, input={"x": 1}).output == {"a": 1}
