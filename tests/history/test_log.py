"""A line of a log: sizes and changes from the bags alone, and what could not be known."""

import json

from statebag import Statebag
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.history.events import history_of
from statebag.history.log import MOST_CHANGES, as_dict, log_of, standing_dict
from statebag.history.replay import transitions
from statebag.history.standing import standing
from statebag.store.memory import MemoryStore
from tests.bags import noise
from tests.history.test_replay import ARN, events


def history(given, left, *more):
    return history_of(
        ARN,
        "Main",
        events(
            ("ExecutionStarted", {"input": "{}"}),
            ("PassStateEntered", {"name": "A", "input": json.dumps(given)}),
            ("PassStateExited", {"name": "A", "output": json.dumps(left)}),
            *more,
        ),
    )


def line_of(given, left, differences=None):
    (line,) = log_of(transitions(history(given, left)), differences)
    return line


def test_a_line_has_the_sizes_of_the_output_and_the_changes_from_the_input():
    line = line_of({"n": 1, "gone": 2}, {"n": 22, "new": "x"})
    assert line.bag_bytes == line.state_bytes == len('{"n":22,"new":"x"}')
    changes = {(one.path, one.kind, one.before, one.after) for one in line.changes}
    assert changes == {
        ("$.n", "changed", 1, 2),
        ("$.gone", "removed", 1, 0),
        ("$.new", "added", 0, 3),
    }
    told = as_dict(line)
    assert told["limit_share"] == round(line.bag_bytes / PAYLOAD_LIMIT, 6)
    assert (told["status"], told["time"][-1], told["changes_left_out"]) == ("left", "Z", 0)


def test_of_a_bag_the_opened_size_is_known_without_the_store():
    bag = Statebag(MemoryStore()).seal({"text": noise(60_000, 1)}, scope="m/e")
    line = line_of({}, bag)
    assert line.bag_bytes < 60_000 < line.state_bytes
    assert [(one.path, one.kind) for one in line.changes] == [("$.text", "added")]


def test_many_changes_are_counted_and_the_first_listed():
    line = line_of({}, {f"k{n}": n for n in range(MOST_CHANGES + 50)})
    assert (len(line.changes), line.changes_left_out) == (MOST_CHANGES, 50)


def test_what_compares_may_be_another_and_its_failure_is_a_note():
    assert line_of({"n": 1}, {"n": 2}, lambda *_: ()).changes == ()
    line = line_of({"n": 1}, {"__statebag__": {"v": 1, "CANARY": 1}})
    assert (line.changes, line.state_bytes) == (None, None)
    assert line.note
    assert "CANARY" not in line.note


def test_the_end_is_the_last_line_and_hides_a_cause_that_may_quote_values():
    ended = history({}, {}, ("ExecutionFailed", {"error": "E", "cause": "CANARY"}))
    stands = standing(ended, transitions(ended))
    assert standing_dict(stands)["cause"] is None
    told = standing_dict(stands, causes=True)
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "E", "CANARY")
