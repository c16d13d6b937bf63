"""An execution of more than three hundred transitions, looked into from outside.

At every event the history must give what the handlers themselves wrote down.
"""

import copy
import json

import pytest

from statebag import Statebag
from statebag.asl.arns import parse_execution_arn
from statebag.asl.payload import payload_size
from statebag.format.json_text import encode
from statebag.format.paths import parse_path
from statebag.history.log import log_of
from statebag.history.replay import transitions
from statebag.local.records import read_record
from statebag.store.file import FileStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.cli.program import statebag
from tests.history.loop import run_loop


class Ended:
    def __init__(self, folder):
        self.folder = folder
        self.execution, self.recorded = run_loop(str(folder / "store"), folder / "histories")
        self.arn = self.execution.arn
        self.history = read_record(folder / "histories", parse_execution_arn(self.arn))
        self.made = transitions(self.history)
        self.states = dict(self._states())

    def _states(self):
        """The state at each event, from the handlers' own records."""
        calls = iter(zip(self.recorded.given, self.recorded.returned, strict=True))
        now = self.recorded.given[0]
        answer = None
        for event in self.history.events:
            if event.type == "LambdaFunctionScheduled":
                given, answer = next(calls)
                assert given == now
            if event.type == "LambdaFunctionSucceeded":
                now = answer
            yield event.id, now
        assert next(calls, None) is None

    def command(self, *arguments):
        return statebag(
            *arguments, "--histories", self.folder / "histories", "--store", self.folder / "store"
        )


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    return Ended(tmp_path_factory.mktemp("loop"))


def test_it_is_long_and_its_state_would_not_fit(ended):
    assert len(ended.made) > 300
    assert len(ended.history.events) > 1_000
    assert payload_size(ended.recorded.returned[-1]) > 600_000


def test_every_event_gives_the_state_that_the_handlers_saw(ended):
    forget()
    client = Statebag(str(ended.folder / "store"))
    for number, state in ended.states.items():
        assert encode(client.open(ended.history.payload_at(number).value())) == encode(state)


def test_cat_gives_any_event_opened(ended):
    last = ended.history.events[-1].id
    for number in (1, 2, 6, 500, 777, last):
        result = ended.command("cat", ended.arn, "--at", number)
        assert result.stdout_bytes == encode(ended.states[number]) + b"\n"
    newest = ended.command("cat", ended.arn, "messages[-1]".replace("-1", "103"))
    assert json.loads(newest.stdout) == ended.recorded.returned[-1]["messages"][103]


def test_the_log_has_the_sizes_of_what_the_handlers_saw(ended):
    lines = list(log_of(ended.made))
    assert [line.transition.path for line in lines] == [
        one.path for one in ended.execution.transitions
    ]
    for line, ran in zip(lines, ended.execution.transitions, strict=True):
        state = ended.states[line.transition.left]
        assert line.state_bytes == len(encode(state)), line.transition
        assert line.bag_bytes == ran.output_bytes
        assert line.note is None


def test_the_log_names_every_change_and_none_that_was_not(ended):
    def covers(path, other):
        return other[: len(path)] == path

    for line in log_of(ended.made):
        one = line.transition
        before, after = ended.states[one.entered], ended.states[one.left]
        told = [(parse_path(change.path), change.kind) for change in line.changes]
        for path in changed_paths(before, after):
            assert any(covers(told_path, path) for told_path, _ in told), (one, path)
        for path, kind in told:
            if kind != "possible":
                assert value_at(before, path) != value_at(after, path), (one, path)
    # A list that grew in the store is told by its place, though nobody read it.
    thought = next(line for line in log_of(ended.made[200:]) if line.transition.state == "Think")
    assert [change.path for change in thought.changes] == ["$.messages"]


def test_a_deep_log_has_exactly_the_changes(ended):
    forget()
    client = Statebag(str(ended.folder / "store"))
    for line in log_of(ended.made[150:170], client.differences):
        one = line.transition
        before, after = ended.states[one.entered], ended.states[one.left]
        assert {parse_path(change.path) for change in line.changes} == changed_paths(before, after)


