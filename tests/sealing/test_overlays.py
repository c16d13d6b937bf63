"""Scattered edits of a large value: deltas that are stored, one over the other."""

import json
import random
import re

import pytest

from statebag import BlobCorrupt, BlobMissing, LimitExceeded, NotPermitted, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Layered, Patched
from statebag.opening.inspection import inspect
from statebag.sealing import compaction
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from statebag.upkeep.references import referred_by_value
from tests.bags import noise, payload_bytes, stubs

SCOPE = "m/e"
SMALL = {"carry_bytes": 1000, "field_limit": 256, "piece_bytes": 1024}
POLICY = Policy(**SMALL)
ROWS = 1500
PACK = re.compile(r"[0-9a-f]{32}\.pack")


def table(rows=ROWS):
    return [{"id": noise(12, n), "status": "open"} for n in range(rows)]


def edit(rows, seed, count=25):
    """Edit so many rows in random places."""
    source = random.Random(seed)
    for place in source.sample(range(len(rows)), count):
        rows[place]["status"] = source.randbytes(6).hex()


def client(store, policy=POLICY, **more):
    """A client of a process that remembers nothing."""
    forget()
    return Statebag(store, policy=policy, replicas=(), **more)


def layers_of(bag):
    return max([len(one.whole.layers) for one in stubs(bag) if not one.is_data], default=0)


def run(store, steps, policy=POLICY, first=0, bag=None, **more):
    """Steps of processes that open all; the last bag and state, and most layers of a bag."""
    state = {"rows": table(), "n": 0}
    bag = client(store, policy, **more).seal(state, scope=SCOPE) if bag is None else bag
    most = 0
    for step in range(first, first + steps):
        sb = client(store, policy, **more)
        state = sb.open(bag, scope=SCOPE)
        edit(state["rows"], step)
        bag = json.loads(json.dumps(sb.seal(state, scope=SCOPE)))
        most = max(most, layers_of(bag))
    return bag, state, most


def layered(store, policy=POLICY, **more):
    """A bag with layers and a delta over them, and its state."""
    bag, state, _ = run(store, 12, policy, **more)
    first = 12
    while layers_of(bag) < 2 or not bag["rows"][KEY].get("patch"):
        bag, state, _ = run(store, 1, policy, first, bag, **more)
        first += 1
        assert first < 80
    return bag, state


def opened(store, bag, **more):
    return encode(client(store, **more).open(bag, scope=SCOPE))


def test_a_delta_that_is_too_long_is_stored_and_not_the_table():
    written = {}
    for forms in (3, 4):
        store = MemoryStore()
        with usage.measured() as cost:
            bag, state, most = run(store, 60, Policy(**SMALL, forms=forms))
        assert opened(store, bag) == encode(state)
        assert most == (2 if forms == 4 else 0)
        written[forms] = cost.bytes_put
    assert written[4] * 2 < written[3]


def test_layers_merge_by_size_and_end():
    store = MemoryStore()
    bag, seen = None, []
    for step in range(90):
        bag, state, _ = run(store, 1, first=step, bag=bag)
        stub = next(one for one in stubs(bag) if one.whole.read.entries)
        lengths = [one.blob.length for one in stub.whole.layers]
        assert len(lengths) <= 2
        assert lengths == sorted(lengths, reverse=True)
        seen.append(len(lengths))
    assert opened(store, bag) == encode(state)
    assert 2 in seen
    assert 0 in seen[seen.index(2) :]  # at last the chunks were written, and it begins again


def test_an_open_reads_two_packs_more_at_most():
    store = MemoryStore()
    bag, state = layered(store)
    with usage.measured() as cost:
        assert opened(store, bag) == encode(state)
    assert cost.gets <= 3


def test_a_process_that_only_seals_starts_from_what_it_wrote():
    store = MemoryStore()
    sb = client(store)
    state = {"rows": table()}
    sb.seal(state, scope=SCOPE)
    with usage.measured() as cost:
        for step in range(40):
            edit(state["rows"], step)
            bag = sb.seal(state, scope=SCOPE)
    assert cost.gets == 0
    assert cost.puts < 30
    assert opened(store, bag) == encode(state)
    again = MemoryStore()
    with usage.measured() as reading:
        run(again, 40)
    assert cost.bytes_put < 1.5 * reading.bytes_put


