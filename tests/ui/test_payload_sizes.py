"""Sizes of payloads agree with `inspect`, without its cost."""

import pytest

from statebag import Policy, Statebag
from statebag.asl.payload import payload_size, payload_text
from statebag.opening.inspection import inspect
from statebag.ui.payload_sizes import sizes_of
from tests.bags import noise

STATES = {
    "plain": {"a": 1, "b": "é", "c": [True, None]},
    "stored": {"a": noise(60_000, 1), "b": {"c": noise(50_000, 2)}},
    "chunks": {"items": [{"n": n, "t": noise(200, n)} for n in range(900)]},
    "rest": {f"k{n}": noise(60, n) for n in range(4_000)},
    "escaped": {"a": {"__statebag__": {"v": 9}}, "b": noise(60_000, 3)},
}


@pytest.mark.parametrize("name", STATES)
def test_as_inspect_says(name):
    client = Statebag("memory://sizes", policy=Policy(carry_bytes=0))
    bag = client.seal(STATES[name], scope="m/r")
    found = sizes_of(payload_text({"outer": bag}))
    known = inspect({"outer": bag})
    assert found.opened == known.root.size
    assert found.sealed == payload_size({"outer": bag})
    assert set(found.packs) == {pack.name for pack in known.packs}


@pytest.mark.parametrize(
    "text",
    [
        '{"__statebag__": {"v": 1}}',
        '{"__statebag__": []}',
        '{"__statebag__"',
        '"\ud800 \\"__statebag__\\""',
        '{"a": "__statebag__"}',
        '{"n": 123456789012345678901234567890, "__statebag__": 1}',
    ],
)
def test_what_cannot_be_read_counts_as_it_is(text):
    size = len(text.encode("utf-8", "surrogatepass"))
    found = sizes_of(text)
    assert (found.opened, found.packs) == (found.sealed, ())
    assert found.sealed <= size
