"""A short soak: the keys change every few seconds. `python -m torture.soak` does it for hours."""

import pytest
from torture.soak import soaked


@pytest.mark.slow
@pytest.mark.s3
def test_steps_outlive_their_credentials_and_a_store_that_throttles():
    report = soaked(seconds=12, period=3)
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
