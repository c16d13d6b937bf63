"""What a step tells whoever watches it: the right figures, no value, and never a failure."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from statebag import BlobMissing, ConfigurationError, Policy, Statebag
from statebag.environment import watchers_from_environment
from statebag.sinks import from_environment
from statebag.state_data_manager import lambda_handler
from statebag.store.memory import MemoryStore
from statebag.telemetry import steps
from statebag.testing.process import forget
from tests.bags import noise

CANARY = "canary-51c2"
ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run-1"
RUN = "machine/run-1"
CONTEXT = SimpleNamespace(function_name="Judge")
UNITS = {
    "BagBytes": "Bytes",
    "HeadroomBytes": "Bytes",
    "CarriedBytes": "Bytes",
    "StoredBytes": "Bytes",
    "ReadBytes": "Bytes",
    "Puts": "Count",
    "Gets": "Count",
    "CacheHits": "Count",
    "Retries": "Count",
    "HealedReads": "Count",
    "SealMilliseconds": "Milliseconds",
    "OpenMilliseconds": "Milliseconds",
    "BlobsMissing": "Count",
    "BlobsCorrupt": "Count",
}
OF_A_BAG = {"BagBytes", "HeadroomBytes", "CarriedBytes"}


@pytest.fixture(autouse=True)
def _nobody_watches(monkeypatch):
    for kind in ("METRICS", "TRACING", "LOG"):
        monkeypatch.delenv(f"STATEBAG_{kind}", raising=False)
    for name in ("POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield
    steps.spans_through(None)
    from_environment._watchers.cache_clear()
    log = watching_log()
    for handler in list(log.handlers):
        log.removeHandler(handler)
    log.propagate = True
    log.setLevel(0)


def watching_log():
    import logging

    return logging.getLogger("statebag")


def stepped(store, *, event=None, fails=None):
    forget()
    client = Statebag(store, policy=Policy(carry_bytes=4000), replicas=())

    @client.step(returns="delta")
    def handler(state, context):
        if fails:
            raise fails
        return {"text": noise(40_000, 1) + CANARY, "small": noise(1000, 2) * 40}

    return handler(
        event or {"execution_id": ARN, "state_name": "Judge it", "n": CANARY},
        CONTEXT,
    )


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def check_emf(line):
    """The required parts of the embedded metric format's specification."""
    meta = line["_aws"]
    assert isinstance(meta["Timestamp"], int)
    (directive,) = meta["CloudWatchMetrics"]
    assert directive["Namespace"] == "Statebag"
    by = [["service"], ["service", "function_name"], ["service", "action"]]
    if "state" in line:
        by.append(["service", "function_name", "state"])
    assert directive["Dimensions"] == by
    for dimension in {name for names in by for name in names}:
        assert isinstance(line[dimension], str)
    found = {one["Name"]: one["Unit"] for one in directive["Metrics"]}
    for name in found:
        values = line[name] if isinstance(line[name], list) else [line[name]]
        assert all(isinstance(value, float | int) for value in values)
    return found


def value(line, name):
    return line[name][0] if isinstance(line[name], list) else line[name]


