import gc
import json
import pickle
import random
import weakref

import pytest

from statebag import (
    BagTooLarge,
    ConfigurationError,
    InvalidState,
    NotPermitted,
    Policy,
    Statebag,
    StoreUnavailable,
    Unopened,
)
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import blobs, forms, noise, payload_bytes, stubs

SCOPE = "machine/run"
STORING = Policy(carry_bytes=0, attempts=1)


@pytest.fixture
def recording():
    forget()
    return RecordingStore(MemoryStore())


def fields(count, size=40_000):
    return {f"field {n}": noise(size, n) for n in range(count)}


def test_one_seal_writes_one_object_and_the_same_state_again_none(recording):
    sb = Statebag(recording, policy=STORING)
    state = {"status": "RUNNING", **fields(5)}
    bag = sb.seal(state, scope=SCOPE)
    assert [call.operation for call in recording.calls] == ["put"]
    recording.forget()
    assert sb.seal(state, scope=SCOPE) == bag
    state["status"] = "COMPLETE"
    assert sb.seal(state, scope=SCOPE)["field 1"] == bag["field 1"]
    assert recording.calls == []


def test_another_process_that_opened_the_bag_writes_only_what_changed(recording):
    state = fields(5)
    bag = Statebag(recording, policy=STORING).seal(state, scope=SCOPE)
    forget()
    sb = Statebag(recording, policy=STORING)
    opened = sb.open(bag, scope=SCOPE)
    recording.forget()
    sb.seal(opened, scope=SCOPE)
    assert recording.calls == []
    opened["field 1"] = "changed" + opened["field 1"]
    sb.seal(opened, scope=SCOPE)
    (put,) = recording.calls
    assert put.size < 60_000


def test_many_fields_of_one_seal_are_read_at_once_and_then_no_more(recording):
    bag = Statebag(recording, policy=STORING).seal(fields(20, 5000 * 8), scope=SCOPE)
    forget()
    recording.forget()
    sb = Statebag(recording, policy=STORING)
    sb.open(bag)
    assert [call.operation for call in recording.calls] == ["get_ranges"]
    sb.open(bag)
    assert len(recording.calls) == 1


def test_only_the_selected_fields_are_read(recording):
    bag = Statebag(recording, policy=STORING).seal(fields(20), scope=SCOPE)
    forget()
    recording.forget()
    sb = Statebag(recording, policy=STORING)
    with usage.measured() as cost:
        part = sb.open(bag, only=["$['field 3']"])
    assert cost.blobs_read == 1
    assert cost.bytes_got < 30_000
    assert isinstance(part["field 4"], Unopened)
    recording.forget()
    assert sb.seal(part, scope=SCOPE) == bag
    assert sb.open(bag, only=[])["field 3"].size == 40_002
    assert recording.calls == []


def test_packs_are_read_side_by_side(recording):
    # Each read waits until all are under way: one after another they would never end.
    import threading

    policy = Policy(carry_bytes=0, max_packs=100)
    sb = Statebag(recording, policy=policy)
    state = {}
    for n in range(10):
        state[f"field {n}"] = noise(40_000, n)
        bag = sb.seal(state, scope=SCOPE)
    forget()
    barrier = threading.Barrier(10, timeout=240)
    plan = [Fault("get_ranges", call, "delay") for call in range(1, 11)]
    with FaultyStore(recording, plan, sleep=lambda _: barrier.wait()) as slow:
        assert Statebag(slow, policy=policy).open(bag) == state


def test_a_state_stays_on_few_packs(recording):
    policy = Policy(carry_bytes=0, field_limit=256, max_packs=4, max_bag_bytes=16_384)
    bag = {}
    for n in range(40):
        forget()
        sb = Statebag(recording, policy=policy)
        state = sb.open(bag)
        state[f"field {n % 20}"] = noise(1500, n)
        bag = sb.seal(state, scope=SCOPE)
        assert len({blob.at for blob in blobs(bag, recording)}) <= 4


