"""What AWS refuses because of several places, or of what an expression names."""

import pytest

from tests.lint.refused_corpus import CHILDREN, FUNCTION, PASS, each, findings, of, sata, task


@pytest.mark.parametrize(
    "definition",
    [
        sata({**PASS, "Output": "{% '$$ and $states.errorOutput' %}"}),
        sata({**PASS, "Output": "{% /* $$ */ $states.input %}"}),
        sata({**PASS, "Output": "{% $states.input.`$$` %}"}),
        sata(
            task(
                Catch=[
                    {
                        "ErrorEquals": ["States.ALL"],
                        "Output": "{% $states.errorOutput.Cause %}",
                        "Next": "A",
                    }
                ]
            )
        ),
        of(task(f"{FUNCTION}:$LATEST")),
        of(task(f"{FUNCTION}:live")),
        of(task(f"{FUNCTION}:12")),
        of(task(f"{FUNCTION}:${{Alias}}")),
        of(each(CHILDREN, Label="a")),
        of({"Type": "Fail"}),
        of({"Type": "Succeed"}),
    ],
)
def test_what_is_taken(definition):
    assert findings(definition) == []


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        (sata({**PASS, "Output": {"a": ["{% $$.x %}"]}}), "$.States.A.Output.a[0]"),
        (sata({**PASS, "Assign": {"e": "{% $states . errorOutput %}"}}), "$.States.A.Assign.e"),
        (of(task(f"{FUNCTION}:")), "$.States.A.Resource"),
        (of(each(Parameters={}, ItemSelector={})), "$.States.A"),
    ],
)
def test_the_place_is_named(definition, place):
    assert [one.path for one in findings(definition)] == [place]
