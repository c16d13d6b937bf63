import copy
import pickle

import pytest

import statebag
from statebag import DELETE, ConfigurationError, InvalidState, NotPermitted, Policy, Statebag
from statebag.errors import BagTooLarge, StoreUnavailable
from statebag.format.json_text import encode
from statebag.format.names import scope_of_execution
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import blobs, noise

ARN = "arn:aws:states:eu-central-1:123456789012:execution:Machine:run-1"


class Context:
    """What a Lambda runtime hands to a handler, as far as it is looked at."""

    def __init__(self, milliseconds=60_000):
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self):
        return self.milliseconds


@pytest.fixture
def store():
    forget()
    return RecordingStore(MemoryStore())


@pytest.fixture
def sb(store):
    return Statebag(store, policy=Policy(carry_bytes=0))


def event(sb, **fields):
    return sb.seal({"execution_id": ARN, "text": noise(40_000), **fields}, scope="Machine/run-1")


def test_a_handler_is_given_the_state_and_its_answer_is_sealed(sb, store):
    @sb.step
    def handler(state, context):
        """What it does."""
        assert context.milliseconds == 60_000
        assert state["text"] == noise(40_000)
        state["more"] = noise(50_000, 1)
        return state

    answer = handler(event(sb), Context())
    assert sb.open(answer, scope="Machine/run-1") == {
        "execution_id": ARN,
        "text": noise(40_000),
        "more": noise(50_000, 1),
    }
    assert {blob.at.rpartition("/")[0] for blob in blobs(answer, store)} == {"Machine/run-1"}
    assert handler.__name__ == "handler"
    assert handler.__doc__ == "What it does."


def test_a_delta_is_merged_and_changes_only_its_keys(sb, store):
    seen = []

    @sb.step(returns="delta")
    def handler(state, context):
        seen.append(state)
        return {"status": "DONE", "old": DELETE, "never": DELETE}

    bag = event(sb, status="RUNNING", old=1)
    store.forget()
    answer = handler(bag, None)
    assert sb.open(answer) == {"execution_id": ARN, "text": noise(40_000), "status": "DONE"}
    assert list(answer) == ["execution_id", "text", "status"]
    assert answer["text"] == bag["text"]
    assert store.of("put") == []
    assert seen[0]["old"] == 1


@pytest.mark.parametrize("answer", [None, [], "x", 1])
def test_a_delta_must_be_a_dict(sb, answer):
    handler = sb.step(lambda _state, _context: answer, returns="delta")
    with pytest.raises(InvalidState) as caught:
        handler(event(sb), None)
    assert caught.value.hint


@pytest.mark.parametrize("returns", ["state", "delta"])
def test_an_answer_keeps_to_the_budget_of_its_step(sb, returns):
    rows = [noise(900, n) for n in range(10)]

    @sb.step(budget=6_500, returns=returns)
    def handler(state, context):
        return {**state, "rows": rows}

    given = sb.seal({"execution_id": ARN}, scope="Machine/run-1")
    answer = handler(given, None)
    assert len(encode(answer)) <= 6_500
    assert sb.open(answer, scope="Machine/run-1")["rows"] == rows


def test_control_fields_over_the_budget_are_refused(sb):
    @sb.with_control("$.note").step(budget=1_500)
    def handler(state, context):
        return {**state, "note": "x" * 2_000}

    with pytest.raises(BagTooLarge, match="note"):
        handler({"execution_id": ARN}, None)


def test_delete_is_no_value_of_a_state(sb):
    handler = sb.step(lambda _state, _context: {"a": {"b": DELETE}}, returns="delta")
    with pytest.raises(InvalidState) as caught:
        handler(event(sb), None)
    assert caught.value.path == "$.a.b"
    assert repr(DELETE) == "statebag.DELETE"


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_a_copy_of_delete_is_delete(sb, again):
    assert again(DELETE) is DELETE
    assert again({"a": [DELETE]})["a"][0] is DELETE
    handler = sb.step(lambda _state, _context: again({"old": DELETE}), returns="delta")
    assert "old" not in handler(event(sb, old=1), None)