@pytest.mark.parametrize("kind", ["before", "after"])
def test_nothing_refers_to_what_was_not_stored(kind):
    forget()
    memory = MemoryStore()
    state = fields(3)
    with FaultyStore(memory, [Fault("put", 1, kind)]) as faulty:
        sb = Statebag(faulty, policy=STORING)
        with pytest.raises(StoreUnavailable) as caught:
            sb.seal(state, scope=SCOPE)
    assert caught.value.retryable
    stored = len(list(memory.list()))
    again = sb.seal(state, scope=SCOPE)
    assert len(list(memory.list())) == 1
    assert stored == (kind == "after")
    assert len(blobs(again, memory)) == 3


def test_a_seal_that_fails_is_tried_again_within_the_policy():
    forget()
    plan = [Fault("put", 1), Fault("put", 2, "after")]
    with FaultyStore(MemoryStore(), plan) as faulty:
        sb = Statebag(faulty, policy=Policy(carry_bytes=0, attempts=3))
        with usage.measured() as cost:
            bag = sb.seal(fields(1), scope=SCOPE)
    assert (cost.retries, cost.puts) == (2, 1)
    assert sb.open(bag) == fields(1)


def test_what_was_damaged_on_its_way_is_read_again():
    forget()
    memory = MemoryStore()
    bag = Statebag(memory, policy=STORING).seal(fields(1), scope=SCOPE)
    forget()
    with FaultyStore(memory, [Fault("get_ranges", 1, "truncate", keep_bytes=99)]) as faulty:
        assert Statebag(faulty, policy=STORING).open(bag) == fields(1)


def test_healing_writes_everything_anew(recording):
    sb = Statebag(recording, policy=STORING)
    state = {"a": noise(40_000), "log": [{"text": noise(900, n)} for n in range(200)]}
    bag = sb.seal(state, scope=SCOPE)
    (name,) = {blob.at for blob in blobs(bag, recording)}
    recording.put(name, b"damaged")
    healed = sb.seal(state, scope=SCOPE, heal=True)
    assert healed == bag
    blobs(healed, recording)
    forget()
    assert Statebag(recording, policy=STORING).open(bag) == state


LOOKALIKES = [
    {KEY: 1},
    {KEY: {"v": 1, "escaped": {}}},
    {KEY: {"v": 1, "sha256": "0" * 64, "size": 3, "at": f"m/{'0' * 32}.pack", "span": [8, 9]}},
    {KEY: {"v": 1, "rest": True, "beside": [], "more": [1]}, "status": 1},
    {"type": "s3_reference", "s3_path": "memory://elsewhere/key"},
    {"__s3_offloaded": True, "__s3_path": "memory://elsewhere/key"},
    {"type": "compressed", "data": "x"},
    {"type": "history_archive", "s3_path": "memory://elsewhere/key"},
]


@pytest.mark.parametrize("odd", LOOKALIKES, ids=str)
@pytest.mark.parametrize("heal", [False, True])
def test_data_that_looks_like_our_forms_is_data(recording, odd, heal):
    sb = Statebag(recording, policy=Policy(carry_bytes=0, field_limit=600))
    states = [
        odd,
        {**odd, "large": noise(5000)},
        {"a": odd},
        {"a": {**odd, "large": noise(5000), "larger": noise(6000)}},
        {"a": [odd, odd], "state_history": [odd, {"n": 1}]},
        {"current_state": {"x": odd, "text": noise(5000)}},
        {"status": odd},
    ]
    for state in states:
        bag = sb.seal(state, scope=SCOPE, heal=heal)
        for legacy in (False, True):
            assert encode(sb.open(bag, legacy=legacy)) == encode(state)
        part = sb.open(bag, only=[])
        again = sb.seal(part, scope=SCOPE, heal=heal)
        assert encode(sb.open(again)) == encode(state)


def test_unopened_values_under_a_key_like_ours(recording):
    sb = Statebag(recording, policy=STORING)
    unopened = sb.open(sb.seal(fields(1), scope=SCOPE), only=[])["field 0"]
    for state in (
        {KEY: unopened},
        {"a": {KEY: [unopened]}},
        {"a": [{KEY: {"v": 1, "x": unopened}}]},
    ):
        opened = sb.open(sb.seal(state, scope=SCOPE))
        assert encode(opened) == encode(sb.open(state_with(state, fields(1)["field 0"])))


