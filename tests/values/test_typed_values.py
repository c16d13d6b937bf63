import copy
import json
import pickle
import subprocess
import sys

import pytest

from statebag import ConfigurationError, InvalidState, Policy, Statebag, Unopened
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.values import Undecoded, Values
from tests.bags import noise
from tests.values.kinds import Color, Point

SCOPE = "m/e"


@pytest.fixture
def sb():
    forget()
    return Statebag(MemoryStore(), policy=Policy(carry_bytes=0), values=Values(Color, Point))


STATE = {
    "blob": bytes(range(256)) * 400,
    "points": tuple(Point(n, {n}) for n in range(3000)),
    "log": [Color.RED],
    "by_id": {1: noise(40_000), 2: b"x"},
    "__typed__": noise(30_000, 1),
}


def test_a_state_comes_back_through_a_bag(sb):
    before = copy.deepcopy(STATE)
    bag = sb.seal(STATE, scope=SCOPE)
    assert before == STATE
    assert len(json.dumps(bag)) < 98_304
    forget()
    assert sb.open(bag, scope=SCOPE) == STATE
    assert list(sb.open_each([bag], scope=SCOPE)) == [STATE]


def test_every_call_takes_and_gives_them(sb):
    inner = {"blob": bytes(99_000), "log": [Color.RED], "n": 1}
    bag = sb.seal(inner, scope=SCOPE, append={"log": [Point(1, (2,))]})
    bag = sb.append(bag, "log", [{Color.GREEN}], scope=SCOPE)
    assert sb.get(bag, "$.log", scope=SCOPE) == [Color.RED, Point(1, (2,)), {Color.GREEN}]
    assert sb.get(bag, "$.blob") == bytes(99_000)
    moved = sb.unpack(sb.export(bag), scope="m/other")
    assert sb.open(moved)["log"][1] == Point(1, (2,))


def test_what_was_not_opened_passes_through(sb):
    bag = sb.seal({"points": STATE["points"], "log": [1]}, scope=SCOPE)
    part = sb.open(bag, only=["$.log"], scope=SCOPE)
    assert isinstance(part["points"], Undecoded | Unopened)
    part["log"].append(b"2")
    assert sb.open(sb.seal(part, scope=SCOPE)) == {"points": STATE["points"], "log": [1, b"2"]}


def test_a_part_that_was_not_opened_keeps_its_value_undecoded():
    values = Values(Point)
    stub = {"__statebag__": {}}
    hole = Unopened(stub, None)
    written = {"a": {"__typed__": "tuple", "value": [{"__typed__": "tuple", "value": hole}]}}
    opened = values.decode(written)
    assert opened == {"a": Undecoded(written["a"])}
    assert values.encode(opened) == written
    assert "statebag" not in repr(opened["a"])
    assert opened["a"] != Undecoded({})


@pytest.mark.parametrize(
    "use",
    [len, bool, str, list, lambda one: one.x, lambda one: one == 1, lambda one: f"{one}"],
)
def test_a_value_that_was_not_rebuilt_is_not_read(sb, use):
    bag = sb.seal({"a": {"point": Point(noise(9000), noise(99_000)), "n": 1}}, scope=SCOPE)
    forget()
    value = sb.open(bag, only=["$.a.n"], scope=SCOPE)["a"]["point"]
    assert type(value) is Undecoded
    with pytest.raises(InvalidState, match="not opened") as caught:
        use(value)
    assert caught.value.path == "$.a.point"
    assert repr(value) == "Undecoded()"
    assert not hasattr(value, "__fspath__")
    assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value


def test_a_step_gives_and_takes_them(sb):
    @sb.step
    def handler(state, context):
        assert state["blob"] == b"1"
        return {**state, "point": Point(1, Color.RED)}

    bag = handler(sb.seal({"execution_id": SCOPE, "blob": b"1"}, scope=SCOPE), None)
    assert sb.open(bag)["point"] == Point(1, Color.RED)


def test_a_client_restored_from_a_pickle_has_them():
    sb = Statebag("memory://typed", values=Values(Point))
    bag = sb.seal([Point(1)])
    assert pickle.loads(pickle.dumps(sb)).open(bag) == [Point(1)]


