"""The calls of a client that read parts of a state, or many states."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statebag import BagTooLarge, InvalidState, Policy, Statebag
from statebag.client import Statebag as Client
from statebag.format.json_text import encode
from statebag.read_calls import ReadCalls
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import noise
from tests.strategies import STATES

SCOPE = "machine/run"
POLICIES = st.sampled_from(
    [
        Policy(carry_bytes=0, field_limit=256, piece_bytes=1024, max_bag_bytes=4096),
        Policy(carry_bytes=2000, field_limit=600, piece_bytes=1024, max_bag_bytes=3000),
    ]
)


def test_they_are_calls_of_the_client():
    names = {name for name in vars(ReadCalls) if not name.startswith("_")}
    assert names == {"get", "members", "differences", "open_each"}
    assert all(getattr(Client, name) is getattr(ReadCalls, name) for name in names)


STATE = {"a": noise(40_000, 0), "b": noise(40_000, 1), "list": [noise(100, n) for n in range(500)]}
CHANGED = {**STATE, "b": noise(40_000, 9)}


@pytest.mark.parametrize(
    ("call", "answer", "blobs"),
    [
        (lambda sb, bag, _: sb.get(bag, "$.a"), STATE["a"], 1),
        (
            lambda sb, bag, _: sb.members(bag, "$.list", 200, 2),
            [(200, STATE["list"][200]), (201, STATE["list"][201])],
            2,
        ),
        (
            lambda sb, bag, after: [change.path for change in sb.differences(bag, after)],
            ["$.b"],
            2,
        ),
        (lambda sb, bag, _: list(sb.open_each([{"b": bag["b"]}, 1])), [{"b": STATE["b"]}, 1], 1),
    ],
    ids=["get", "members", "differences", "open_each"],
)
def test_each_of_them_reads_what_it_returns_and_no_more(call, answer, blobs):
    forget()
    policy = Policy(carry_bytes=0, field_limit=600, piece_bytes=4096)
    sb = Statebag(MemoryStore(), policy=policy)
    bag, after = sb.seal(STATE, scope=SCOPE), sb.seal(CHANGED, scope=SCOPE)
    forget()
    with usage.measured() as cost:
        assert call(sb, bag, after) == answer
    assert cost.blobs_read == blobs


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(STATES, POLICIES, st.data())
def test_one_value_by_its_path_is_that_of_the_whole(state, policy, data):
    forget()
    sb = Statebag(MemoryStore(), policy=policy)
    try:
        bag = sb.seal(state, scope=SCOPE)
    except BagTooLarge:
        return
    value, path = state, []
    while isinstance(value, dict | list) and value and data.draw(st.booleans()):
        part = data.draw(
            st.sampled_from(list(value) if isinstance(value, dict) else range(len(value)))
        )
        value, path = value[part], [*path, part]
    assert encode(sb.get(bag, path)) == encode(value)
    for missing in ([*path, "no such name"], [*path, 10**6]):
        if isinstance(value, dict) and missing[-1] in value:
            continue
        with pytest.raises(InvalidState):
            sb.get(bag, missing)
    unread = sb.open(bag, only=[path])
    for part in path:
        unread = unread[part]
    assert encode(unread) == encode(value)
