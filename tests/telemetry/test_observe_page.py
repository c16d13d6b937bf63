"""docs/observe.md against the code, in both directions: metrics, counters, warnings, names."""

import ast
import json
import logging
import re
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks.summary import DOLLARS_PER_GET, DOLLARS_PER_PUT

import statebag
from statebag import BlobMissing, Policy, Statebag
from statebag.asl.arns import parse_execution_arn
from statebag.sinks import from_environment
from statebag.sinks.embedded_metrics import figures
from statebag.sinks.json_log import JsonLog
from statebag.state_data_manager import lambda_handler
from statebag.stepfunctions import start_execution
from statebag.store.memory import MemoryStore
from statebag.telemetry import steps
from statebag.telemetry.log_warnings import WARNINGS
from statebag.telemetry.steps import Done, StepNames
from statebag.telemetry.usage import Usage
from statebag.testing.process import forget
from tests.bags import noise

SOURCE = Path(statebag.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "observe.md").read_text("utf-8")
ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run-1"
RUN = "machine/run-1"
CONTEXT = SimpleNamespace(function_name="Judge")
CANARY = "canary-93d0"


def rows(first):
    """The rows of the page's table whose first column has this name: a list of cells each."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            return found
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    raise AssertionError(first)


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def done(**more):
    spent = Usage(**dict.fromkeys(Usage.__struct_fields__, 3))
    names = {"function": "F", "action": "step", "execution": RUN, "execution_arn": ARN}
    return Done(
        **{
            **names,
            "scope": RUN,
            "state": "S",
            "seconds": 1.0,
            "usage": spent,
            "error": None,
            **more,
        }
    )


def test_the_table_of_metrics_is_what_a_step_prints():
    told = {words(name)[0]: (unit, there) for name, unit, there, _ in rows("metric")}
    full = {name: unit.lower() for name, unit, _ in figures(done())}
    least = {name for name, _, _ in figures(done(usage=Usage()))}
    bag = {name for name, _, _ in figures(done(usage=Usage(bag_bytes=1)))}
    assert {name: unit for name, (unit, _) in told.items()} == full
    for name, (_, there) in told.items():
        when = "always" if name in least else "if a bag was made" if name in bag else "above 0"
        assert there == when, name


def test_alarms_and_the_dashboard_read_metrics_that_there_are():
    template = (Path(__file__).parents[2] / "deploy" / "template.yaml").read_text("utf-8")
    named = set(re.findall(r'MetricName=\\?"(\w+)\\?"', template))
    named |= set(re.findall(r"Namespace: Statebag\s+MetricName: (\w+)", template))
    assert {"HeadroomBytes", "BagBytes"} <= named
    assert named <= {name for name, _, _ in figures(done())}


def test_the_table_of_counters_is_what_a_log_line_has(capsys):
    log = logging.getLogger("statebag")
    handlers, propagate = list(log.handlers), log.propagate
    try:
        JsonLog().ended(done(error="BlobMissing"))
    finally:
        log.handlers, log.propagate = handlers, propagate
    line = json.loads(capsys.readouterr().out)
    counters = {word for cells in rows("counter") for word in words(cells[0])}
    names = {words(cells[0])[0] for cells in rows("name")}
    lines = {"timestamp", "level", "message", "function", "error"}
    assert set(line) == counters | names | lines
    assert names == set(StepNames.__struct_fields__) - {"function"}


def test_the_example_of_a_log_line_has_names_and_counters_of_the_tables():
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    example = json.loads(text)
    known = {word for first in ("counter", "name") for row in rows(first) for word in words(row[0])}
    assert set(example) <= known | {"timestamp", "level", "message", "function"}
    assert example["execution"] == example["scope"]


def warnings_given():
    """The first argument of each call of `warn`, and places that log a warning in another way."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name == "warn":
                yield node.args[0].value, file
            elif name.endswith(".warning"):
                yield None, file


def test_the_table_of_warnings_is_what_the_library_gives():
    told = {words(cells[0])[0]: words(cells[2]) for cells in rows("warning")}
    assert set(told) == set(WARNINGS) == {name for name, _ in warnings_given() if name}
    elsewhere = {file.relative_to(SOURCE).as_posix() for name, file in warnings_given() if not name}
    # The run of an engine on this machine, and a session of an agent, are not steps.
    others = {"local/records.py", "integrations/claude.py"}
    assert elsewhere == {"telemetry/log_warnings.py", *others}
    metrics = {name for name, _, _ in figures(done())}
    for name, counter in WARNINGS.items():
        assert told[name] == ([] if counter is None else [name])
        assert (name in metrics) == (counter is not None)
        assert counter is None or counter in Usage.__struct_fields__


