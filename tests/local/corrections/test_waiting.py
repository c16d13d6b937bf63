from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from statebag.errors import StoreUnavailable
from tests.local.machines import chain, run, task


def timed(definition, input_value=None, functions=None, **options):
    started = time.perf_counter()
    execution = run(definition, input_value, functions, **options)
    assert execution.status == "SUCCEEDED"
    return time.perf_counter() - started


def test_a_wait_takes_its_seconds_and_a_scaled_one_its_part():
    assert timed(chain(("W", {"Type": "Wait", "Seconds": 1}))) >= 1
    assert timed(chain(("W", {"Type": "Wait", "Seconds": 10})), wait_scale=0.05) >= 0.5


def test_an_hour_can_be_skipped():
    definition = chain(("W", {"Type": "Wait", "SecondsPath": "$.s"}))
    assert timed(definition, {"s": 3600}, wait_scale=0) < 60


def test_a_timestamp_is_read_with_its_offset():
    def wait(moment):
        return chain(("W", {"Type": "Wait", "TimestampPath": "$.t"})), {"t": moment}

    zone = timezone(timedelta(hours=9))
    soon = datetime.now(UTC) + timedelta(seconds=1)
    for moment in (soon.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), soon.astimezone(zone).isoformat()):
        definition, input_value = wait(moment)
        assert timed(definition, input_value) < 60
    assert datetime.now(UTC) >= soon
    definition, input_value = wait("tomorrow")
    assert run(definition, input_value).error == "States.Runtime"


def test_retries_back_off_up_to_their_longest_delay():
    calls = []

    def work(_event, _context):
        calls.append(time.perf_counter())
        raise StoreUnavailable("away")

    retrier = {
        "ErrorEquals": ["StoreUnavailable"],
        "IntervalSeconds": 1,
        "BackoffRate": 3,
        "MaxDelaySeconds": 4,
        "MaxAttempts": 3,
    }
    execution = run(chain(("T", task(Retry=[retrier]))), {}, {"work": work}, wait_scale=0.1)
    assert execution.error == "StoreUnavailable"
    assert len(calls) == 4
    gaps = [later - before for before, later in pairwise(calls)]
    assert gaps[0] >= 0.1
    assert gaps[1] >= 0.3
    assert gaps[2] >= 0.4  # 9 seconds without the longest delay


def test_jitter_never_makes_a_retry_late():
    calls = []

    def work(_event, _context):
        calls.append(1)
        raise StoreUnavailable("away")

    retrier = {"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL", "MaxAttempts": 2}
    run(chain(("T", task(Retry=[retrier]))), {}, {"work": work}, wait_scale=0.01)
    assert len(calls) == 3