def test_metrics_of_a_step(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    bag = stepped(MemoryStore())
    (line,) = lines(capsys)
    assert check_emf(line) == UNITS
    assert (line["service"], line["function_name"]) == ("statebag", "Judge")
    assert (line["execution"], line["scope"], line["state"]) == (RUN, RUN, "Judge it")
    assert line["execution_arn"] == ARN
    assert line["action"] == "step"
    size = value(line, "BagBytes")
    assert len(json.dumps(bag)) <= size < 98_304
    assert value(line, "HeadroomBytes") == 262_144 - size
    assert value(line, "Puts") == 1
    assert value(line, "StoredBytes") > 20_000
    assert 0 < value(line, "CarriedBytes") <= 4000
    assert value(line, "BlobsMissing") == 0
    assert CANARY not in json.dumps(line)


def test_a_step_that_does_not_say_its_state_has_no_metric_of_it(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    stepped(MemoryStore(), event={"execution_id": ARN, "n": CANARY})
    (line,) = lines(capsys)
    assert "state" not in line
    assert check_emf(line).keys() <= UNITS.keys()


def test_names_can_be_another(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Mine")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "orders")
    stepped(MemoryStore())
    (line,) = lines(capsys)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Mine"
    assert line["service"] == "orders"


def test_a_lost_blob_is_counted_and_the_error_is_raised(monkeypatch, capsys):
    store = MemoryStore()
    bag = stepped(store)
    for info in list(store.list()):
        store.delete(info.name)
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    monkeypatch.setenv("STATEBAG_LOG", "json")
    with pytest.raises(BlobMissing):
        stepped(store, event=bag)
    told, metrics = sorted(lines(capsys), key=lambda line: "_aws" in line)
    assert set(check_emf(metrics)) == UNITS.keys() - OF_A_BAG
    assert (value(metrics, "BlobsMissing"), value(metrics, "BlobsCorrupt")) == (1, 0)
    assert metrics["error"] == told["error"] == "BlobMissing"
    assert told["level"] == "ERROR"
    assert CANARY not in json.dumps([told, metrics])


def test_the_state_data_manager_is_watched_too(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path))
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    event = {
        "action": "sync",
        "state_data": {"execution_id": ARN},
        "execution_result": {"final_state": {"text": noise(200_000, 1) + CANARY}},
    }
    assert lambda_handler(event, CONTEXT)["next_action"] == "CONTINUE"
    (line,) = lines(capsys)
    check_emf(line)
    assert (line["action"], line["scope"]) == ("sync", "machine/run-1")
    assert value(line, "StoredBytes") > 50_000
    assert CANARY not in json.dumps(line)


def test_log_lines_say_what_a_step_cost(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_LOG", "json")
    stepped(MemoryStore())
    with pytest.raises(ValueError, match=CANARY):
        stepped(MemoryStore(), fails=ValueError(CANARY))
    good, bad = lines(capsys)
    assert (good["level"], good["message"], good["state"]) == ("INFO", "step", "Judge it")
    assert (good["execution"], good["execution_arn"], good["scope"]) == (RUN, ARN, RUN)
    assert good["puts"] == 1
    assert good["seal_ms"] > 0
    assert (bad["level"], bad["error"]) == ("ERROR", "ValueError")
    assert CANARY not in json.dumps([good, bad])


def test_warnings_of_the_library_are_lines_too(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_LOG", "json")
    store, replica = MemoryStore(), MemoryStore()
    bag = stepped(store)
    for info in list(store.list()):
        replica.put(info.name, store.get(info.name))
        store.delete(info.name)
    forget()
    Statebag(store, replicas=[replica]).open(bag)
    warnings = [line for line in lines(capsys) if line["level"] == "WARNING"]
    assert "read from" in warnings[0]["message"]


@pytest.fixture
def exported():
    from opentelemetry import trace  # the extra `metrics` is tested without it
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = trace._TRACER_PROVIDER
    trace._TRACER_PROVIDER = provider
    yield exporter
    trace._TRACER_PROVIDER = before


def test_spans_of_a_step(monkeypatch, exported):
    store = MemoryStore()
    bag = stepped(store)
    monkeypatch.setenv("STATEBAG_TRACING", "otel")
    stepped(store, event=bag)
    spans = exported.get_finished_spans()
    by_name = {}
    for one in spans:
        by_name.setdefault(one.name, []).append(one)
    (step,) = by_name["statebag.step"]
    (opened,) = by_name["statebag.open"]
    assert opened.parent.span_id == step.context.span_id
    assert by_name["statebag.seal"][0].parent.span_id == step.context.span_id
    (read,) = by_name["statebag.store.get"]
    assert read.parent.span_id == opened.context.span_id
    assert read.attributes["statebag.object"].startswith("machine/run-1/")
    assert read.attributes["statebag.bytes"] > 10_000
    assert step.attributes["statebag.scope"] == "machine/run-1"
    assert CANARY not in "".join(one.to_json() for one in spans)


def test_a_span_tells_an_errors_class_and_no_more(monkeypatch, exported):
    monkeypatch.setenv("STATEBAG_TRACING", "otel")
    with pytest.raises(ValueError, match=CANARY):
        stepped(MemoryStore(), fails=ValueError(CANARY))
    spans = exported.get_finished_spans()
    step = next(one for one in spans if one.name == "statebag.step")
    assert step.attributes["error.type"] == "ValueError"
    assert not step.status.is_ok
    assert CANARY not in "".join(one.to_json() for one in spans)


def test_who_cannot_be_told_fails_no_step(monkeypatch, caplog):
    class Broken:
        def ended(self, done):
            raise OSError(CANARY)

    monkeypatch.setenv("STATEBAG_METRICS", "broken")
    monkeypatch.setattr(from_environment, "_made", lambda *_: [Broken()])
    assert stepped(MemoryStore())["execution_id"] == ARN
    assert "Broken failed on the report of a step: OSError" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("kind", ["METRICS", "TRACING", "LOG"])
def test_a_value_that_is_not_known(monkeypatch, kind):
    monkeypatch.setenv(f"STATEBAG_{kind}", "yes")
    with pytest.raises(ConfigurationError, match=f"STATEBAG_{kind}"):
        stepped(MemoryStore())


def test_nothing_asked_is_nobody_told():
    assert watchers_from_environment({}) == ()


@pytest.mark.parametrize(
    ("variable", "package", "extra"),
    [
        ("STATEBAG_METRICS=emf", "aws_lambda_powertools", "metrics"),
        ("STATEBAG_TRACING=otel", "opentelemetry", "tracing"),
    ],
)
def test_without_the_extra_it_says_what_to_install(variable, package, extra):
    code = f"""
import os, sys
sys.modules[{package!r}] = None
name, _, value = {variable!r}.partition("=")
os.environ[name] = value
import statebag
@statebag.Statebag("memory://").step
def handler(state, context): return state
try:
    handler({{"execution_id": "a/b"}}, None)
except statebag.ConfigurationError as error:
    print(error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.strip() == f"Install the extra: pip install 'statebag[{extra}]'"
