import pytest

from statebag import BagTooLarge, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened
from statebag.opening.known import Bases, Known
from statebag.sealing.cut_value import Cut
from statebag.sealing.fitting import fit
from statebag.sealing.leaving import Single
from statebag.sealing.parts import Branch, Gathered, Plain
from statebag.sealing.pieces import NeedsOpened
from statebag.sealing.plan import Planner
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import noise, payload_bytes, stubs

CONTROL = ("status", "next_action")


def fitted(state, bound, **settings):
    planner = Planner(
        Policy(**{"field_limit": 1000, "control": CONTROL, **settings}), "m/run", Known(), Bases(0)
    )
    plan = fit(planner.part(state, ()), planner, bound)
    assert plan.wire <= bound
    return plan


def carried(plan):
    return sum(part.carried_bytes for part in plan.children.values() if isinstance(part, Single))


def test_what_fits_is_left_alone():
    plan = fitted({"a": noise(900), "status": "x"}, 4096)
    assert isinstance(plan, Plain | Branch)
    assert all(isinstance(part, Plain) for part in plan.children.values())


def test_carried_bytes_over_their_limit_are_stored_largest_first_until_a_quarter_is_left():
    state = {f"f{n}": noise(2000 + 100 * n, n) for n in range(6)}
    plan = fitted(state, 96_000, carry_bytes=8000)
    assert 0 < carried(plan) <= 2000 + 2000
    stored = [key for key, part in plan.children.items() if part.stored]
    assert stored == ["f1", "f2", "f3", "f4", "f5"][-len(stored) :]
    assert carried(fitted(state, 96_000, carry_bytes=0)) == 0
    assert not any(p.stored for p in fitted(state, 96_000, carry_bytes=90_000).children.values())


def test_the_largest_plain_fields_leave_first():
    state = {f"f{n}": noise(1100 + 100 * n, n) for n in range(8)}
    plan = fitted(state, 8000, field_limit=4000, carry_bytes=0)
    left = [key for key, part in plan.children.items() if not isinstance(part, Plain)]
    assert left == [f"f{n}" for n in range(8)][-len(left) :]
    assert 0 < len(left) < 8


def test_many_small_fields_leave_together_with_control_fields_beside_them():
    state = {
        "status": "RUNNING",
        "big": noise(4000),
        **{f"key {n}": noise(20, n) for n in range(300)},
    }
    plan = fitted(state, 4000)
    assert isinstance(plan, Gathered)
    assert set(plan.children) == {"status", "big"}
    assert plan.required == ("big",)


def test_when_stubs_alone_are_too_large_everything_goes_inside():
    state = {"status": "RUNNING", **{f"f{n}": noise(3000, n) for n in range(30)}}
    plan = fitted(state, 1500)
    assert isinstance(plan, Gathered)
    assert set(plan.children) == {"status"}


@pytest.mark.parametrize("value", [noise(900), list(range(200)), 7, None])
def test_what_is_no_object_goes_inside_though_control_fields_could_stand_below_it(value):
    state = {
        "status": "RUNNING",
        "current_state": value,
        **{f"k{n}": noise(90, n) for n in range(20)},
    }
    plan = fitted(state, 1500, control=("status", "current_state.phase"))
    assert isinstance(plan, Gathered)
    assert set(plan.children) == {"status"}
    state["current_state"] = {"phase": "one", "text": value}
    plan = fitted(state, 1500, control=("status", "current_state.phase"))
    assert "current_state" in plan.children
    assert isinstance(plan.children["current_state"].children["phase"], Plain)


def test_control_fields_that_do_not_fit_are_named_largest_first():
    state = {"status": "s" * 900, "next_action": "n" * 800, "x": noise(5000)}
    with pytest.raises(BagTooLarge) as caught:
        fitted(state, 1500)
    assert caught.value.path == "$.status"
    assert caught.value.message.index("$.status") < caught.value.message.index("$.next_action")


def test_carried_values_that_were_not_opened_can_be_stored():
    text = noise(3000)
    planner = Planner(Policy(control=CONTROL), "m/run", Known(), Bases(0))
    single = planner.forms.leave(text, b'"' + text.encode() + b'"', ("a",))
    stub = single.as_carried()
    unread = Unopened({KEY: stub.to_wire()}, stub)
    plan = fitted({"a": unread, "b": 1}, 1024)
    part = plan.children["a"]
    assert isinstance(part, Single)
    assert part.stored
    assert part.encoded.frame == stub.frame


def test_unread_values_that_must_leave_with_others_are_asked_for():
    planner = Planner(Policy(control=CONTROL), "m/run", Known(), Bases(0))
    single = planner.forms.leave("x", b'"x"', ())
    stub = single.as_carried()
    unread = Unopened({KEY: stub.to_wire()}, stub)
    with pytest.raises(NeedsOpened):
        fitted({"list": [unread] * 40}, 1500, carry_bytes=0)


def test_indexes_fold_before_everything_goes_inside():
    state = {f"log {k}": [noise(300, n * k) for n in range(40)] for k in range(1, 4)}
    wide = fitted(state, 90_000, carry_bytes=0, piece_bytes=1024)
    narrow = fitted(state, int(wide.wire * 0.6), carry_bytes=0, piece_bytes=1024)
    assert isinstance(narrow, Branch)
    assert all(isinstance(part, Cut) for part in narrow.children.values())
    assert narrow.wire < wide.wire


