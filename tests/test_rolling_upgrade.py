"""An execution in flight whose steps take turns between an older release and this one.

Two interpreters: one imports a frozen package of before patches, the other the library of today.
"""

import json
import os
import random
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from statebag import Policy, Statebag
from statebag.format.stub import KEY
from statebag.local import run
from statebag.testing.process import forget
from tests.bags import forms, noise
from tests.sealing.test_overlays import layered

TESTS = Path(__file__).resolve().parent
OLDER = TESTS / "golden" / "releases" / "forms1.zip"
TODAY = TESTS.parent / "src"
LIMIT = 262_144
NOTHING = {"set": {}, "append": {}, "edit": {}}


class Worker:
    """Steps in another interpreter."""

    def __init__(self, process):
        self._process = process
        self.source = json.loads(process.stdout.readline())["from"]

    def __call__(self, bag, change, execution="machine/run"):
        call = {"event": {"execution_id": execution, "state": bag}, "change": change}
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def worker(package, store, **variables):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("STATEBAG_")
    }
    environment |= {"PYTHONPATH": str(package), "STATEBAG_STORE": store, **variables}
    process = subprocess.Popen(
        [sys.executable, TESTS / "rolling_worker.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        try:
            made = Worker(process)
            assert made.source.startswith(str(package))
            yield made
        finally:
            process.kill()


@pytest.fixture
def store(tmp_path):
    return (tmp_path / "store").as_uri()


def record(random_, turn):
    return {"turn": turn, "text": noise(random_.randrange(100, 900), random_.random())}


def applied(state, change):
    state = {**state, **change["set"]}
    for key, items in change["append"].items():
        state[key] = [*state.get(key, []), *items]
    for key, (at, value) in change["edit"].items():
        state[key] = [*state[key][:at], value, *state[key][at + 1 :]]
    return state


def changes(seed, steps):
    """Every form is provoked: long values, appends, edits of what is stored, many small keys."""
    random_ = random.Random(seed)
    yield {
        "set": {
            "turn": 0,
            "documents": [record(random_, n) for n in range(600)],
            "text": noise(50_000, seed),
            "small keys": {f"key {n}": n for n in range(20_000)},
            "lookalike": {KEY: {"v": 7}},
        },
        "append": {"log": [record(random_, n) for n in range(100)]},
        "edit": {},
    }
    for turn in range(1, steps):
        yield {
            "set": {"turn": turn, "note": noise(random_.randrange(10, 40_000), turn)},
            "append": {"log": [record(random_, turn) for _ in range(random_.randrange(60))]},
            "edit": {"documents": [random_.randrange(600), record(random_, turn)]},
        }


@pytest.mark.parametrize("seed", range(3))
def test_steps_take_turns_while_the_newer_one_writes_what_both_read(store, seed):
    """Readers first: both are deployed, `STATEBAG_FORMS=1` holds until the older one is gone."""
    order = random.Random(seed)
    state, bag = {}, {}
    with (
        worker(OLDER, store) as older,
        worker(TODAY, store, STATEBAG_FORMS="1") as newer,
        worker(TODAY, store) as newest,
    ):
        taken = []
        for number, change in enumerate(changes(seed, 12)):
            one = order.choice([older, newer]) if number > 1 else (older, newer)[number]
            taken.append(one)
            state = applied(state, change)
            answer = one(bag, change)
            assert "bag" in answer, answer
            bag = answer["bag"]
            if number % 4 == 3:  # a step that reads nothing hands on what the other wrote
                state["turn"] += 1
                bag = (newer if one is older else older)(bag, None)["bag"]
            assert "patched" not in set(forms(bag))
            for reader in (older, newest):
                assert reader(bag, "open") == {"state": state}
        assert set(taken) == {older, newer}
        assert len(json.dumps(state)) > 2 * LIMIT


def test_what_the_older_release_cannot_read_is_an_error_and_the_newer_one_goes_on(store):
    """Writers before readers: what that looks like, and that nothing is lost."""
    first, edit = list(changes(5, 2))
    edit = {**NOTHING, "edit": edit["edit"]}
    with worker(TODAY, store) as newer, worker(OLDER, store) as older:
        bag = newer({}, first)["bag"]
        bag = newer(bag, edit)["bag"]
        assert "patched" in set(forms(bag))
        state = applied(applied({}, first), edit)
        refused = older(bag, NOTHING)
        assert refused["error"] == "InvalidStub"
        # Redriven once its function is upgraded, the very event opens.
        assert newer(bag, "open") == {"state": state}
    # And back: a writer that is held at the older forms rewrites what the newer ones left behind.
    with worker(TODAY, store, STATEBAG_FORMS="1") as held, worker(OLDER, store) as older:
        bag = held(bag, None)["bag"]
        state["turn"] += 1
        assert "patched" not in set(forms(bag))
        assert older(bag, "open") == {"state": state}


@pytest.mark.parametrize("only", [["turn"], ["inner.text"], [], None], ids=str)
def test_what_stands_beside_many_small_keys_is_held_back_too(store, only):
    """A *rest* hands on more than itself: an edited field of its own stands beside it."""
    small = {f"key {n}": n for n in range(3000)}
    text = noise(60_000, 1)
    forget()
    storing = Statebag(store, policy=Policy(carry_bytes=0))
    first = {"turn": 0, "inner": {**small, "text": text}}
    storing.open(storing.seal(first, scope="machine/run"))
    state = {"turn": 0, "inner": {**small, "text": text[:1000] + "edited" + text[1000:]}}
    bag = Statebag(store, policy=Policy(max_bag_bytes=30_000)).seal(state, scope="machine/run")
    assert {"rest", "patched"} <= set(stub_fields(bag))

    forget()
    held = Statebag(store, policy=Policy(forms=1))
    opened = held.open(bag, only=only, scope="machine/run")
    passed = held.seal(opened | {"turn": 1}, scope="machine/run")
    longer = held.append(passed, "log", ["more"], scope="machine/run")
    at_once = held.append(bag, "log", ["more"], scope="machine/run")
    for one in (passed, longer, at_once):
        assert "patched" not in set(stub_fields(one))
    with worker(OLDER, store) as older:
        assert older(longer, "open") == {"state": {**state, "turn": 1, "log": ["more"]}}
        assert older(at_once, "open") == {"state": {**state, "log": ["more"]}}


def stub_fields(value):
    """`rest` and `patched` for each stub of such a form, also beside another one."""
    if isinstance(value, list):
        for item in value:
            yield from stub_fields(item)
    if isinstance(value, dict):
        body = value.get(KEY, {})
        yield from (
            name for name, field in [("rest", "rest"), ("patched", "patch")] if field in body
        )
        for key, member in value.items():
            if key != KEY:
                yield from stub_fields(member)


def test_an_execution_on_the_engine_goes_on_while_its_functions_are_upgraded(store):
    """One execution: older, both in turns, newer held back, and newer with all its forms."""
    planned = list(changes(9, 10))
    expected = {}
    for change in planned:
        expected = applied(expected, change)
    with (
        worker(OLDER, store) as older,
        worker(TODAY, store, STATEBAG_FORMS="1") as held,
        worker(TODAY, store) as newest,
    ):
        order = [older, older, held, older, held, older, held, held, newest, newest]
        calls = iter(zip(order, planned, strict=True))
        left = len(order)

        def step(event, context):
            nonlocal left
            one, change = next(calls)
            left -= 1
            answer = one(event["state"], change, event["execution_id"])
            return {"bag": answer["bag"], "more": left > 0}

        definition = {
            "StartAt": "Step",
            "States": {
                "Step": {
                    "Type": "Task",
                    "Resource": "step",
                    "Parameters": {"execution_id.$": "$$.Execution.Id", "state.$": "$.bag"},
                    "Next": "More",
                },
                "More": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.more", "BooleanEquals": True, "Next": "Step"}],
                    "Default": "Done",
                },
                "Done": {"Type": "Succeed"},
            },
        }
        # The bag is opened in another process.
        ran = run(definition, functions={"step": step}, input={"bag": {}}, allow_unopened=["step"])
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)
    forget()
    assert Statebag(store).open(ran.output["bag"]) == expected
    assert len(json.dumps(expected)) > 2 * LIMIT


