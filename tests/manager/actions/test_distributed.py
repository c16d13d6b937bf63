"""`aggregate_distributed`: the results of a Map of any number of children."""

import json
import random
import tracemalloc

import pytest

from statebag import InvalidState, Statebag
from statebag.default_client import from_environment
from statebag.store.address import standing_in
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened


def chunk(n, status="SUCCEEDED", size=100):
    return {"execution_order": n, "status": status, "output": filler(size, n)}


def gather(results, **fields):
    return call("aggregate_distributed", state_data=START, distributed_results=results, **fields)


@pytest.mark.parametrize("count", [1, 6, 100, 10_000])
def test_all_failed(count):
    results = [chunk(n, "TIMED_OUT") for n in range(count)]
    answer = gather(results)
    assert (answer["next_action"], answer["final_status"]) == ("FAILED", "FAILED")
    assert answer["post_snapshot"] is None
    state = opened(answer["state_data"])
    assert state["distributed_results"] == results
    assert state["failed_segments"] == results[:5] == opened(answer["failed_chunks"])
    summary = state["distributed_chunk_summary"]
    assert (summary["total"], summary["succeeded"], summary["failed"]) == (count, 0, count)
    assert summary["chunk_results"] == results[:10]


def test_some_failed():
    results = [chunk(n, "ABORTED" if n in {3, 4} else "SUCCEEDED") for n in range(20)]
    answer = gather(results)
    assert (answer["next_action"], answer["final_status"]) == ("COMPLETE", "COMPLETE")
    assert [one["execution_order"] for one in answer["failed_chunks"]] == [3, 4]


def test_results_stand_in_their_order_however_they_came():
    results = [chunk(n) for n in range(500)]
    shuffled = random.Random(3).sample(results, len(results))
    state = opened(gather(shuffled)["state_data"])
    assert state["distributed_results"] == results
    assert state["distributed_chunk_summary"]["chunk_results"] == results[:10]


def test_small_results_that_came_in_disorder_are_written_in_few_pieces():
    results = [{"execution_order": n} for n in range(20_000)]
    shuffled = random.Random(3).sample(results, len(results))
    answer = gather(shuffled)
    forget()
    with usage.measured() as cost:
        assert opened(answer["state_data"])["distributed_results"] == results
    assert cost.blobs_read < 100