def test_paths_of_the_engine_stay_where_they_are():
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, control=("$.a.b",)), values=Values())
    bag = sb.seal({"a": {"b": "x", "c": bytes(200_000)}}, scope=SCOPE)
    assert bag["a"]["b"] == "x"


@pytest.mark.parametrize(
    "one",
    [
        {"__typed__": "bytes", "value": "AA=="},
        {"__typed__": "nothing"},
        {"__typed__": {"__typed__": "tuple", "value": []}, "value": 1},
        {"value": {"__typed__": "uuid", "value": "x", "z": 1}},
        {"__statebag__": {"v": 1}, "__typed__": "set"},
    ],
)
def test_data_is_never_taken_for_a_type(sb, one):
    assert sb.open(sb.seal({"d": one}, scope=SCOPE)) == {"d": one}


@pytest.mark.parametrize(
    ("one", "match"),
    [
        ({"__typed__": "os.system", "value": "true"}, "'os.system' is not registered"),
        ({"__typed__": "x" * 500, "value": 1}, "of 500 characters is not registered"),
        ({"__typed__": "<script>", "value": 1}, "of 8 characters"),
        ({"__typed__": "bytes"}, "has 1 members"),
        ({"__typed__": "bytes", "value": "", "more": 1}, "has 3 members"),
        ({"__typed__": ["bytes"], "value": ""}, "has 2 members"),
    ],
)
def test_an_object_that_no_client_with_values_wrote(one, match):
    with pytest.raises(InvalidState, match=match) as caught:
        Values().decode([{"a": one}])
    assert caught.value.path == "$[0].a"


def test_nothing_is_imported_because_data_says_so():
    program = (
        "import sys\nfrom statebag.values import Values\nfrom statebag import InvalidState\n"
        "before = set(sys.modules)\n"
        "for name in ('antigravity', 'json.tool:main', 'xmlrpc.client.Fault', '__import__'):\n"
        "    try: Values().decode({'__typed__': name, 'value': []})\n"
        "    except InvalidState: pass\n"
        "    else: raise SystemExit(name)\n"
        "print(sorted(set(sys.modules) - before))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=240
    )
    assert (answer.returncode, answer.stdout.strip(), answer.stderr) == (0, "[]", "")


def test_a_type_that_is_not_registered_is_refused_with_its_place(sb):
    with pytest.raises(InvalidState, match=r"builtins\.complex has no registered form") as caught:
        sb.seal({"a": [1, (2, 3j)]}, scope=SCOPE)
    assert caught.value.path == "$.a[1][1]"
    assert "Values.register" in caught.value.hint


def test_a_default_is_asked_for_what_is_not_registered(sb):
    assert sb.open(sb.seal([3j, (1,)], default=str)) == ["3j", (1,)]
    with pytest.raises(InvalidState, match="complex"):
        sb.seal([3j], default=lambda one: one)


def test_values_that_hold_themselves_are_refused():
    ring = []
    ring.append((ring,))
    with pytest.raises(InvalidState):
        Statebag(MemoryStore(), values=Values()).seal(ring)
    twice = []
    for _ in range(300):
        twice = [twice, twice]
    written = Values().encode((1, twice))  # each list is looked at once
    assert len(written["value"][1]) == 2


def test_a_part_in_endlessly_many_places_is_refused(sb):
    twice = [Point(1)]
    for _ in range(60):
        twice = [twice, twice]
    with pytest.raises(InvalidState, match="so many places"):
        sb.seal({"a": twice}, scope=SCOPE)


def test_a_value_that_is_too_deep_is_refused():
    deep = ()
    for _ in range(600):
        deep = (deep,)
    with pytest.raises(InvalidState, match="nest deeper"):
        Values().encode(deep)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((Point,), "'Point' is taken by Point"),
        ((Point, "other"), "registered as 'Point'"),
        ((Color, "bytes"), "'bytes' is taken by bytes"),
        ((bytes, "raw"), "registered as 'bytes'"),
        ((Color, "a b"), "must be letters"),
        ((Color, ""), "must be letters"),
        ((Color, 5), "must be letters"),
        ((Point(1),), "not a value of type Point"),
    ],
)
def test_a_registration_that_cannot_be(arguments, match):
    values = Values(Point)
    with pytest.raises(ConfigurationError, match=match):
        values.register(*arguments)