def test_a_field_that_only_helps_when_it_is_stored_is_stored():
    """Carried with its object it would save nothing, and it is too small to leave alone."""
    forget()
    policy = Policy(attempts=1, control=("status", "current_state.phase"))
    client = Statebag(MemoryStore(), policy=policy)
    state = {
        "status": "RUNNING",
        "log": [],
        "current_state": {
            "phase": "one",
            "y": noise(900, 20),
            "x": [{"n": n, "text": noise(9000, n)} for n in range(4)],
        },
    }
    client.open(client.seal(state, scope="m/r"), scope="m/r")
    state = client.open(client.seal(state, scope="m/r"), scope="m/r")
    for budget in (1500, 1200, 1024):
        bag = client.seal(state, scope="m/r", budget=budget)
        assert payload_bytes(bag) <= budget
        assert client.open(bag, scope="m/r") == state


def test_many_large_values_leave_one_by_one_and_their_objects_stay():
    groups = {f"g{i}": {"rows": [f"{i}-{n}" + "x" * 300 for n in range(120)]} for i in range(150)}
    sb = Statebag("memory://many-groups", policy=Policy(look_into_depth=5, control=CONTROL))
    bag = sb.seal({"status": "RUNNING", "current": {"groups": groups, "n": 1}}, scope="m/e")
    assert bag["current"]["n"] == 1
    assert set(bag["current"]["groups"]) == set(groups)


def test_the_innermost_objects_leave_before_those_around_them():
    small = {f"k{i}": "x" * 600 for i in range(40)}
    inner = {f"i{n}": dict(small) for n in range(8)}
    state = {"outer": {"note": 1, "inner": inner, "large": "y" * 40_000}, "top": 2}
    bag = Statebag("memory://innermost").seal(state, scope="m/e")
    assert bag["top"] == 2
    assert bag["outer"]["note"] == 1


def test_an_object_leaves_whole_where_the_stubs_in_it_are_too_many():
    large = {f"v{i}": f"{i}" + "x" * 40_000 for i in range(600)}
    sb = Statebag("memory://many-stubs")
    state = {"note": 1, "current": {"large": large, "n": 2}}
    bag = sb.seal(state, scope="m/e")
    assert bag["note"] == 1
    assert bag["current"]["n"] == 2
    assert list(bag["current"]["large"]) == ["__statebag__"]
    assert sb.open(bag, scope="m/e") == state


@pytest.mark.parametrize("strict", [False, True])
def test_pieces_of_the_root_give_way_to_a_narrow_budget(strict):
    policy = Policy(strict=strict, piece_bytes=1024, max_bag_bytes=4096, control=CONTROL)
    sb = Statebag(MemoryStore(), policy=policy)
    state = {f"k{n}": noise(90, n) for n in range(300)} | {"status": "RUNNING", "current_state": {}}
    state = sb.open(sb.seal(state, scope="m/e"))
    state["k7"] = "changed"
    state = sb.open(sb.seal(state, scope="m/e"))
    bag = sb.seal(state, scope="m/e", budget=1200)
    assert payload_bytes(bag) <= 1200
    forget()
    assert sb.open(bag) == state


@pytest.mark.parametrize("opened", [False, True])
def test_a_root_that_hardly_compresses_is_stored_where_it_would_not_fit(opened):
    policy = Policy(max_bag_bytes=2048, compression_level=-7)
    sb = Statebag(MemoryStore(), policy=policy)
    state = {"type": "s3_reference", "s3_path": "s3://b/k", "": [noise(200, n) for n in range(10)]}
    if opened:
        state = sb.open(Statebag(sb.store, replicas=()).seal(state, scope="m/e"))
    bag = sb.seal(state, scope="m/e")
    forget()
    assert sb.open(bag) == state


def test_many_small_fields_that_do_not_fit_leave_together_and_share_a_delta():
    store = MemoryStore()
    forget()
    client = Statebag(store)
    state = {f"f{n}": noise(2000, n) for n in range(60)}
    bag = client.seal(state, scope="m")
    puts = 0
    for n in range(24):
        forget()
        state = client.open(bag, scope="m")
        for name in state if n % 2 else [f"f{n}"]:
            state[name] = f"<{n}>" + state[name][4:]
        with usage.measured() as cost:
            bag = client.seal(state, scope="m")
        puts += cost.puts
    assert puts <= 2
    assert payload_bytes(bag) < 50_000
    forget()
    assert client.open(bag, scope="m") == state


def test_control_and_movable_fields_stay_beside_the_many():
    store = MemoryStore()
    forget()
    client = Statebag(store, policy=Policy(control=("$.status",), movable=("$.moves",)))
    state = {f"f{n}": noise(2000, n) for n in range(60)}
    state |= {"status": "RUNNING", "moves": {"a": 1}}
    bag = client.seal(state, scope="m")
    assert bag["status"] == "RUNNING"
    assert bag["moves"] == {"a": 1}
    forget()
    assert client.open(bag, scope="m") == state


def changing_array(field, step):
    return [noise(20, step if n % 400 == step else 10**6 * field + n) for n in range(1200)]


def changing_text(field, step):
    return " ".join([*[noise(20, 10**6 * field + n) for n in range(1200)], noise(20, step)])


@pytest.mark.parametrize("make", [changing_array, changing_text])
@pytest.mark.parametrize("fields", [2, 3, 4])
def test_an_open_of_a_bag_of_deltas_stays_within_the_limit(make, fields):
    limit = 5 * len(encode(make(0, 0)))
    policy = Policy(carry_bytes=4000, field_limit=256, piece_bytes=1024, max_open_bytes=limit)
    store = MemoryStore()
    deltas = 0
    for step in range(4):
        state = {f"field {one}": make(one, step) for one in range(fields)}
        bag = Statebag(store, policy=policy, replicas=()).seal(state, scope="m/e")
        deltas += sum([one.whole.base is not None for one in stubs(bag)])
        forget()
        sb = Statebag(store, policy=policy, replicas=())
        assert encode(sb.open(bag, scope="m/e")) == encode(state)
    assert (deltas > 0) == (fields < 4)
