from dataclasses import FrozenInstanceError

import pytest

from statebag import ConfigurationError, Policy
from statebag.policy import NEWEST_FORMS


def test_the_published_defaults():
    policy = Policy()
    assert policy.max_bag_bytes == 98_304
    assert policy.field_limit == 30_720
    assert policy.carry_bytes == 32_768
    assert policy.max_packs == 5
    assert policy.attempts == 0
    assert policy.control == ()
    assert policy.control_paths() == ()


NUMBERS = {
    "max_bag_bytes": 1024,
    "field_limit": 256,
    "carry_bytes": 0,
    "look_into_depth": 1,
    "piece_bytes": 1024,
    "max_packs": 1,
    "compression_level": -7,
    "cache_bytes": 0,
    "max_open_bytes": 1,
    "max_open_blobs": 1,
    "max_open_requests": 1,
    "attempts": 0,
}


@pytest.mark.parametrize(("name", "least"), NUMBERS.items())
def test_numbers_have_a_least_value(name, least):
    assert getattr(Policy(**{name: least}), name) == least
    for wrong in (least - 1, True, None, "7", least + 0.5):
        with pytest.raises(ConfigurationError) as caught:
            Policy(**{name: wrong})
        assert name in str(caught.value)


def test_other_numbers():
    for settings in (
        {"compression_level": 20},
        {"deadline_seconds": 0},
        {"deadline_seconds": float("nan")},
        {"forms": 0},
        {"forms": NEWEST_FORMS + 1},
    ):
        with pytest.raises(ConfigurationError):
            Policy(**settings)
    assert Policy(deadline_seconds=1).deadline_seconds == 1


@pytest.mark.parametrize("name", ["control", "readable_scopes"])
def test_lists_are_tuples_of_strings(name):
    assert getattr(Policy(**{name: ["a", "b"]}), name) == ("a", "b")
    for wrong in ("a", [1], [None]):
        with pytest.raises(ConfigurationError):
            Policy(**{name: wrong})


@pytest.mark.parametrize(
    "path", ["$", "", "$[0]", "a..b", "$.a.__statebag__", "__statebag__", "$.*"]
)
def test_control_paths_that_make_no_sense(path):
    with pytest.raises(ConfigurationError):
        Policy(control=(path,))


def test_an_array_is_control_as_a_whole():
    paths = Policy(control=("$.jobs[0].status", "$.a.b", "status")).control_paths()
    assert paths == (("jobs",), ("a", "b"), ("status",))


@pytest.mark.parametrize("scope", ["", "/", "a//b", "..", "/**", "a/../**"])
def test_readable_scopes_that_make_no_sense(scope):
    with pytest.raises(ConfigurationError):
        Policy(readable_scopes=(scope,))


def test_a_policy_does_not_change():
    policy = Policy()
    with pytest.raises((FrozenInstanceError, AttributeError)):
        policy.field_limit = 1
    assert hash(policy) == hash(Policy())
    assert policy == Policy()


@pytest.mark.parametrize("name", Policy.PROTECTIONS)
@pytest.mark.parametrize("value", [1, 0, None, "true", "", ()])
def test_what_protects_is_true_or_false(name, value):
    with pytest.raises(ConfigurationError, match=name):
        Policy(**{name: value})


def test_a_policy_is_what_its_settings_say():
    assert Policy() == Policy()
    assert hash(Policy()) == hash(Policy())
    assert Policy(max_open_bytes=5).max_open_bytes == 5
    assert Policy(max_open_bytes=5) != Policy()


def test_more_control_paths_make_another_policy_once():
    policy = Policy(control=("$.a",), field_limit=300)
    more = policy.with_control("b", "$.a", "c", "b")
    assert more == Policy(control=("$.a", "b", "c"), field_limit=300)
    assert policy.with_control("b", "$.a", "c", "b") is more
    assert more.with_control("c") is more
    assert policy.with_control() is policy
    for wrong in ("$", "", "__statebag__.x"):
        with pytest.raises(ConfigurationError):
            policy.with_control(wrong)
