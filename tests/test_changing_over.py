"""A workflow of wire version 0 takes the library up function by function, in any order."""

import itertools
import json
import random
from pathlib import Path
from urllib.parse import urlparse

import pytest

import statebag
from statebag import Policy
from statebag.format.escape import is_foreign
from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget

EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:orders:run-1"
SCOPE = "orders/run-1"
KEY = "order-17"
FIELD = 30 * 1024  # bytes; what the first version left in place
ENTRIES = 50


def words(size, seed):
    return "".join(random.Random(seed).choices("abcdefgh ", k=size))


def before():
    """A state with each kind of value that leaves: a field, the fields of a field, a history."""
    return {
        "execution_id": EXECUTION,
        "idempotency_key": KEY,
        "segment_to_run": 0,
        "customer": "C-4",
        "report": {"text": words(60_000, 1)},
        "current_state": {"doc": words(50_000, 2), "total": 1},
        "state_history": [{"i": i, "note": words(40, i)} for i in range(80)],
    }


def large(number):
    return words(40_000, 100 + number)


def worked(state, number):
    """What each function of the workflow does, whatever it is made with."""
    current = {**state["current_state"], f"part_{number}": large(number), "total": number}
    return {
        **state,
        "current_state": current,
        "state_history": [*state["state_history"], {"i": number, "note": "worked"}],
    }


class FirstVersion:
    """A function that knows nothing of this library: it reads and writes pointers by itself."""

    def __init__(self, root):
        self.root = Path(root)

    def get(self, address):
        return json.loads(Path(urlparse(address).path).read_text())

    def put(self, value, kind):
        text = json.dumps(value)
        name = f"{kind}_{abs(hash(text)) % 16**8:016x}.json"
        folder = self.root / "workflow-state" / KEY
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        return (folder / name).as_uri()

    def opened(self, value, levels=3):
        if isinstance(value, list):
            while (
                value and isinstance(value[0], dict) and value[0].get("type") == "history_archive"
            ):
                value = [*self.get(value[0]["s3_path"]), *value[1:]]
            return value
        if not isinstance(value, dict) or not levels:
            return value
        if value.get("__s3_offloaded"):
            beside = {key: one for key, one in value.items() if key in before() and key != "report"}
            return self.opened({**self.get(value["__s3_path"]), **beside}, levels)
        if value.get("type") == "s3_reference":
            return self.get(value["s3_path"])
        assert "__statebag__" not in value, "the first version knows no stubs"
        return {key: self.opened(one, levels - 1) for key, one in value.items()}

    def field(self, name, value):
        if len(json.dumps(value)) <= FIELD:
            return value
        return {"type": "s3_reference", "s3_path": self.put(value, name), "size_kb": 1}

    def carried(self, state):
        history = state["state_history"]
        archive = {
            "type": "history_archive",
            "s3_path": self.put(history[:-ENTRIES], "history"),
            "entry_count": len(history) - ENTRIES,
        }
        current = state["current_state"]
        small = {key: self.field(key, value) for key, value in current.items()}
        if current["total"] % 2:  # as it did where the fields alone were not enough
            path = self.put(small, "current_state")
            small = {"__s3_offloaded": True, "__s3_path": path, "__original_size_kb": 1}
        return {
            **{key: self.field(key, value) for key, value in state.items()},
            "current_state": small,
            "state_history": [archive, *history[-ENTRIES:]],
        }

    def __call__(self, carried, number):
        return self.carried(worked(self.opened(carried), number))


def stepped(carried, number):
    """A function of the library's, as it is decorated."""

    @statebag.step
    def handler(state, context):
        return worked(state, number)

    return handler(carried, None)


def stepped_in_an_event(carried, number):
    """The same, which only opens a part, with its state inside an event."""

    @statebag.step(bag_path="$.detail.state_data", returns="delta", only=["$.current_state"])
    def handler(state, context):
        return {"current_state": worked({**state, "state_history": []}, number)["current_state"]}

    event = {"execution_id": EXECUTION, "detail": {"state_data": carried, "n": number}}
    bag = handler(event, None)

    @statebag.step
    def history(state, context):
        entry = {"i": number, "note": "worked"}
        return {**state, "state_history": [*state["state_history"], entry]}

    return history(bag, None)


