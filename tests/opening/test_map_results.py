"""What a Distributed Map's ResultWriter leaves, read back one child at a time."""

import json
import random
import tracemalloc

import msgspec
import pytest

from statebag import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    InvalidState,
    NotPermitted,
    Policy,
    Statebag,
)
from statebag.asl.arns import ACCOUNT
from statebag.store.address import standing_in
from statebag.store.memory import MemoryStore
from tests.local.machines import chain, run

MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:"


class Bucket(MemoryStore):
    """A bucket of this process with the address of one in S3."""

    url = "s3://results/maps"


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def sb(bucket):
    with standing_in("s3", lambda _: bucket):
        yield Statebag("memory://map-results", policy=Policy(result_roots=("s3://results/maps",)))


def describe(n, status="SUCCEEDED", **fields):
    return {
        "ExecutionArn": f"arn:aws:states:eu-west-1:1:execution:m/Map:{n}",
        "Input": json.dumps({"n": n}),
        "Name": str(n),
        "Status": status,
        "StopDate": "2026-01-01T00:00:00.000Z",
        **fields,
    }


def write(bucket, files):
    listed = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for status, name, body in files:
        bucket.put(f"run/{name}", body)
        listed.setdefault(status, []).append({"Key": f"maps/run/{name}", "Size": len(body)})
    manifest = {"DestinationBucket": "results", "MapRunArn": "arn", "ResultFiles": listed}
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    return {"Bucket": "results", "Key": "maps/run/manifest.json"}


def as_json(records):
    return json.dumps(records).encode()


def as_lines(records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.mark.parametrize(("form", "ending"), [(as_json, "json"), (as_lines, "jsonl")])
def test_described_children_of_every_status_in_several_files(sb, bucket, form, ending):
    details = write(
        bucket,
        [
            ("SUCCEEDED", f"SUCCEEDED_0.{ending}", form([describe(1, Output='{"r": 1.0}')])),
            ("SUCCEEDED", f"SUCCEEDED_1.{ending}", form([describe(2, Output="not JSON")])),
            ("FAILED", f"FAILED_0.{ending}", form([describe(3, "FAILED", Error="E", Cause="c")])),
            ("PENDING", f"PENDING_0.{ending}", form([describe(4, "PENDING")])),
        ],
    )
    children = list(sb.map_results(details))
    assert [child.status for child in children] == ["SUCCEEDED", "SUCCEEDED", "FAILED", "PENDING"]
    assert [child.output for child in children] == [{"r": 1.0}, "not JSON", None, None]
    assert [child.input for child in children] == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]
    assert (children[2].error, children[2].cause, children[2].name) == ("E", "c", "3")


@pytest.mark.parametrize(("form", "ending"), [(as_json, "json"), (as_lines, "jsonl")])
def test_compact_and_flattened_outputs(sb, bucket, form, ending):
    outputs = [{"Status": "mine"}, [1, 2], "text", None, 7]
    details = write(bucket, [("SUCCEEDED", f"SUCCEEDED_0.{ending}", form(outputs))])
    assert [child.output for child in sb.map_results(details)] == outputs


def test_an_empty_run_has_no_children(sb, bucket):
    assert list(sb.map_results(write(bucket, []))) == []


def test_nothing_outside_the_roots_is_read(sb, bucket):
    details = write(bucket, [])
    for wrong in (
        {"Bucket": "other", "Key": "maps/run/manifest.json"},
        {"Bucket": "results", "Key": "run/manifest.json"},
        {"Bucket": "results", "Key": "maps/../run/manifest.json"},
    ):
        with pytest.raises(NotPermitted):
            list(sb.map_results(wrong))
    manifest = {"ResultFiles": {"SUCCEEDED": [{"Key": "elsewhere/x.json", "Size": 1}]}}
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(NotPermitted):
        list(sb.map_results(details))


