"""Every public callable, with wrong values for each parameter: a success, or an error of ours."""

import asyncio
import inspect
import itertools
import math
from collections.abc import Iterator
from datetime import timedelta

import pytest

import statebag
from statebag import Policy, Statebag, StatebagError, Unopened, state_data_manager
from statebag import errors as own_errors
from statebag.history import history_of, transitions
from statebag.lint import Options, lint
from statebag.local import load_mocks, load_workflow, run
from statebag.opening import read_map_results
from statebag.stepfunctions import query, send_task_success, start_execution
from statebag.store import FileStore, MemoryStore, store_from_url
from statebag.upkeep import Rules, collect
from statebag.values import Values

CANARY = "canary-of-a-state"
STATE = {"rows": [{"n": n, "text": CANARY * 20} for n in range(300)], "b": CANARY * 3000, "c": 1}
SCOPE = "machine/run"
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
WRONG = {
    "5": 5,
    "-1": -1,
    "no text": "",
    "bytes": b"x",
    "null": None,
    "no list": [],
    "no object": {},
    "an object": object(),
    "a lone surrogate": "\ud800",
    "a huge number": 10**5000,
    "nan": math.nan,
    "a list of a number": [5],
    "a list of null": [None],
    "a tuple": ("a",),
    "a set": {1, 2},
    "an object by number": {5: 5},
    "an object of an object": {"a": object()},
    "a slice": [slice(0, 1, [])],
    "a huge index": ["rows", 10**5000],
    "a class": dict,
    "True": True,
}


def handler(state, context):
    return state


# Functions that fail when they are called: their errors are the caller's own.
OF_THE_CALLER = {(one, "a class") for one in ("locate", "note", "wanted")}
OF_HELPERS = {
    "event": {}, "compressed_data": "x", "data_type": "state", "idempotency_key": "key",
    "key": "workflow-state/key/one.json", "new": [], "s3_path": "s3://bucket/key", "value": {},
    "data": {}, "state_history": [], "current_state": {}, "existing": [], "context": None,
}  # fmt: skip


class Targets:
    """Public callables by name, each with arguments that are right; new ones at each call."""

    def __init__(self):
        self.sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, attempts=1))
        self.bag = self.sb.seal(STATE, scope=SCOPE)
        self.archive = self.sb.export(self.bag)
        self.head = self.sb.heads("m/heads").head("main")

    def __call__(self) -> Iterator[tuple[str, object, dict]]:
        self.version = self.head.read()  # another call may have deleted it
        if self.version is None:
            self.version = self.head.advance(self.head.seal(STATE), None)
        right = {
            "state": STATE, "bag": self.bag, "bags": [self.bag], "scope": SCOPE, "path": "$.rows",
            "field": "$.rows", "entries": [1], "archive": self.archive, "before": self.bag,
            "after": self.bag, "names": [], "policy": Policy(), "values": Values(),
            "details": {"Bucket": "b", "Key": "k"}, "place": 0, "text": b"[1]",
        }  # fmt: skip
        yield from self.methods("Statebag", self.sb, right, {"step"})
        in_heads = {
            **right, "expected": self.version, "version": self.version, "numbers": [],
            "label": "one", "name": "main", "target": self.sb.heads("m/other").head("main"),
            "after": self.version, "scope": "m/copies", "keep": 5, "younger": timedelta(1),
        }  # fmt: skip
        yield from self.methods("Head", self.head, in_heads)
        yield from self.methods("Heads", self.sb.heads("m/heads"), in_heads)
        of_attached = {**in_heads, "key": "a"}
        yield from self.methods("Attached", self.head.attached, of_attached)
        yield from self.methods("Version", self.version, {})
        yield from self.methods("Policy", Policy(), {})
        for one in (Policy, Statebag, Values, MemoryStore, Rules, Options):
            yield one.__name__, one, {}
        yield "FileStore", FileStore, {"root": "x"}
        yield "Values.register", Values().register, {"kind": timedelta}
        yield from self.methods("Values", Values(), {"value": 1}, {"register"})
        for where, step in (("statebag", statebag.step), ("Statebag", self.sb.step)):
            yield f"{where}.step", step, {"handler": handler}
        yield "Unopened", Unopened, {"wire": {}, "stub": None}
        for name in own_errors.__all__:
            yield name, getattr(own_errors, name), {"message": "m"}
        for name in state_data_manager.__all__:
            if callable(getattr(state_data_manager, name)):
                yield name, getattr(state_data_manager, name), OF_HELPERS
        yield "run", run, {"definition": MACHINE}
        yield "load_workflow", load_workflow, {"path": "absent.json"}
        yield "load_mocks", load_mocks, {"path": "absent.json", "case": "one"}
        yield "history_of", history_of, {"arn": "a", "machine": "m", "events": []}
        yield "transitions", transitions, {"history": history_of("a", "m", [])}
        yield "lint", lint, {"paths": [], "options": Options()}
        yield "collect", collect, {"store": MemoryStore()}
        yield "store_from_url", store_from_url, {"url": "memory://x"}
        read = {"locate": lambda _, key: (MemoryStore(), key), "details": right["details"]}
        yield "read_map_results", read_map_results, read
        arn = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
        yield "start_execution", start_execution, {
            "sb": self.sb, "state_machine_arn": arn, "input_value": {}, "client": Answers(),
        }  # fmt: skip
        yield "send_task_success", send_task_success, {
            "sb": self.sb, "token": "t", "result": {}, "execution": "m/e", "client": Answers(),
        }  # fmt: skip
        yield "query", query, {
            "sb": self.sb, "client": Answers(),
            "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
        }  # fmt: skip

    @staticmethod
    def methods(name, value, right, without=frozenset()):
        for one in dir(value):
            if not one.startswith("_") and one not in without and callable(getattr(value, one)):
                yield f"{name}.{one}", getattr(value, one), right


