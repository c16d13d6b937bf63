"""Small edits of stored values, carried as the difference to them."""

import json
import random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from statebag import BlobCorrupt, BlobMissing, NotPermitted, Policy, Statebag, StatebagError
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Patched
from statebag.format.stub_parsing import parse_stub
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import forms, noise, payload_bytes

SCOPE = "machine/run"
STORING = Policy(carry_bytes=0)


def records(count, seed=1):
    choose = random.Random(seed)
    return [{"n": n, "text": choose.randbytes(40).hex()} for n in range(count)]


def stored(store, state):
    """The state as an opened bag of which every large value is stored."""
    sb = Statebag(store, policy=STORING)
    return sb.open(sb.seal(state, scope=SCOPE), scope=SCOPE)


def edited(store, state, policy=None):
    sb = Statebag(store, policy=policy or Policy())
    with usage.measured() as cost:
        bag = sb.seal(state, scope=SCOPE)
    return bag, cost


@pytest.mark.parametrize(
    "big",
    [
        records(2000),
        {f"key {n}": one for n, one in enumerate(records(2000))},
        " ".join(one["text"] for one in records(1000)),
    ],
    ids=["array", "object", "text"],
)
def test_a_small_edit_is_carried_and_nothing_is_written(big):
    forget()
    store = MemoryStore()
    state = stored(store, {"big": big, "status": "RUNNING"})
    if isinstance(big, list):
        state["big"][700]["text"] = "edited"
    elif isinstance(big, dict):
        state["big"]["key 700"] = "edited"
    else:
        state["big"] = state["big"][:5000] + "edited" + state["big"][5000:]
    bag, cost = edited(store, state)
    assert cost.puts == 0
    assert "patched" in set(forms(bag))
    assert payload_bytes(bag) < 4000
    forget()
    assert encode(Statebag(store).open(bag, scope=SCOPE)) == encode(state)


def test_further_edits_start_from_the_same_stored_value():
    forget()
    store = MemoryStore()
    state = stored(store, {"big": records(2000)})
    for n in range(5):
        state["big"][n * 300]["text"] = f"edit {n}"
        bag, cost = edited(store, state)
        assert cost.puts == 0
        stub = parse_stub(bag["big"], "$")
        assert isinstance(stub, Patched)
        assert not isinstance(stub.base, Patched)
        forget()
        state = Statebag(store).open(bag, scope=SCOPE)
    assert [state["big"][n * 300]["text"] for n in range(5)] == [f"edit {n}" for n in range(5)]


def test_an_unchanged_patched_value_stays_as_it_is():
    forget()
    store = MemoryStore()
    state = stored(store, {"big": records(2000), "n": 0})
    state["big"][7] = None
    first, _ = edited(store, state)
    forget()
    sb = Statebag(store)
    again = sb.seal({**sb.open(first, scope=SCOPE), "n": 1}, scope=SCOPE)
    assert again["big"] == first["big"]
    part = sb.open(first, only=["n"], scope=SCOPE)
    assert sb.seal(part, scope=SCOPE) == first


def test_what_is_flushed_is_stored_in_pieces_of_which_few_are_new():
    forget()
    store = MemoryStore()
    state = stored(store, {"big": records(3000)})
    state["big"][1500]["text"] = "edited"
    bag, cost = edited(store, state, Policy(carry_bytes=1))
    assert cost.puts == 1
    assert "patched" not in set(forms(bag))
    assert cost.bytes_put < 60_000
    forget()
    assert encode(Statebag(store).open(bag)) == encode(state)


def test_a_rewritten_value_is_no_patch():
    forget()
    store = MemoryStore()
    state = stored(store, {"big": records(500)})
    state["big"] = records(500, seed=2)
    bag, _ = edited(store, state)
    assert "patched" not in set(forms(bag))


def test_an_array_that_only_grew_can_grow_unread():
    forget()
    store = MemoryStore()
    state = stored(store, {"log": records(2000)})
    state["log"].append({"n": "new"})
    bag, _ = edited(store, state)
    assert "patched" not in set(forms(bag))
    forget()
    with usage.measured() as cost:
        Statebag(store).append(bag, "log", [1], scope=SCOPE)
    assert cost.gets == 0


def test_a_patched_array_is_read_to_be_appended_to():
    forget()
    store = MemoryStore()
    state = stored(store, {"log": records(2000)})
    state["log"][3] = "edited"
    bag, _ = edited(store, state)
    forget()
    sb = Statebag(store)
    longer = sb.append(bag, "log", ["last"], scope=SCOPE)
    assert sb.open(longer)["log"] == [*state["log"], "last"]
    assert sb.get(bag, "log[3]") == "edited"


@pytest.fixture
def patched_bag():
    forget()
    store = MemoryStore()
    state = stored(store, {"big": records(800)})
    state["big"][3] = "edited"
    bag, _ = edited(store, state)
    forget()
    return store, bag