def test_missing_and_damaged_files_are_errors(sb, bucket):
    details = write(bucket, [("SUCCEEDED", "SUCCEEDED_0.json", b'[{"a": 1')])
    with pytest.raises(BlobCorrupt):
        list(sb.map_results(details))
    bucket.delete("run/SUCCEEDED_0.json")
    with pytest.raises(BlobMissing):
        list(sb.map_results(details))
    bucket.put("run/manifest.json", b"[]")
    with pytest.raises(BlobCorrupt):
        list(sb.map_results(details))
    for wrong in (None, {}, {"Bucket": "results"}, {"Bucket": 1, "Key": 2}):
        with pytest.raises(BlobCorrupt):
            list(sb.map_results(wrong))


def test_gathering_ten_times_the_children_takes_no_ten_times_the_memory(sb, bucket):
    noise = random.Random(5).randbytes(5_000).hex()  # hardly compressible text
    growth = []
    for count in (1_000, 10_000):
        records = (describe(n, Output=json.dumps({"n": n, "noise": noise})) for n in range(count))
        details = write(bucket, [("SUCCEEDED", "SUCCEEDED_0.jsonl", as_lines(records))])
        tracemalloc.start()
        seen = sum(child.output["n"] for child in sb.map_results(details))
        growth.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == count * (count - 1) // 2
    assert growth[1] < 64 * 1024 * 1024
    assert growth[1] <= 1.5 * growth[0]


RUN = "arn:aws:states:eu-west-1:1:mapRun:m/Map:4a6b"
CHILD = "arn:aws:states:eu-west-1:1:execution:m/Map:7"
OF_A_CHILD = {
    "ExecutionArn": CHILD,
    "Input": "{}",
    "InputDetails": {"Included": True},
    "Name": "7",
    "Output": '{"y": 2}',
    "OutputDetails": {"Included": True},
    "RedriveCount": 0,
    "RedriveStatus": "NOT_REDRIVABLE",
    "StartDate": "2026-01-01T00:00:00.000Z",
    "StateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:m/Map",
    "Status": "SUCCEEDED",
    "StopDate": "2026-01-01T00:00:01.000Z",
}
OF_ANOTHER = {
    **OF_A_CHILD,
    "ExecutionArn": "arn:aws:states:eu-west-1:1:execution:nested:7",
    "StateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:nested",
}
LOOKALIKES = {
    "sync": OF_ANOTHER,
    "sync2": {**OF_ANOTHER, "Input": {"a": 1}, "Output": {"y": 2}, "StartDate": 1, "StopDate": 2},
    "dates": {**OF_A_CHILD, "StartDate": 1767225600000},
    "value": {**OF_A_CHILD, "Output": {"y": 2}},
    "more": {**OF_A_CHILD, "Score": 5},
    "fewer": {"ExecutionArn": CHILD, "Name": "7", "Status": "SUCCEEDED"},
    "own": {"ExecutionArn": CHILD, "Name": "7", "Status": "ok", "Score": 5},
    "other account": {**OF_A_CHILD, "ExecutionArn": CHILD.replace(":1:", ":2:")},
    "other label": {**OF_A_CHILD, "ExecutionArn": CHILD.replace("/Map:", "/Map2:")},
    "other name": {**OF_A_CHILD, "Name": "8"},
    "failed": {**OF_A_CHILD, "Status": "FAILED"},
}


def written(bucket, records, ending="json", status="SUCCEEDED", arn=RUN):
    body = as_lines(records) if ending == "jsonl" else as_json(records)
    details = write(bucket, [(status, f"{status}_0.{ending}", body)])
    manifest = json.loads(bucket.get("run/manifest.json"))
    manifest["MapRunArn"] = arn
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    return details


def child(n):
    """A description in full, of a child of its own."""
    return {**OF_A_CHILD, "ExecutionArn": f"{CHILD.rpartition(':')[0]}:c{n}", "Name": f"c{n}"}


def outputs(children):
    return [child.output for child in children]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("look", "arn"),
    [
        (look, arn)
        for name, look in LOOKALIKES.items()
        for arn in (RUN, "a", None)
        if arn == RUN or name not in ("other account", "other label")  # the ARN alone tells
        if arn != RUN or name != "more"  # with the ARN, a field more does not matter
    ],
)
def test_outputs_that_look_like_descriptions_stay_themselves(sb, bucket, look, arn, ending):
    for records in ([look], [look, 1, OF_A_CHILD], [[], look]):
        assert outputs(sb.map_results(written(bucket, records, ending, arn=arn))) == records
    told = written(bucket, [OF_A_CHILD, look], ending, arn=arn)
    for form in ("COMPACT", "FLATTEN"):
        assert outputs(sb.map_results(told, form)) == [OF_A_CHILD, look]