def state_with(state, value):
    """A bag that opens to the state with the value in place of what was not opened."""
    if isinstance(state, dict):
        filled = {key: state_with(member, value) for key, member in state.items()}
        return {KEY: {"v": 1, "escaped": filled}} if KEY in state else filled
    if isinstance(state, list):
        return [state_with(member, value) for member in state]
    return value if isinstance(state, Unopened) else state


def test_values_of_one_bag_can_be_moved_to_another(recording):
    sb = Statebag(recording, policy=STORING)
    first = sb.open(sb.seal(fields(2), scope="machine/one"), only=[])
    mixed = {"list": [first["field 1"], {"deep": [first["field 0"]]}], "status": "RUNNING"}
    bag = sb.seal(mixed, scope="machine/one/child")
    expected = {
        "list": [fields(2)["field 1"], {"deep": [fields(2)["field 0"]]}],
        "status": "RUNNING",
    }
    assert sb.open(bag) == expected
    assert sb.open(bag, scope="machine/one/child") == expected


def test_the_parents_scope_serves_where_none_is_given(recording):
    sb = Statebag(recording, policy=STORING)
    bag = sb.seal(fields(1), scope="machine/a run")
    later = sb.seal(fields(2), parent=bag)
    assert {blob.at.rpartition("/")[0] for blob in blobs(later, recording)} == {"machine/a%20run"}
    assert {stub.blob.at.split("/")[0] for stub in stubs(sb.seal(fields(3)))} == {"unscoped"}


def test_where_two_scopes_are_equally_deep_a_retry_takes_the_same(recording):
    sb = Statebag(recording, policy=STORING)
    parents = [sb.seal({"x": noise(40_000, n)}, scope=f"machine/run/{n}") for n in range(6)]
    random.Random(1).shuffle(parents)
    sb.seal({"y": noise(40_000, 99)}, parent=parents)
    assert recording.of("put")[-1].name.startswith("machine/run/5/")


def test_known_values_of_a_scope_above_are_referred_to_again(recording):
    sb = Statebag(recording, policy=STORING)
    sb.seal(fields(1), scope="machine/run")
    recording.forget()
    child = sb.seal(fields(1), scope="machine/run/child")
    assert recording.calls == []
    assert sb.open(child, scope="machine/run/child") == fields(1)
    sb.seal(fields(1), scope="machine")
    assert len(recording.of("put")) == 1


def test_a_bound_holds_whatever_packs_the_blobs_lie_in(recording):
    policy = Policy(max_packs=1, carry_bytes=0, field_limit=256)
    sb = Statebag(recording, policy=policy)
    state = {}
    for n in range(10):
        state[f"f{n}"] = noise(2000, n)
        bag = sb.seal(state, scope="m")
    state["g"] = noise(2000, 77)
    child = "m/" + "x" * 200
    free = payload_bytes(sb.seal(state, scope=child))
    for budget in range(3000, free + 50, 61):
        forget()
        sb = Statebag(recording, policy=policy)
        sb.open(bag)
        sealed = sb.seal(state, scope=child, budget=budget)
        assert payload_bytes(sealed) <= budget
        assert sb.open(sealed) == state


def test_a_bound_holds_whatever_nodes_are_known(recording):
    policy = Policy(carry_bytes=0, field_limit=256, piece_bytes=1024, max_packs=50)
    sb = Statebag(recording, policy=policy)
    choose = random.Random(1)
    log = []
    for n in range(120):
        count, size = choose.randint(1, 12), choose.randint(200, 900)
        log.extend(noise(size, n * 50 + i) for i in range(count))
        size = payload_bytes(sb.seal({"log": log}, scope="m"))
        for less in (0, 1, 20) if size > 300 else (0,):  # a stub with one node has no less
            bag = sb.seal({"log": log}, scope="m", budget=size - less)
            assert payload_bytes(bag) <= size - less
    assert "index" in set(forms(bag))
    forget()
    assert Statebag(recording, policy=policy).open(bag) == {"log": log}