class Answers:
    """A client of Step Functions in which everything succeeds at once."""

    def __getattr__(self, name):
        return lambda **_: {
            "executionArn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
            "status": "SUCCEEDED",
            "output": "{}",
        }


def parameters(function):
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError, NameError):  # of a struct whose types are not imported
        return [
            inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None)
            for one in getattr(function, "__struct_fields__", ())
        ]


def arguments(all_parameters, chosen, wrong, right):
    """The call in which one parameter has a wrong value."""
    given, named = [], {}
    for one in all_parameters:
        if one.kind is one.VAR_KEYWORD:
            continue
        if one is chosen:
            value = wrong
        elif one.name in right:
            value = right[one.name]
        elif one.default is one.empty and one.kind is not one.VAR_POSITIONAL:
            raise LookupError(f"no right value is known for {one.name}")
        else:
            continue
        if one.kind in {one.POSITIONAL_ONLY, one.VAR_POSITIONAL}:
            given.append(value)
        else:
            named[one.name] = value
    return given, named


def used(value, right):
    """What a call gave is used: a coroutine, an iterator, a decorator, another client."""
    if inspect.isawaitable(value):
        return asyncio.run(asyncio.wait_for(value, 60))
    if isinstance(value, Iterator):
        return list(itertools.islice(value, 50))
    if isinstance(value, Statebag):
        return value.open(value.seal({"a": [1]}, scope="m/e"), scope="m/e")
    if inspect.isfunction(value) and "handler" in right:
        if value.__name__ != "handler":
            value = value(handler)
        return value({"execution_id": "m/e", "a": 1}, None)
    return value


TARGETS = Targets()
NAMES = sorted({name for name, _, _ in TARGETS()})


def test_each_public_name_is_called():
    assert len(NAMES) > 90
    for name in statebag.__all__:
        if callable(getattr(statebag, name)):
            assert {name, f"statebag.{name}"} & set(NAMES), name


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_argument_is_an_error_of_ours(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, function, right = next(one for one in TARGETS() if one[0] == name)
    all_parameters = parameters(function)
    raw = []
    for chosen, (label, wrong) in itertools.product(all_parameters, WRONG.items()):
        if chosen.kind is chosen.VAR_KEYWORD:
            continue
        if (chosen.name, label) in OF_THE_CALLER:
            continue
        given, named = arguments(all_parameters, chosen, wrong, right)
        try:
            used(function(*given, **named), right)
        except StatebagError as error:
            assert CANARY not in str(error)  # noqa: PT017  # most calls succeed
        except Exception as error:  # noqa: BLE001  # which is what is looked for
            raw.append(f"{name}({chosen.name}={label}): {type(error).__name__}: {error}")
    assert not raw, "\n".join(one[:300] for one in raw)