@pytest.mark.parametrize(("one", "two"), [(6, 700), (700, 705), (40, 1_000), (300, 300)])
def test_diff_between_two_events_turns_one_state_into_the_other(ended, one, two):
    result = ended.command("diff", f"{ended.arn}@{one}", f"{ended.arn}@{two}", "--json", "--values")
    assert result.exit_code == 0, result.stderr
    before, after = copy.deepcopy(ended.states[one]), ended.states[two]
    changes = [json.loads(line) for line in result.stdout.splitlines()]
    assert {parse_path(change["path"]) for change in changes} == changed_paths(before, after)
    for change in changes:
        path = parse_path(change["path"])
        if change["kind"] != "added":
            assert value_at(before, path) == change["old"]
        if change["kind"] != "removed":
            assert value_at(after, path) == change["new"]


def test_diff_of_an_execution_and_a_file(ended, tmp_path):
    last = ended.history.events[-1].id
    kept = ended.history.payload_at(last).text
    (tmp_path / "bag.json").write_text(kept)
    same = ended.command("diff", tmp_path / "bag.json", ended.arn)
    assert (same.stdout, same.stderr) == ("", "no difference\n")
    grown = ended.command("diff", f"{ended.arn}@{last - 20}", tmp_path / "bag.json")
    assert "+ $.messages[103]" in grown.stdout


def test_looking_costs_what_is_looked_at(ended):
    store = RecordingStore(FileStore(ended.folder / "store"))
    client = Statebag(store)
    for _ in log_of(ended.made):
        pass
    assert store.calls == []  # a log is told from the history alone
    forget()
    bag = ended.history.payload_at(900).value()
    client.get(bag, "$.messages[2].role")
    assert len(store.calls) <= 3  # at most two levels of index above one piece
    forget()
    store.forget()
    other = ended.history.payload_at(905).value()
    client.differences(bag, other)
    assert len(store.calls) <= 8
    assert all(call.operation == "get_ranges" for call in store.calls)


def test_the_history_is_read_once_for_two_events(ended, monkeypatch):
    from statebag.local import records

    reads = []
    original = records.read_record
    monkeypatch.setattr(
        records, "read_record", lambda *given: reads.append(given) or original(*given)
    )
    ended.command("diff", f"{ended.arn}@10", f"{ended.arn}@20")
    assert len(reads) == 1


def test_the_command_shows_no_value_and_says_how_it_ended(ended):
    for options in ((), ("--json",), ("--deep", "--tail", "9"), ("--errors", "--causes")):
        result = ended.command("log", ended.arn, *options)
        assert result.exit_code == 0
        assert "CANARY" not in result.stdout
    assert ended.command("log", ended.arn).stdout.rstrip().splitlines()[-1].startswith("SUCCEEDED")
    tail = ended.command("log", ended.arn, "--tail", "3", "--json").stdout.splitlines()
    assert [json.loads(line)["number"] for line in tail[:-1]] == [
        len(ended.made) - 2,
        len(ended.made) - 1,
        len(ended.made),
    ]
    thoughts = ended.command("log", ended.arn, "--state", "Think", "--json").stdout.splitlines()
    assert {json.loads(line)["state"] for line in thoughts[:-1]} == {"Think"}
    assert len(thoughts) == 104 + 1


def changed_paths(before, after):
    """The outermost paths that differ, by brute force; lists here only ever grow."""
    found = set()
    pending = [(before, after, ())]
    while pending:
        one, two, path = pending.pop()
        if isinstance(one, dict) and isinstance(two, dict):
            keys, get = {*one, *two}, dict.get
        elif isinstance(one, list) and isinstance(two, list):
            keys = range(max(len(one), len(two)))

            def get(items, n, default):
                return items[n] if n < len(items) else default

        else:
            if encode([one]) != encode([two]):
                found.add(path)
            continue
        for key in keys:
            left, right = get(one, key, ABSENT), get(two, key, ABSENT)
            if left is ABSENT or right is ABSENT:
                found.add((*path, key))
            else:
                pending.append((left, right, (*path, key)))
    return found


ABSENT = object()


def value_at(state, path):
    for part in path:
        try:
            state = state[part]
        except (KeyError, IndexError):
            return ABSENT
    return state