def merged(carried, number):
    """The state data manager, which is handed the function's result."""
    result = {
        "final_state": {f"part_{number}": large(number), "total": number},
        "new_history_logs": [{"i": number, "note": "worked"}],
        "append_id": f"work-{number}",
    }
    event = {"action": "sync", "state_data": carried, "execution_result": result}
    return lambda_handler(event)["state_data"]


@pytest.fixture
def first(monkeypatch, tmp_path):
    monkeypatch.setenv("STATEBAG_STORE", tmp_path.as_uri())
    for name in ("STATEBAG_WIRE", "STATEBAG_LEGACY"):
        monkeypatch.delenv(name, raising=False)
    return FirstVersion(tmp_path)


FUNCTIONS = {
    "first version": ({}, None),
    "step, wire 0": ({"STATEBAG_WIRE": "0"}, stepped),
    "step, told": ({"STATEBAG_LEGACY": "1"}, stepped),
    "step in an event, told": ({"STATEBAG_LEGACY": "true"}, stepped_in_an_event),
    "manager, wire 0": ({"STATEBAG_WIRE": "0"}, merged),
    "manager, wire 1": ({}, merged),
}
NEVER_BAGS = {"first version", "manager, wire 0"}


def carried_by(name, carried, number, first, monkeypatch):
    variables, function = FUNCTIONS[name]
    with monkeypatch.context() as environment:
        for variable, value in variables.items():
            environment.setenv(variable, value)
        forget()  # each is a process of its own
        answer = (function or first)(json.loads(json.dumps(carried)), number)
    return json.loads(json.dumps(answer))


def as_data(state):
    return {name: state[name] for name in before() if name != "segment_to_run"}


@pytest.mark.parametrize("last", FUNCTIONS)
def test_every_mixture_of_old_and_new_functions_ends_in_the_same_state(first, monkeypatch, last):
    for others in itertools.product(FUNCTIONS, repeat=2):
        order = [*others, last]
        carried, expected = first.carried(before()), before()
        in_a_bag = False
        for number, name in enumerate(order, 1):
            if in_a_bag and name == "first version":
                # What knows no bags stands behind the state data manager, as upgrade.md says.
                carried = carried_by("manager, wire 0", carried, 0, first, monkeypatch)
                expected = worked(expected, 0)
            carried = carried_by(name, carried, number, first, monkeypatch)
            expected = worked(expected, number)
            in_a_bag = name not in NEVER_BAGS
        forget()
        end = statebag.Statebag().open(carried, scope=SCOPE, legacy=True)
        assert as_data(end) == as_data(expected), order


def pointers_in(value):
    found = [value] if isinstance(value, dict) and is_foreign(value) else []
    members = value.values() if isinstance(value, dict) else value if type(value) is list else ()
    return found + [pointer for one in members for pointer in pointers_in(one)]


def test_what_a_told_step_returns_has_no_pointers(first, monkeypatch):
    assert len(pointers_in(first.carried(before()))) > 2
    bag = carried_by("step, told", first.carried(before()), 1, first, monkeypatch)
    assert pointers_in(bag) == []


def test_a_pointer_that_an_old_function_put_next_to_a_bags_stub_is_followed(first, monkeypatch):
    policy = Policy(strict=True, control=("$.execution_id", "$.idempotency_key"))
    kept = statebag.Statebag(policy=policy).seal(before(), scope=SCOPE)
    assert set(kept) == {"__statebag__", "execution_id", "idempotency_key"}
    found = {"late": first.field("late", large(7)), "current": {"of": first.field("of", large(8))}}
    for name in FUNCTIONS.keys() - {"first version"}:
        end = carried_by(name, {**kept, **found}, 1, first, monkeypatch)
        state = statebag.Statebag().open(end, scope=SCOPE, legacy=True)
        assert as_data(state) == as_data(worked(before(), 1)), name
        assert (state["late"], state["current"]) == (large(7), {"of": large(8)}), name