@pytest.mark.parametrize(
    "value",
    [
        {f"key {n}": noise(20, n) for n in range(1500)},
        " ".join(noise(40, n) for n in range(1500)),
    ],
    ids=["object", "text"],
)
def test_other_values_take_layers_too(value):
    store = MemoryStore()
    bag = client(store).seal({"value": value}, scope=SCOPE)
    most = 0
    for step in range(25):
        sb = client(store)
        state = sb.open(bag, scope=SCOPE)
        source = random.Random(step)
        for _ in range(25):
            if isinstance(value, dict):
                state["value"][f"key {source.randrange(1500)}"] = source.randbytes(10).hex()
            else:
                at = source.randrange(len(value) - 9)
                text = state["value"]
                state["value"] = text[:at] + source.randbytes(4).hex() + text[at + 8 :]
        bag = sb.seal(state, scope=SCOPE)
        most = max(most, layers_of(bag))
    assert most
    assert opened(store, bag) == encode(state)


def test_rows_that_are_added_are_in_the_delta_too():
    store = MemoryStore()
    bag, state = layered(store)
    sb = client(store)
    state = sb.open(bag, scope=SCOPE)
    state["rows"] += table(3)
    with usage.measured() as cost:
        bag = sb.seal(state, scope=SCOPE)
    assert cost.bytes_put < 3000
    assert layers_of(bag)
    assert opened(store, bag) == encode(state)


def test_it_passes_unread_and_is_the_same_again():
    store = MemoryStore()
    bag, state = layered(store)
    sb = client(store)
    part = sb.open(bag, only=["n"], scope=SCOPE)
    assert sb.seal(part, scope=SCOPE)["rows"] == bag["rows"]
    sb = client(store)
    whole = sb.open(bag, scope=SCOPE)
    with usage.measured() as cost:
        again = sb.seal({**whole, "n": 1}, scope=SCOPE)
    assert cost.puts == 0
    assert again["rows"] == bag["rows"]
    assert client(store).get(bag, "rows[7]") == state["rows"][7]
    assert client(store).open(bag, only=["$.rows"], scope=SCOPE)["rows"] == state["rows"]
    longer = client(store).append(bag, "rows", [1], scope=SCOPE)
    assert client(store).open(longer)["rows"] == [*state["rows"], 1]
    assert client(store).differences(bag, longer)[0].path == f"$.rows[{ROWS}]"


@pytest.mark.parametrize("forms", [1, 2, 3])
def test_a_writer_that_is_held_back_writes_it_again(forms):
    store = MemoryStore()
    bag, state = layered(store)
    held = Policy(**SMALL, forms=forms)
    for only in (None, ["n"]):
        sb = client(store, held)
        part = sb.open(bag, only=only, scope=SCOPE)
        part["n"] = 5
        older = sb.seal(part, scope=SCOPE)
        assert not layers_of(older)
        assert opened(store, older) == encode({**state, "n": 5})
        edit(whole := client(store, held).open(older, scope=SCOPE)["rows"], 99)
        assert len(whole) == ROWS


def test_layers_that_were_not_opened_move_with_their_packs():
    store = MemoryStore()
    policy = Policy(**SMALL, max_packs=1)
    bag, state = layered(store)
    before = set(client(store).packs(bag))
    for n in range(6):
        sb = client(store, policy)
        part = sb.open(bag, only=["$.none"], scope=SCOPE)
        part[f"more {n}"] = state[f"more {n}"] = noise(60_000, n)
        bag = sb.seal(part, scope=SCOPE)
    assert before.isdisjoint(client(store).packs(bag))
    assert layers_of(bag) == 2
    assert opened(store, bag) == encode(state)


def test_layers_that_were_opened_move_alone(monkeypatch):
    store = MemoryStore()
    bag, state = layered(store)
    base = bag["rows"][KEY]["base"]["packs"]
    layers = [row[3] for row in bag["rows"][KEY]["deltas"]]
    monkeypatch.setattr(compaction, "which_move", lambda held, *_: frozenset(held) - set(base))
    sb = client(store, POLICY)
    whole = sb.open(bag, scope=SCOPE)
    whole["more"] = state["more"] = noise(3000, 1)
    bag = sb.seal(whole, scope=SCOPE)
    after = [row[3] for row in bag["rows"][KEY]["deltas"]]
    assert bag["rows"][KEY]["base"]["packs"] == base
    assert not set(layers) & set(after)
    assert opened(store, bag) == encode(state)


