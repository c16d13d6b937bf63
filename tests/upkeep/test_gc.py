"""Nothing that is needed goes, whatever is broken off where; what is over goes in two passes."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from botocore.exceptions import ClientError

from statebag import (
    BlobCorrupt,
    ConfigurationError,
    Statebag,
    StoreUnavailable,
)
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.names import encode_scope, scope_of
from statebag.stepfunctions.execution_ends import execution_ends
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.gc import LONGEST_EXECUTION, RETENTION, Rules, collect
from statebag.upkeep.objects import kind_of
from tests.bags import noise, stubs
from tests.upkeep.aged_folder import STORING, WEEK, YEARS
from tests.upkeep.test_fsck import flipped

READING_ALL = msgspec.structs.replace(STORING, readable_scopes=("machine/**",))


def test_an_execution_goes_in_two_passes_with_its_children(place):
    live = place.seal("machine/live")
    place.seal("machine/old")
    place.seal("machine/old/child/7")
    place.age("machine/old", YEARS)
    assert place.actions() == {"machine/live": "keep", "machine/old": "mark"}
    assert place.actions() == {"machine/live": "keep", "machine/old": "wait"}
    assert len(place.names("machine/old")) == 2
    place.age("@gc", WEEK)
    assert place.actions() == {"machine/live": "keep", "machine/old": "delete"}
    assert place.names("machine/old") == []
    assert place.names("@gc") == []
    forget()
    assert len(Statebag(place.store, policy=STORING).open(live)["log"]) == 60


def test_a_dry_run_writes_and_deletes_nothing(place):
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    recording = RecordingStore(place.store)
    done = collect(recording)
    assert [(one.action, one.objects) for one in done.decisions] == [("mark", 1)]
    assert {call.operation for call in recording.calls} <= {"list", "get", "head"}


def test_a_year_is_added_where_nobody_says_when_the_execution_ended(place):
    place.seal("machine/waiting")
    place.age("machine/waiting", timedelta(days=459))
    assert place.actions() == {"machine/waiting": "keep"}
    place.age("machine/waiting", timedelta(days=2))
    assert place.actions() == {"machine/waiting": "mark"}


def test_the_engine_s_word_counts(place):
    now = datetime.now(UTC)
    ends = {
        "machine/done": now - timedelta(days=96),
        "machine/recent": now - timedelta(days=94),
        "machine/running": "running",
        "machine/forgotten": "unknown",
    }
    for scope in ends:
        place.seal(scope)
        place.age(scope, timedelta(days=100))
    asked = Rules(ended=ends.__getitem__)
    assert place.actions(asked) == {
        "machine/done": "mark",
        "machine/forgotten": "keep",
        "machine/recent": "keep",
        "machine/running": "keep",
    }


def test_what_was_written_after_the_mark_starts_anew(place):
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    place.actions()
    place.age("@gc", WEEK)
    place.seal("machine/old", {"new": [noise(300, 9)]})
    place.age("machine/old", timedelta(0))
    assert place.actions() == {"machine/old": "keep"}
    assert place.names("@gc") == []
    assert len(place.names("machine/old")) == 2


def test_what_comes_between_the_decision_and_the_deletes_stops_them(place):
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    place.actions()
    place.age("@gc", WEEK)

    class Late(FileStore):
        """Another writer is quick: it writes when the scope is listed for the last time."""

        def list(self, prefix=""):
            if prefix == "machine/old":
                place.seal("machine/old", {"late": [noise(300, 8)]})
            return super().list(prefix)

    collect(Late(place.folder), dry_run=False)
    assert len(place.names("machine/old")) == 2


def test_snapshots_hold_their_execution_unless_told_otherwise(place):
    place.seal("machine/old")
    place.store.put(f"machine/old/snapshots/pre_{'0' * 32}.json", b"{}")
    place.age("machine/old", YEARS)
    assert place.actions() == {"machine/old": "keep"}
    assert place.actions(Rules(with_snapshots=True)) == {"machine/old": "mark"}


def test_what_another_execution_s_index_or_snapshot_refers_to_stays(place):
    log = [{"n": n, "text": noise(200, n)} for n in range(400)]
    bag = place.seal("machine/old", {"log": log})
    forget()
    client = Statebag(place.store, policy=READING_ALL, replicas=())
    more = [{"n": n, "text": noise(200, n)} for n in range(400, 800)]
    kept = client.append(bag, "log", more, scope="machine/new")
    place.age("machine/old", YEARS)
    assert place.actions() == {"machine/new": "keep", "machine/old": "keep"}
    forget()
    assert client.open(kept)["log"] == [*log, *more]


def test_a_damaged_live_pack_stops_the_collector_before_it_deletes(place):
    place.seal("machine/live")
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    (live,) = place.names("machine/live")
    place.store.put(live, place.store.get(live)[:-3])
    with pytest.raises(BlobCorrupt):
        place.actions()
    assert len(place.names("machine/old")) == 1


def test_scopes_that_are_named_stay_and_so_do_foreign_objects(place):
    for scope in ("machine/named", "machine/foreign", "unscoped"):
        place.seal(scope)
    place.store.put("machine/foreign/notes.txt", b"mine")
    place.age("", YEARS)
    rules = Rules(keep=(encode_scope("machine/named"),))
    assert set(place.actions(rules).values()) == {"keep"}


def test_a_clock_that_is_wrong_here_deletes_nothing(place, monkeypatch):
    place.seal("machine/live")

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=5000)

    monkeypatch.setattr("statebag.upkeep.gc.datetime", Tomorrow)
    assert place.actions() == {"machine/live": "keep"}


def test_a_mark_that_cannot_be_read_is_made_anew(place):
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    place.actions()
    (mark,) = place.names("@gc")
    for damaged in (b"", b"[]", b'{"v":2}', flipped(place.store.get(mark), 3)):
        place.store.put(mark, damaged)
        place.age("@gc", WEEK)
        assert place.actions() == {"machine/old": "mark"}
    place.age("@gc", WEEK)
    assert place.actions() == {"machine/old": "delete"}


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("operation", ["put", "head", "list", "get", "delete"])
def test_broken_off_at_any_call_it_goes_on_and_never_takes_what_is_needed(place, operation, kind):
    """Every call of every operation fails once, in a store that is collected to the end."""
    staged = 0
    live = place.seal("machine/live")
    for call in range(1, 100):
        place.seal("machine/old", {"log": [noise(400, n) for n in range(8)]})
        place.seal("machine/old/child")
        place.age("machine/old", YEARS)
        faulty = FaultyStore(place.store, [Fault(operation, call=call, kind=kind)])
        try:
            for _ in range(3):
                collect(faulty, dry_run=False)
                place.age("@gc", WEEK)
        except StoreUnavailable:
            staged += 1
        else:
            break
        for _ in range(3):
            collect(place.store, dry_run=False)
            place.age("@gc", WEEK)
        assert place.names("machine/old") == []
        forget()
        assert len(Statebag(place.store, policy=STORING).open(live)["log"]) == 60
    assert staged >= 2
    assert {kind_of(name) for name in place.names()} == {"pack"}


def test_a_mark_of_what_is_gone_goes_too(place):
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    place.actions()
    for name in place.names("machine"):
        place.store.delete(name)
    assert len(place.names()) == 1
    assert place.actions() == {}
    assert place.names() == []


def test_two_collectors_at_once(place):
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    place.actions()
    place.age("@gc", WEEK)

    class Interleaved(FileStore):
        """At its first delete, another collector does all the work."""

        def delete(self, name):
            if place.names("machine/old") and name.startswith("machine/old"):
                collect(place.store, dry_run=False)
            super().delete(name)

    collect(Interleaved(place.folder), dry_run=False)
    assert place.names() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"retention": timedelta(days=-1)},
        {"grace": timedelta(minutes=59)},
        *({"retention": days} for days in (95, 95.0, "95", None, True)),
        *({"grace": days} for days in (7, "7", None)),
        *({"keep": scopes} for scopes in ("prod", b"prod", None, 5, {"m": 1}, ["m", 5], [None])),
        *({"with_snapshots": switch} for switch in ("false", "", 0, 1, None, [])),
        *({"ended": ends} for ends in ("unknown", 0, datetime(2026, 1, 1, tzinfo=UTC))),
    ],
    ids=str,
)
def test_rules_that_would_be_unsafe_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        Rules(**wrong)


@pytest.mark.parametrize("switch", ["false", "", 0, 1, None])
def test_a_dry_run_is_one_or_none(place, switch):
    with pytest.raises(ConfigurationError, match="dry_run must be True or False, not"):
        collect(place.store, dry_run=switch)


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_scopes_that_stay_are_a_list_of_any_kind(kind):
    assert Rules(keep=kind(["m/r"])).keep == ("m/r",)


def handed_on(place, scope, bag, *, snapshot):
    """A bag whose history, unread, an execution of another scope has added to."""
    forget()
    client = Statebag(place.store, policy=READING_ALL, replicas=())
    entries = [noise(200, n) for n in range(5000, 5300)]
    grown = client.append(bag, "log", entries, scope=scope)
    if snapshot:
        text = json_text.encode(grown)
        place.store.put(f"{scope}/snapshots/post_{sha256_hex(text)[:32]}.json", text)
    return grown


LONG = {"log": [noise(200, n) for n in range(2000)]}


def test_what_a_held_execution_holds_stays_too(place):
    """A living snapshot names an index in one old execution that lists pieces of another one."""
    # So few pieces that they need no index until the second execution makes one.
    first = place.seal("machine/first", {"log": [noise(200, n) for n in range(30)]})
    second = handed_on(place, "machine/second", first, snapshot=False)
    live = handed_on(place, "machine/live", second, snapshot=True)
    needed = {info.name for info in place.store.list("machine/first")}
    (log,) = stubs(live)
    assert {scope_of(entry.blob.at) for entry in log.entries} <= {"machine/second", "machine/live"}
    for scope in ("machine/first", "machine/second"):
        place.age(scope, YEARS)
    for _ in range(3):
        actions = place.actions()
        place.age("@gc", WEEK)
    assert actions == {
        "machine/first": "keep",
        "machine/live": "keep",
        "machine/second": "keep",
    }
    assert needed <= set(place.names())
    forget()
    assert len(Statebag(place.store, policy=STORING).open(live)["log"]) == 630


def test_what_waits_for_its_grace_keeps_what_it_refers_to(place):
    first = place.seal("machine/first", LONG)
    place.age("machine/first", YEARS)
    rules = Rules(with_snapshots=True)
    assert place.actions(rules) == {"machine/first": "mark"}
    place.age("@gc", WEEK)
    later = handed_on(place, "machine/later", first, snapshot=True)
    place.age("machine/later", YEARS)
    assert place.actions(rules) == {"machine/first": "wait", "machine/later": "mark"}
    forget()
    assert len(Statebag(place.store, policy=STORING).open(later)["log"]) == 2300
    place.age("@gc", WEEK)
    assert place.actions(rules) == {"machine/first": "delete", "machine/later": "delete"}


@pytest.mark.parametrize("year", [1, 1900, 9999])
def test_an_object_s_clock_may_say_anything(place, year):
    place.seal("machine/odd")

    class Odd(RecordingStore):
        def list(self, prefix=""):
            for info in super().list(prefix):
                yield msgspec.structs.replace(info, modified=datetime(year, 12, 31, tzinfo=UTC))

    done = collect(Odd(place.store))
    assert [one.action for one in done.decisions] == ["keep" if year == 9999 else "mark"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"[]",
        b'"x"',
        b'{"v":1,"newest":5}',
        b'{"v":1,"newest":"2020-01-01"}',
        b"[" * 5000,
    ],
)
def test_a_mark_of_another_form_counts_for_nothing(place, body):
    place.seal("machine/old")
    place.store.put("@gc/marks/machine/old.json", body)
    place.age("", YEARS)
    assert place.actions() == {"machine/old": "mark"}
    assert place.actions() == {"machine/old": "wait"}


# Two accounts, or regions, that share a store and use the same names.

A, B = (f"arn:aws:states:{place}" for place in ("us-east-1:111111111111", "eu-west-1:222222222222"))


class Engines:
    """Step Functions of several places, in each of which a name is another execution's."""

    def __init__(self, **lives):
        self.lives = {f"{place}:execution:machine:one": life for place, life in lives.items()}

    def describe_execution(self, executionArn):  # noqa: N803 (the service's own name)
        if executionArn not in self.lives:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        began, ended = self.lives[executionArn]
        status = "RUNNING" if ended is None else "SUCCEEDED"
        return {"status": status, "startDate": began, "stopDate": ended}