@pytest.mark.parametrize("arn", [RUN, "a", None])
def test_a_child_that_is_described_in_full_gives_its_output(sb, bucket, arn):
    details = written(bucket, [OF_A_CHILD] * 3, arn=arn)
    for form in (None, "NONE"):
        assert outputs(sb.map_results(details, form)) == [{"y": 2}] * 3


@pytest.mark.parametrize("kind", ["added", "added with details", "neither", "no input"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_description_of_this_run_is_known_by_its_arn_whatever_fields_it_has(
    sb, bucket, kind, place
):
    odd = {
        "added": {**OF_A_CHILD, "NewField": {"a": 1}},
        "added with details": {
            **OF_A_CHILD,
            "InputDetails": {"Included": True, "Kept": 1},
            "OutputDetails": {"Included": True, "Kept": 1},
        },
        "no input": {**OF_A_CHILD, "InputDetails": {"Included": False}},
        "neither": {
            **OF_A_CHILD,
            "InputDetails": {"Included": False, "New": 1},
            "OutputDetails": {"Included": False},
        },
    }[kind]
    if kind in {"neither", "no input"}:
        del odd["Input"]
    if kind == "neither":
        del odd["Output"]
    records = [OF_A_CHILD]
    records.insert(place, odd)
    for form in (None, "NONE"):
        children = list(sb.map_results(written(bucket, records, arn=RUN), form))
        plain, other = children[1 - place], children[place]
        assert (plain.status, plain.output) == ("SUCCEEDED", {"y": 2})
        assert other.name == OF_A_CHILD["Name"]
        if kind in {"neither", "no input"}:
            assert other.input is None
        if kind == "neither":
            assert other.status == "FAILED"
            assert "does not include it" in other.cause
        else:
            assert other.output == {"y": 2}


def test_an_added_field_without_the_runs_arn_does_not_make_an_output_a_description(sb, bucket):
    look = {**OF_A_CHILD, "mine": 1}
    assert outputs(sb.map_results(written(bucket, [look], arn=None))) == [look]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_record(sb, bucket, ending):
    details = written(bucket, [OF_A_CHILD, OF_A_CHILD], ending)
    name = f"run/SUCCEEDED_0.{ending}"
    for marked in (name, "run/manifest.json"):
        bucket.put(marked, b"\xef\xbb\xbf" + bucket.get(marked))
    assert outputs(sb.map_results(details)) == [{"y": 2}] * 2


def test_records_of_two_forms_are_an_error_and_no_guess(sb, bucket):
    details = written(bucket, [OF_A_CHILD, OF_ANOTHER])
    children = sb.map_results(details)
    assert next(children).output == {"y": 2}
    with pytest.raises(InvalidState, match=r"record 2 of run/SUCCEEDED_0\.json") as caught:
        next(children)
    assert "transformation" in caught.value.hint
    assert outputs(sb.map_results(details, "COMPACT")) == [OF_A_CHILD, OF_ANOTHER]  # the hint
    for wrong in ({"a": 1}, 1, LOOKALIKES["sync2"], {"Name": "n", "Output": {}}):
        with pytest.raises(InvalidState, match="transformation='NONE'"):
            list(sb.map_results(written(bucket, [wrong]), "NONE"))


def test_a_transformation_that_is_not_known_is_refused_at_once(sb):
    with pytest.raises(ConfigurationError, match="transformation must be"):
        sb.map_results({"Bucket": "results", "Key": "k"}, "compact")


BAD = {
    "half a pair": (rb'"cut \ud83d"', "lone surrogate has no UTF-8 form (at $.Cause)"),
    "not a number": (b"NaN", "NaN or infinite has no JSON form (at $.Cause)"),
    "too large": (b"-1e400", "NaN or infinite has no JSON form (at $.Cause)"),
    "too long": (b"9" * 5000, "an integer of more than 4300 digits"),
    "too deep": (b"[" * 600 + b"]" * 600, "nest deeper than 500 levels"),
    "much too deep": (b'{"a":' * 90_000 + b"1" + b"}" * 90_000, "nest deeper than 500 levels"),
    "not UTF-8": (b'"\xff"', "is not UTF-8"),
    "not JSON": (b'"\\x"', "it is not JSON"),
    "control": (b'"secret\x01"', "it is not JSON"),
}


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize("status", ["FAILED", "SUCCEEDED", "PENDING"])
@pytest.mark.parametrize(("bad", "says"), BAD.values(), ids=BAD)
def test_a_record_that_cannot_be_read_does_not_take_the_others(
    sb, bucket, bad, says, status, ending
):
    good = describe(1, status, **({"Output": "[1]"} if status == "SUCCEEDED" else {}))
    record = as_json(describe(2, status, Cause="HERE")).replace(b'"HERE"', bad)
    records = [as_json(good), record, as_json(good)]
    body = b"[%b]" % b",".join(records) if ending == "json" else b"\n".join(records)
    details = write(bucket, [(status, f"x.{ending}", body)])
    first, second, third = sb.map_results(details)
    assert first == third
    assert (first.status, first.name) == (status, "1")
    assert (second.status, second.error) == ("FAILED", "Statebag.UnreadableRecord")
    assert second.cause.startswith(f"record 2 of run/x.{ending} cannot be given exactly: ")
    assert says in second.cause
    assert "secret" not in second.cause
    if says not in ("is not UTF-8", "it is not JSON", "nest deeper than 500 levels"):
        assert (second.name, second.input) == ("2", {"n": 2})
    json.dumps(msgspec.to_builtins(second)).encode()


def test_an_output_that_cannot_be_given_exactly_is_a_failed_child(sb, bucket):
    texts = [r'{"a": "\ud83d"}', "[NaN]", "[1e999]", "9" * 5000, "[" * 501 + "]" * 501]
    records = [describe(n, Output=text) for n, text in enumerate(texts)]
    records += [describe(9, Output="[1]"), describe(10, OutputDetails={"Included": False})]
    *bad, good, left_out = sb.map_results(written(bucket, records, arn="a"))
    assert good.output == [1]
    for number, child in enumerate(bad):
        assert (child.status, child.error) == ("FAILED", "Statebag.UnreadableRecord")
        assert (child.output, child.input, child.name) == (None, {"n": number}, str(number))
        assert child.cause.startswith(f"the Output in record {number + 1} of run/SUCCEEDED_0.json")
    assert (left_out.status, left_out.name) == ("FAILED", "10")


def test_a_last_line_that_was_cut_is_a_failed_child_and_a_cut_array_an_error(sb, bucket):
    body = as_lines([{"a": 1}, {"b": 2}])[:-4]
    first, last = sb.map_results(write(bucket, [("SUCCEEDED", "x.jsonl", body)]))
    assert (first.output, last.error) == ({"a": 1}, "Statebag.UnreadableRecord")
    children = sb.map_results(write(bucket, [("SUCCEEDED", "x.json", as_json([1, 2])[:-1])]))
    assert next(children).output == 1
    with pytest.raises(BlobCorrupt):  # nobody knows how many are missing
        list(children)


@pytest.mark.parametrize("record", [1, None, "text", [], True])
def test_a_failed_childs_record_that_is_no_object(sb, bucket, record):
    (child,) = sb.map_results(written(bucket, [record], status="FAILED"))
    assert (child.status, child.error) == ("FAILED", "Statebag.UnreadableRecord")


@pytest.mark.parametrize("form", ["NONE", "COMPACT", "FLATTEN"])
@pytest.mark.parametrize("kind", ["JSON", "JSONL"])
def test_what_the_engine_of_this_machine_writes_is_read(sb, bucket, tmp_path, form, kind):
    nested = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync",
        "Parameters": {"StateMachineArn": MACHINE + "Inner", "Input.$": "$"},
    }
    each = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **chain(("S", nested)),
        },
        "ToleratedFailureCount": 1,
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "results", "Prefix": "maps"},
            "WriterConfig": {"Transformation": form, "OutputType": kind},
        },
    }
    execution = run(
        chain(("Each", each)),
        [{"n": 1}, {"n": 2}],
        machines={"Inner": chain(("P", {"Type": "Pass"}))},
        buckets=tmp_path,
    )
    folder = tmp_path / "results" / "maps"
    for file in folder.rglob("*.json*"):
        bucket.put(file.relative_to(folder).as_posix(), file.read_bytes())
    children = list(sb.map_results(execution.output["ResultWriterDetails"]))
    assert [child.status for child in children] == ["SUCCEEDED"] * 2
    assert sorted(json.loads(child.output["Output"])["n"] for child in children) == [1, 2]
    assert all("execution:Inner:" in child.output["ExecutionArn"] for child in children)


