"""Which watchers the environment asks for."""

import subprocess
import sys

import pytest

from statebag import ConfigurationError
from statebag.environment import watchers_from_environment
from statebag.store.memory import MemoryStore
from tests.telemetry.stepping import stepped


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
