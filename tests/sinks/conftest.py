"""Each test begins and ends with nobody watching."""

import pytest

from tests.telemetry.stepping import nobody_watches


@pytest.fixture(autouse=True)
def _nobody_watches(monkeypatch):
    yield from nobody_watches(monkeypatch)