def test_an_append_for_ever_keeps_the_bag_small_and_reads_little(recording):
    policy = Policy(carry_bytes=2000, field_limit=256, piece_bytes=1024, max_bag_bytes=8192)
    sb = Statebag(recording, policy=policy)
    bag = sb.seal({"log": []}, scope=SCOPE)
    sizes = []
    recording.forget()
    for n in range(1500):
        if n % 100 == 0:
            forget()
            sb = Statebag(recording, policy=policy)
        bag = sb.append(bag, "log", [{"n": n, "text": noise(300, n)}], scope=SCOPE)
        sizes.append(payload_bytes(bag))
    # Only a pack that is written reads others, and on average about one.
    assert len(recording.of("get_ranges")) < len(recording.of("put")) * 1.1 < 400
    assert max(sizes) <= 8192
    forget()
    sb = Statebag(recording, policy=policy)
    assert sb.open(bag)["log"] == [{"n": n, "text": noise(300, n)} for n in range(1500)]
    recording.forget()
    forget()
    assert Statebag(recording, policy=policy).get(bag, "$.log[700].n") == 700
    assert len(recording.of("get_ranges")) <= 5


def test_an_append_for_a_small_share_reads_nothing_either(recording):
    state = {"log": [noise(900, n) for n in range(500)], "a": noise(36_000), "status": "x"}
    sb = Statebag(recording, policy=Policy())
    bag = sb.seal(state, scope=SCOPE)
    assert {"carried", "carried tail"} <= set(forms(bag))
    forget()
    recording.forget()
    sb = Statebag(recording, policy=Policy())
    smaller = sb.append(bag, "log", ["new"], scope=SCOPE, budget=8000)
    assert payload_bytes(smaller) <= 8000
    assert recording.of("get_ranges") == []
    state["log"].append("new")
    assert sb.open(smaller) == state


@pytest.mark.parametrize(
    ("state", "field"),
    [
        ({"a": 1}, "a"),
        ({"a": {}}, "a"),
        ({"a": noise(40_000)}, "a"),
        ({"a": {"b": noise(40_000)}}, "a.b"),
        ({"a": noise(40_000)}, "a.b"),
        ({"a": [1]}, "a[1]"),
        ({"a": [1]}, "b.c"),
        ({"a": [1]}, "$"),
    ],
)
def test_only_an_array_can_be_appended_to(recording, state, field):
    sb = Statebag(recording, policy=STORING)
    bag = sb.seal(state, scope=SCOPE)
    with pytest.raises(InvalidState) as caught:
        sb.append(bag, field, [1], scope=SCOPE)
    assert caught.value.path is not None


def test_appending_in_odd_places(recording):
    sb = Statebag(recording, policy=STORING)
    assert sb.append({"a": {}}, "a.new", [1]) == {"a": {"new": [1]}}
    assert sb.append([[1]], "$[0]", [2]) == [[1, 2]]
    assert sb.append([1], "$", [2]) == [1, 2]
    large = [noise(500, n) for n in range(200)]
    stub = sb.seal({"x": large}, scope=SCOPE)["x"]
    assert sb.open(sb.append(stub, "$", ["end"])) == [*large, "end"]
    moved = {"list": [stub, {"again": stub}]}
    for budget in (None, 1500):
        bag = sb.append(moved, "$.list[0]", ["end"], scope=SCOPE, budget=budget)
        bag = sb.append(bag, "$.list[1].again", ["other"], scope=SCOPE)
        assert sb.open(bag) == {"list": [[*large, "end"], {"again": [*large, "other"]}]}
    with pytest.raises(InvalidState):
        sb.append({"log": []}, "log", [float("nan")])