def test_a_bag_inside_the_event_with_everything_beside_it_opened(sb):
    given = []

    @sb.step(bag_path="$.state_data.bag", scope="$.id", only=["$.wanted"])
    def handler(state, context, event):
        given.append((state, event))
        return {**state, "result": event["input"]}

    whole = {"wanted": noise(40_000, 1), "unread": noise(40_000, 2)}
    payload = {
        "id": ARN,
        "input": sb.seal(noise(40_000, 3), scope="Machine/run-1"),
        "state_data": {"bag": sb.seal(whole, scope="Machine/run-1"), "n": [1]},
    }
    answer = handler(payload, None)
    state, event = given[0]
    assert state["wanted"] == whole["wanted"]
    assert isinstance(state["unread"], statebag.Unopened)
    assert event["input"] == noise(40_000, 3)
    assert event["state_data"]["n"] == [1]
    assert sb.open(answer) == {**whole, "result": noise(40_000, 3)}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"execution_id": ""},
        {"execution_id": None},
        {"execution_id": 7},
        {"execution_id": ["x"]},
        [],
        None,
        "text",
        {"execution_id": "a/../b"},
    ],
    ids=str,
)
def test_without_an_execution_nothing_is_read_or_called(sb, store, event):
    handler = sb.step(lambda _state, _context: pytest.fail("called"))
    with pytest.raises(InvalidState) as caught:
        handler(event, None)
    assert caught.value.hint
    assert store.calls == []


def test_the_bag_of_another_execution_is_refused(sb, store):
    bag = sb.seal({"execution_id": ARN, "text": noise(40_000)}, scope="Machine/other")
    store.forget()
    forget()
    handler = Statebag(store, policy=Policy()).step(lambda state, _context: state)
    with pytest.raises(NotPermitted):
        handler(bag, None)
    assert store.calls == []


def test_a_lambdas_remaining_time_bounds_all_retries(store):
    plan = [Fault("get_ranges", call) for call in range(1, 4)]
    writer = Statebag(store, policy=Policy(carry_bytes=0))
    bag = event(writer)
    forget()
    faulty = FaultyStore(store, plan)
    handler = Statebag(faulty, policy=Policy(attempts=50)).step(lambda state, _context: state)
    with pytest.raises(StoreUnavailable):
        handler(bag, Context(milliseconds=501))
    with pytest.raises(AssertionError):
        faulty.assert_all_fired()  # there was no time for more than one or two


@pytest.mark.parametrize(
    "arguments",
    [
        {"returns": "other"},
        {"bag_path": "$..a"},
        {"scope": "$["},
        {"only": ["$.*"]},
        {"only": "$.a"},
        {"budget": "6500"},
        {"budget": True},
    ],
    ids=str,
)
def test_wrong_arguments_are_told_when_the_handler_is_decorated(sb, arguments):
    for decorate in (sb.step, statebag.step):
        with pytest.raises(ConfigurationError):
            decorate(lambda state, _context: state, **arguments)


def test_the_environment_is_asked_when_the_handler_is_called(monkeypatch):
    forget()

    @statebag.step
    def handler(state, context):
        state["n"] += 1
        return state

    monkeypatch.setenv("STATEBAG_STORE", "memory://step")
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "0")
    answer = handler({"execution_id": ARN, "n": 1, "text": noise(40_000)}, None)
    (name,) = {info.name for info in MemoryStore.named("step").list()}
    assert name.startswith("Machine/run-1/")
    assert Statebag().open(answer)["n"] == 2
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    assert handler({"n": 1}, None) == {"n": 2}


def test_a_handlers_own_error_passes(sb):
    @sb.step
    def handler(state, context):
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        handler(event(sb), None)


def test_a_retried_step_writes_the_same_objects(store):
    bags = []
    for _ in range(2):
        forget()
        sb = Statebag(store, policy=Policy(carry_bytes=0))
        handler = sb.step(lambda state, _context: {**state, "more": noise(40_000, 5)})
        bags.append(handler({"execution_id": ARN, "text": noise(40_000)}, None))
    assert encode(bags[0]) == encode(bags[1])
    assert len({call.name for call in store.of("put")}) == 1


@pytest.mark.parametrize(
    ("execution_id", "scope"),
    [
        (ARN, "Machine/run-1"),
        ("arn:aws-cn:states:r:1:execution:M:a b", "M/a b"),
        ("arn:aws:states:r:1:express:M:name:uuid", "M/name:uuid"),
        ("arn:aws:states:r:1:execution:M/label:uuid", "M/label/uuid"),
        ("arn:aws:s3:::bucket", "arn:aws:s3:::bucket"),
        ("machine/run", "machine/run"),
        ("plain", "plain"),
    ],
)
def test_scopes_of_executions(execution_id, scope):
    assert scope_of_execution(execution_id) == scope