def test_results_of_one_place_are_all_kept():
    results = [{"execution_order": n // 2, "n": n} for n in range(40)]
    shuffled = results[20:] + results[:20]
    assert opened(gather(shuffled)["state_data"])["distributed_results"] == results
    mixed = [{"execution_order": 1, "n": "first"}, "text", {"execution_order": 0, "n": "last"}]
    assert len(opened(gather(mixed)["state_data"])["distributed_results"]) == 3


def test_large_samples_leave_too():
    results = [chunk(n, "FAILED", size=60_000) for n in range(12)]
    answer = gather(results)
    state = opened(answer["state_data"])
    assert state["failed_segments"] == results[:5] == opened(answer["failed_chunks"])


def test_all_of_the_forms():
    results = [chunk(n) for n in range(3)]
    for given in (results, {"segment_results": results}):
        for name in ("distributed_results", "execution_result"):
            answer = call("aggregate_distributed", state_data=START, **{name: given})
            assert opened(answer["state_data"])["distributed_results"] == results
    for wrong in ({"other": 1}, "text", 7):
        with pytest.raises(InvalidState):
            gather(wrong)
    with pytest.raises(InvalidState):
        call("aggregate_distributed", state_data=START)


def test_no_results_are_complete():
    answer = gather([])
    assert answer["final_status"] == "COMPLETE"
    assert opened(answer["state_data"])["distributed_results"] == []


def test_what_a_result_says_beside_its_chunks_is_merged():
    given = {"segment_results": [chunk(1)], "new_history_logs": ["log"], "next_action": "HALTED"}
    answer = gather({**given, "odd": 5})
    state = opened(answer["state_data"])
    assert answer["next_action"] == "HALTED"
    assert state["state_history"] == ["log"]
    assert state["last_execution_result"] == {"odd": 5}


def test_a_map_error_fails_and_stays_in_the_state():
    answer = gather([chunk(1)], map_error={"Error": "States.ExceedToleratedFailureThreshold"})
    assert (answer["next_action"], answer["final_status"]) == ("FAILED", "FAILED")
    state = opened(answer["state_data"])
    assert state["map_error"]["Error"] == "States.ExceedToleratedFailureThreshold"
    alone = call("aggregate_distributed", state_data=START, map_error={"Error": "E"})
    assert alone["final_status"] == "FAILED"


def test_children_that_answered_with_bags_are_opened(sb):
    results = [chunk(n, size=60_000) for n in range(100)]
    sealed = [sb.seal(one, scope="machine/run", budget=1024) for one in results]
    state = opened(gather(sealed)["state_data"])
    assert state["distributed_results"] == results


def test_a_bags_text_that_a_child_answered_with_is_kept_as_it_is(sb):
    text = json.dumps(sb.seal({"x": "y" * 60_000}, scope="machine/run", budget=1024))
    results = [{**chunk(1), "reply": text}, {**chunk(2), "reply": [text]}]
    for given in (results, sb.seal({"r": results}, scope="machine/run", budget=1024)["r"]):
        assert opened(gather(given)["state_data"])["distributed_results"] == results
    # A string is no chunk, and stays one whatever its text is.
    told = [opened(gather([chunk(1), alone])["state_data"]) for alone in (text, "no chunk")]
    assert [one["distributed_results"] for one in told] == [
        [chunk(1), text],
        [chunk(1), "no chunk"],
    ]


def test_a_list_that_left_is_gathered_piece_by_piece(sb):
    results = [chunk(n, size=5_000) for n in range(200)]
    for value in (results, {"segment_results": results}):
        sealed = sb.seal({"r": value}, scope="machine/run")["r"]
        forget()
        assert opened(gather(sealed)["state_data"])["distributed_results"] == results


def test_a_snapshot_after_it():
    results = [chunk(n, "FAILED") for n in range(100)]
    before = call("create_snapshot", state_data=START, snapshot_type="pre_map")
    answer = gather(results, create_post_snapshot=True, pre_snapshot=before["snapshot_s3_path"])
    state = answer["state_data"]
    assert state["post_snapshot_s3_path"] == answer["post_snapshot"]
    assert state["pre_snapshot_s3_path"] == before["snapshot_s3_path"]
    restored = call("restore_snapshot", snapshot_s3_path=answer["post_snapshot"])["state_data"]
    expected = opened(state)
    del expected["post_snapshot_s3_path"]
    assert opened(restored) == expected


def test_a_second_delivery_writes_the_same_objects(sb):
    results = [chunk(n) for n in range(300)]
    first = gather(results)
    names = {one.name for one in sb.store.list()}
    forget()
    assert gather(results) == first
    assert {one.name for one in sb.store.list()} == names


def test_the_kept_numbers_are_settings(monkeypatch):
    monkeypatch.setenv("STATEBAG_CHUNK_RESULTS_KEPT", "2")
    monkeypatch.setenv("STATEBAG_FAILED_SEGMENTS_KEPT", "1")
    results = [chunk(n, status="FAILED" if n % 2 else "COMPLETE") for n in range(8)]
    state = opened(gather(results)["state_data"])
    assert len(state["distributed_chunk_summary"]["chunk_results"]) == 2
    assert len(state["failed_segments"]) == 1


class Bucket(MemoryStore):
    """A bucket of this process with the address of one in S3."""

    url = "s3://bucket/state"


@pytest.fixture
def bucket(monkeypatch):
    bucket = Bucket()
    monkeypatch.setenv("STATEBAG_STORE", "s3://bucket/state")
    with standing_in("s3", lambda _: bucket):
        forget()
        yield bucket
    forget()


def map_run(bucket, succeeded, failed=()):
    files = {"SUCCEEDED": succeeded, "FAILED": failed}
    listed = {"PENDING": []}
    for status, records in files.items():
        body = b"".join(json.dumps(one).encode() + b"\n" for one in records)
        bucket.put(f"run/{status}_0.jsonl", body)
        listed[status] = [{"Key": f"state/run/{status}_0.jsonl", "Size": len(body)}]
    manifest = {"DestinationBucket": "bucket", "MapRunArn": "arn", "ResultFiles": listed}
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    details = {"Bucket": "bucket", "Key": "state/run/manifest.json"}
    return {"MapRunArn": "arn", "ResultWriterDetails": details}


def child(n, status, **fields):
    described = {"ExecutionArn": f"arn:{n}", "Name": str(n), "Status": status}
    return {**described, "Input": json.dumps({"execution_order": n}), **fields}


def test_the_results_of_a_map_run(bucket):
    good = [child(n, "SUCCEEDED", Output=json.dumps(chunk(n))) for n in (5, 1, 3)]
    bad = [child(n, "FAILED", Error="E", Cause="why") for n in (4, 2)]
    answer = gather(map_run(bucket, good, bad))
    assert answer["final_status"] == "COMPLETE"
    state = opened(answer["state_data"])
    results = state["distributed_results"]
    assert [one["execution_order"] for one in results] == [1, 2, 3, 4, 5]
    assert results[0] == chunk(1)
    assert results[1] == {
        "status": "FAILED",
        "error": "E",
        "cause": "why",
        "name": "2",
        "input": {"execution_order": 2},
        "execution_order": 2,
    }
    assert state["last_execution_result"] == {"MapRunArn": "arn"}


def test_a_child_that_cannot_be_read_counts_as_failed(bucket):
    good = [child(n, "SUCCEEDED", Output=json.dumps(chunk(n))) for n in (0, 1)]
    deep = child(2, "SUCCEEDED", Output="[" * 499 + "]" * 499)
    half = child(3, "FAILED", Error="E", Cause="\ud83d")
    answer = gather(map_run(bucket, [*good, deep], [half]))
    state = opened(answer["state_data"])
    *whole, third, fourth = state["distributed_results"]
    assert whole == [chunk(0), chunk(1)]
    for bad, name in ((third, "2"), (fourth, "3")):
        assert (bad["status"], bad["error"]) == ("FAILED", "Statebag.UnreadableRecord")
        assert (bad["name"], bad["input"]) == (name, {"execution_order": int(name)})
    assert "nests deeper" in third["cause"]
    assert "lone surrogate" in fourth["cause"]
    summary = state["distributed_chunk_summary"]
    assert (summary["succeeded"], summary["failed"]) == (2, 2)
    assert len(opened(answer["failed_chunks"])) == 2


@pytest.mark.parametrize("levels", [496, 497, 498, 500])
@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_the_deepest_results_do_not_take_the_others(bucket, levels, status):
    text = "[" * levels + "]" * levels
    records = {"SUCCEEDED": [chunk(0)], "FAILED": []}
    records[status].append({"Name": "n", "Status": status, "Input": text})
    if status == "SUCCEEDED":
        records[status][-1] = json.loads(text)
    answer = gather(map_run(bucket, records["SUCCEEDED"], records["FAILED"]))
    results = opened(answer["state_data"])["distributed_results"]
    assert results[0] == chunk(0)
    if status == "FAILED":
        assert results[1]["input"] == (json.loads(text) if levels <= 496 else text)
    elif levels <= 497:
        assert results[1] == json.loads(text)
    else:
        assert results[1]["error"] == "Statebag.UnreadableRecord"


def described_failures(bucket, sb, size):
    """The results of a Map Run with 20 failed children of a state of some size."""
    state = {**START, "doc": [filler(1_000, n) for n in range(size // 1_000)]}
    bag = sb.seal(state, scope="machine/run")
    given = {"chunk_index": 0, "state_data": {"bag": bag}}
    records = [
        child(n, "FAILED", Error="E", Cause="why", Input=json.dumps({**given, "chunk_index": n}))
        for n in range(20)
    ]
    return map_run(bucket, [], records), given


def test_what_failed_children_were_given_is_handed_on_closed(bucket):
    sb = from_environment()
    cost = []
    for size in (20_000, 20_000_000):
        details, given = described_failures(bucket, sb, size)
        forget()
        held = {one.name for one in bucket.list()}
        tracemalloc.start()
        with usage.measured() as found:
            answer = gather(details)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        stored = sum(one.size for one in bucket.list() if one.name not in held)
        cost.append((peak, stored, found.gets + found.puts, found.bytes_got))
        assert answer["final_status"] == "FAILED"
        results = opened(answer["state_data"])["distributed_results"]
        assert [one["input"]["chunk_index"] for one in results] == list(range(20))
        assert results[7]["input"] == {**given, "chunk_index": 7}
        reopened = from_environment().open(results[7]["input"], scope="machine/run")
        assert len(reopened["state_data"]["bag"]["doc"]) == size // 1_000
        kept = opened(answer["state_data"])["failed_segments"]
        assert kept == results[:5] == opened(answer["failed_chunks"])
    for small, large in zip(*cost, strict=True):
        assert large < 1.2 * small


def test_children_that_never_started_or_cannot_be_read_are_handed_on_closed_too(bucket):
    sb = from_environment()
    bag = sb.seal({**START, "doc": filler(2_000_000)}, scope="machine/run")
    given = json.dumps({"state": bag})
    broken = child(0, "SUCCEEDED", Output="[" * 499 + "]" * 499, Input=given)
    aborted = child(1, "ABORTED", Input=given)
    details = map_run(bucket, [broken], [aborted])
    forget()
    with usage.measured() as found:
        answer = gather(details)
    assert found.bytes_got < 200_000
    results = opened(answer["state_data"])["distributed_results"]
    assert [one["input"] for one in results] == [json.loads(given)] * 2


def test_a_state_with_closed_inputs_passes_through_further_steps(bucket):
    details, given = described_failures(bucket, from_environment(), 500_000)
    bag = gather(details)["state_data"]
    for n in range(3):
        bag = call("sync", state_data=bag, execution_result={"final_state": {"n": n}})["state_data"]
    after = opened(bag)
    assert after["failed_segments"][4]["input"] == {**given, "chunk_index": 4}
    assert after["distributed_results"][19]["input"] == {**given, "chunk_index": 19}


def test_outputs_that_could_be_taken_for_descriptions_are_told_apart(bucket):
    outputs = [{**child(n, "SUCCEEDED", Output="{}"), "status": "SUCCEEDED"} for n in (0, 1)]
    state = opened(gather(map_run(bucket, outputs))["state_data"])
    assert state["distributed_results"] == outputs
    described = [child(n, "SUCCEEDED", Output="[]") for n in (0, 1)]
    state = opened(gather(map_run(bucket, described), transformation="COMPACT")["state_data"])
    assert state["distributed_results"] == described


def test_ten_times_the_children_take_no_ten_times_the_memory(bucket):
    growth = []
    for count in (500, 5_000):
        records = (chunk(n, size=10_000) for n in range(count))
        details = map_run(bucket, records)
        tracemalloc.start()
        held = sum(one.size for one in bucket.list())
        answer = gather(details)
        growth.append(
            tracemalloc.get_traced_memory()[1] - sum(one.size for one in bucket.list()) + held
        )
        tracemalloc.stop()
        summary = answer["state_data"]["distributed_chunk_summary"]
        assert summary["total"] == count
    assert growth[1] < 40 * 1024 * 1024  # the outputs are 50 MB


def test_gathering_takes_few_requests():
    results = [chunk(n, size=2_000) for n in range(5_000)]
    with usage.measured() as cost:
        gather(results)
    assert cost.gets == 0
    assert cost.puts <= 6


def test_the_policys_scopes_are_kept():
    other = Statebag("memory://elsewhere").seal({"x": filler(200_000)}, scope="machine/other")
    with pytest.raises(Exception, match="another scope"):
        gather([other])
