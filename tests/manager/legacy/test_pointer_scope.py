"""Pointers of wire version 0 lead to what their reader's execution may read, as stubs do."""

import base64
import json

import pytest

from statebag import NotPermitted, Policy, Statebag
from statebag.default_client import from_environment
from statebag.manager.actions.scope import scope_of_event
from statebag.manager.legacy.pointer_format import compress_text, field_pointer, object_key
from statebag.manager.legacy.pointer_scope import PointerScope
from statebag.state_data_manager import cached_load_from_s3, load_from_s3, store_to_s3
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.manager.actions.calls import START, call, opened

ROOT = "memory://pointer-scope"
SNAPSHOT = f"snapshots/pre_{'0' * 32}.json"

OTHERS = [
    f"m/victim/{SNAPSHOT}",
    f"m/r2/{SNAPSHOT}",
    "m/victim/any.json",
    "m/r/inner/any.json",
    "other/r/any.json",
    "workflow-state/other/secret_1.json",
    "workflow-state/order-11/secret_1.json",
    "workflow-state/order-1-p/secret_1.json",
    "workflow-state/other/order-1/secret_1.json",
    "workflow-state/m-r2/secret_1.json",
    "@gc/marks/m/r.json",
]
OWN = [
    f"m/r/{SNAPSHOT}",
    f"m/{SNAPSHOT}",
    "m/r/any.json",
    "m/any.json",
    "any.json",
    "workflow-state/any.json",
    "workflow-state/order-1/field_1.json",
    "workflow-state/order-1/parts/field_1.json",
    "workflow-state/m-r/field_1.json",
    object_key("m/r", "failed_segments", b"[]"),
]


def reference(name, root=ROOT):
    path = f"{root}/{name}"
    return {"type": "s3_reference", "s3_path": path, "size_kb": 1, "stored_at": "x"}


def forms(name):
    """A state with each form of a pointer to one object."""
    archive = {"type": "history_archive", "s3_path": f"{ROOT}/{name}", "entry_count": 1}
    return [
        {"field": reference(name)},
        {"current_state": {"inner": reference(name)}},
        {"state_history": [archive, "new"]},
        {"current_state": {"__s3_offloaded": True, "__s3_path": f"{ROOT}/{name}"}},
    ]


@pytest.mark.parametrize("name", OTHERS)
def test_another_executions_object_is_refused_without_a_request(name):
    recording = RecordingStore(Statebag(ROOT).store)
    sb = Statebag(recording)
    for state in forms(name)[:3]:
        with pytest.raises(NotPermitted, match="another execution") as refused:
            sb.open({**state, "idempotency_key": "order-1"}, scope="m/r", legacy=True)
        assert refused.value.object_name == name
    assert not recording.calls


@pytest.mark.parametrize("name", OTHERS)
def test_a_whole_state_of_another_execution_is_not_given(name):
    sb = Statebag(ROOT)
    claims = (
        {"secret": 1},
        {"execution_id": "m/victim"},
        {"execution_id": 5},
        {"execution_id": ""},
    )
    for held in claims:
        sb.store.put(name, json.dumps(held).encode())
        with pytest.raises(NotPermitted, match="another execution"):
            sb.open({**forms(name)[3], "idempotency_key": "order-1"}, scope="m/r", legacy=True)


@pytest.mark.parametrize("name", OWN)
def test_an_executions_own_objects_are_read(name):
    sb = Statebag(ROOT)
    sb.store.put(name, b'["old"]')
    for state in forms(name)[:3]:
        given = sb.open({**state, "idempotency_key": "order-1"}, scope="m/r", legacy=True)
        assert json.dumps(given).count("old") == 1
        event = {"action": "sync", "state_data": {**state, "idempotency_key": "order-1"}}
        assert json.dumps(sb.open(event, scope="m/r", legacy=True)).count('"old"') == 1


@pytest.mark.parametrize("name", [*OTHERS, *OWN])
def test_without_a_scope_all_below_the_root_is_read(name):
    sb = Statebag(ROOT)
    sb.store.put(name, b'["old"]')
    assert sb.open({"field": reference(name)}, legacy=True) == {"field": ["old"]}


def test_a_key_further_down_is_data_and_makes_nothing_ones_own():
    hostile = {"idempotency_key": "other", "f": reference("workflow-state/other/secret_1.json")}
    for state in (
        {"current_state": hostile},
        {"x": {"state_data": hostile}},
        {"state_data": hostile},
    ):
        keyed = {"idempotency_key": "order-1", **state}
        with pytest.raises(NotPermitted, match="another execution"):
            Statebag(ROOT).open(keyed, scope="m/r", legacy=True)