def test_a_missing_or_damaged_base_is_an_error(patched_bag):
    store, bag = patched_bag
    (info,) = store.list()
    data = store.get(info.name)
    store.put(info.name, data[:2000] + bytes([data[2000] ^ 1]) + data[2001:])
    with pytest.raises(BlobCorrupt):
        Statebag(store).open(bag)
    store.delete(info.name)
    with pytest.raises(BlobMissing):
        Statebag(store).open(bag)


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 64},
        {"size": 7},
        {"size": 2**40},
        {"patch": "KLUv/QQA"},
        {"patch": ""},
        {"patch": "not base64"},
        {"patch": 3},
        {"base": {"sha256": "0" * 64, "size": 3, "data": "KLUv/QQA"}},
        {"base": {}},
        {"base": None},
        {"kind": "object"},
        {"count": 801},
    ],
)
def test_a_forged_patch_is_refused(patched_bag, change):
    store, bag = patched_bag
    bag["big"][KEY].update(change)
    with pytest.raises(StatebagError) as caught:
        Statebag(store).open(bag)
    assert "edited" not in str(caught.value)


def test_a_patch_upon_a_patch_is_refused(patched_bag):
    store, bag = patched_bag
    body = bag["big"][KEY]
    bag["big"][KEY] = {**body, "base": {key: value for key, value in body.items() if key != "v"}}
    with pytest.raises(StatebagError):
        Statebag(store).open(bag)


def test_the_base_is_confined_to_the_scope(patched_bag):
    store, bag = patched_bag
    recording = RecordingStore(store)
    with pytest.raises(NotPermitted):
        Statebag(recording).open(bag, scope="machine/another")
    assert not recording.calls


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "delete", "insert", "append", "rewrite", "text", "key", "nothing"]),
        st.integers(0, 10**6),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def apply(state, what, number):
    items, keyed = state["items"], state["keyed"]
    place = number % max(len(items), 1)
    if what == "set" and items:
        items[place] = {"edit": number}
    elif what == "delete" and items:
        del items[place]
    elif what == "insert":
        items.insert(place, records(1, number)[0])
    elif what == "append":
        items.extend(records(number % 40, number))
    elif what == "rewrite":
        state["items"] = records(number % 300, number)
    elif what == "text":
        cut = number % len(state["text"])
        state["text"] = state["text"][:cut] + "é" + state["text"][cut + number % 5 :] + "."
    elif what == "key":
        keyed[f"key {number % 400}"] = number


@settings(max_examples=60, deadline=None)
@given(EDITS, st.sampled_from([0, 500, 4000, 32_768]), st.sampled_from([1024, 24_576]))
def test_any_edits_in_any_order_come_back_exactly(edits, carry_bytes, piece_bytes):
    forget()
    store = MemoryStore()
    policy = Policy(
        carry_bytes=carry_bytes, piece_bytes=piece_bytes, field_limit=3000, max_bag_bytes=64_000
    )
    state = {
        "items": records(200),
        "keyed": {f"key {n}": one for n, one in enumerate(records(200, 2))},
        "text": " ".join(one["text"] for one in records(200, 3)),
        "status": "RUNNING",
    }
    bag = Statebag(store, policy=policy).seal(state, scope=SCOPE)
    for what, number, cold in edits:
        if cold:
            forget()
        sb = Statebag(store, policy=policy)
        opened = sb.open(json.loads(json.dumps(bag)), scope=SCOPE)
        assert encode(opened) == encode(state)
        apply(state, what, number)
        apply(opened, what, number)
        bag = sb.seal(opened, scope=SCOPE)
        assert payload_bytes(bag) <= policy.max_bag_bytes
        for form in set(forms(bag)):
            event(form)
    forget()
    assert encode(Statebag(store).open(bag, scope=SCOPE)) == encode(state)


class TestWritersThatDoNotOpen:
    """What a seal stored is what the next one in this process starts from."""

    @pytest.mark.parametrize(
        ("whole", "edit"),
        [
            ("text " * 30_000, lambda one: one + "more"),
            ({"deep": {"deeper": records(600)}}, lambda one: one["deep"]["deeper"][3].update(n=-1)),
            ([{"rows": records(300)} for _ in range(3)], lambda one: one[1]["rows"].append(1)),
        ],
        ids=["a growing text", "below many levels", "in an item of an array"],
    )
    def test_a_small_change_is_carried(self, whole, edit):
        forget()
        sb = Statebag(MemoryStore(), policy=Policy(look_into_depth=1))
        state = {"big": whole, "more": [noise(200_000)], "status": "RUNNING"}
        first = sb.seal(state, scope=SCOPE)
        assert "stored" in "".join(forms(first)) or "pieces" in "".join(forms(first))
        changed = edit(state["big"])
        if changed is not None:
            state["big"] = changed
        bag, cost = edited(sb.store, state, Policy(look_into_depth=1))
        assert (cost.puts, cost.gets) == (0, 0)
        forget()
        assert Statebag(sb.store).open(bag, scope=SCOPE) == state
