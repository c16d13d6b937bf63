"""What a part says of its size in a bag: never less than it takes, and for plain values no more."""

import pytest
from msgspec.structs import replace

from statebag import Policy
from statebag.format.stub import KEY, Blob
from statebag.opening.known import Bases, Known
from statebag.sealing.layout import Placing
from statebag.sealing.leaving import Single
from statebag.sealing.parts import Branch, Gathered
from statebag.sealing.plan import Planner
from tests.bags import noise, payload_bytes

PACK = f"m/run/{'0' * 32}.pack"


def part_of(state, **policy):
    return Planner(Policy(**policy), "m/run", Known(), Bases(0)).part(state, ())


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"status": 1},
        {"status": 1, "a": [1, {"b": None}]},
        {f"key {n}": n for n in range(50)},
        {"status": {"": 1, "é": 2, "\U0001f9ea": 3, 'q"': 4, "\\": 5, "\n": 6, "\x7f": 7}},
    ],
)
def test_a_branch_of_plain_values_takes_what_it_says(state):
    branch = part_of({**state, "current_state": {"x": 1}}, control=("current_state.phase",))
    assert isinstance(branch, Branch)
    assert branch.wire == payload_bytes({**state, "current_state": {"x": 1}})


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("value", [noise(3000), [noise(300, n) for n in range(9)]])
def test_a_value_that_leaves_takes_no_more_than_it_says(value, stored):
    single = part_of({"value": value}, field_limit=1000).children["value"]
    assert isinstance(single, Single)
    if stored:
        single = single.storing()  # its place in the pack is not known yet
        at_most = single.wire
        blob = Blob(single.encoded.sha256, single.size, PACK, 10**10, 10**9)
        single = replace(single, blob=blob)
        assert single.wire == at_most
    stub = single.placed(Placing("m/run", Known(), 3))
    taken = payload_bytes({KEY: stub.to_wire()})
    assert taken <= single.wire <= taken + 4


def test_what_stands_beside_a_rest_is_counted_with_its_names():
    state = {"status": noise(40), **{f"key {n}": n for n in range(3000)}}
    gathered = part_of(state, field_limit=1000)
    assert isinstance(gathered, Gathered)
    stub = gathered.placed(Placing("m/run", Known(), 3)).placed(PACK)
    body = {**stub.to_wire(), "rest": True, "beside": []}
    taken = payload_bytes({KEY: body, "status": state["status"]})
    assert taken <= gathered.wire <= taken + 40
