"""One value by its path: what is read for it, and what is said where there is none."""

import pytest

from statebag import InvalidState, Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.testing import RecordingStore, forget
from tests.bags import noise

STATE = {
    "text": noise(40_000, 1),
    "list": [{"n": n, "text": noise(400, n)} for n in range(2000)],
    "plain": {"a": [1, {"b": None}]},
    "data": {"__statebag__": {"v": 9}},
}


@pytest.fixture
def sealed():
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=Policy(carry_bytes=0))
    bag = client.seal(STATE, scope="m/e")
    forget()
    store.forget()
    return store, client, bag


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.plain.a[1].b", None),
        ("$.plain", STATE["plain"]),
        ("$.text", STATE["text"]),
        ("$.list[0]", STATE["list"][0]),
        ("$.list[1999].n", 1999),
        ("$.data", STATE["data"]),
        ("$", STATE),
        ("$.list[-1].n", 1999),
        ("$.list[-2000].n", 0),
        ("$.list[-10:]", STATE["list"][-10:]),
        ("$.list[:3]", STATE["list"][:3]),
        ("$.list[700:1300]", STATE["list"][700:1300]),
        ("$.list[:]", STATE["list"]),
        ("$.list[1999:5000]", STATE["list"][1999:]),
        ("$.list[5:5]", []),
        ("$.list[9:2]", []),
        ("$.list[3000:]", []),
        ("$.plain.a[-1].b", None),
        ("$.plain.a[-2:]", STATE["plain"]["a"]),
        (("list", slice(-2, None)), STATE["list"][-2:]),
        (("list", -1, "n"), 1999),
    ],
)
def test_values_at_paths(sealed, path, value):
    _, client, bag = sealed
    assert client.get(bag, path) == value


def test_a_plain_value_needs_no_request_and_an_item_one_chunk(sealed):
    store, client, bag = sealed
    client.get(bag, "$.plain.a")
    assert store.calls == []
    client.get(bag, "$.list[1500]")
    read = sum(span[1] for call in store.calls for span in call.spans)
    whole = sum(info.size for info in store.list())
    assert 0 < read < whole / 4
    for path in ("$.list[-1]", "$.list[-10:]", "$.list[40:60]"):
        forget()
        store.forget()
        client.get(bag, path)
        assert 0 < sum(span[1] for call in store.calls for span in call.spans) < whole / 4


def test_every_slice_is_that_of_the_list(sealed):
    _, client, _ = sealed
    items = STATE["list"][:400]
    bag = client.seal({"a": items[:350]}, scope="m/e")
    bag = client.append(bag, "a", items[350:])  # chunks, and a tail
    for start in (*range(-401, 402, 67), None):
        for stop in (*range(-401, 402, 67), None):
            assert client.get(bag, ("a", slice(start, stop))) == items[start:stop]


@pytest.mark.parametrize(
    ("path", "place", "there"),
    [
        ("$.nothing", "$.nothing", "$ is an object with text, list, plain, data"),
        ("$.list[2000]", "$.list[2000]", "$.list is an array of 2000 items"),
        ("$.list.name", "$.list.name", "$.list is an array of 2000 items"),
        ("$.list[-2001]", "$.list[-2001]", "$.list is an array of 2000 items"),
        ("$.plain.a[-3]", "$.plain.a[-3]", "$.plain.a is an array of 2 items"),
        ("$.plain[-1:]", "$.plain[-1:]", "$.plain is an object with a"),
        ("$.text[:2]", "$.text[:2]", "$.text is a single value"),
        ("$.plain.a[7]", "$.plain.a[7]", "$.plain.a is an array of 2 items"),
        ("$.text.x", "$.text.x", "$.text is a single value"),
    ],
)
def test_where_nothing_is_the_hint_says_what_there_is(sealed, path, place, there):
    _, client, bag = sealed
    with pytest.raises(InvalidState, match="no value at this path") as caught:
        client.get(bag, path)
    assert caught.value.path == place
    assert caught.value.hint.startswith(there)


def test_of_many_names_some_are_said():
    client = Statebag(MemoryStore())
    with pytest.raises(InvalidState) as caught:
        client.get({f"k{n}": n for n in range(20)}, "$.x")
    assert caught.value.hint.endswith("k11 and 8 more.")