@pytest.mark.parametrize("arn", [RUN, None])
@pytest.mark.parametrize("transformation", [None, "NONE"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("field", ["Input", "Output"])
def test_a_null_in_a_description_does_not_make_it_an_output(
    sb, bucket, arn, transformation, place, field
):
    records = [
        {**child(n), "Output": json.dumps({"out": n}), "Input": json.dumps({"in": n})}
        for n in range(3)
    ]
    records[place][field] = None
    details = written(bucket, records, arn=arn)
    results = list(sb.map_results(details, transformation))
    whole = [one for n, one in enumerate(results) if n != place]
    assert [one.output for one in whole] == [{"out": n} for n in range(3) if n != place]
    odd = results[place]
    if field == "Input":
        assert (odd.status, odd.input, odd.output) == ("SUCCEEDED", None, {"out": place})
    else:
        assert (odd.status, odd.error) == ("FAILED", "Statebag.UnreadableRecord")
        assert (odd.input, odd.name) == ({"in": place}, records[place]["Name"])
        assert odd.cause.endswith("the file does not include it")


def test_a_null_that_a_child_gave_is_its_output(sb, bucket):
    records = [{**child(n), "Output": "null"} for n in range(2)]
    assert outputs(sb.map_results(written(bucket, records))) == [None, None]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        *(("FAILED", said) for said in ("SUCCEEDED", "PENDING", "RUNNING", "WEIRD", "", "failed")),
        *(("FAILED", said) for said in (None, 5, ["FAILED"], {"a": 1}, True)),
        *(("PENDING", said) for said in ("SUCCEEDED", "FAILED", "WEIRD", None)),
        ("WEIRD", "WEIRD"),
        ("WEIRD", "SUCCEEDED"),
    ],
)
def test_a_status_that_its_file_cannot_have_is_an_unreadable_record(sb, bucket, file, said):
    records = [{**child(0), "Status": said, "Error": "E", "Cause": "c"}]
    (odd,) = sb.map_results(written(bucket, records, status=file))
    assert (odd.status, odd.error, odd.output) == ("FAILED", "Statebag.UnreadableRecord", None)
    assert odd.name == records[0]["Name"]
    assert "its Status is" in odd.cause


