"""A decorated step and legacy pointers: it follows them, or says that it does not."""

import base64
import gzip
import json

import pytest

import statebag
from statebag import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    InvalidState,
    LimitExceeded,
    NotPermitted,
    Policy,
    Statebag,
)
from statebag.environment import legacy_is_followed
from statebag.format.stub import KEY
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore

ROOT = "memory://step-pointers/prefix"
SCOPE = "m/r"
CANARY = "canary-5e1f"


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    for name in ("STATEBAG_WIRE", "STATEBAG_LEGACY", "STATEBAG_PLAIN"):
        monkeypatch.delenv(name, raising=False)
    forget()


@pytest.fixture
def sb():
    client = Statebag(ROOT, replicas=())
    for info in list(client.store.list()):
        client.store.delete(info.name)
    return client


def put(sb, name, value):
    sb.store.put(name, value if isinstance(value, bytes) else json.dumps(value).encode())
    return f"{ROOT}/{name}"


def reference(path, **more):
    return {"type": "s3_reference", "s3_path": path, "size_kb": 1, "stored_at": "x", **more}


def archive(path, **more):
    return {"type": "history_archive", "s3_path": path, "entry_count": 1, **more}


def whole(path, **more):
    return {"__s3_offloaded": True, "__s3_path": path, "__original_size_kb": 1, **more}


def seen_by(sb, event, **options):
    seen = []

    @sb.step(**options)
    def handler(state, context):
        seen.append(json.loads(json.dumps(state)))
        return state

    answer = handler(event)
    assert sb.open(answer, scope=SCOPE) == seen[0]
    return seen[0]


def every_form(sb):
    """A state with a pointer in each place where one can stand, and what they lead to."""
    rows = put(sb, "workflow-state/k/rows_1.json", {"rows": [1, CANARY]})
    older = put(sb, "workflow-state/k/history_1.json", ["a"])
    newer = put(sb, "workflow-state/k/history_2.json", [archive(older), "b"])
    packed = base64.b64encode(gzip.compress(b"[true]")).decode()
    state = {
        "execution_id": SCOPE,
        "idempotency_key": "k",
        "field": reference(rows),
        "current_state": {"inner": reference(rows), "deep": {"er": reference(rows)}, "n": 1},
        "state_history": [archive(newer), "c"],
        "packed": {"type": "compressed", "data": packed},
    }
    value = {"rows": [1, CANARY]}
    return state, {
        "execution_id": SCOPE,
        "idempotency_key": "k",
        "field": value,
        "current_state": {"inner": value, "deep": {"er": value}, "n": 1},
        "state_history": ["a", "b", "c"],
        "packed": [True],
    }


TOLD = {
    "argument": ({}, {"legacy": True}),
    "argument, before the variable": ({"STATEBAG_LEGACY": "0"}, {"legacy": True}),
    "variable": ({"STATEBAG_LEGACY": "1"}, {}),
    "wire 0": ({"STATEBAG_WIRE": "0"}, {}),
}


@pytest.mark.parametrize("how", TOLD)
def test_a_step_that_is_told_follows_every_form(sb, monkeypatch, caplog, how):
    variables, options = TOLD[how]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    state, expected = every_form(sb)
    with usage.measured() as spent:
        assert seen_by(sb, state, **options) == expected
    assert (spent.legacy_pointers_read, spent.legacy_pointers_left) == (6, 0)
    assert caplog.records == []


@pytest.mark.parametrize("place", ["$.state_data", "$.detail.items[1].state", "$"])
def test_the_state_may_stand_anywhere_in_the_event(sb, place):
    state, expected = every_form(sb)
    events = {
        "$.state_data": {"execution_id": SCOPE, "state_data": state},
        "$.detail.items[1].state": {
            "execution_id": SCOPE,
            "detail": {"items": [1, {"state": state}, 2]},
        },
        "$": state,
    }
    assert seen_by(sb, events[place], bag_path=place, legacy=True) == expected
    some = seen_by(sb, events[place], bag_path=place, legacy=True, only=["$.field"])
    assert some == expected, "a pointer has no form in a bag, so none is left"


