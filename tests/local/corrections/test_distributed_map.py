from __future__ import annotations

import json
from itertools import pairwise

import pytest

from statebag.asl.payload import payload_size
from statebag.errors import ConfigurationError
from statebag.local.corrections.distributed_map import batches_of
from tests.local.machines import chain, run, task, text_of

THRESHOLD = "States.ExceedToleratedFailureThreshold"
PUT = "arn:aws:states:::s3:putObject"
GET = "arn:aws:states:::s3:getObject"


def distributed(inner=None, **fields):
    processor = inner or chain(("T", task()))
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {"Type": "Map", "ItemProcessor": processor, **fields}


def each(**fields):
    return chain(("Each", distributed(**fields)))


def double(event, _context):
    if event == 13:
        raise ValueError("unlucky")
    return event * 2


WORK = {"work": double}


def test_each_item_is_a_child():
    execution = run(each(MaxConcurrency=2), [1, 2, 3], WORK)
    assert execution.output == [2, 4, 6]
    assert {t.path for t in execution.transitions} == {
        "Main/Each", "Main/Each[0]/T", "Main/Each[1]/T", "Main/Each[2]/T",
    }  # fmt: skip
    types = [event["type"] for event in execution.history]
    assert "MapRunStarted" in types
    assert "MapRunSucceeded" in types


def test_a_child_has_a_context_of_its_own():
    inner = chain(
        (
            "P",
            {
                "Type": "Pass",
                "Parameters": {
                    "id.$": "$$.Execution.Id",
                    "name.$": "$$.Execution.Name",
                    "input.$": "$$.Execution.Input",
                    "machine.$": "$$.StateMachine.Id",
                },
            },
        )
    )
    definition = chain(("Each", distributed(inner, Label="Batch")))
    (child,) = run(definition, ["x"], name="Flow").output
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Flow/Batch"
    assert child["machine"] == machine
    assert child["input"] == "x"
    assert child["id"] == f"{machine.replace('stateMachine', 'execution')}:{child['name']}"


def test_items_are_selected_before_they_are_batched():
    definition = each(
        inner=chain(("S", {"Type": "Succeed"})),
        ItemsPath="$.items",
        ItemSelector={"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "k.$": "$.k"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"k.$": "$.k", "fixed": 1}},
    )
    execution = run(definition, {"items": ["a", "b", "c"], "k": 9})
    common = {"BatchInput": {"k": 9, "fixed": 1}}
    assert execution.output == [
        {**common, "Items": [{"v": "a", "i": 0, "k": 9}, {"v": "b", "i": 1, "k": 9}]},
        {**common, "Items": [{"v": "c", "i": 2, "k": 9}]},
    ]


def test_batch_sizes_may_come_from_the_input():
    definition = each(
        inner=chain(("S", {"Type": "Succeed"})),
        ItemsPath="$.items",
        ItemBatcher={"MaxItemsPerBatchPath": "$.n"},
    )
    assert [len(b["Items"]) for b in run(definition, {"items": [1, 2, 3], "n": 2}).output] == [2, 1]
    assert run(definition, {"items": [1], "n": "two"}).error == "States.Runtime"


def test_batches_in_jsonata():
    definition = each(
        inner=chain(("S", {"Type": "Succeed"})),
        Items="{% $states.input.items %}",
        ItemBatcher={"MaxItemsPerBatch": "{% $states.input.n %}", "BatchInput": {"k": "{% 1+1 %}"}},
    )
    definition["QueryLanguage"] = "JSONata"
    assert run(definition, {"items": [1, 2, 3], "n": 2}).output == [
        {"BatchInput": {"k": 2}, "Items": [1, 2]},
        {"BatchInput": {"k": 2}, "Items": [3]},
    ]


@pytest.mark.parametrize("most", [41, 42, 43, 60, 1000])
def test_a_batch_has_as_many_items_as_its_bytes_allow(most):
    items = [{"v": index} for index in range(30)]
    batches = [batch for batch, _ in batches_of(items, None, most, {"k": 1})]
    assert [item for batch in batches for item in batch["Items"]] == items
    for batch, following in pairwise(batches):
        assert payload_size(batch) <= most
        more = {**batch, "Items": [*batch["Items"], following["Items"][0]]}
        assert payload_size(more) > most


def test_an_item_that_is_larger_than_a_batch_may_be_has_one_of_its_own():
    assert [count for _, count in batches_of([1, text_of(100), 2, 3], 9, 50)] == [1, 1, 2]


def test_a_batch_fits_the_quota_whatever_is_asked():
    items = [text_of(87_380)] * 4
    assert [count for _, count in batches_of(items, 4, None)] == [2, 2]


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 39}, "FAILED"),
        ({"ToleratedFailurePercentage": 40}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 100, "ToleratedFailureCount": 1}, "FAILED"),
    ],
)
def test_as_many_items_may_fail_as_are_tolerated(limits, status):
    execution = run(each(**limits), [1, 13, 2, 13, 3], WORK)
    assert execution.status == status
    if status == "FAILED":
        assert execution.error == THRESHOLD
    else:
        first, failed, *_ = execution.output
        assert first == 2
        assert (failed["Status"], failed["Error"], failed["Input"]) == (
            "FAILED",
            "ValueError",
            "13",
        )
        assert "unlucky" in failed["Cause"]