def test_a_succeeded_file_with_another_status_is_no_success(sb, bucket):
    details = written(bucket, [{**child(0), "Status": "FAILED"}])
    (odd,) = sb.map_results(details, "NONE")
    assert (odd.status, odd.error) == ("FAILED", "Statebag.UnreadableRecord")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        *(("FAILED", said) for said in ("FAILED", "TIMED_OUT", "ABORTED")),
        *(("PENDING", said) for said in ("PENDING", "ABORTED")),
    ],
)
def test_the_statuses_that_a_file_can_have_are_given_as_they_are(sb, bucket, file, said):
    records = [{**child(0), "Status": said, "Error": None, "Cause": None, "Output": None}]
    (one,) = sb.map_results(written(bucket, records, status=file))
    assert (one.status, one.error, one.cause, one.output) == (said, None, None, None)
    del records[0]["Status"]
    (one,) = sb.map_results(written(bucket, records, status=file))
    assert one.status == file


@pytest.mark.parametrize("field", ["Name", "Error", "Cause"])
@pytest.mark.parametrize("value", [5, True, {"secret": 1}, ["secret"], 0, False, []])
def test_a_cause_that_is_no_text_is_an_unreadable_record(sb, bucket, field, value):
    good = {**child(1), "Status": "FAILED", "Error": "E", "Cause": "c"}
    bad = {**child(0), "Status": "FAILED", "Error": "E", "Cause": "c", field: value}
    odd, other = sb.map_results(written(bucket, [bad, good], status="FAILED"))
    assert (odd.status, odd.error) == ("FAILED", "Statebag.UnreadableRecord")
    assert odd.cause.endswith(f"its {field} is of type {type(value).__name__}")
    assert "secret" not in odd.cause
    assert (other.error, other.cause) == ("E", "c")


