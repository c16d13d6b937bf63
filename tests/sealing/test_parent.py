"""A writer that names the parent pays for the change, also in a process that never opened it."""

import pytest

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import blobs, noise, stubs

SCOPE = "machine/run"
STORING = Policy(carry_bytes=0)
KEYS = {"first": b"k" * 32}


def records(count, seed=1):
    return [{"n": n, "text": noise(360, 1000 * seed + n)} for n in range(count)]


def nested(depth, value):
    for level in range(depth):
        value = {f"level{level}": value, "small": level}
    return value


def innermost(value, depth):
    for level in reversed(range(depth)):
        value = value[f"level{level}"]
    return value


def cold(store, policy=None, **keys):
    """A client of a process that remembers nothing."""
    forget()
    return Statebag(store, policy=policy or Policy(), **keys)


def sealed_from(inner, state, parent, policy=None, **keys):
    """The bag, what the store was asked, and the bytes that were written and read."""
    store = RecordingStore(inner)
    with usage.measured() as cost:
        bag = cold(store, policy, **keys).seal(state, parent=parent, scope=SCOPE)
    forget()
    assert encode(Statebag(inner, **keys).open(bag, scope=SCOPE)) == encode(state)
    return bag, [call.operation for call in store.calls], cost


def grown(state):
    state["rows"].append({"n": -1, "text": "new"})


def edited(state):
    state["rows"][700]["text"] = "edited"


def inserted(state):
    state["rows"].insert(3, {"n": -1, "text": "new"})


def shortened(state):
    del state["rows"][500:503]


@pytest.mark.parametrize("change", [grown, edited, inserted, shortened])
@pytest.mark.parametrize("policy", [STORING, Policy()], ids=["stored", "default"])
def test_a_change_to_an_array_of_a_megabyte_writes_nothing(change, policy):
    inner = MemoryStore()
    state = {"rows": records(2500), "status": "RUNNING"}
    parent = cold(inner, policy).seal(state, scope=SCOPE)
    change(state)
    _, asked, cost = sealed_from(inner, state, parent)
    assert cost.puts == 0
    assert cost.bytes_put == 0
    # The index's levels, the chunk that changed, and those that did not: they are compared.
    assert asked.count("get_ranges") <= 4
    assert asked.count("head") == 0
    assert cost.bytes_got < 600_000