def test_readable_scopes_widen_it_as_the_hint_says():
    name = "workflow-state/a=b/field_1.json"
    Statebag(ROOT).store.put(name, b"7")
    bag = {"field": reference(name)}
    with pytest.raises(NotPermitted) as refused:
        Statebag(ROOT).open(bag, scope="m/r", legacy=True)
    assert refused.value.hint.startswith("Add its folder to Policy.readable_scopes")
    for readable in ("workflow-state/a=b", "workflow-state/**"):
        wider = Statebag(ROOT, policy=Policy(readable_scopes=(readable,)))
        assert wider.open(bag, scope="m/r", legacy=True) == {"field": 7}


def test_a_whole_state_that_says_whose_it_is_brings_its_fields():
    """The first version's pointer of a whole state has no idempotency key beside it."""
    sb = Statebag(ROOT)
    sb.store.put("workflow-state/order-9/field_1.json", b'"field"')
    sb.store.put("workflow-state/other/field_1.json", b'"secret"')
    arn = "arn:aws:states:eu-west-1:123456789012:execution:m:r"

    def whole(**fields):
        state = {"execution_id": arn, "idempotency_key": "other", **fields}
        sb.store.put("workflow-state/order-9/state_1.json", json.dumps(state).encode())
        return {
            "__s3_offloaded": True,
            "__s3_path": f"{ROOT}/workflow-state/order-9/state_1.json",
        }

    bag = whole(a=reference("workflow-state/order-9/field_1.json"))
    assert sb.open(bag, scope="m/r", legacy=True)["a"] == "field"
    with pytest.raises(NotPermitted, match="another execution"):
        sb.open(bag, scope="m/r2", legacy=True)
    # What it says of its key counts only where its own name says the same.
    with pytest.raises(NotPermitted, match="another execution"):
        sb.open(whole(a=reference("workflow-state/other/x.json")), scope="m/r", legacy=True)


@pytest.mark.parametrize("key", ["order-1", "a/b c", "50%", "..", "x" * 200])
def test_the_scope_of_an_idempotency_key_owns_what_is_stored_for_it(key):
    scope = scope_of_event({"idempotency_key": key}, {})
    if len(key) < 200:
        assert PointerScope(scope, Policy()).allows(object_key(key, "field", b"1"))
        assert not PointerScope(scope, Policy()).allows(object_key(key + "2", "field", b"1"))
    assert PointerScope("m/r", Policy(), [key]).allows(object_key(key, "field", b"1"))


# The state data manager's actions


def manager_forms(name):
    address = f"{from_environment().store.url}/{name}"
    pointer = {"type": "s3_reference", "s3_path": address}
    state = {**START, "current_state": {}}
    return {
        "state": ("sync", {"state_data": {**state, "current_state": {"x": pointer}}}),
        "result": ("sync", {"state_data": state, "execution_result": pointer}),
        "final": ("sync", {"state_data": state, "execution_result": {"final_state": pointer}}),
        "branch": (
            "aggregate_branches",
            {"state_data": state, "branch_pointers": [{"branch_id": "b", "s3_path": address}]},
        ),
        "raw branch": (
            "aggregate_branches",
            {
                "state_data": state,
                "parallel_results": [
                    {"branch_id": "b", "status": "COMPLETE", "final_state": {"x": pointer}}
                ],
            },
        ),
        "hydrate": (
            "hydrate_branch",
            {
                "state_data": state,
                "branch_pointer": {"branch_index": 0, "branches_s3_path": address},
            },
        ),
        "restore": ("restore_snapshot", {**START, "snapshot_s3_path": address}),
    }


FORMS = ["state", "result", "final", "branch", "raw branch", "hydrate", "restore"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "name", ["workflow-state/other/secret_1.json", f"machine/victim/{SNAPSHOT}", "machine/victim/x"]
)
def test_no_action_gives_another_executions_object(form, name):
    held = [{"execution_id": "machine/victim", "secret": 1}] if form == "hydrate" else {"secret": 1}
    store_to_s3(held, name)
    action, fields = manager_forms(name)[form]
    with pytest.raises(NotPermitted, match="another execution"):
        call(action, **fields)


@pytest.mark.parametrize("form", FORMS)
def test_no_pointer_is_followed_where_signatures_are_required(form, monkeypatch):
    name = "workflow-state/order-1/own_1.json"
    store_to_s3([{"a": 1}] if form == "hydrate" else {"a": 1, "final_state": {"a": 1}}, name)
    action, fields = manager_forms(name)[form]
    call(action, **fields)
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", "a:" + base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("STATEBAG_REQUIRE_SIGNATURES", "1")
    forget()
    with pytest.raises(NotPermitted, match="no signature") as refused:
        call(action, **fields)
    assert refused.value.hint.startswith("Unset STATEBAG_REQUIRE_SIGNATURES")
    monkeypatch.delenv("STATEBAG_REQUIRE_SIGNATURES")
    forget()
    call(action, **fields)