@pytest.mark.parametrize(
    "files",
    [
        *({"SUCCEEDED": odd} for odd in ({}, "", None, 5, "ab", {"Key": "k"}, [5], [{}])),
        *({"SUCCEEDED": [{"Key": odd}]} for odd in (5, None, ["k"], {})),
        *({"FAILED": odd} for odd in ({}, "")),
        *({"OTHER": odd} for odd in ({}, "")),
        *([], "", None, 5),
    ],
    ids=str,
)
def test_a_manifest_of_another_form_is_no_empty_run(sb, bucket, files):
    manifest = {"DestinationBucket": "results", "MapRunArn": RUN, "ResultFiles": files}
    bucket.put("run/manifest.json", json.dumps(manifest).encode())
    details = {"Bucket": "results", "Key": "maps/run/manifest.json"}
    with pytest.raises(BlobCorrupt, match="manifest is malformed"):
        list(sb.map_results(details))


def test_lines_that_are_cut_where_one_ends_are_missed(sb, bucket):
    details = write(bucket, [("SUCCEEDED", "SUCCEEDED_0.jsonl", as_lines([10, 20, 30]))])
    bucket.put("run/SUCCEEDED_0.jsonl", as_lines([10, 20]))
    with pytest.raises(BlobCorrupt, match="has only 6 bytes; the Map Run's manifest says 9"):
        list(sb.map_results(details, "COMPACT"))


def test_a_last_number_that_lost_a_digit_is_missed(sb, bucket):
    details = write(bucket, [("SUCCEEDED", "SUCCEEDED_0.jsonl", b"10\n20")])
    bucket.put("run/SUCCEEDED_0.jsonl", b"10\n2")
    with pytest.raises(BlobCorrupt, match="has only 4 bytes"):
        list(sb.map_results(details, "COMPACT"))


def test_a_file_that_the_manifest_lists_twice_does_not_count_twice(sb, bucket):
    file = ("SUCCEEDED", "SUCCEEDED_0.jsonl", as_lines([1]))
    details = write(bucket, [file, file])
    with pytest.raises(BlobCorrupt, match="lists a file twice"):
        list(sb.map_results(details, "COMPACT"))


@pytest.mark.parametrize("size", ["9", 1.5, True, [9]])
def test_a_manifest_with_a_size_that_is_no_number_of_bytes(sb, bucket, size):
    listed = {"SUCCEEDED": [{"Key": "maps/run/0.json", "Size": size}]}
    bucket.put("run/0.json", b"[1]")
    bucket.put("run/manifest.json", json.dumps({"ResultFiles": listed}).encode())
    with pytest.raises(BlobCorrupt, match="the Map Run's manifest is malformed"):
        list(sb.map_results({"Bucket": "results", "Key": "maps/run/manifest.json"}))


def test_a_manifest_without_sizes(sb, bucket):
    bucket.put("run/0.jsonl", b"1\n2")
    listed = {"SUCCEEDED": [{"Key": "maps/run/0.jsonl"}]}
    bucket.put("run/manifest.json", json.dumps({"ResultFiles": listed}).encode())
    results = sb.map_results({"Bucket": "results", "Key": "maps/run/manifest.json"})
    assert [one.output for one in results] == [1, 2]