def ago(**time):
    return datetime.now(UTC) - timedelta(**time)


ENDED = (ago(days=202), ago(days=200))
RUNNING = (ago(days=202), None)


def asking(*places, lives):
    return Rules(ended=execution_ends(places, Engines(**lives)))


@pytest.mark.parametrize(
    ("lives", "action"),
    [
        ({A: ENDED}, "mark"),
        ({B: ENDED}, "mark"),
        ({A: ENDED, B: ENDED}, "mark"),
        ({A: ENDED, B: RUNNING}, "keep"),
        ({A: RUNNING, B: ENDED}, "keep"),
        ({A: ENDED, B: (ago(days=202), ago(days=2))}, "keep"),
        ({}, "keep"),
    ],
)
def test_an_execution_is_over_when_it_is_over_in_every_place_that_is_asked(place, lives, action):
    place.seal("machine/one")
    place.age("machine/one", timedelta(days=201))
    assert place.actions(asking(A, B, lives=lives)) == {"machine/one": action}


def test_a_place_that_was_not_asked_is_known_from_its_own_collector(place):
    """The execution of B still runs; A only knows its own, which ended long ago."""
    lives = {A: ENDED, B: RUNNING}
    place.seal("machine/one")
    place.age("machine/one", timedelta(days=201))
    assert place.actions(asking(A, lives=lives), delete=False) == {"machine/one": "mark"}
    assert place.actions(asking(B, lives=lives)) == {"machine/one": "keep"}
    done = collect(place.store, asking(A, lives=lives), dry_run=False)
    assert [one.action for one in done.decisions] == ["keep"]
    assert B in done.decisions[0].why
    # Both asked, or a year later: then it is known again.
    assert place.actions(asking(A, B, lives={A: ENDED, B: ENDED})) == {"machine/one": "mark"}
    place.age("machine/one", timedelta(days=300))
    assert place.actions(asking(A, lives=lives)) == {"machine/one": "wait"}