def test_control_fields_stay_plain_wherever_they_are(recording):
    policy = Policy(
        carry_bytes=0,
        field_limit=256,
        max_bag_bytes=4096,
        control=("status", "$.current_state.jobs[0].id", "$.a.b.c"),
    )
    sb = Statebag(recording, policy=policy)
    state = {
        "status": "x" * 500,
        "current_state": {
            "jobs": [{"id": n} for n in range(20)],
            "text": noise(9000),
            **{f"key {n}": noise(20, n) for n in range(200)},
        },
        "a": {"b": {"c": "y" * 400, "d": noise(9000, 1)}, "e": noise(9000, 2)},
        "z": noise(9000, 3),
    }
    for budget in (4096, 3000):
        bag = sb.seal(state, scope=SCOPE, budget=budget)
        assert bag["status"] == state["status"]
        assert bag["current_state"]["jobs"] == state["current_state"]["jobs"]
        assert bag["a"]["b"]["c"] == state["a"]["b"]["c"]
        assert sb.open(bag) == state
        bag["current_state"]["jobs"] = bag["a"]["b"]["c"] = "the engine's"
        opened = sb.open(bag)
        assert opened["current_state"]["jobs"] == opened["a"]["b"]["c"] == "the engine's"
        assert list(opened["current_state"]) == list(state["current_state"])


def test_control_fields_that_alone_pass_the_bound_are_named(recording):
    sb = Statebag(recording, policy=Policy(control=("$.status",)))
    with pytest.raises(BagTooLarge) as caught:
        sb.seal({"status": "secret" * 20_000, "text": noise(40_000)}, scope=SCOPE)
    assert "$.status" in caught.value.message
    assert "secret" not in str(caught.value)
    assert recording.calls == []


def test_no_field_is_a_control_field_until_it_is_named(recording):
    sb = Statebag(recording)
    state = {"status": "x" * 200_000}
    bag = sb.seal(state, scope="m/r")
    assert payload_bytes(bag) <= sb.policy.max_bag_bytes
    assert sb.open(bag, scope="m/r") == state


def test_a_client_with_more_control_paths_shares_what_it_knows(recording):
    sb = Statebag(recording, policy=Policy(strict=True, carry_bytes=0, control=("$.a",)))
    more = sb.with_control("b", "$.c.d")
    state = {"a": 1, "b": 2, "c": {"d": 3, "e": 4}, "text": noise(40_000)}
    assert set(sb.seal(state, scope=SCOPE)) == {KEY, "a"}
    bag = more.seal(state, scope=SCOPE)
    assert (bag["b"], bag["c"]["d"]) == (2, 3)
    assert "e" not in bag["c"]
    assert (sb.policy.control, more.policy.control) == (("$.a",), ("$.a", "b", "$.c.d"))
    assert more.store is sb.store
    assert more.with_control("b", "$.a") is more
    before = len(recording.calls)
    assert sb.open(bag, scope=SCOPE) == state
    assert len(recording.calls) == before
    with pytest.raises(ConfigurationError, match=r"Policy\.control"):
        sb.with_control("$")


def test_a_pickled_client_keeps_the_control_paths_that_were_added(tmp_path):
    sb = Statebag(tmp_path, policy=Policy(strict=True)).with_control("status")
    again = pickle.loads(pickle.dumps(sb))
    assert again.policy == sb.policy
    assert "status" in again.seal({"status": 1, "more": 2}, scope=SCOPE)


def test_an_engine_that_picks_a_stub_out_moves_a_value(recording):
    sb = Statebag(recording, policy=STORING)
    bag = sb.seal(fields(2), scope=SCOPE)
    forget()
    sb = Statebag(recording, policy=STORING)
    payload = json.loads(json.dumps({"input": bag["field 1"], "list": [bag, bag["field 0"]]}))
    assert sb.open(payload, scope=SCOPE) == {
        "input": fields(2)["field 1"],
        "list": [fields(2), fields(2)["field 0"]],
    }


def test_one_path_must_stand_in_a_list(recording):
    sb = Statebag(recording, policy=STORING)
    with pytest.raises(ConfigurationError):
        sb.open({}, only="$.a")