def test_signatures_are_required_of_every_form_and_scope():
    policy = Policy(require_signatures=True)
    recording = RecordingStore(Statebag(ROOT).store)
    sb = Statebag(recording, policy=policy, signing_keys={"a": bytes(32)})
    packed = {"type": "compressed", "data": compress_text(b"1")}
    for state in (*forms("workflow-state/order-1/f.json"), {"f": packed}):
        for scope in (None, "m/r"):
            with pytest.raises(NotPermitted, match="no signature"):
                sb.open({"idempotency_key": "order-1", **state}, scope=scope, legacy=True)
    assert not recording.calls
    assert sb.open({"a": 1}, legacy=True) == {"a": 1}


def test_an_older_snapshot_is_restored_as_this_executions_state():
    """What a copy says of itself does not make its reader another execution."""
    bag = Statebag(from_environment().store, policy=Policy(carry_bytes=0, field_limit=300)).seal(
        {"secret": "x" * 2000}, scope="machine/victim"
    )
    held = {"execution_id": "machine/victim", "current_state": {"s": bag["secret"]}}
    path = store_to_s3(held, "workflow-state/order-1/field_1.json")
    with pytest.raises(NotPermitted, match=r"another scope .at \$\.state_data\.current_state\.s"):
        call("restore_snapshot", **START, snapshot_s3_path=path)


def test_an_older_snapshot_says_whose_it_is():
    path = store_to_s3({**START, "a": 1}, "workflow-state/of-the-first-version/snapshot_1.json")
    event = {"execution_id": START["execution_id"], "snapshot_s3_path": path}
    assert opened(call("restore_snapshot", **event)["state_data"])["a"] == 1
    with pytest.raises(NotPermitted, match="another execution"):
        call("restore_snapshot", **{**event, "execution_id": "machine/other"})


def test_a_pointer_of_ones_own_state_leads_back():
    text = b'{"a": 1}'
    path = store_to_s3({"a": 1}, object_key("order-1", "current_state", text))
    state = {**START, "current_state": field_pointer(path, b'{"a":1}')}
    assert opened(call("sync", state_data=state)["state_data"])["current_state"] == {"a": 1}


LOADS = pytest.mark.parametrize("load", [load_from_s3, cached_load_from_s3])
OF_NO_SCOPE = ["any.json", "workflow-state/any.json", "workflow-state/order-1/field_1.json"]


@pytest.fixture
def written(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", ROOT)
    forget()
    for name in {*OTHERS, *OWN, *OF_NO_SCOPE}:
        store_to_s3({"of": name}, name)
    return from_environment().store


@LOADS
def test_a_helper_that_is_called_directly_reads_what_belongs_to_no_execution(written, load):
    for name in OF_NO_SCOPE:
        assert load(f"{ROOT}/{name}") == {"of": name}
    for name in (f"m/victim/{SNAPSHOT}", "m/r/any.json", "other/r/any.json", "@gc/marks/m/r.json"):
        with pytest.raises(NotPermitted) as caught:
            load(f"{ROOT}/{name}")
        assert caught.value.object_name == name


@LOADS
def test_with_a_scope_a_helper_reads_what_a_pointer_of_that_execution_may(written, load):
    arn = "arn:aws:states:eu-west-1:123456789012:execution:m:r"
    mine = [name for name in OWN if "order-1" not in name]  # no state says that this id is its own
    for scope in ("m/r", arn):
        for name in mine:
            assert load(f"{ROOT}/{name}", scope=scope) == {"of": name}
        for name in OTHERS:
            with pytest.raises(NotPermitted):
                load(f"{ROOT}/{name}", scope=scope)


@LOADS
def test_policy_widens_what_a_helper_reads_and_required_signatures_end_it(
    monkeypatch, written, load
):
    name = "other/r/any.json"
    with pytest.raises(NotPermitted) as caught:
        load(f"{ROOT}/{name}")
    assert "Policy.readable_scopes" in caught.value.hint
    monkeypatch.setenv("STATEBAG_READABLE_SCOPES", "other/r")
    forget()
    assert load(f"{ROOT}/{name}") == {"of": name}
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", f"k:{base64.b64encode(b'x' * 32).decode()}")
    monkeypatch.setenv("STATEBAG_REQUIRE_SIGNATURES", "1")
    forget()
    for one in (name, "any.json"):
        with pytest.raises(NotPermitted, match="no signature"):
            load(f"{ROOT}/{one}")


def test_what_a_helper_remembers_is_of_one_store(monkeypatch, tmp_path):
    for folder, value in (("one", 1), ("two", 2)):
        monkeypatch.setenv("STATEBAG_STORE", f"file://{tmp_path}/{folder}")
        forget()
        store_to_s3(value, "any.json")
    found = {}
    for folder in ("one", "two"):
        monkeypatch.setenv("STATEBAG_STORE", f"file://{tmp_path}/{folder}")
        root = from_environment().store.url
        found[folder] = cached_load_from_s3(f"{root}/any.json")
    assert found == {"one": 1, "two": 2}