def test_a_mark_does_not_outlive_what_another_collector_says(place):
    lives = {A: ENDED, B: RUNNING}
    place.seal("machine/one")
    place.age("machine/one", timedelta(days=201))
    assert place.actions(asking(A, lives=lives)) == {"machine/one": "mark"}
    assert place.actions(asking(B, lives=lives)) == {"machine/one": "keep"}
    place.age("@gc/marks", WEEK)
    assert place.actions(asking(A, lives=lives)) == {"machine/one": "keep"}
    assert len(place.names("machine/one")) == 1


def test_the_word_of_a_collector_that_is_gone_is_forgotten(place):
    lives = {A: ENDED}
    place.seal("machine/one")
    place.age("machine/one", timedelta(days=201))
    assert place.actions(asking(B, lives=lives)) == {"machine/one": "keep"}
    assert place.actions(asking(A, lives=lives)) == {"machine/one": "keep"}
    place.age("@gc/executions", timedelta(days=365 + 96))
    assert place.actions(asking(A, lives=lives)) == {"machine/one": "mark"}


@pytest.mark.parametrize(
    ("written", "action"),
    [
        (timedelta(days=201), "mark"),
        (timedelta(days=202, hours=20), "mark"),  # its input is sealed before it starts
        (timedelta(days=199, hours=4), "mark"),
        (timedelta(days=210), "keep"),  # by another execution of the name, before this one
        (timedelta(days=150), "keep"),  # or after it
    ],
)
def test_objects_of_another_time_are_of_another_execution(place, written, action):
    place.seal("machine/one")
    place.age("machine/one", written)
    assert place.actions(asking(A, lives={A: ENDED})) == {"machine/one": action}


