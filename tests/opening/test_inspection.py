"""What stubs tell of a bag: exact sizes, all places, without a request."""

import json

import pytest
from hypothesis import given, settings

from statebag import (
    BagTooLarge,
    InvalidState,
    InvalidStub,
    NotPermitted,
    Policy,
    Statebag,
    UnsupportedFormat,
)
from statebag.format.json_text import encode, wire_size
from statebag.format.stub import KEY
from statebag.opening.fetch import Fetcher
from statebag.opening.inspection import IndexReader, inspect
from statebag.opening.opener import Confinement
from statebag.store.cache import BlobCache
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.strategies import STATES
from tests.test_properties import POLICIES


def index_reader(sb, scope=None):
    fetcher = Fetcher(sb.store, BlobCache(0), sb.policy)
    return IndexReader(fetcher, Confinement(scope, ()))


def by_path(inspection):
    return {one.path: one for one in inspection.root.walk()}


@settings(max_examples=150, deadline=None)
@given(STATES, POLICIES)
def test_sizes_are_those_of_the_state_and_of_the_bag(state, policy):
    forget()
    sb = Statebag(MemoryStore(), policy=policy)
    try:
        bag = sb.seal(state, scope="machine/run")
    except BagTooLarge:
        return
    with usage.measured() as used:
        told = inspect(json.loads(json.dumps(bag)))
    assert used.gets == 0
    assert told.root.size == len(encode(state))
    assert told.root.bag_bytes == len(encode(bag))
    assert told.bag_bytes == wire_size(bag)
    for one in told.root.walk():
        value = state
        for part in one.path:
            value = value[part]
        assert one.size == len(encode(value))
        assert one.count in {None, len(value) if isinstance(value, dict | list) else None}
    deep = inspect(bag, index_reader(sb))
    assert deep.unread_indexes == 0
    for one in deep.root.walk():
        if one.form == "pieces":
            parts = [place for place in one.places if place.part in {"piece", "tail"}]
            assert sum(place.count for place in parts) == one.count


def test_places_are_where_the_packs_have_them():
    store = MemoryStore()
    sb = Statebag(store, policy=Policy(carry_bytes=0))
    state = {"a": "x" * 40_000, "b": "y" * 50_000, "n": 1, "again": "x" * 40_000}
    told = inspect(sb.seal(state, scope="machine/run"))
    (pack,) = [info.name for info in store.list()]
    fields = by_path(told)
    for name in "ab":
        (place,) = fields[name,].places
        assert (place.part, place.pack, place.count) == ("value", pack, 0)
        assert place.size == len(state[name]) + 2
        frame = store.get_ranges(pack, [(place.offset, place.length)])[0]
        assert frame.startswith(b"\x28\xb5\x2f\xfd")
    assert fields["again",].places == fields["a",].places
    assert fields["n",].places == ()
    (use,) = told.packs
    lengths = [fields[name,].places[0].length for name in "ab"]
    assert (use.name, use.blobs, use.bytes) == (pack, 2, sum(lengths))


def test_an_index_stands_for_its_pieces_until_it_is_read():
    sb = Statebag(MemoryStore(), policy=Policy(piece_bytes=1024))
    entries = [{"n": n, "text": f"{n * 7919}" * 9} for n in range(9000)]
    bag = sb.seal({"state_history": entries}, scope="machine/run")
    shallow = inspect(bag)
    (field,) = shallow.root.children
    assert shallow.unread_indexes == sum(place.part == "index" for place in field.places) > 0
    forget()
    with usage.measured() as used:
        deep = inspect(bag, index_reader(sb))
    (field,) = deep.root.children
    indexes = [place for place in field.places if place.part == "index"]
    pieces = [place for place in field.places if place.part in {"piece", "tail"}]
    assert used.blobs_read == len(indexes) > shallow.unread_indexes, "two levels"
    assert sum(piece.count for piece in pieces) == 9000
    assert sum(piece.size - 2 for piece in pieces) + len(pieces) + 1 == field.size
    with pytest.raises(NotPermitted):
        inspect(bag, index_reader(sb, "another/run"))


def test_fields_beside_a_rest_are_children_and_counted_once():
    sb = Statebag(
        MemoryStore(), policy=Policy(max_bag_bytes=4096, field_limit=4096, control=("status",))
    )
    state = {"status": "CONTINUE", **{f"key{i}": f"value {i}" for i in range(2000)}}
    bag = sb.seal(state, scope="machine/run")
    told = inspect(bag)
    assert (told.root.form, told.root.kind, told.root.count) == ("rest", "object", 2001)
    assert ("status",) in by_path(told)
    assert told.root.size == len(encode(state))


def test_a_field_that_must_stand_beside_a_rest_and_is_gone():
    sb = Statebag(MemoryStore(), policy=Policy(max_bag_bytes=4096, field_limit=4096))
    big = {f"big{i}": f"{i}" * 30_000 for i in range(2)}
    bag = sb.seal({**big, **{f"k{i}": i for i in range(3000)}}, scope="machine/run")
    assert bag[KEY]["beside"]
    with pytest.raises(InvalidStub, match=r"were next to its stub \(at \$\.big0\)"):
        inspect({KEY: bag[KEY]})
    with pytest.raises(InvalidStub):
        sb.open({KEY: bag[KEY]})


def test_values_that_were_not_opened_are_told_as_their_stubs():
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    bag = sb.seal({"a": "x" * 40_000, "n": 1}, scope="machine/run")
    assert inspect(sb.open(bag, only=[])) == inspect(bag)


def test_deep_values_do_not_end_the_stack():
    value = []
    for _ in range(498):
        value = [value]
    told = inspect({"a": value})
    assert told.root.size == len(encode({"a": value}))
    assert sum(1 for _ in told.root.walk()) == 500


@pytest.mark.parametrize(
    ("bag", "error", "path"),
    [
        ({"a": {KEY: {"v": 2}}}, UnsupportedFormat, "$.a"),
        ({"a": [{KEY: 1}]}, InvalidStub, "$.a[0]"),
        ({"a": {KEY: {"v": 1, "escaped": {}}, "b": 1}}, InvalidStub, "$.a"),
        ({"a": float("nan")}, InvalidState, "$.a"),
    ],
)
def test_what_open_refuses_is_refused_with_its_path(bag, error, path):
    with pytest.raises(error) as caught:
        inspect(bag)
    assert caught.value.path == path


def test_a_patched_value_says_what_it_starts_from():
    store = MemoryStore()
    storing = Statebag(store, policy=Policy(carry_bytes=0))
    state = {"log": [{"n": n, "text": f"{n * 7919}" * 9} for n in range(3000)]}
    state = storing.open(storing.seal(state, scope="machine/run"))
    state["log"][7] = "edited"
    told = inspect(Statebag(store).seal(state, scope="machine/run"))
    (field,) = told.root.children
    assert (field.form, field.count, field.size) == ("patched", 3000, len(encode(state["log"])))
    assert {place.part for place in field.places} >= {"patch", "index"}
    (patch,) = [place for place in field.places if place.part == "patch"]
    assert patch.pack is None