PLACES = {
    "a field": lambda value: {"field": value},
    "six levels down": lambda value: nested(6, value),
    "an item of an array": lambda value: {"items": [{"id": 1}, {"id": 2, "inner": value}]},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_small_edit_of_a_value_in_one_blob_reads_that_blob_and_writes_nothing(place):
    inner = MemoryStore()
    parent = cold(inner, STORING).seal(PLACES[place](noise(70_000, 1)), scope=SCOPE)
    text = noise(70_000, 1)
    _, asked, cost = sealed_from(
        inner, PLACES[place](text[:30_000] + "edit" + text[30_000:]), parent
    )
    assert cost.puts == 0
    assert asked == ["get_ranges"]
    assert cost.bytes_got < 45_000


@pytest.mark.parametrize("place", PLACES)
def test_an_array_that_grows_in_cold_processes_is_never_written_again(place):
    inner = MemoryStore()
    rows = records(1500)
    bag = cold(inner, STORING).seal(PLACES[place](rows), scope=SCOPE)
    asked, written = [], 0
    for n in range(12):
        rows.append({"n": -n, "text": noise(2000, n)})
        bag, calls, cost = sealed_from(inner, PLACES[place](rows), bag)
        asked.append(len(calls) - cost.puts)
        written += cost.bytes_put
    assert max(asked) <= 6
    assert written < 4.5 * 12 * 1100  # as noise compresses
    assert written < 100_000


def test_what_did_not_change_is_compared_once():
    inner = MemoryStore()
    state = {f"f{n}": noise(60_000, n) for n in range(5)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    bag, asked, cost = sealed_from(inner, state, parent)
    assert bag == parent
    assert asked == ["get_ranges"]
    assert cost.puts == 0


def test_a_field_that_moved_starts_from_where_it_was():
    inner = MemoryStore()
    text = noise(60_000, 1)
    parent = cold(inner, STORING).seal({"a": {"x": {"output": text}}, "n": 1}, scope=SCOPE)
    _, _, cost = sealed_from(inner, {"b": {"output": text[:100] + "edit" + text[100:]}}, parent)
    assert cost.puts == 0


def test_a_delta_starts_from_the_base_of_the_one_before():
    inner = MemoryStore()
    state = {"rows": records(2500)}
    bag = cold(inner, STORING).seal(state, scope=SCOPE)
    for n in range(6):
        state["rows"][n * 400]["text"] = f"edit {n}"
        bag, asked, cost = sealed_from(inner, state, bag)
        assert cost.puts == 0
        assert asked.count("get_ranges") <= 4


@pytest.mark.parametrize("shape", [list, dict])
def test_a_delta_stays_one_though_each_chunk_of_its_base_changed(shape):
    inner = MemoryStore()
    rows = records(300)
    value = rows if shape is list else {f"row {n}": row for n, row in enumerate(rows)}
    bag = cold(inner, STORING).seal({"rows": value}, scope=SCOPE)
    for n in range(0, 300, 12):
        rows[n]["text"] = rows[n]["text"][:90] + f"edit {n}" + rows[n]["text"][90:]
        bag, _, cost = sealed_from(inner, {"rows": value}, bag)
        assert cost.puts == 0
    assert len(encode(bag)) < 3000


def edited_last(rows):
    rows[-1]["text"] = "edited"


def shorter(rows):
    del rows[-1]


def edited_and_longer(rows):
    rows[-2]["text"] = "edited"
    rows.append({"n": -1, "text": "new"})


@pytest.mark.parametrize("change", [edited_last, shorter, edited_and_longer])
def test_a_change_after_the_last_chunk_is_a_delta(change):
    inner = MemoryStore()
    rows = records(230)
    parent = cold(inner, STORING).seal({"rows": rows}, scope=SCOPE)
    (stub,) = stubs(parent)
    assert stub.simple.size > 15_000  # the tail, which would be inline
    change(rows)
    bag, asked, cost = sealed_from(inner, {"rows": rows}, parent)
    assert cost.puts == 0
    assert len(encode(bag)) < len(encode(parent)) + 300
    assert asked.count("get_ranges") <= 2


def test_a_stored_tail_is_not_read_where_the_value_only_grew():
    inner = MemoryStore()
    rows = records(230)
    parent = cold(inner, STORING).seal({"rows": rows}, scope=SCOPE)
    rows += records(80, seed=2)  # the tail's items are in a chunk now
    _, _, cost = sealed_from(inner, {"rows": rows}, parent, STORING)
    (stub,) = stubs(parent)
    assert cost.puts == 1
    assert cost.bytes_got < len(encode(rows[:230])) / 1.9 - stub.simple.blob.length


def many_forms():
    return {
        "rows": records(1500),
        "keyed": {f"key {n}": noise(700, n) for n in range(90)},
        "text": noise(150_000, 3),
        "one": noise(20_000, 4),
        "log": [],
        "status": "RUNNING",
    }


def test_a_cold_writer_asks_no_more_often_than_an_open_of_all():
    """Index nodes, the bases of deltas and what is compared come with one request for each pack."""
    inner = MemoryStore()
    state = many_forms()
    bag = cold(inner).seal(state, scope=SCOPE)
    asked, opened, most = 0, 0, 0
    for step in range(60):
        state["rows"][step * 911 % 1500]["text"] = noise(300, step)
        key = f"key {step * 7 % 90}"
        state["keyed"][key] = state["keyed"][key][:-30] + noise(30, step)
        place = step * 7919 % 149_000
        state["text"] = state["text"][:place] + noise(90, step) + state["text"][place + 80 :]
        state["log"].append(noise(1500, 1000 + step))
        with usage.measured() as cost:
            cold(inner).open(bag, scope=SCOPE)
        opened += cost.gets
        store = RecordingStore(inner)
        bag = cold(store).seal(state, parent=bag, scope=SCOPE)
        spans = [(call.name, *call.spans[0]) for call in store.of("get_ranges")]
        for name, start, length in spans:
            others = [one for one in spans if one[0] == name and one != (name, start, length)]
            assert all(at >= start + length or start >= at + size for _, at, size in others)
        asked += len(spans)
        most = max(most, len({name for name, *_ in spans}))
    assert most >= 2
    assert asked <= opened
    forget()
    assert Statebag(inner).open(bag, scope=SCOPE) == state


@pytest.mark.parametrize(
    "advice",
    [[], [[0, 0, 10**9]], [[0, 10**12, 5]], [[0, 8, 3], [0, 9, 1]], [[0, 0, 900_000]]],
)
def test_wrong_advice_of_a_parent_costs_a_request_and_nothing_else(advice):
    inner = MemoryStore()
    state = {"rows": records(2500)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    parent["rows"][KEY]["reads"] = advice
    edited(state)
    _, asked, cost = sealed_from(inner, state, parent)
    assert cost.puts == 0
    assert asked.count("get_ranges") <= 5
    assert cost.bytes_got < 1_800_000


def test_advice_of_another_scope_is_not_followed():
    inner = MemoryStore()
    state = {"rows": records(2500)}
    other = cold(inner, STORING).seal({"other": noise(90_000, 1)}, scope="machine/other")
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    body = parent["rows"][KEY]
    body["packs"].append(other["other"][KEY]["at"])
    body["reads"].append([len(body["packs"]) - 1, 0, 900])
    edited(state)
    store = RecordingStore(inner)
    bag = cold(store).seal(state, parent=parent, scope=SCOPE)
    assert not [call for call in store.calls if "machine/other" in call.name]
    forget()
    assert Statebag(inner).open(bag, scope=SCOPE) == state


def test_a_value_that_is_mostly_new_is_not_read():
    inner = MemoryStore()
    parent = cold(inner, STORING).seal({"rows": records(2500)}, scope=SCOPE)
    _, asked, cost = sealed_from(inner, {"rows": records(2500, seed=2)}, parent)
    assert cost.puts == 1
    assert asked.count("get_ranges") <= 2  # index nodes


def test_a_process_that_opened_or_sealed_the_parent_asks_for_nothing():
    inner = MemoryStore()
    state = {"rows": records(2500)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    for client in (Statebag(inner), cold(inner)):
        opened = client.open(parent, scope=SCOPE)
        opened["rows"][5] = None
        with usage.measured() as cost:
            bag = client.seal(opened, parent=parent, scope=SCOPE)
            opened["rows"].append("another")
            client.seal(opened, parent=bag, scope=SCOPE)
        assert cost.gets == cost.puts == 0


def test_a_lost_pack_of_the_parent_is_written_again():
    inner = MemoryStore()
    state = {"rows": records(2500), "text": noise(90_000, 3)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    state["rows"][700] = "edited"
    for lost in sorted({blob.at for blob in blobs(parent, inner)}):
        inner.delete(lost)
    sealed_from(inner, state, parent)


@pytest.mark.parametrize("kind", ["before", "after", "truncate", "corrupt"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_parent_that_cannot_be_read_costs_no_value(kind, call):
    inner = MemoryStore()
    state = {"rows": records(2500), "text": noise(90_000, 3)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    state["rows"][700] = "edited"
    state["text"] += "more"
    store = FaultyStore(inner, [Fault("get_ranges", call, kind)])
    bag = cold(store).seal(state, parent=parent, scope=SCOPE)
    forget()
    assert Statebag(inner).open(bag, scope=SCOPE) == state


def test_a_parent_of_another_execution_is_not_referred_to():
    inner = MemoryStore()
    state = {"rows": records(1500)}
    parent = cold(inner, STORING).seal(state, scope="machine/other")
    bag, asked, _ = sealed_from(inner, state, parent)
    assert {blob.at.rpartition("/")[0] for blob in blobs(bag, inner)} == {"machine/run"}
    assert "get_ranges" not in asked


def test_a_child_refers_to_what_its_parent_stored():
    inner = MemoryStore()
    state = {"rows": records(1500)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    state["rows"].append("one more")
    with usage.measured() as cost:
        bag = cold(inner).seal(state, parent=parent, scope=SCOPE + "/child")
    assert cost.puts == 0
    forget()
    assert Statebag(inner).open(bag, scope=SCOPE + "/child") == state


def test_a_forged_parent_is_not_believed_by_a_client_with_keys():
    inner = MemoryStore()
    state = {"rows": records(1500)}
    unsigned = cold(inner, STORING).seal(state, scope=SCOPE)
    _, _, cost = sealed_from(inner, state, unsigned, STORING, signing_keys=KEYS)
    assert cost.puts == 1
    signed = cold(inner, STORING, signing_keys=KEYS).seal(state, scope=SCOPE)
    _, _, cost = sealed_from(inner, state, signed, STORING, signing_keys=KEYS)
    assert cost.puts == 0


def test_what_a_parent_says_is_not_remembered():
    inner = MemoryStore()
    text = noise(60_000, 1)
    parent = cold(inner, STORING).seal({"text": text}, scope=SCOPE)
    other = cold(inner, STORING).seal({"text": noise(60_000, 2)}, scope=SCOPE)
    # A stub of the first text that leads to the second: only an enemy writes it.
    forged = {"text": {**parent["text"]}}
    stub = next(iter(parent["text"]))
    forged["text"][stub] = {**other["text"][stub], "sha256": parent["text"][stub]["sha256"]}
    client = cold(inner, STORING)
    client.seal({"text": text}, parent=forged, scope=SCOPE)
    bag = client.seal({"text": text}, scope=SCOPE)
    assert client.open(bag, scope=SCOPE) == {"text": text}
    forget()
    assert Statebag(inner).open(bag, scope=SCOPE) == {"text": text}


@pytest.mark.parametrize("parent", [{}, [], "text", 7, {"__statebag__": {"v": 99}}])
def test_what_is_no_bag_of_this_release_is_no_help_and_no_harm(parent):
    inner = MemoryStore()
    state = {"rows": records(300)}
    _, asked, _ = sealed_from(inner, state, parent)
    assert "get_ranges" not in asked


def test_older_readers_get_no_delta():
    inner = MemoryStore()
    state = {"rows": records(2500)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    state["rows"][700]["text"] = "edited"
    bag, asked, cost = sealed_from(inner, state, parent, Policy(forms=1))
    assert cost.bytes_put < 60_000
    assert all(stub.generation == 1 for stub in stubs(bag))
    assert asked.count("get_ranges") <= 2


def test_many_fields_that_changed_are_read_side_by_side():
    inner = MemoryStore()
    state = {f"f{n}": noise(50_000, n) for n in range(20)}
    parent = cold(inner, STORING).seal(state, scope=SCOPE)
    for name in state:
        state[name] = state[name][:900] + "edit" + state[name][900:]
    _, asked, cost = sealed_from(inner, state, parent)
    assert cost.puts == 0
    assert asked.count("get_ranges") == 1  # they lie in one pack


@pytest.mark.parametrize("heal", [True, False])
def test_a_scope_that_the_parent_gave_confines_nobody(heal):
    """Values of another execution stand in the state; nobody said who may read the new bag."""
    store = MemoryStore()
    client = Statebag(store, policy=Policy(carry_bytes=0, field_limit=600))
    other = client.seal({"right": noise(3_000, 1)}, scope="machine/run")
    own = client.seal({"left": noise(3_000, 2)}, scope="machine/other")
    both = {**client.open(other, only=[]), **client.open(own, only=[])}
    parent = client.seal(both)
    forget()
    state = client.open(parent, only=[])
    bag = client.seal({**state, "status": 1}, parent=parent, heal=heal)
    opened = client.open(bag)
    assert (opened["right"], opened["left"]) == (noise(3_000, 1), noise(3_000, 2))