# What writers left that were killed.


def test_marks_are_no_execution_s_objects_however_old_they_are(place):
    live = place.seal("machine/live")
    place.seal("machine/old")
    place.age("machine/old", YEARS)
    assert place.actions() == {"machine/live": "keep", "machine/old": "mark"}
    place.age("@gc", timedelta(days=3))
    assert place.actions() == {"machine/live": "keep", "machine/old": "wait"}
    place.age("@gc", YEARS)
    assert place.actions(delete=False) == {"machine/live": "keep", "machine/old": "delete"}
    assert place.names("@gc") == ["@gc/marks/machine/old.json"]
    assert place.actions() == {"machine/live": "keep", "machine/old": "delete"}
    assert Statebag(place.store, policy=STORING).open(live)


def test_the_mark_of_what_came_to_be_needed_goes_but_not_in_a_dry_run(place):
    bag = place.seal("machine/old")
    place.age("machine/old", YEARS)
    assert place.actions() == {"machine/old": "mark"}
    handed_on(place, "machine/live", bag, snapshot=True)
    expected = {"machine/live": "keep", "machine/old": "keep"}
    assert place.actions(delete=False) == expected
    assert place.names("@gc") == ["@gc/marks/machine/old.json"]
    assert place.actions() == expected
    assert place.names("@gc") == []


