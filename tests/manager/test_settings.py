"""The manager's own settings, and the variables that they are read from."""

import base64

import pytest

from statebag import ConfigurationError, Policy, Statebag
from statebag.environment import policy_from_environment, settings_from_environment
from statebag.manager.settings import ManagerSettings, manager_settings
from statebag.state_data_manager import lambda_handler, store_to_s3
from statebag.testing.process import forget

LEAST = {
    "wire": 0,
    "max_payload_size_kb": 1,
    "chunk_results_kept": 0,
    "failed_segments_kept": 0,
    "merge_conflicts_kept": 0,
}


def test_the_published_defaults():
    settings = ManagerSettings()
    assert (settings.wire, settings.max_payload_size_kb) == (1, 200)
    assert (settings.chunk_results_kept, settings.failed_segments_kept) == (10, 5)
    assert settings.rules == {}


def test_every_setting_has_its_variable():
    variables = {
        "STATEBAG_WIRE": "0",
        "STATEBAG_MAX_PAYLOAD_SIZE_KB": "90",
        "STATEBAG_CHUNK_RESULTS_KEPT": "2",
        "STATEBAG_FAILED_SEGMENTS_KEPT": "1",
        "STATEBAG_MERGE_CONFLICTS_KEPT": "7",
        "STATEBAG_NEXT_ACTIONS": "ASK, WAIT",
        "STATEBAG_STATUSES": "OK=done, DRAFTED = going on",
        "STATEBAG_MERGE_RULES": "a=append, b = union",
    }
    settings = settings_from_environment(ManagerSettings, variables)
    assert settings == ManagerSettings(
        wire=0,
        max_payload_size_kb=90,
        chunk_results_kept=2,
        failed_segments_kept=1,
        merge_conflicts_kept=7,
        next_actions=("ASK", "WAIT"),
        statuses=("OK=done", "DRAFTED = going on"),
        merge_rules=("a=append", "b = union"),
    )
    assert {f"STATEBAG_{name.upper()}" for name in settings.__struct_fields__} == set(variables)
    assert settings.rules == {"a": "append", "b": "union"}
    assert settings.table.by_name("ask") == "ASK"
    assert settings.table.by_status("drafted") == "CONTINUE"
    assert settings_from_environment(ManagerSettings, {}) == ManagerSettings()
    assert policy_from_environment(variables) == Policy()


def test_none_of_them_is_a_setting_of_the_core():
    assert not set(ManagerSettings.__struct_fields__) & set(Policy.field_names())


@pytest.mark.parametrize(("name", "least"), LEAST.items())
def test_numbers_have_a_least_value(name, least):
    assert getattr(ManagerSettings(**{name: least}), name) == least
    for wrong in (least - 1, True, None, "7", least + 0.5):
        with pytest.raises(ConfigurationError, match=f"ManagerSettings.{name}"):
            ManagerSettings(**{name: wrong})


def test_a_status_needs_a_class():
    with pytest.raises(ConfigurationError, match=r"ManagerSettings\.statuses must have NAME=class"):
        ManagerSettings(statuses=("OK",))


@pytest.mark.parametrize("name", ["next_actions", "merge_rules", "statuses"])
@pytest.mark.parametrize("values", [None, 0, True, "text", [1], (None,)])
def test_lists_hold_text(name, values):
    with pytest.raises(ConfigurationError, match=name):
        ManagerSettings(**{name: values})


def test_a_version_that_is_not_known_is_refused_and_its_hint_helps(monkeypatch):
    monkeypatch.setenv("STATEBAG_WIRE", "2")
    with pytest.raises(ConfigurationError, match="must be 0 or 1, not 2") as refused:
        manager_settings()
    assert refused.value.hint.startswith("Set STATEBAG_WIRE to 0 ")
    monkeypatch.delenv("STATEBAG_WIRE")
    assert manager_settings().wire == 1


def test_version_0_is_for_consumers_that_read_plain_objects(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://settings-of-the-manager")
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    keys = base64.b64encode(bytes(range(32))).decode()
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", keys)
    forget()
    event = {"action": "sync", "state_data": {"execution_id": "m/r"}, "execution_result": {}}
    for call in (lambda: lambda_handler(event), lambda: store_to_s3({}, "a/b.json")):
        with pytest.raises(ConfigurationError, match="are not encrypted") as refused:
            call()
        assert refused.value.hint == "Unset STATEBAG_WIRE, or unset STATEBAG_ENCRYPTION_KEYS."
    assert Statebag("memory://settings-of-another").seal({"a": 1}) == {"a": 1}  # is not concerned
    monkeypatch.delenv("STATEBAG_WIRE")
    forget()
    assert lambda_handler(event)["next_action"] == "CONTINUE"
    assert store_to_s3({}, "a/b.json")
    forget()


def test_version_0_is_not_written_where_signatures_are_required(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://signatures-of-the-manager")
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", "a:" + base64.b64encode(bytes(32)).decode())
    event = {"action": "sync", "state_data": {"execution_id": "m/r"}, "execution_result": {}}
    forget()
    assert lambda_handler(event)["next_action"] == "CONTINUE", "keys alone require nothing"
    monkeypatch.setenv("STATEBAG_REQUIRE_SIGNATURES", "1")
    forget()
    for call in (lambda: lambda_handler(event), lambda: store_to_s3({}, "a/b.json")):
        with pytest.raises(ConfigurationError, match="cannot be signed") as refused:
            call()
        assert refused.value.hint == "Unset STATEBAG_WIRE, or unset STATEBAG_REQUIRE_SIGNATURES."
    monkeypatch.delenv("STATEBAG_WIRE")
    forget()
    assert lambda_handler(event)["next_action"] == "CONTINUE"
    forget()
