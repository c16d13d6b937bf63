"""A short soak: the keys change every few seconds. `python -m torture.soak` does it for hours."""

import pytest
from torture.soak import soaked


def is_in_time(report, period):
    """Whether the machine was quick enough for keys that end so soon."""
    stalled = max(found.get("stalled", 0) for found in report["processes"].values())
    return stalled < period / 20 and report["keys"] >= 4


@pytest.mark.slow
@pytest.mark.s3
@pytest.mark.timeout(1200)
def test_steps_outlive_their_credentials_and_a_store_that_throttles():
    for period in (3, 10, 40):
        report = soaked(seconds=4 * period, period=period)
        assert not any(found["wrong"] for found in report["processes"].values())
        if not report["wrong"] or is_in_time(report, period):
            break
    assert report["wrong"] == []
    assert report["keys"] >= 4
    assert report["server"]["refused: the key has ended"]
    assert report["server"]["throttled in a burst"]
    assert set(report["processes"]) == {"container", "process", "file"}
    for found in report["processes"].values():
        assert found["steps"]
        assert found["reopened"]
        first, last = found["descriptors"]
        assert last < first + 30
