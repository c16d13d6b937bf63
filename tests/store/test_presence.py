import pytest

from statebag.store.presence import Presence


@pytest.fixture
def now(monkeypatch):
    instant = [100.0]
    monkeypatch.setattr("statebag.store.presence.monotonic", lambda: instant[0])
    return instant


def test_a_sighting_is_fresh_for_as_long_as_the_caller_says(now):
    presence = Presence()
    assert not presence.is_fresh("a", 1e9)
    presence.saw("a")
    assert presence.is_fresh("a", 0)
    now[0] += 5
    assert presence.is_fresh("a", 5)
    assert not presence.is_fresh("a", 4.9)
    presence.saw("a")
    assert presence.is_fresh("a", 0)


def test_what_was_missed_is_lost_until_it_is_written(now):
    presence = Presence()
    presence.saw("a")
    presence.missed("a")
    assert presence.is_lost("a")
    assert not presence.is_fresh("a", 1e9)
    assert not presence.is_lost("b")
    presence.saw("a", 5)  # a part of it: another one may be damaged
    assert presence.is_lost("a")
    presence.wrote("a", 5)
    assert not presence.is_lost("a")
    assert presence.is_fresh("a", 0)


def test_no_more_is_kept_than_asked_for(now):
    presence = Presence(max_objects=2)
    for name in "abc":
        presence.saw(name)
    assert [presence.is_fresh(name, 9) for name in "abc"] == [False, True, True]
    for name in "abc":
        presence.missed(name)
    assert [presence.is_lost(name) for name in "abc"] == [False, True, True]


def test_the_least_size_of_an_object_never_shrinks():
    presence = Presence()
    assert presence.least_size("a") == 0
    presence.saw("a", 10)
    presence.saw("a", 7)
    presence.saw("a")
    presence.missed("a")
    assert presence.is_lost("a")
    assert presence.least_size("a") == 10
    presence.wrote("a", 11)
    assert presence.least_size("a") == 11