def test_a_layer_that_is_gone_or_damaged_is_an_error_with_its_name():
    for damage in ("gone", "damaged"):
        store = MemoryStore()
        bag, _ = layered(store)
        row = bag["rows"][KEY]["deltas"][0]
        if damage == "gone":
            store.delete(row[3])
        else:
            data = bytearray(store.get(row[3]))
            data[row[4] + row[5] // 2] ^= 1
            store.put(row[3], bytes(data))
        with pytest.raises(BlobMissing if damage == "gone" else BlobCorrupt) as caught:
            client(store).open(bag, scope=SCOPE)
        assert caught.value.object_name == row[3]
        assert client(store).open(bag, only=["n"], scope=SCOPE)["n"] == 0


def test_what_the_store_lost_is_written_again():
    store = MemoryStore()
    bag, state = layered(store)
    lost = bag["rows"][KEY]["deltas"][-1][3]
    sb = client(store)
    state = sb.open(bag, scope=SCOPE)
    store.delete(lost)
    edit(state["rows"], 1000, 2)
    bag = sb.seal(state, scope=SCOPE)
    assert lost not in sb.packs(bag)
    assert opened(store, bag) == encode(state)


def test_upkeep_and_export_know_the_layers():
    store = MemoryStore()
    bag, state = layered(store)
    sb = client(store)
    rows = bag["rows"][KEY]["deltas"]
    packs = {row[3] for row in rows}
    assert packs <= set(sb.packs(bag))
    assert {row[1] for row in rows} <= {blob.sha256 for blob in referred_by_value(bag)}
    assert fsck(store, bags={"bag": bag}).bags == {"bag": True}
    archive = sb.export(bag, scope=SCOPE)
    other = client(MemoryStore())
    assert other.open(other.unpack(archive, "m/f"), scope="m/f") == state
    places = [place for one in inspect(bag).root.walk() for place in one.places]
    assert {(row[3], row[4]) for row in rows} <= {(one.pack, one.offset) for one in places}
    store.delete(rows[0][3])
    report = fsck(store, bags={"bag": bag})
    assert report.bags == {"bag": False}
    assert rows[0][3] in {fault.name for fault in report.faults}


def test_heads_keep_fork_and_collect_it():
    store = MemoryStore()
    for step in range(30):
        head = client(store).heads("agents").head("one")
        version = head.read()
        state = head.open(version) if version else {"rows": table()}
        edit(state["rows"], step)
        bag = head.seal(state, version)
        version = head.advance(bag, version)
    while not layers_of(bag):
        head = client(store).heads("agents").head("one")
        state = head.open(head.read())
        step += 1
        edit(state["rows"], step)
        bag = head.seal(state, head.read())
        version = head.advance(bag, head.read())
    head.fork(client(store).heads("agents").head("two"), version)
    head.retain(keep=1)
    head = client(store).heads("agents").head("one")
    assert head.open(head.read()) == state
    other = client(store).heads("agents").head("two")
    assert other.open(other.read()) == state


def test_signatures_and_encryption_cover_it():
    pytest.importorskip("cryptography")
    store = MemoryStore()
    keys = {"signing_keys": {"one": b"k" * 32}, "encryption_keys": [b"e" * 32]}
    bag, state = layered(store, **keys)
    assert opened(store, bag, **keys) == encode(state)
    body = bag["rows"][KEY]
    assert body["sig"].endswith(SCOPE)
    changes = [
        {"deltas": body["deltas"][:1]},
        {"deltas": [*body["deltas"], body["deltas"][0]]},
        {"patch": bag["rows"][KEY]["patch"][:-4]},
        {"sig": body["sig"].removesuffix(SCOPE) + "m/f"},
    ]
    for change in changes:
        with pytest.raises(NotPermitted):
            client(store, **keys).open({"rows": {KEY: {**body, **change}}}, scope=SCOPE)
    with pytest.raises(NotPermitted):
        client(store, **keys).open({"rows": bag["rows"]}, scope="m/other")


def test_layers_of_another_scope_are_refused_before_a_request():
    inner = MemoryStore()
    bag, _ = layered(inner)
    body = bag["rows"][KEY]
    moved = [[*row[:3], row[3].replace(SCOPE, "m/f"), *row[4:]] for row in body["deltas"]]
    store = RecordingStore(inner)
    with pytest.raises(NotPermitted):
        client(store).open({"rows": {KEY: {**body, "deltas": moved}}}, scope=SCOPE)
    assert store.calls == []


def test_what_layers_give_counts_against_the_limit_before_it_is_read():
    store = MemoryStore()
    bag, state = layered(store)
    size = len(encode(state["rows"]))
    narrow = Policy(**SMALL, max_open_bytes=3 * size)
    with pytest.raises(LimitExceeded):
        client(store, narrow).open(bag, scope=SCOPE)
    body = bag["rows"][KEY]
    huge = [[2**50, *row[1:]] for row in body["deltas"]]
    with pytest.raises(LimitExceeded):
        client(store).open({"rows": {KEY: {**body, "deltas": huge}}}, scope=SCOPE)


@pytest.mark.parametrize(
    "settings", [{"max_open_bytes": 300_000}, {"cache_bytes": 200_000}, {"cache_bytes": 0}]
)
def test_a_reader_or_writer_with_little_memory_writes_none(settings):
    store = MemoryStore()
    bag, state, most = run(store, 15, Policy(**SMALL, **settings))
    assert most == 0
    assert opened(store, bag) == encode(state)


@pytest.mark.parametrize("budget", [600, 900, 1500, 3000])
def test_a_narrow_bag_has_fewer_or_no_layers(budget):
    store = MemoryStore()
    bag, state = layered(store)
    sb = client(store)
    state = sb.open(bag, scope=SCOPE)
    edit(state["rows"], 77)
    state |= {f"field {n}": noise(200, n) for n in range(10)}
    bag = sb.seal(state, scope=SCOPE, budget=budget)
    assert payload_bytes(bag) <= budget
    assert opened(store, bag) == encode(state)


def test_a_cold_process_with_a_parent_writes_the_change():
    store = MemoryStore()
    bag, state = layered(store)
    for step in range(200, 206):
        edit(state["rows"], step, 3)
        with usage.measured() as cost:
            bag = client(store).seal(state, scope=SCOPE, parent=bag)
        assert cost.bytes_put < 8000
        assert opened(store, bag) == encode(state)


def test_a_cold_process_with_a_parent_keeps_layers_whose_packs_merge():
    policy = Policy(**SMALL, max_packs=4)
    written = []
    for cold in (False, True):
        found = []
        store = MemoryStore()
        sb = client(store, policy)
        state = {"rows": table(), **{f"field {n}": noise(3000, n) for n in range(8)}}
        bag = sb.seal(state, scope=SCOPE)
        with usage.measured() as cost:
            for step in range(20):
                edit(state["rows"], step, 12)
                state[f"field {step % 8}"] = noise(3000, 1000 + step)
                sb = client(store, policy) if cold else sb
                bag = sb.seal(state, scope=SCOPE, parent=bag if cold else None)
                found.append((layers_of(bag), len(set(PACK.findall(json.dumps(bag))))))
        assert opened(store, bag) == encode(state)
        merges = [n for n in range(1, 20) if found[n][1] < found[n - 1][1]]
        assert any(found[n][0] for n in merges)
        written.append((cost.bytes_put, found))
    assert written[0] == written[1]


def test_a_layer_that_is_lost_after_it_was_read_costs_only_its_own_value():
    store = MemoryStore()
    sb = client(store)
    state = {"rows": table(), "other": noise(100_000)}
    bag = sb.seal(state, scope=SCOPE)
    step = 0
    while not layers_of(bag):
        edit(state["rows"], step)
        bag = sb.seal(state, scope=SCOPE)
        step += 1
        assert step < 80
    gone = next(one.whole.layers[0].blob.at for one in stubs(bag) if one.whole.layers)

    class Losing(MemoryStore):
        def get_ranges(self, name, spans):
            found = super().get_ranges(name, spans)
            if name == gone:
                self.delete(name)
            return found

    losing = Losing()
    for one in store.list(""):
        losing.put(one.name, store.get_ranges(one.name, [(0, one.size)])[0])
    edit(state["rows"], 99, 1)
    with usage.measured() as cost:
        bag = client(losing).seal(state, scope=SCOPE, parent=bag)
    assert cost.bytes_put < len(state["other"]) // 2
    assert opened(losing, bag) == encode(state)


@pytest.mark.parametrize("forged", ["size", "layer", "gone", "digest"])
def test_a_parent_whose_layers_lie_does_no_harm(forged):
    store = MemoryStore()
    bag, state = layered(store)
    body = bag["rows"][KEY]
    rows = [list(row) for row in body["deltas"]]
    if forged == "size":
        rows[0][0] += 1
    elif forged == "layer":
        rows[0][1:] = rows[1][1:]
    elif forged == "digest":
        rows[0][1] = "0" * 64
    else:
        store.delete(rows[0][3])
    edit(state["rows"], 500, 3)
    wrong = {**bag, "rows": {KEY: {**body, "deltas": rows}}}
    again = client(store).seal(state, scope=SCOPE, parent=wrong)
    assert opened(store, again) == encode(state)


def test_a_rest_takes_layers():
    store = MemoryStore()
    bag = None
    state = {f"field {n}": noise(40, n) for n in range(2500)}
    bag = client(store).seal(state, scope=SCOPE)
    most = 0
    for step in range(30):
        sb = client(store)
        state = sb.open(bag, scope=SCOPE)
        source = random.Random(step)
        for _ in range(20):
            state[f"field {source.randrange(2500)}"] = source.randbytes(20).hex()
        bag = sb.seal(state, scope=SCOPE)
        most = max(most, layers_of(bag))
        assert opened(store, bag) == encode(state)
    assert most


def test_a_single_blob_takes_layers():
    """The base need not be in chunks."""
    store = MemoryStore()
    one = Policy(carry_bytes=1000, field_limit=256, piece_bytes=24_576)
    text = " ".join(noise(40, n) for n in range(500))
    bag = client(store, Policy(carry_bytes=0)).seal({"text": text}, scope=SCOPE)
    assert not any(stub.whole.read.entries for stub in stubs(bag))
    for step in range(12):
        sb = client(store, one)
        state = sb.open(bag, scope=SCOPE)
        source = random.Random(step)
        for _ in range(20):
            at = source.randrange(len(text) - 9)
            now = state["text"]
            state["text"] = now[:at] + source.randbytes(4).hex() + now[at + 8 :]
        bag = sb.seal(state, scope=SCOPE)
        assert opened(store, bag) == encode(state)


def test_a_delta_of_few_layers_is_a_delta():
    assert issubclass(Layered, Patched)
    assert Layered.generation == 4


@pytest.mark.parametrize("tables", [2, 3, 5])
def test_an_open_of_several_tables_stays_within_the_limit(tables):
    state = {
        f"rows {t}": [{"id": noise(12, 10**6 * t + n), "status": "open"} for n in range(ROWS)]
        for t in range(tables)
    }
    limit = 6 * len(encode(state["rows 0"])) + 2000  # as much as one table with layers may take
    policy = Policy(**SMALL, max_open_bytes=limit)
    store = MemoryStore()
    bag = client(store, policy).seal(state, scope=SCOPE)
    most = 0
    for step in range(12):
        sb = client(store, policy)
        state = sb.open(bag, scope=SCOPE)
        for t in range(tables):
            edit(state[f"rows {t}"], 10 * step + t)
        bag = json.loads(json.dumps(sb.seal(state, scope=SCOPE)))
        most = max(most, layers_of(bag))
        assert opened(store, bag, policy=policy) == encode(state)
    assert most == (tables < 5)


def test_layers_end_where_another_field_needs_the_room():
    store = MemoryStore()
    bag, state = layered(store)
    first = 80
    while layers_of(bag) < 2 or bag["rows"][KEY].get("patch"):
        bag, state, _ = run(store, 1, first=first, bag=bag)
        first += 1
        assert first < 160
    size = len(encode(state))
    policy = Policy(**SMALL, max_open_bytes=6 * size, max_packs=64)  # no pack moves
    sb = client(store, policy)
    state = sb.open(bag, scope=SCOPE)
    state["more"] = [noise(100, n) for n in range(3 * size // 100)]
    bag = sb.seal(state, scope=SCOPE)
    assert layers_of(bag) == 0
    assert opened(store, bag, policy=policy) == encode(state)
