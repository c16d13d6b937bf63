"""One step with watchers, and what they printed."""

import json
import logging
from types import SimpleNamespace

from statebag import Policy, Statebag
from statebag.sinks import from_environment
from statebag.telemetry import steps
from statebag.testing.process import forget
from tests.bags import noise

CANARY = "canary-51c2"
ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run-1"
CONTEXT = SimpleNamespace(function_name="Judge")


def nobody_watches(monkeypatch):
    """Turn all watchers off, and take back after the test what a watcher changed in the process."""
    for kind in ("METRICS", "TRACING", "LOG"):
        monkeypatch.delenv(f"STATEBAG_{kind}", raising=False)
    for name in ("POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield
    steps.spans_through(None)
    from_environment._watchers.cache_clear()
    log = logging.getLogger("statebag")
    for handler in list(log.handlers):
        log.removeHandler(handler)
    log.propagate = True
    log.setLevel(0)


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