def test_all_items_of_a_failed_batch_count():
    def work(event, _context):
        raise ValueError

    definition = each(ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=1)
    assert run(definition, [1, 2], {"work": work}).error == THRESHOLD


def test_the_threshold_can_be_caught():
    state = distributed(Catch=[{"ErrorEquals": [THRESHOLD], "Next": "R"}])
    execution = run(chain(("Each", state), ("R", {"Type": "Pass"})), [13], WORK)
    assert execution.output["Error"] == THRESHOLD


def written(tmp_path, output):
    details = output["ResultWriterDetails"]
    folder = tmp_path / details["Bucket"]
    manifest = json.loads((folder / details["Key"]).read_text())
    assert manifest["MapRunArn"] == output["MapRunArn"]
    assert manifest["DestinationBucket"] == details["Bucket"]
    assert set(manifest) == {"DestinationBucket", "MapRunArn", "ResultFiles"}
    bodies = {}
    for status, files in manifest["ResultFiles"].items():
        for file in files:
            body = (folder / file["Key"]).read_bytes()
            assert len(body) == file["Size"]
            bodies[status] = (file["Key"], body.decode())
    return details["Key"], bodies


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"Transformation": "COMPACT", "OutputType": "JSON"}, "[[1,1],[2,2]]"),
        ({"Transformation": "COMPACT", "OutputType": "JSONL"}, "[1,1]\n[2,2]\n"),
        ({"Transformation": "FLATTEN", "OutputType": "JSON"}, "[1,1,2,2]"),
        ({"Transformation": "FLATTEN", "OutputType": "JSONL"}, "1\n1\n2\n2\n"),
    ],
)
def test_results_are_written_in_each_form(tmp_path, form, expected):
    resource = {"Resource": PUT, "Parameters": {"Bucket": "results", "Prefix": "runs"}}
    definition = each(ResultWriter={"WriterConfig": form, **resource})
    work = {"work": lambda event, _context: [event, event]}
    execution = run(definition, [1, 2], work, bucket_dir=tmp_path)
    key, bodies = written(tmp_path, execution.output)
    folder = execution.output["MapRunArn"].rsplit(":", 1)[-1]
    assert key == f"runs/{folder}/manifest.json"
    assert bodies == {
        "SUCCEEDED": (f"runs/{folder}/SUCCEEDED_0.{form['OutputType'].lower()}", expected)
    }


def test_results_are_described_unless_a_form_is_asked_for(tmp_path):
    writer = {"Resource": PUT, "Parameters": {"Bucket": "results", "Prefix.$": "$.where"}}
    definition = each(ItemsPath="$.items", ToleratedFailureCount=1, ResultWriter=writer)
    execution = run(definition, {"items": [1, 13], "where": "é/"}, WORK, bucket_dir=tmp_path)
    key, bodies = written(tmp_path, execution.output)
    assert key.startswith("é/")
    (good,) = json.loads(bodies["SUCCEEDED"][1])
    assert (good["Status"], good["Input"], good["Output"]) == ("SUCCEEDED", "1", "2")
    assert good["ExecutionArn"].endswith(good["Name"])
    assert good["InputDetails"] == good["OutputDetails"] == {"Included": True}
    assert good["StartDate"] <= good["StopDate"]
    (bad,) = json.loads(bodies["FAILED"][1])
    assert (bad["Status"], bad["Error"], bad["Input"]) == ("FAILED", "ValueError", "13")
    assert "Output" not in bad


def test_what_was_not_started_is_pending(tmp_path):
    writer = {"Resource": PUT, "Parameters": {"Bucket": "results", "Prefix": ""}}
    definition = each(MaxConcurrency=1, ResultWriter=writer)
    execution = run(definition, [13, 1, 2], WORK, bucket_dir=tmp_path)
    assert execution.error == THRESHOLD
    (manifest,) = tmp_path.glob("results/*/manifest.json")
    (pending,) = json.loads(manifest.read_text())["ResultFiles"]["PENDING"]
    assert len(json.loads((tmp_path / "results" / pending["Key"]).read_text())) == 2


