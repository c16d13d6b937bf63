import pytest

from statebag import ConfigurationError, Policy, Statebag
from statebag.default_client import from_environment
from statebag.environment import (
    in_lambda,
    policy_from_environment,
    sealing_is_off,
    store_address,
)
from statebag.testing.process import forget

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}


def test_nothing_set_is_the_default():
    assert policy_from_environment({}) == Policy()
    assert store_address({}).startswith("./")
    assert not sealing_is_off({})
    assert not in_lambda({})


def test_every_setting_has_a_variable():
    values = {
        "max_bag_bytes": 5000,
        "carry_bytes": 0,
        "deadline_seconds": 1.5,
        "control": ("$.a", "b"),
        "readable_scopes": ("shared", "library/**"),
    }
    text = {
        f"STATEBAG_{name.upper()}": " , ".join(value) if isinstance(value, tuple) else f" {value} "
        for name, value in values.items()
    }
    assert policy_from_environment(text) == Policy(**values)
    for name in Policy.field_names():
        default = getattr(Policy(), name)
        if isinstance(default, int):
            other = {"wire": 0, "forms": 1}.get(name, default + 1)
            changed = policy_from_environment({f"STATEBAG_{name.upper()}": str(other)})
            assert getattr(changed, name) == other


@pytest.mark.parametrize("text", ["many", "1.5", "0x10", "1e3", "-1"])
def test_a_value_that_is_no_number_names_its_variable(text):
    with pytest.raises(ConfigurationError) as caught:
        policy_from_environment({"STATEBAG_CARRY_BYTES": text})
    assert "carry_bytes" in str(caught.value).lower()


def test_a_lambda_needs_a_store():
    with pytest.raises(ConfigurationError) as caught:
        store_address(LAMBDA)
    assert "STATEBAG_STORE" in caught.value.hint
    assert store_address({**LAMBDA, "STATEBAG_STORE": " s3://b/p "}) == "s3://b/p"
    assert in_lambda(LAMBDA)


@pytest.mark.parametrize(("text", "off"), [("", False), ("0", False), ("1", True), ("yes", True)])
def test_sealing_can_be_turned_off(text, off):
    assert sealing_is_off({"STATEBAG_PLAIN": text}) is off


def test_one_client_for_each_environment(monkeypatch):
    forget()
    monkeypatch.setenv("STATEBAG_STORE", "memory://environment")
    first = from_environment()
    assert from_environment() is first
    assert first.store.url == "memory://environment"
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "0")
    second = from_environment()
    assert second is not first
    assert second.policy == Policy(carry_bytes=0)
    assert Statebag().policy == second.policy
    forget()
    assert from_environment() is not second


def test_plain_states_travel_whole(monkeypatch):
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    sb = Statebag("memory://plain", policy=Policy())
    state = {"a": "x" * 500_000, "log": [1]}
    bag = sb.seal(state)
    assert bag == state
    assert bag is not state
    assert sb.open(bag) == state
    assert sb.append(bag, "log", [2])["log"] == [1, 2]
