"""The fields of a distributed Map."""

import io
import weakref

import pytest

from statebag.local.interpreter import map_run_settings
from statebag.local.interpreter.map_run_settings import Tolerance
from tests.local.machines import chain, run


@pytest.mark.parametrize(
    ("count", "percentage", "allowed"),
    [(None, None, 0), (3, None, 3), (None, 50, 10), (3, 50, 3), (30, 50, 10), (None, 2.5, 0.5)],
)
def test_both_limits_hold(count, percentage, allowed):
    assert Tolerance(count, percentage).allowed(20) == allowed


def test_a_large_object_is_not_kept_after_it_was_written(monkeypatch):
    """What a request leaves behind refers to itself, and is large."""
    bodies = []

    def objects(_results, _form, **_place):
        for number in range(3):
            assert [one() for one in bodies] == [None] * number
            body = io.BytesIO(b"x" * 2_000_000)
            bodies.append(weakref.ref(body))
            yield f"{number}", body
            del body

    monkeypatch.setattr(map_run_settings, "result_objects", objects)
    target = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results"}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    inner = {**chain(("P", {"Type": "Pass"})), "ProcessorConfig": config}
    each = {"Type": "Map", "ItemProcessor": inner, "ResultWriter": target}
    assert run(chain(("E", each)), [1]).status == "SUCCEEDED"
    assert len(bodies) == 3
