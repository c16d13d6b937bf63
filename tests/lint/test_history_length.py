"""How long a history gets, as far as the definition tells."""

import pytest

from statebag.asl.model import Definition
from statebag.lint.history_length import long_histories
from statebag.local import run
from tests.lint.machines import codes, found, machine

PASS = {"Type": "Pass"}
ITEM = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
CONFIG = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def told(definition, **more):
    return [(one.path, one.is_bound) for one in long_histories(Definition(definition), **more)]


def each(count, processor=ITEM, **more):
    return {
        "Type": "Map",
        "Comment": f"statebag: at most {count:,} items",
        "ItemProcessor": processor,
        **more,
    }


def loop(turns=None):
    more = {"Variable": "$.n", "NumericLessThan": 9, "Next": "Wait"}
    comment = {} if turns is None else {"Comment": f"statebag: at most {turns:,} turns"}
    return machine(
        Wait={"Type": "Wait", "Seconds": 1},
        More={"Type": "Choice", "Choices": [more], "Default": "End", **comment},
        End={"Type": "Succeed"},
    )


def test_an_inline_map_is_counted_as_the_engine_writes_it():
    """6,248 iterations of 4 events, 4 of the Map and 2 of the execution are 24,998."""
    assert told(machine(M=each(6_248))) == []
    assert told(machine(M=each(6_249))) == [("$.States", True)]
    assert told(machine(M=each(6_250))) == [("$.States.M", True)]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_estimate_is_what_a_run_has(count):
    definition = machine(
        A=PASS, M=each(count), B={"Type": "Parallel", "Branches": [item_of("X"), item_of("Y")]}
    )
    events = len(run(definition, input=list(range(count))).history)
    big = machine(**{name: {**one} for name, one in definition["States"].items()})
    filler = (25_000 - events) // 2
    for number in range(filler):
        big["States"][f"F{number}"] = {"Type": "Pass", "Next": f"F{number + 1}"}
    big["States"][f"F{filler}"] = {"Type": "Pass", "End": True}
    big["States"]["B"] = {**big["States"]["B"], "Next": "F0"}
    del big["States"]["B"]["End"]
    # `filler` states more just fit, and one more does not.
    assert told(big) == [("$.States", True)]
    del big["States"][f"F{filler}"]
    big["States"][f"F{filler - 1}"] = {"Type": "Pass", "End": True}
    assert told(big) == []


def item_of(name):
    return {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}


def test_a_map_in_a_map_multiplies():
    inner = {"StartAt": "I", "States": {"I": {**each(100), "End": True}}}
    assert told(machine(M=each(70, inner))) == [("$.States.M", True)]
    assert told(machine(M=each(50, inner))) == []


def test_children_have_histories_of_their_own():
    inner = {"StartAt": "I", "States": {"I": {**each(7_000), "End": True}}}
    one = {**inner, "ProcessorConfig": CONFIG}
    place = "$.States.M.ItemProcessor.States.I"
    assert told(machine(M=each(1_000_000, one))) == [(place, True)]
    assert told(machine(M=each(1_000_000, one)), express=True) == [(place, True)]
    fast = {**inner, "ProcessorConfig": {**CONFIG, "ExecutionType": "EXPRESS"}}
    assert told(machine(M=each(1_000_000, fast))) == []


def test_an_express_machine_has_no_quota():
    assert told(machine(M=each(100_000)), express=True) == []


def test_a_loop_is_a_note_unless_its_turns_are_bound(tmp_path):
    (one,) = long_histories(Definition(loop()))
    assert (one.path, one.is_bound) == ("$.States.Wait", False)
    assert "4 events: after 6,250 turns" in one.message
    assert told(loop(6_000)) == []
    assert told(loop(7_000)) == [("$.States.Wait", True)]
    assert codes(found(tmp_path, loop())) == []
    assert codes(found(tmp_path, loop()), notes=True) == ["SB108"]
    assert codes(found(tmp_path, loop(7_000))) == ["SB107"]


def test_a_state_that_leads_to_itself():
    again = {"Type": "Choice", "Default": "End"}
    again["Choices"] = [{"Variable": "$.n", "IsNull": True, "Next": "C"}]
    assert told(machine(C=again, End={"Type": "Succeed"})) == [("$.States.C", False)]


def test_a_long_chain():
    states = {f"S{number}": {"Type": "Pass"} for number in range(5_000)}
    assert told(machine(**states)) == []
    states = {f"S{number}": {"Type": "Pass"} for number in range(12_500)}
    assert told(machine(**states)) == [("$.States", True)]