def test_results_can_be_returned_in_another_form():
    work = {"work": lambda event, _context: [event]}
    flat = each(ResultWriter={"WriterConfig": {"Transformation": "FLATTEN"}})
    assert run(flat, [1, 2], work).output == [1, 2]
    described = each(ResultWriter={"WriterConfig": {"Transformation": "NONE"}})
    assert [child["Output"] for child in run(described, [1], work).output] == ["[1]"]


def source(kind, **config):
    reader_config = {"InputType": kind, **config}
    return {
        "Resource": GET,
        "ReaderConfig": reader_config,
        "Parameters": {"Bucket": "inputs", "Key.$": "$.key"},
    }


@pytest.mark.parametrize(
    ("reader", "body", "items"),
    [
        (source("JSON"), '[{"v": 1}, 2]', [{"v": 1}, 2]),
        (source("JSON", MaxItems=1), "[1, 2]", [1]),
        (source("JSON", MaxItemsPath="$.most"), "[1, 2, 3]", [1, 2]),
        (source("JSONL"), '{"v": "é"}\n\n2\n', [{"v": "é"}, 2]),
        (
            source("CSV", CSVHeaderLocation="FIRST_ROW"),
            'b,a\n1,"x, y"\n2\n',
            [{"b": "1", "a": "x, y"}, {"b": "2", "a": ""}],
        ),
        (
            source("CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["a", "b"], CSVDelimiter="TAB"),
            "1\t2\n",
            [{"a": "1", "b": "2"}],
        ),
    ],
)
def test_items_are_read_from_an_object(tmp_path, reader, body, items):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "data").write_text(body)
    definition = each(inner=chain(("S", {"Type": "Succeed"})), ItemReader=reader)
    execution = run(definition, {"key": "data", "most": 2}, bucket_dir=tmp_path)
    assert execution.output == items


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("JSON", "{}"),
        ("JSON", "["),
        ("JSON", "[" * 5_000 + "]" * 5_000),
        ("JSONL", "[" * 501 + "]" * 501),
        ("CSV", "a,a\n"),
        ("JSON", None),
    ],
)
def test_items_that_cannot_be_read_fail_the_state(tmp_path, kind, body):
    (tmp_path / "inputs").mkdir()
    if body is not None:
        (tmp_path / "inputs" / "data").write_text(body)
    state = distributed(
        ItemReader=source(kind), Catch=[{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "R"}]
    )
    definition = chain(("Each", state), ("R", {"Type": "Pass"}))
    execution = run(definition, {"key": "data"}, WORK, bucket_dir=tmp_path)
    assert execution.output["Error"] == "States.ItemReaderFailed"


def test_the_objects_below_a_prefix_are_items(tmp_path):
    (tmp_path / "inputs" / "a").mkdir(parents=True)
    (tmp_path / "inputs" / "a" / "one").write_text("1")
    (tmp_path / "inputs" / "b").write_text("2")
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": "inputs", "Prefix": "a/"},
    }
    definition = each(inner=chain(("S", {"Type": "Succeed"})), ItemReader=reader)
    (item,) = run(definition, {}, bucket_dir=tmp_path).output
    assert (item["Key"], item["Size"]) == ("a/one", 1)
    assert set(item) == {"Etag", "Key", "LastModified", "Size", "StorageClass"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"ItemBatcher": {}}, "ItemBatcher"),
        ({"ResultWriter": {}}, "ResultWriter"),
        ({"ResultWriter": {"WriterConfig": {"Transformation": "X"}}}, "Transformation"),
        ({"ItemReader": source("PARQUET")}, "InputType"),
        ({"ItemReader": {"Resource": "arn:aws:states:::s3:copy"}}, "Resource"),
    ],
)
def test_what_this_engine_does_not_know_is_refused_before_the_run(fields, place):
    called = []
    definition = chain(("First", task("first")), ("Each", distributed(**fields)))
    with pytest.raises(ConfigurationError) as caught:
        run(definition, [], {**WORK, "first": lambda event, _: called.append(event)})
    assert caught.value.path.endswith(place)
    assert called == []


def test_an_inline_map_has_no_batches():
    state = {"Type": "Map", "ItemProcessor": chain(("T", task())), "ItemBatcher": {}}
    with pytest.raises(ConfigurationError, match="only a Distributed Map"):
        run(chain(("Each", state)), [], WORK)


def test_more_items_than_a_stack_is_deep():
    definition = each(inner=chain(("S", {"Type": "Succeed"})), MaxConcurrency=1)
    assert run(definition, list(range(1100))).output == list(range(1100))