def test_a_client_opens_an_event_in_the_same_way(sb):
    state, expected = every_form(sb)
    deep = {"a": {"b": {"c": {"execution_id": SCOPE, "state": state}}}, "idempotency_key": "k"}
    opened = sb.open(deep, scope=SCOPE, legacy="$.a.b.c.state")
    assert opened["a"]["b"]["c"]["state"] == expected
    assert sb.open(deep, scope=SCOPE, legacy=["a", "b", "c", "state"]) == opened
    assert sb.open(deep, scope=SCOPE, legacy=True) != opened, "too deep without the path"
    assert sb.open(deep, scope=SCOPE) == deep
    with pytest.raises(ConfigurationError):
        sb.open(deep, scope=SCOPE, legacy="$.a[*]")


def test_what_stands_in_the_event_is_followed_too(sb):
    path = put(sb, "workflow-state/k/config_1.json", {"prompt": "Summarize."})
    event = {
        "execution_id": SCOPE,
        "idempotency_key": "k",
        "segment_config": reference(path),
        "state_data": whole(put(sb, "workflow-state/k/state_1.json", {"a": reference(path)})),
    }
    given = []

    @sb.step(bag_path="$.state_data", legacy=True)
    def handler(state, context, event):
        given.append((state, event["segment_config"]))
        return state

    handler(event)
    assert given == [({"a": {"prompt": "Summarize."}}, {"prompt": "Summarize."})]


def test_what_came_out_of_a_pointer_is_data_in_the_event_as_well(sb):
    secret = put(sb, "workflow-state/k/secret_1.json", CANARY)
    stub = {KEY: {"v": 1, "at": "m/r/x.pack"}}
    held = {"pointer": reference(secret), "stub": stub}
    event = {
        "execution_id": SCOPE,
        "idempotency_key": "k",
        "state_data": {"field": reference(put(sb, "workflow-state/k/held_1.json", held))},
    }
    assert seen_by(sb, event, bag_path="$.state_data", legacy=True) == {"field": held}


def test_an_event_without_the_state_is_the_callers_mistake(sb):
    for event in ({"execution_id": SCOPE}, {"execution_id": SCOPE, "detail": "text"}):
        with pytest.raises(InvalidState) as refused:
            seen_by(sb, event, bag_path="$.detail.state", legacy=True)
        assert refused.value.path in {"$.detail", "$.detail.state"}


PLACES = [
    ("$", {"field": reference("s3://b/k")}, "$.field", 1),
    ("$", {"current_state": {"a": {"b": archive("s3://b/k")}}}, "$.current_state.a.b", 1),
    ("$", {"state_history": [archive("s3://b/k"), 1]}, "$.state_history[0]", 1),
    ("$", whole("s3://b/k"), "$", 1),
    ("$.x.y", {"x": {"y": {"a": {"b": {"c": whole("s3://b/k")}}}}}, "$.x.y.a.b.c", 1),
    ("$.x.y", {"x": {"y": 1}, "beside": {"type": "compressed", "data": "e"}}, "$.beside", 1),
    ("$.x", {"x": {"a": reference("s3://b/k")}, "b": reference("s3://b/k")}, "$.x.a", 2),
]


@pytest.mark.parametrize(("bag_path", "state", "path", "count"), PLACES)
def test_a_step_that_is_not_told_says_where_a_pointer_is_and_counts_it(
    sb, caplog, bag_path, state, path, count
):
    event = {"execution_id": SCOPE, **state}
    with usage.measured() as spent:
        sb.step(lambda state, _context: state, bag_path=bag_path)(event)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"has {count} legacy pointers" in record.getMessage()
    assert f"first at {path}:" in record.getMessage()
    assert "STATEBAG_LEGACY=1" in record.getMessage()
    assert "step(legacy=True)" in record.getMessage()
    assert (spent.legacy_pointers_left, spent.legacy_pointers_read) == (count, 0)


