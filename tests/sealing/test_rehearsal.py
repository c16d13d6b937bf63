"""A run on this machine hears of every seal, and can make it strict."""

import threading

import pytest

from statebag import InvalidState, Policy, Statebag
from statebag.sealing import rehearsal
from statebag.store.memory import MemoryStore


class Wishes:
    def __init__(self, *, strict):
        self.strict = strict
        self.seen = []

    def sealed(self, bag, policy):
        self.seen.append((bag, policy))


def test_a_seal_inside_is_strict_and_is_told_and_one_outside_is_not():
    client = Statebag(MemoryStore(), policy=Policy(control=("status",)))
    state = {"status": "s", "other": 1}
    wishes = Wishes(strict=True)
    with rehearsal.rehearsed(wishes):
        bag = client.seal(state, scope="m/e")
    assert bag["status"] == "s"
    assert "other" not in bag
    ((seen, policy),) = wishes.seen
    assert (seen, policy.control) == (bag, ("status",))
    assert client.seal(state, scope="m/e") == state
    assert len(wishes.seen) == 1


def test_a_policy_that_is_strict_already_is_the_same_object():
    loose, strict = Policy(), Policy(strict=True)
    with rehearsal.rehearsed(Wishes(strict=True)):
        assert rehearsal.policy_of(strict) is strict
        assert rehearsal.policy_of(loose).strict
    with rehearsal.rehearsed(Wishes(strict=False)):
        assert rehearsal.policy_of(loose) is loose
    assert rehearsal.policy_of(loose) is loose


def test_the_block_ends_with_what_was_before_also_after_an_error():
    outer, inner = Wishes(strict=False), Wishes(strict=True)
    with rehearsal.rehearsed(outer):
        with pytest.raises(InvalidState), rehearsal.rehearsed(inner):
            Statebag(MemoryStore()).seal({"bad": object()})
        assert rehearsal.current() is outer
    assert rehearsal.current() is None


def test_of_runs_at_the_same_time_each_has_its_own():
    """Whichever ends first: what is left is that of the others, and nothing in the end."""
    one, other = Wishes(strict=True), Wishes(strict=True)
    began, over, seen = threading.Event(), threading.Event(), []

    def beside():
        with rehearsal.rehearsed(other):
            began.set()
            over.wait(240)
            Statebag(MemoryStore()).seal({"a": 1}, scope="m/e")
            seen.append(rehearsal.current())

    thread = threading.Thread(target=beside)
    with rehearsal.rehearsed(one):
        thread.start()
        began.wait(240)
        assert rehearsal.current() is one
    assert rehearsal.current() is other  # a thread of no run takes what there is
    over.set()
    thread.join(240)
    assert (seen, len(other.seen), one.seen) == ([other], 1, [])
    assert rehearsal.current() is None
