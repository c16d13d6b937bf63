"""Spans of a step, each below the one that it is a part of."""

import pytest

from statebag.store.memory import MemoryStore
from tests.telemetry.stepping import CANARY, stepped


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