def test_what_the_warning_says_to_do_ends_it(sb, monkeypatch, caplog):
    state, expected = every_form(sb)
    assert seen_by(sb, state)["field"] == state["field"], "untold, it is data"
    assert len(caplog.records) == 1
    assert CANARY not in caplog.text
    for options in ({"legacy": True}, {"legacy": False}):
        caplog.clear()
        seen = seen_by(sb, state, **options)
        assert seen == (expected if options["legacy"] else state)
        assert caplog.records == []
    monkeypatch.setenv("STATEBAG_LEGACY", "1")
    assert seen_by(sb, state) == expected
    assert caplog.records == []


@pytest.mark.parametrize(
    "data",
    [
        {"a": {"b": {"c": {"d": reference("s3://b/k")}}}},
        {"list": [[reference("s3://b/k")], {"a": 1}, reference("s3://b/k")]},
        {"type": "s3_reference"},
        {"a": {"type": "compressed", "data": {"x": 1}}},
    ],
)
def test_where_no_pointer_can_stand_nothing_is_said(sb, caplog, data):
    for options in ({}, {"legacy": True}):
        assert seen_by(sb, {"execution_id": SCOPE, **data}, **options)
    assert caplog.records == []


def test_data_in_a_bag_is_not_taken_for_a_pointer(sb, caplog):
    state = {
        "execution_id": SCOPE,
        "a": reference("s3://elsewhere/k"),
        "b": {"c": whole("s3://x/y")},
    }
    for policy in (Policy(), Policy(strict=True, carry_bytes=0)):
        bag = (
            Statebag(ROOT, policy=policy, replicas=())
            .with_control("execution_id")
            .seal(state, SCOPE)
        )
        for options in ({}, {"legacy": True}):
            assert seen_by(sb, bag, **options) == state
    assert caplog.records == []


HOSTILE = [
    ("memory://other/prefix/workflow-state/k/a.json", NotPermitted),
    ("memory://step-pointers/prefix2/workflow-state/k/a.json", NotPermitted),
    ("memory://step-pointers/workflow-state/k/a.json", NotPermitted),
    ("s3://step-pointers/prefix/workflow-state/k/a.json", NotPermitted),
    ("file:///etc/passwd", NotPermitted),
    ("https://169.254.169.254/latest/meta-data", NotPermitted),
    ("workflow-state/k/a.json", NotPermitted),
    ("", NotPermitted),
    (f"{ROOT}", NotPermitted),
    (f"{ROOT}/", NotPermitted),
    (f"{ROOT}/../prefix/workflow-state/k/a.json", NotPermitted),
    (f"{ROOT}/workflow-state/k/../../other/a.json", NotPermitted),
    (f"{ROOT}/workflow-state/k/./a.json", NotPermitted),
    (f"{ROOT}//workflow-state/k/a.json", NotPermitted),
    (f"{ROOT}/workflow-state/k/%2e%2e/%2e%2e/a.json", NotPermitted),
    (f"{ROOT}/workflow-state/k%2Fa.json", NotPermitted),
    (f"{ROOT}/workflow-state\\k\\a.json", NotPermitted),
    (f"{ROOT}/workflow-state/k/a.json\x00", NotPermitted),
    (f"{ROOT}/workflow-state/k/a.json\r\nX-Header: 1", NotPermitted),
    (f"{ROOT}/workflow-state/other/a.json", NotPermitted),
    (f"{ROOT}/m/r2/a.json", NotPermitted),
    (f"{ROOT}/@gc/marks/m/r.json", NotPermitted),
    (f"{ROOT}/workflow-state/k/a.json?versionId=null", BlobMissing),
    (f"{ROOT}/workflow-state/k/a.json#fragment", BlobMissing),
    (f"{ROOT}/workflow-state/k/gone.json", BlobMissing),
    (f"{ROOT}/workflow-state/k/{'x' * 2000}.json", BlobMissing),
]


