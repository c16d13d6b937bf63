"""Functions that are given a stub, and what they do with it."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

import statebag
from statebag import Statebag
from statebag.format.stub import KEY
from statebag.local.unopened_stubs import NOT_OPENED
from tests.local.machines import task
from tests.local.sealed_state import END, NAMED, SCOPE, STATE, NoSuchRowError, client, run


def unread(event, _context):
    return {"count": len(event)}


def stubborn(event, _context):
    return event["rows"] + 1  # fails as code does that finds a stub


def honest(_event, _context):
    raise NoSuchRowError


@pytest.mark.parametrize("handler", [unread, stubborn])
@pytest.mark.parametrize("catching", [False, True])
def test_a_function_that_does_not_open_what_it_is_given(handler, catching):
    more = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}]} if catching else {}
    named = {"Type": "Pass", "Parameters": {"rows.$": "$.rows", "n": 1}}
    ran = run(("Pick", named), ("B", task("b", **more)), ("End", END), functions={"b": handler})
    assert (ran.status, ran.error) == ("FAILED", NOT_OPENED)
    assert "The state 'B' gives a stub to the function b at $.rows of its event" in ran.cause
    assert "@statebag.step" in ran.cause
    assert "--allow-unopened b" in ran.cause
    assert ran.warnings == ()


@pytest.mark.parametrize("allowed", ["b", "*", "?"])
def test_a_function_that_may_leave_it_unopened(allowed):
    ran = run(("B", task("b")), ("End", END), functions={"b": unread}, allow_unopened=[allowed])
    assert ran.status == "SUCCEEDED"
    (warning,) = ran.warnings
    assert "The state 'B' gives a stub to the function b at $ of its event" in warning


def test_an_error_of_its_own_is_the_functions_own():
    ran = run(("B", task("b")), ("End", END), functions={"b": honest})
    assert ran.error == "NoSuchRowError"
    (warning,) = ran.warnings
    assert "The state 'B' gives a stub to the function b at $ of its event" in warning
    assert "put @statebag.step around its handler" in warning


@pytest.mark.parametrize("catching", [False, True])
def test_a_function_that_opens_one_field_and_fails_on_another(catching):
    """Its own error ends the run; that a stub may be why is said beside it."""
    sb = client()
    made = sb.seal({"one": "x" * 90_000, "two": list(range(90_000)), "n": 1}, scope=SCOPE)

    def opens_one(event, _context):
        return {"n": event["n"], "sum": len(sb.open(event["one"])) + event["two"][7]}

    catch = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}]} if catching else {}
    functions = {"make": lambda _e, _c: made, "b": opens_one}
    ran = run(("B", task("b", **catch)), ("End", END), functions=functions, strict=False)
    assert ran.status == ("SUCCEEDED" if catching else "FAILED")
    assert ran.error == (None if catching else "KeyError")
    (warning,) = ran.warnings
    assert "The state 'B' gives a stub to the function b at $.two of its event" in warning
    assert "put @statebag.step around its handler" in warning

    def opens_both(event, _context):
        return len(sb.open(event["one"])) + sb.open(event)["two"]["no such"]

    for handler in (opens_both, lambda event, _context: sb.open(event["one"]) and 1):
        ran = run(
            ("B", task("b", **catch)), ("End", END),
            functions={**functions, "b": handler}, strict=False,
        )  # fmt: skip
        assert ran.warnings == ()


def test_a_decorated_function_that_fails_is_told_nothing_of_stubs():
    sb = client()
    handler = sb.step(scope="$.other")(lambda state, _context: state["no such"])
    made = {"make": lambda _e, _c: sb.seal({**STATE, "other": SCOPE}, scope=SCOPE), "b": handler}
    ran = run(("B", task("b")), ("End", END), functions=made)
    assert (ran.error, ran.warnings) == ("KeyError", ())


def other_bag(event, _context):
    sb = client()
    sb.open(sb.seal({"x": 1}, scope=SCOPE))
    sb.open({"x": 1})
    sb.get({"x": 1}, "$.x")
    list(sb.open_each(one for one in [{"x": 1}]))
    return {"count": len(event["rows"])}


def exits(_event, _context):
    sys.exit(0)


@pytest.mark.parametrize("handler", [honest, exits])
def test_an_error_of_its_own_that_a_catch_takes(handler):
    catch = {"ErrorEquals": ["States.ALL"], "Next": "End"}
    state = task("b", Catch=[catch])
    ran = run(("B", state), ("End", END), functions={"b": handler})
    assert (ran.status, ran.error) == ("FAILED", NOT_OPENED)
    assert "The state 'B' gives a stub to the function b at $ of its event" in ran.cause
    assert ran.history[-1]["type"] == "ExecutionFailed"
    ran = run(("B", state), ("End", END), functions={"b": handler}, allow_unopened=["b"])
    assert (ran.status, len(ran.warnings)) == ("SUCCEEDED", 1)


def test_an_error_before_a_try_that_reads():
    functions = reader("open")
    calls = []

    def late(event, context):
        calls.append(1)
        return functions["b"](event, context) if len(calls) > 1 else honest(event, context)

    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}
    ran = run(("B", task("b", Retry=[retry])), ("End", END), functions={**functions, "b": late})
    assert (ran.status, ran.cause, len(calls)) == ("SUCCEEDED", None, 2)


def test_an_error_of_this_library_is_told_as_it_is():
    def fails(_event, _context):
        raise statebag.StoreUnavailable("the store did not answer")

    catch = {"ErrorEquals": ["StoreUnavailable"], "Next": "End"}
    ran = run(("B", task("b", Catch=[catch])), ("End", END), functions={"b": fails})
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


def test_a_function_that_reads_another_bag_than_it_is_given():
    state = {**task("b"), "Parameters": {"rows.$": "$.rows"}}
    ran = run(("B", state), ("End", END), functions={"b": other_bag})
    assert (ran.status, ran.error) == ("FAILED", NOT_OPENED)


def reader(kind):
    """A function that reads its stubs in one of the ways that there are."""
    sb = client(msgspec.structs.replace(NAMED, strict=True))
    ways = {
        "open": lambda event, _context: len(sb.open(event)),
        "get": lambda event, _context: sb.get(event, "$.route"),
        "only": lambda event, _context: sb.open(event, only=[]) and 1,
        "append": lambda event, _context: sb.append(event, "$.fresh", [1], scope=SCOPE) and 1,
        "part": lambda event, _context: sb.open(event["rows"]) and 1,
        "item": lambda event, _context: sb.get(event["rows"], "$[3]"),
        "text": lambda event, _context: sb.open(json.dumps(event)) and 1,
        "bytes": lambda event, _context: sb.open(json.dumps(event, indent=1).encode()) and 1,
        "wrapped": lambda event, _context: sb.open({"a": [event]}) and 1,
        "each": lambda event, _context: len(list(sb.open_each([event]))),
        "each of a generator": lambda event, _context: len(list(sb.open_each(e for e in [event]))),
        "differences": lambda event, _context: len(sb.differences({}, event)),
        "opened on": lambda event, _context: sb.open(sb.open(event, only=[])) and 1,
        "copied": lambda event, _context: sb.open({**event, "fresh": 1}) and 1,
        "pool": lambda event, _context: ThreadPoolExecutor(1).submit(sb.open, event).result() and 1,
        "step": sb.step(scope="$.other", returns="delta")(lambda _state, _context: {"x": 1}),
        "step in a function": None,
        "router": sb.step(scope="$.other", only=[])(lambda state, _context: state),
    }
    ways["step in a function"] = lambda event, context: {"in": ways["step"](event, context)}
    made = sb.seal({**STATE, "other": SCOPE}, scope=SCOPE)
    return {"make": lambda _e, _c: made, "b": ways[kind]}


@pytest.mark.parametrize(
    "kind",
    [
        "open",
        "get",
        "only",
        "append",
        "part",
        "item",
        "text",
        "bytes",
        "wrapped",
        "each",
        "each of a generator",
        "differences",
        "opened on",
        "copied",
        "pool",
        "step",
        "step in a function",
        "router",
    ],
)
def test_a_function_that_reads_stubs_itself(kind):
    functions = reader(kind)
    assert KEY in functions["make"](None, None)
    ran = run(("B", task("b")), ("End", END), functions=functions)
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


def test_the_manager_knows_stubs(monkeypatch):
    from statebag.state_data_manager import lambda_handler

    monkeypatch.setenv("STATEBAG_STORE", "memory://" + os.urandom(6).hex())
    made = Statebag(policy=NAMED).seal({**STATE, "execution_id": SCOPE}, scope=SCOPE)
    named = {
        "Type": "Task",
        "Resource": "m",
        "Parameters": {
            "action": "sync",
            "state_data.$": "$",
            "execution_result": {"status": "COMPLETE"},
        },
    }
    functions = {
        "make": lambda _e, _c: made,
        "m": lambda event, context: {**lambda_handler(event, context)},
    }
    ran = run(("B", named), ("End", END), functions=functions)
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


def test_the_decorator_of_the_environment_knows_stubs(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://" + os.urandom(6).hex())
    handler = statebag.step(scope="$.other")(
        lambda state, _context: {**state, "seen": len(state["rows"])}
    )
    made = Statebag(policy=NAMED).seal({**STATE, "other": SCOPE}, scope=SCOPE)
    ran = run(("B", task("b")), ("End", END), functions={"make": lambda _e, _c: made, "b": handler})
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)
    assert Statebag().open(ran.output)["seen"] == 50
