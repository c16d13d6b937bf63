"""Indices from the end of an array, and slices, in the paths that an open reads."""

import pytest

from statebag import ConfigurationError, Policy, Statebag, Unopened
from statebag.opening.array_ends import places_in
from statebag.store.memory import MemoryStore
from statebag.testing import RecordingStore, forget
from tests.bags import noise


def test_places_count_from_the_start_where_the_array_is_plain():
    bag = {"a": [1, {"b": [4, 5]}], "s": {"__statebag__": {}}}
    given = [("a", -1, "b", -2), ("a", slice(-1, None)), ("a", 0), ("a", -3), ("none", -1, "x")]
    found = [("a", 1, "b", 0), ("a", slice(1, 2)), ("a", 0), ("a", -1), ("none",)]
    assert places_in(bag, given) == found
    assert places_in(bag, [("s", -1, "x"), ("s", slice(1, 2)), ("s", 4, "x")]) == [
        ("s",),
        ("s",),
        ("s", 4, "x"),
    ]


@pytest.fixture
def results():
    """A list whose items are stubs, as an inline Map leaves it, and what each holds."""
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    texts = [noise(40_000, n) for n in range(6)]
    bags = [client.seal({"text": text}, scope=f"m/e/{n}") for n, text in enumerate(texts)]
    forget()
    return client, {"results": bags}, texts


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("$.results[-1]", {5}),
        ("$.results[-1].text", {5}),
        ("$.results[-2:]", {4, 5}),
        ("$.results[1:3]", {1, 2}),
        ("$.results[:]", set(range(6))),
        ("$.results[4:1]", set()),
        ("$.results[-7]", set()),
        ("$.results[2]", {2}),
    ],
)
def test_only_what_is_named_is_opened(results, path, opened):
    client, event, texts = results
    state = client.open(event, only=[path])["results"]
    found = {n for n, one in enumerate(state) if not isinstance(one["text"], Unopened)}
    assert found == opened
    assert all(state[n]["text"] == texts[n] for n in found)


def test_an_array_behind_a_stub_is_opened_as_a_whole():
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=Policy(carry_bytes=0))
    state = {"list": [{"n": n, "text": noise(400, n)} for n in range(2000)], "x": noise(40_000, 1)}
    bag = client.seal(state, scope="m/e")
    for path in ("$.list[-1]", "$.list[-10:]"):
        opened = client.open(bag, only=[path])
        assert opened["list"] == state["list"]
        assert isinstance(opened["x"], Unopened)


def test_an_opened_state_is_opened_further(results):
    client, event, texts = results
    once = client.open(event, only=["$.results[0]"])
    twice = client.open(once, only=["$.results[-1]"])
    assert twice["results"][5]["text"] == texts[5]
    assert isinstance(twice["results"][3]["text"], Unopened)


@pytest.mark.parametrize("path", ["$.a[1:2].b", ("a", slice(0, 1), "b"), ("a", slice(0, 9, 2))])
def test_a_slice_stands_at_the_end_and_takes_every_item(path):
    client = Statebag(MemoryStore())
    for read in (lambda: client.get({"a": []}, path), lambda: client.open({"a": []}, only=[path])):
        with pytest.raises(ConfigurationError, match="slice"):
            read()


def test_a_control_path_has_neither():
    for path in ("$.a[-1]", "$.a[1:]"):
        with pytest.raises(ConfigurationError, match="is not a path"):
            Policy(control=(path,))


def test_data_that_looks_like_a_stub_stays_data_in_a_state_that_was_opened_before():
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, field_limit=256))
    stub = client.seal({"secret": noise(2_000, 1)}, scope="m/e")["secret"]
    state = {"data": stub, "odd": {"__statebag__": 1}, "big": noise(2_000, 2)}
    bag = client.seal(state, scope="m/e")
    part = client.open(bag, only=["data", "odd"])
    assert isinstance(part["big"], Unopened)
    assert part["data"] == stub
    assert client.open(part) == state
    assert client.get(part, "$.data") == stub
    assert client.get(part, "$.odd") == {"__statebag__": 1}
    assert client.get(part, "$.data.__statebag__.v") == 1
    assert client.get(part, "$.big") == state["big"]
    assert client.get(part, "$") == state
    assert client.open(client.append(part, "log", [1], scope="m/e")) == {**state, "log": [1]}