def in_each_place(pointer_of):
    return [
        {"field": pointer_of(reference)},
        {"current_state": {"deep": {"er": pointer_of(reference)}}},
        {"state_history": [pointer_of(archive), 1]},
        {"current_state": pointer_of(whole)},
    ]


@pytest.mark.parametrize(("address", "error"), HOSTILE)
def test_a_hostile_address_is_a_typed_error_and_reaches_nothing_else(sb, address, error):
    for name in ("workflow-state/other/a.json", "m/r2/a.json", "@gc/marks/m/r.json", "a.json"):
        put(sb, name, {"secret": CANARY})
    recording = RecordingStore(sb.store)
    client = Statebag(recording, replicas=())
    for state in in_each_place(lambda make: make(address)):
        event = {"execution_id": SCOPE, "idempotency_key": "k", **state}
        for bag_path, given in (("$", event), ("$.s", {"execution_id": SCOPE, "s": event})):
            with pytest.raises(error) as refused:
                client.step(lambda state, _context: state, legacy=True, bag_path=bag_path)(given)
            assert refused.value.hint or refused.value.object_name
            assert CANARY not in str(refused.value)
            # The whole state of another scope is read, since it alone says whose it is.
            allowed = "workflow-state/k" if "__s3_path" not in json.dumps(state) else ""
            assert all(call.name.startswith(allowed) for call in recording.of("get"))
            assert recording.of("put") == []


def test_bytes_that_are_not_what_the_pointer_says_are_refused(sb):
    path = put(sb, "workflow-state/k/a.json", [1])
    for bad in (b'{"a": [1, 2', b"", b"\xff\xfe", b"NaN", b'["\\ud800"]'):
        torn = put(sb, "workflow-state/k/torn.json", bad)
        for state in in_each_place(lambda make, torn=torn: make(torn)):
            with pytest.raises(BlobCorrupt):
                seen_by(sb, {"execution_id": SCOPE, "idempotency_key": "k", **state}, legacy=True)
    for state in in_each_place(lambda make: make(path, sha256="0" * 64)):
        with pytest.raises(BlobCorrupt):
            seen_by(sb, {"execution_id": SCOPE, "idempotency_key": "k", **state}, legacy=True)
    for state in ({"h": [archive(put(sb, "workflow-state/k/o.json", {"no": "list"}))]},):
        with pytest.raises(BlobCorrupt, match="must be a list"):
            seen_by(sb, {"execution_id": SCOPE, "idempotency_key": "k", **state}, legacy=True)


def test_circles_end_after_one_turn(sb):
    recording = RecordingStore(sb.store)
    client = Statebag(recording, replicas=())
    first, second = (f"{ROOT}/workflow-state/k/h{n}.json" for n in (1, 2))
    put(sb, "workflow-state/k/h1.json", [archive(second), 1])
    put(sb, "workflow-state/k/h2.json", [archive(first), 2])
    event = {"execution_id": SCOPE, "idempotency_key": "k"}
    with pytest.raises(LimitExceeded, match="names a newer archive") as refused:
        seen_by(client, {**event, "state_history": [archive(first)]}, legacy=True)
    assert (refused.value.path, refused.value.object_name) == (
        "$.state_history",
        "workflow-state/k/h1.json",
    )
    assert len(recording.of("get")) == 2
    put(sb, "workflow-state/k/w.json", whole(f"{ROOT}/workflow-state/k/w.json"))
    recording.forget()
    with pytest.raises(LimitExceeded, match="inside each other"):
        seen_by(client, {**event, **whole(f"{ROOT}/workflow-state/k/w.json")}, legacy=True)
    assert len(recording.of("get")) <= 8