def test_sealing_with_items_to_append_is_one_seal_and_reads_nothing(recording):
    client = Statebag(recording, policy=Policy(carry_bytes=0))
    history = [{"step": n, "text": "x" * 500} for n in range(400)]
    bag = client.seal({"history": history, "small": [1], "other": noise(50_000)}, scope="a/b")
    forget()
    recording.forget()
    client = Statebag(recording, policy=Policy(carry_bytes=0))
    state = client.open(bag, only=["$.other"], scope="a/b")
    read = len(recording.calls)
    state["other"] += "z"
    kept = state["history"]
    new = {"$.history": [{"step": 400}], "small": iter([2]), "$.made": ["first"]}

    grown = client.seal(state, scope="a/b", append=new)

    assert [call.operation for call in recording.calls[read:]] == ["put"]
    assert (state["history"], state["small"], "made" in state) == (kept, [1], False)
    assert client.open(grown, scope="a/b") == {
        "history": [*history, {"step": 400}],
        "small": [1, 2],
        "other": noise(50_000) + "z",
        "made": ["first"],
    }


@pytest.mark.parametrize(
    ("state", "path"),
    [
        ({"a": {"b": 1}}, "$.a.b"),
        ({"a": {"b": 1}}, "$.a.c.d"),
        ({"a": "text"}, "$.a[0]"),
        ({"a": []}, "$.a[3]"),
        ({"a": {}}, "$.a"),
    ],
)
def test_sealing_with_items_for_what_is_no_array(recording, state, path):
    with pytest.raises(InvalidState) as caught:
        Statebag(recording).seal(state, scope="a/b", append={path: [1]})
    assert caught.value.path is not None


def test_a_client_that_is_let_go_of_is_gone_at_once():
    """No cycle holds it: a process that makes many would keep all their caches."""
    gc.disable()
    try:
        client = Statebag(MemoryStore(), replicas=[MemoryStore()], signing_keys={"k": b"x" * 32})
        client.open(client.seal({"a": noise(50_000)}, scope=SCOPE))
        gone = weakref.ref(client)
        del client
        assert gone() is None
    finally:
        gc.enable()


def test_where_sealing_is_off_what_was_not_opened_is_opened(monkeypatch):
    """A bag from where it was on is on its way, and a part of it was opened."""
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0), replicas=())
    state = {"a": noise(60_000), "rows": [noise(9_000, n) for n in range(9)], "n": 1}
    bag = sb.seal(state, scope="m/r")
    part = sb.open(bag, only=["n"])
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    assert sb.seal(part, scope="m/r") == state
    grown = {**state, "rows": [*state["rows"], "more"]}
    assert sb.append(bag, "rows", ["more"], scope="m/r") == grown
    assert sb.seal(part, scope="m/r", append={"$.rows": ["more"]}) == grown
    with pytest.raises(NotPermitted):
        sb.seal(part, scope="other/run")


class TestDeletedObjects:
    def test_what_was_deleted_is_written_again(self):
        store = MemoryStore()
        sb = Statebag(store, policy=Policy(carry_bytes=0))
        state = {"text": noise(60_000)}
        sb.seal(state, scope="m/e")
        names = [info.name for info in store.list()]
        sb.delete_objects(names)
        assert list(store.list()) == []
        bag = sb.seal(state, scope="m/e")
        forget()
        assert sb.open(bag) == state

    def test_a_client_with_other_values_shares_the_memory(self):
        from statebag.values import Values

        store = RecordingStore(MemoryStore())
        sb = Statebag(store, policy=Policy(carry_bytes=0))
        sb.seal({"text": noise(60_000)}, scope="m/e")
        other = sb.with_values(Values())
        store.forget()
        bag = other.seal({"text": noise(60_000), "t": (1,)}, scope="m/e")
        assert store.of("put") == []
        assert other.open(bag)["t"] == (1,)
        assert sb.values is None
        assert sb.open(bag)["t"] == {"__typed__": "tuple", "value": [1]}
        assert not sb.signs
        assert Statebag(store, signing_keys={"one": b"k" * 32}).signs