class Clock:
    """A store whose objects have the times that a test gives them."""

    def __init__(self, inner):
        self.inner = inner
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.times = {}

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def put(self, name, data):
        self.inner.put(name, data)
        self.times[name] = self.now

    def dated(self, info):
        return info and msgspec.structs.replace(info, modified=self.times[info.name])

    def head(self, name):
        return self.dated(self.inner.head(name))

    def list(self, prefix=""):
        return map(self.dated, self.inner.list(prefix))


def test_each_time_is_over_at_its_very_end():
    clock = Clock(MemoryStore())
    forget()
    Statebag(clock, policy=STORING, replicas=()).seal({"text": noise(3000)}, scope="machine/old")
    second = timedelta(seconds=1)

    def action():
        (decision,) = collect(clock, dry_run=False).decisions
        return decision.action

    clock.now += LONGEST_EXECUTION + RETENTION - second
    assert action() == "keep"
    clock.now += second
    assert action() == "mark"
    clock.now += WEEK - second
    assert action() == "wait"
    clock.now += second
    assert action() == "delete"
    assert list(clock.list()) == []


def test_a_grace_of_an_hour_is_long_enough():
    assert Rules(grace=timedelta(hours=1)).grace == timedelta(hours=1)
    with pytest.raises(ConfigurationError):
        Rules(grace=timedelta(minutes=59))


def test_a_decision_says_how_much_it_is_about(place):
    place.seal("machine/old")
    place.seal("machine/old/child")
    sizes = [info.size for info in place.store.list()]
    (decision,) = collect(place.store).decisions
    assert (decision.objects, decision.bytes) == (len(sizes), sum(sizes))