def test_a_huge_object_is_not_read(sb):
    path = put(sb, "workflow-state/k/huge.json", "x" * 2_000_000)
    recording = RecordingStore(sb.store)
    client = Statebag(recording, policy=Policy(max_open_bytes=1_000_000), replicas=())
    for state in in_each_place(lambda make: make(path)):
        with pytest.raises(LimitExceeded):
            seen_by(client, {"execution_id": SCOPE, "idempotency_key": "k", **state}, legacy=True)
    assert recording.of("get") == []
    many = {
        f"f{n}": reference(put(sb, f"workflow-state/k/{n}.json", "x" * 99_000)) for n in range(20)
    }
    with pytest.raises(LimitExceeded):
        seen_by(client, {"execution_id": SCOPE, "idempotency_key": "k", **many}, legacy=True)


def test_a_bomb_is_not_unpacked(sb):
    bomb = base64.b64encode(gzip.compress(b'"' + b"a" * 20_000_000 + b'"')).decode()
    client = Statebag(ROOT, policy=Policy(max_open_bytes=1_000_000), replicas=())
    event = {"execution_id": SCOPE, "x": {"type": "compressed", "data": bomb}}
    with pytest.raises(LimitExceeded):
        seen_by(client, event, legacy=True)


def test_where_signatures_are_required_no_pointer_is_followed(sb):
    client = Statebag(
        ROOT, policy=Policy(require_signatures=True), replicas=(), signing_keys={"a": b"k" * 32}
    )
    path = put(sb, "workflow-state/k/a.json", [1])
    for state in in_each_place(lambda make: make(path)):
        with pytest.raises(NotPermitted, match="no signature"):
            seen_by(client, {"execution_id": SCOPE, "idempotency_key": "k", **state}, legacy=True)


def test_a_step_without_an_execution_is_refused_before_a_pointer_is_read(sb):
    recording = RecordingStore(sb.store)
    client = Statebag(recording, replicas=())
    with pytest.raises(InvalidState, match="no execution ID"):
        client.step(lambda state, _context: state, legacy=True)({"f": reference(f"{ROOT}/x.json")})
    assert not recording.calls


def test_a_plain_step_follows_them_too(sb, monkeypatch):
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    state, expected = every_form(sb)
    handler = sb.step(lambda state, _context: state, legacy=True)
    assert handler(state) == expected
    assert handler({name: state[name] for name in ("field",)}) == {"field": expected["field"]}
    other = {**state, "field": reference(put(sb, "workflow-state/victim/a.json", CANARY))}
    with pytest.raises(NotPermitted):
        handler(other)


def test_a_string_that_holds_the_state_may_have_pointers_in_it(sb):
    state, expected = every_form(sb)
    event = {"Records": [{"body": json.dumps(state)}]}
    options = {"bag_path": "$.Records[0].body", "embedded": True}
    assert seen_by(sb, event, legacy=True, **options) == expected


@pytest.mark.parametrize("wrong", ["yes", 2, []])
def test_an_argument_that_is_not_a_switch(wrong):
    with pytest.raises(ConfigurationError, match="legacy must be True, False or None"):
        statebag.step(lambda state, _context: state, legacy=wrong)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, None),
        ({"STATEBAG_LEGACY": ""}, None),
        ({"STATEBAG_LEGACY": "1"}, True),
        ({"STATEBAG_LEGACY": "no"}, False),
        ({"STATEBAG_WIRE": "0"}, True),
        ({"STATEBAG_WIRE": " 0 "}, True),
        ({"STATEBAG_WIRE": "1"}, None),
        ({"STATEBAG_WIRE": "none"}, None),
        ({"STATEBAG_WIRE": "0", "STATEBAG_LEGACY": "false"}, False),
    ],
)
def test_what_the_variables_say(variables, told):
    assert legacy_is_followed(variables) is told


def test_a_variable_that_is_not_a_switch():
    with pytest.raises(ConfigurationError, match="STATEBAG_LEGACY must be a switch"):
        legacy_is_followed({"STATEBAG_LEGACY": "maybe"})