def test_a_form_of_the_release_to_come_fails_the_state_once_and_names_the_release(store):
    """What a writer that went first does to a reader of today: no retry helps, a redrive does."""
    forget()
    bag = Statebag(store).seal({"text": noise(60_000, 1)}, scope="machine/run")
    bag["text"][KEY] |= {"v": 2, "since": "0.2"}
    attempts = []

    def step(event, context):
        attempts.append(event)
        return Statebag(store).open(event)

    definition = {
        "StartAt": "Step",
        "States": {
            "Step": {
                "Type": "Task",
                "Resource": "step",
                "Retry": [{"ErrorEquals": ["StoreUnavailable"], "IntervalSeconds": 1}],
                "End": True,
            }
        },
    }
    ran = run(definition, functions={"step": step}, input=bag)
    assert (ran.status, ran.error, len(attempts)) == ("FAILED", "UnsupportedFormat", 1)
    assert "Install statebag 0.2 or newer" in ran.cause


@pytest.mark.parametrize("number", [1, 2])
def test_a_generation_is_written_where_it_is_asked_for(store, number):
    forget()
    sb = Statebag(store, policy=Policy(forms=number))
    text = noise(60_000, 1)
    storing = Statebag(store, policy=Policy(carry_bytes=0))
    storing.open(storing.seal({"text": text}, scope="machine/run"))
    bag = sb.seal({"text": text[:30_000] + "edited" + text[30_000:]}, scope="machine/run")
    assert ("patched" in set(forms(bag))) == (number == 2)


def test_stored_deltas_are_refused_by_an_older_release_and_a_held_writer_takes_them_away(store):
    bag, state = layered(store)
    with worker(OLDER, store) as older:
        refused = older(bag, "open", "m/e")
        assert refused["error"] == "UnsupportedFormat"
        assert "version" in refused["message"]
    with worker(TODAY, store, STATEBAG_FORMS="3") as held:
        bag = held(bag, {**NOTHING, "set": {"turn": 1}}, "m/e")["bag"]
        state["turn"] = 1
        assert "layered" not in set(forms(bag))
        assert held(bag, "open", "m/e") == {"state": state}
