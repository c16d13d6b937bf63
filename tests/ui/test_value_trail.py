"""What became of a value across events."""

import json

from statebag.testing.recording_store import RecordingStore
from statebag.ui.seen_execution import SeenExecution
from statebag.ui.value_trail import trail
from tests.ui.conftest import SECRET


def steps(found):
    return [(one["what"], one.get("state")) for one in found["changes"]]


def of(ran, seen, path, **more):
    return trail(ran.client, seen, path, seen.payload_event(), values=False, **more)


def test_a_value_that_stands_plain(ran, good):
    found = of(ran, good, ["status"])
    assert steps(found) == [("is", "Load"), ("changed", "Change")]
    assert found["next"] is None


def test_a_value_behind_a_stub_and_one_inside_it(ran, good):
    assert steps(of(ran, good, ["history"])) == [("is", "Load"), ("changed", "Change")]
    assert steps(of(ran, good, ["history", 1_500])) == [("is", "Change")]
    # The stored value around it changed, and it did not.
    assert steps(of(ran, good, ["history", 3, "n"])) == [("is", "Load")]


def test_a_value_that_goes(ran, bad):
    assert steps(of(ran, bad, ["execution_id"]))[0] == ("is", None)
    assert steps(of(ran, bad, ["nowhere", 3])) == []


def test_it_masks_and_goes_on_where_it_stopped(ran, good, monkeypatch):
    assert SECRET not in json.dumps(of(ran, good, ["secret"]))
    monkeypatch.setattr(SeenExecution, "moments_at_once", 2)
    changes, after, mark, calls = [], 0, None, 0
    while after is not None:
        found = of(ran, good, ["status"], after=after, before=mark)
        changes += steps(found)
        after, mark = found["next"], found["mark"]
        calls += 1
    assert changes == [("is", "Load"), ("changed", "Change")]
    assert calls > 2


def test_a_value_of_an_iteration_is_followed_in_that_iteration(ran, good):
    each = next(one for one in good.snapshot().made if one.path == "Main/Map[1]/Each")
    found = trail(ran.client, good, ["i"], each.entered, values=True)
    assert [one["value"] for one in found["changes"]] == ["1"]


def test_plain_values_need_no_store(good, ran):
    store = RecordingStore(ran.client.store)
    before = len(store.calls)
    of(ran, good, ["small", "note"])
    assert len(store.calls) == before


def test_a_mark_does_not_tell_a_short_value(ran, good):
    """Whoever sees the answers could guess `true` or a number from its digest."""
    from statebag.format.codec import sha256_hex

    flag = of(ran, good, ["flag"])["mark"]
    assert flag
    assert flag not in {sha256_hex(text) for text in (b"true", b"false", b"null", b'"DONE"')}
    assert flag == of(ran, good, ["flag"])["mark"], "the next question compares it"
