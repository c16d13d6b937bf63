"""Payloads over a limit, each as one finding with its figures."""

import pytest

from statebag.asl.model import Definition
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.calls import ServiceCall
from statebag.lint.shape import BoundedText, Members
from statebag.lint.size_checks import SizeChecks
from statebag.lint.sources import SMALL, Source, SourcePart

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"
END = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
STATES = {
    "Par": {"Type": "Parallel", "Branches": [END, END], "Next": "Map"},
    "Map": {"Type": "Map", "ItemProcessor": END, "Next": "Task"},
    "Task": {"Type": "Task", "Resource": ARN, "Next": "Caught"},
    "Caught": {
        "Type": "Task",
        "Resource": ARN,
        "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "End"}],
        "Next": "End",
    },
    "End": {"Type": "Succeed"},
}
PAR, MAP, TASK, CAUGHT = (f"$.States.{name}" for name in ("Par", "Map", "Task", "Caught"))
STATE, RESULT = SourcePart(Source("the state", 200_000)), SourcePart(Source("the result", 150_000))


@pytest.fixture
def said():
    return []


@pytest.fixture
def sizes(said):
    definition = Definition({"StartAt": "Par", "States": STATES})
    return SizeChecks(definition.states, lambda *one: said.append(one))


def test_a_value_over_the_limit_names_what_it_is_made_of(sizes, said):
    both = Members({"a": STATE, "b": RESULT})
    sizes.hands_on(TASK, "its output", both, STATE)
    sizes.hands_on(CAUGHT, "its output", both, STATE)  # its Catch says what to do
    sizes.hands_on(TASK, "its output", STATE, STATE)
    sizes.hands_on(TASK, "its output", both, both)  # it was too large before
    assert said == []  # the largest is said at the end
    sizes.finish()
    ((path, code, message, _),) = said
    assert (path, code) == (TASK, "SB102")
    assert "200,000 of the state, 150,000 of the result" in message


def test_only_the_largest_of_several_ways_to_a_state_is_said(sizes, said):
    for bound in (70_000, 90_000, 80_000):
        more = SourcePart(Source("more", bound))
        sizes.hands_on(TASK, "its output", Members({"a": STATE, "b": more}), STATE)
    sizes.finish()
    assert len(said) == 1
    assert "90,000 of more" in said[0][2]


def test_branches_and_iterations_add_up(sizes, said):
    sizes.adds_up(PAR, [100_000, 100_000], None, distributed=False, kept=0)
    sizes.adds_up(MAP, [1_000], 200, distributed=False, kept=0)
    sizes.finish()
    assert said == []
    sizes.adds_up(PAR, [100_000, 200_000], None, distributed=False, kept=0)
    sizes.adds_up(MAP, [1_000], 500, distributed=False, kept=0)
    sizes.finish()
    assert [(path, code) for path, code, *_ in said] == [(PAR, "SB104"), (MAP, "SB103")]
    assert "100,000 + 200,000" in said[0][2]
    assert f"// {500 + 1}" in said[1][3]


def test_results_of_a_distributed_map_are_its_own_finding(sizes, said):
    sizes.adds_up(MAP, [PAYLOAD_LIMIT], None, distributed=True, kept=0)
    sizes.finish()
    assert [one[1] for one in said] == ["SB304"]


@pytest.mark.parametrize(
    ("name", "field", "most"),
    [
        ("ecs:runTask.sync", "Overrides", 8_192),
        ("aws-sdk:iotdataplane:publish", "Payload", 131_072),
    ],
)
def test_a_service_that_takes_less_than_a_payload(sizes, said, name, field, most):
    call = ServiceCall(name, is_function=False, seals=False, result=BoundedText(SMALL))
    sizes.argument(TASK, call, Members({field: SourcePart(Source("s", most)), "Other": STATE}))
    assert said == []
    sizes.argument(TASK, call, Members({field: SourcePart(Source("s", most + 1))}))
    ((_, code, message, _),) = said
    assert code == "SB106"
    assert f"{most:,}" in message


def test_an_answer_of_a_service_that_can_be_too_long(sizes, said):
    call = ServiceCall("s3:listObjectsV2", is_function=False, seals=False, result=STATE)
    sizes.answer(CAUGHT, call)
    assert said == []
    sizes.answer(TASK, call)
    ((_, code, _, fix),) = said
    assert code == "SB105"
    assert '"execution_id.$": "$$.Execution.Id"' in fix