@pytest.fixture
def watched(monkeypatch, capsys):
    """What is printed while a step is watched in both ways: the lines, warnings apart."""
    for kind in ("METRICS", "LOG"):
        monkeypatch.setenv(f"STATEBAG_{kind}", {"METRICS": "emf", "LOG": "json"}[kind])
    monkeypatch.delenv("STATEBAG_TRACING", raising=False)
    monkeypatch.setenv("STATEBAG_STORE", f"memory://{uuid.uuid4().hex}")
    for name in ("STATEBAG_WIRE", "STATEBAG_LEGACY", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    forget()

    def lines():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield lines
    steps.spans_through(None)
    from_environment._watchers.cache_clear()
    log = logging.getLogger("statebag")
    for handler in list(log.handlers):
        log.removeHandler(handler)
    log.propagate = True
    log.setLevel(0)


def as_it_is(state, _context):
    return state


def event(**fields):
    return {"execution_id": ARN, "state_name": "Judge it", **fields}


def stored(store):
    """A bag with a value in a store."""
    state = event(text=noise(60_000))
    return Statebag(store, policy=Policy(carry_bytes=0), replicas=()).seal(state, scope=RUN)


def legacy_pointers_left(_monkeypatch):
    pointers = [{"type": "s3_reference", "s3_path": f"s3://b/{n}"} for n in range(3)]
    Statebag().step(as_it_is)(
        event(a=pointers[0], b={"c": pointers[1:], "d": pointers[2]}), CONTEXT
    )
    return 3


def bag_texts_left(_monkeypatch):
    text = json.dumps(stored(MemoryStore()))
    Statebag().step(as_it_is, embedded=False)(event(a=text, b=[text]), CONTEXT)
    return 2


def healed_reads(_monkeypatch):
    store, replica = MemoryStore(), MemoryStore()
    bag = stored(store)
    for info in list(store.list()):
        replica.put(info.name, store.get(info.name))
        store.delete(info.name)
    forget()
    Statebag(store, replicas=[replica]).step(as_it_is)(event(**bag), CONTEXT)
    return 1


def place_not_used(_monkeypatch):
    store = MemoryStore()
    bag = stored(store)
    for info in list(store.list()):
        store.delete(info.name)
    forget()
    with pytest.raises(BlobMissing):
        Statebag(store, replicas=[MemoryStore()]).step(as_it_is)(event(**bag), CONTEXT)
    return 0


def not_reported(monkeypatch):
    class Broken:
        def ended(self, done):
            raise OSError(CANARY)

    made = from_environment._made
    monkeypatch.setattr(
        from_environment,
        "_made",
        lambda kind, name: [*([Broken()] if kind == "metrics" else []), *made(kind, name)],
    )
    from_environment._watchers.cache_clear()
    Statebag().step(as_it_is)(event(), CONTEXT)
    return 0


def branches_missing(_monkeypatch):
    root = Statebag().store.url
    pointers = [{"branch_id": f"b{n}", "s3_path": f"{root}/{RUN}/gone_{n}.json"} for n in range(13)]
    given = {"action": "aggregate_branches", "on_missing": "keep", "branch_pointers": pointers}
    lambda_handler(event(state_data={"execution_id": RUN}, **given), CONTEXT)
    return 13


def never_compressed(_monkeypatch):
    lambda_handler(event(action="decompress", compressed_data=CANARY), CONTEXT)
    return 1


def only_not_found(_monkeypatch):
    forget()
    Statebag().step(only=["$.mesages"])(as_it_is)(event(messages=[]), CONTEXT)
    return 0


PROVOKED = {
    "OnlyNotFound": only_not_found,
    "LegacyPointersLeft": legacy_pointers_left,
    "BagTextsLeft": bag_texts_left,
    "HealedReads": healed_reads,
    "PlaceNotUsed": place_not_used,
    "NotReported": not_reported,
    "BranchesMissing": branches_missing,
    "NeverCompressed": never_compressed,
}


def test_every_warning_is_provoked_here():
    assert set(PROVOKED) == set(WARNINGS)


@pytest.mark.parametrize("name", PROVOKED)
def test_a_warning_is_a_line_with_the_names_of_its_step_and_a_metric(watched, monkeypatch, name):
    count = PROVOKED[name](monkeypatch)
    lines = watched()
    warnings = [line for line in lines if line.get("level") == "WARNING"]
    (metrics,) = [line for line in lines if "_aws" in line]
    (step,) = [line for line in lines if line.get("message") == "step"]
    assert {line["warning"] for line in warnings} == {name}
    for line in (*warnings, metrics, step):
        assert (line["execution"], line["execution_arn"]) == (RUN, ARN)
        assert (line["scope"], line["state"]) == (RUN, "Judge it")
        assert line["action"] in {"step", "aggregate_branches", "decompress"}
    found = metrics.get(name, [0])
    assert found in ([count], count)
    counter = WARNINGS[name]
    assert step.get(counter or "-", 0) == count
    assert CANARY not in json.dumps(lines)


def test_a_join_says_of_each_branch_that_it_is_left_out(watched, monkeypatch):
    branches_missing(monkeypatch)
    warnings = [line["message"] for line in watched() if line.get("level") == "WARNING"]
    assert len(warnings) == 13
    for number, message in enumerate(warnings):
        assert f"branch {number + 1} of 13" in message
        assert f"gone_{number}.json" in message


EXPRESS = "arn:aws:states:eu-west-1:123456789012:express:machine:run-1:0aa1"
CHILD = "arn:aws:states:eu-west-1:123456789012:execution:machine/label:child-1"


def by_step(identity, place):
    given = {"execution_id": identity} if place == "event" else {}
    state = {"a": 1} if place == "event" else {"execution_id": identity}
    Statebag().step(as_it_is, bag_path="$.state_data")({**given, "state_data": state}, CONTEXT)


def by_manager(identity, place):
    given = {"execution_id": identity} if place == "event" else {}
    state = {} if place == "event" else {"execution_id": identity}
    lambda_handler({"action": "sync", **given, "state_data": state}, CONTEXT)


def by_branch(identity, place):
    given = {"execution_id": identity} if place == "event" else {}
    state = {} if place == "event" else {"execution_id": identity}
    lambda_handler({"action": "sync_branch", **given, "branch_state": state}, CONTEXT)


@pytest.mark.parametrize(
    ("identity", "execution"),
    [
        (ARN, RUN),
        (RUN, RUN),
        (EXPRESS, "machine/run-1:0aa1"),
        (CHILD, "machine/label/child-1"),
    ],
)
@pytest.mark.parametrize("place", ["event", "state"])
@pytest.mark.parametrize("function", [by_step, by_manager, by_branch])
def test_an_execution_has_one_name_everywhere(watched, function, place, identity, execution):
    function(identity, place)
    lines = watched()
    assert len(lines) == 2
    for line in lines:
        assert (line["execution"], line["scope"]) == (execution, execution)
        assert line.get("execution_arn") == (identity if identity != execution else None)


def test_the_event_and_the_state_may_name_it_in_two_forms(watched):
    for given, in_state in ((ARN, RUN), (RUN, ARN)):
        lambda_handler(
            {"action": "sync", "execution_id": given, "state_data": {"execution_id": in_state}}
        )
        for line in watched():
            assert (line["execution"], line["execution_arn"], line["scope"]) == (RUN, ARN, RUN)


def test_a_state_behind_a_pointer_says_whose_it_is(watched):
    store = Statebag().store
    state = {"execution_id": ARN, "idempotency_key": "k"}
    store.put("workflow-state/k/state_1.json", json.dumps(state).encode())
    pointer = {"__s3_offloaded": True, "__s3_path": f"{store.url}/workflow-state/k/state_1.json"}
    lambda_handler({"action": "sync", "state_data": pointer, "idempotency_key": "k"}, CONTEXT)
    for line in watched():
        assert (line["execution"], line["scope"]) == (RUN, RUN)


def test_an_idempotency_key_is_a_scope_and_no_execution(watched):
    lambda_handler({"action": "sync", "state_data": {"idempotency_key": "k"}}, CONTEXT)
    for line in watched():
        assert line["scope"] == "workflow-state/k"
        assert not {"execution", "execution_arn"} & line.keys()


def test_start_and_log_mean_the_same_execution():
    """`start` seals below the name that lines have, and `log` takes the ARN that they have."""

    class Client:
        def start_execution(self, **given):
            return {"executionArn": ARN, "startDate": 0}

    store = MemoryStore()
    sb = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:machine"
    assert start_execution(sb, machine, {"text": noise(300_000)}, "run-1", Client()) == ARN
    assert {info.name.rpartition("/")[0] for info in store.list()} == {RUN}
    arn = parse_execution_arn(ARN)
    assert f"{arn.machine}/{arn.name}" == RUN


def test_the_expression_for_dollars_has_the_prices_of_the_benchmarks():
    text = " ".join(PAGE.split())
    (expression,) = re.findall(r"`(puts \* [^`]+)`", text)
    for puts, gets in ((1000, 0), (0, 1000), (7, 5)):
        found = eval(expression, {"__builtins__": {}}, {"puts": puts, "gets": gets})
        assert found == pytest.approx(puts * DOLLARS_PER_PUT + gets * DOLLARS_PER_GET)
