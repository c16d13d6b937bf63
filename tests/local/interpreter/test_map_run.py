"""Distributed Map: as in the Developer Guide ("Distributed mode", "ItemReader", "ResultWriter")."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from tests.local.interpreter.events import details, inner, links, types
from tests.local.machines import chain, task

THRESHOLD = "States.ExceedToleratedFailureThreshold"
GET = "arn:aws:states:::s3:getObject"
PUT = "arn:aws:states:::s3:putObject"


def distributed(processor=None, **fields):
    return {"Type": "Map", "ItemProcessor": processor or inner(), **fields}


def working(**fields):
    processor = chain(("T", task()))
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return distributed(processor, **fields)


def double(event, _context):
    if event == 13:
        raise ValueError("unlucky")
    return event * 2


def test_children_are_executions_of_their_own():
    told = {}
    execution = run(
        chain(("M", distributed(inner(Parameters={"id.$": "$$.Execution.Id"}), Label="Each"))),
        input=[1, 2],
        on_event=lambda arn, event: told.setdefault(arn, []).append(event["type"]),
        name="Flow",
    )
    children = [one["id"] for one in execution.output]
    assert set(told) == {execution.arn, *children}
    assert all(":execution:Flow/Each:" in one for one in children)
    for one in children:
        assert told[one] == [
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
        ]  # fmt: skip
    assert types(execution)[2:7] == [
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
    ]
    assert links(execution)[6] == ("MapStateExited", "MapRunStarted")
    assert ":mapRun:Flow/Each:" in details(execution.history[3])["mapRunArn"]


def test_a_child_sees_no_variables_of_its_parent():
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"v": 1}, "Result": [1]}),
        ("M", distributed(inner(Parameters={"v.$": "$v"}))),
    )
    assert run(definition).error == THRESHOLD


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 40}, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 9, "ToleratedFailurePercentage": 40}, "FAILED"),
    ],
)
def test_as_many_items_may_fail_as_are_tolerated(limits, status):
    execution = run(
        chain(("M", working(**limits))), input=[13, 1, 13, 2], functions={"work": double}
    )
    assert execution.status == status
    if status == "FAILED":
        assert execution.error == THRESHOLD
        assert execution.cause == "The specified tolerated failure threshold was exceeded"
        assert types(execution)[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


def test_a_failure_stops_what_was_not_started():
    called = []

    def work(event, _context):
        called.append(event)
        raise ValueError

    state = working(MaxConcurrency=1)
    assert run(chain(("M", state)), input=[1, 2, 3], functions={"work": work}).error == THRESHOLD
    assert called == [1]


def test_all_items_of_a_failed_batch_count():
    state = working(ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=1)
    assert run(chain(("M", state)), input=[1, 2], mocks={"T": {"Throw": {}}}).error == THRESHOLD


def test_the_threshold_can_be_caught_and_retried():
    state = working(
        Retry=[{"ErrorEquals": [THRESHOLD], "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": [THRESHOLD], "Next": "C"}],
    )
    execution = run(
        chain(("M", state), ("C", {"Type": "Pass"})), input=[13], functions={"work": double}
    )
    assert execution.output["Error"] == THRESHOLD
    assert types(execution).count("MapRunFailed") == 2


def test_items_are_selected_before_they_are_batched():
    state = distributed(
        ItemsPath="$.items",
        ItemSelector={"v.$": "$$.Map.Item.Value", "k.$": "$.k"},
        ItemBatcher={"MaxItemsPerBatchPath": "$.n", "BatchInput": {"k.$": "$.k"}},
    )
    execution = run(chain(("M", state)), input={"items": ["a", "b", "c"], "k": 9, "n": 2})
    assert execution.output == [
        {"BatchInput": {"k": 9}, "Items": [{"v": "a", "k": 9}, {"v": "b", "k": 9}]},
        {"BatchInput": {"k": 9}, "Items": [{"v": "c", "k": 9}]},
    ]


def test_batches_in_jsonata():
    state = distributed(
        Items="{% $states.input.items %}",
        ItemBatcher={"MaxItemsPerBatch": "{% $states.input.n %}", "BatchInput": {"k": "{% 1+1 %}"}},
    )
    execution = run(
        chain(("M", state), QueryLanguage="JSONata"), input={"items": [1, 2, 3], "n": 2}
    )
    assert [len(one["Items"]) for one in execution.output] == [2, 1]
    assert execution.output[0]["BatchInput"] == {"k": 2}


def reader(**config):
    return {
        "Resource": GET,
        "Parameters": {"Bucket": "box", "Key.$": "$.key"},
        "ReaderConfig": config,
    }


@pytest.fixture
def buckets(tmp_path):
    (tmp_path / "box").mkdir()
    return tmp_path


def test_items_are_read_and_results_are_written(buckets):
    (buckets / "box/in.jsonl").write_text('{"n":1}\n{"n":2}\n{"n":3}\n')
    state = distributed(
        ItemReader=reader(InputType="JSONL", MaxItems=2),
        ResultWriter={"Resource": PUT, "Parameters": {"Bucket": "box", "Prefix": "out"}},
    )
    execution = run(chain(("M", state)), input={"key": "in.jsonl"}, buckets=buckets)
    written = execution.output["ResultWriterDetails"]
    manifest = json.loads((buckets / "box" / written["Key"]).read_text())
    (succeeded,) = manifest["ResultFiles"]["SUCCEEDED"]
    records = json.loads((buckets / "box" / succeeded["Key"]).read_text())
    assert [json.loads(one["Output"]) for one in records] == [{"n": 1}, {"n": 2}]
    assert {one["Status"] for one in records} == {"SUCCEEDED"}
    assert details(execution.history[2]) == {"length": 0}


def test_failed_and_pending_children_are_written(buckets):
    state = working(
        MaxConcurrency=1,
        ResultWriter={"Resource": PUT, "Parameters": {"Bucket": "box", "Prefix": "out"}},
    )
    execution = run(
        chain(("M", state)), input=[1, 13, 2], functions={"work": double}, buckets=buckets
    )
    assert execution.error == THRESHOLD
    files = sorted(one.name for one in (buckets / "box/out").rglob("*.json"))
    assert files == ["FAILED_0.json", "PENDING_0.json", "SUCCEEDED_0.json", "manifest.json"]


@pytest.mark.parametrize(
    ("key", "config", "cause"),
    [
        ("gone", {}, "NoSuchKey"),
        ("in.json", {"InputType": "CSV", "MaxItems": -1}, "MaxItems cannot be negative."),
        ("in.json", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    ],
)
def test_items_that_cannot_be_read_can_be_caught(buckets, key, config, cause):
    (buckets / "box/in.json").write_text("{}")
    state = distributed(
        ItemReader=reader(**config),
        Catch=[{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "C"}],
    )
    definition = chain(("M", state), ("C", {"Type": "Pass"}))
    execution = run(definition, input={"key": key}, buckets=buckets)
    assert execution.output["Error"] == "States.ItemReaderFailed"
    assert cause in execution.output["Cause"]
    assert "MapRunFailed" in types(execution)


def test_results_that_cannot_be_written_fail_the_state():
    state = distributed(
        ResultWriter={"Resource": PUT, "Parameters": {"Bucket": "No Bucket", "Prefix": "out"}}
    )
    execution = run(chain(("M", state)), input=[1])
    assert execution.error == "States.ResultWriterFailed"
    assert "MapRunFailed" in types(execution)


def test_a_bucket_for_results_is_made_in_the_world_of_the_run():
    state = distributed(
        ResultWriter={"Resource": PUT, "Parameters": {"Bucket": "new-box", "Prefix": "out"}}
    )
    execution = run(chain(("M", state)), input=[1])
    assert execution.output["ResultWriterDetails"]["Bucket"] == "new-box"


def test_more_children_than_a_stack_is_deep():
    state = distributed(MaxConcurrency=1)
    assert run(chain(("M", state)), input=list(range(1500))).output == list(range(1500))


def test_children_run_at_the_same_time():
    processor = inner(Type="Wait", Seconds=50)
    execution = run(chain(("M", distributed(processor))), input=list(range(300)))
    began, ended = execution.history[0]["timestamp"], execution.history[-1]["timestamp"]
    assert 50 <= (ended - began).total_seconds() < 60


class TestReadersOfJsonata:
    """The forms of an ItemReader in JSONata (Developer Guide, "ItemReader (Map)")."""

    GIVEN: ClassVar = {"bucket": "the-items", "key": "rows.json", "most": 2}

    @pytest.fixture
    def buckets(self, tmp_path):
        box = tmp_path / "the-items"
        (box / "day").mkdir(parents=True)
        (box / "rows.json").write_text('{"rows": {"x/y": [{"n": 1}, {"n": 2}, {"n": 3}]}}')
        (box / "lines.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
        (box / "day" / "1.csv").write_text("n,m\n1,2\n")
        (box / "day" / "2.csv").write_text("n,m\n3,4\n")
        return tmp_path

    def ran(self, buckets, reader, *, language="JSONata", action="getObject", **fields):
        each = {
            "Type": "Map",
            "ItemReader": {"Resource": f"arn:aws:states:::s3:{action}", **reader},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **chain(("P", {"Type": "Pass"})),
            },
            **fields,
        }
        definition = chain(("M", each), QueryLanguage=language)
        return run(definition, input=self.GIVEN, buckets=buckets)

    def test_arguments_are_computed_one_by_one(self, buckets):
        given = {"Bucket": "{% $states.input.bucket %}", "Key": "{% $states.input.key %}"}
        config = {"InputType": "JSON", "ItemsPointer": "/rows/x~1y"}
        ran = self.ran(buckets, {"Arguments": given, "ReaderConfig": config})
        assert ran.output == [{"n": 1}, {"n": 2}, {"n": 3}]

    def test_arguments_and_the_most_items_are_computed_as_a_whole(self, buckets):
        given = "{% {'Bucket': $states.input.bucket, 'Key': 'lines.jsonl'} %}"
        config = {"InputType": "JSONL", "MaxItems": "{% $states.input.most - 1 %}"}
        assert self.ran(buckets, {"Arguments": given, "ReaderConfig": config}).output == [{"n": 1}]

    @pytest.mark.parametrize(
        ("most", "error"),
        [("{% 'x' %}", "States.QueryEvaluationError"), ("{% -1 %}", "States.ItemReaderFailed")],
    )
    def test_the_most_items_must_be_a_number_of_at_least_none(self, buckets, most, error):
        given = {"Bucket": "the-items", "Key": "lines.jsonl"}
        config = {"InputType": "JSONL", "MaxItems": most}
        assert self.ran(buckets, {"Arguments": given, "ReaderConfig": config}).error == error

    def test_an_expression_without_a_value_fails_the_map_and_names_its_field(self, buckets):
        given = {"Bucket": "the-items", "Key": "{% $states.input.gone %}"}
        ran = self.ran(buckets, {"Arguments": given, "ReaderConfig": {"InputType": "JSONL"}})
        assert ran.error == "States.QueryEvaluationError"
        assert "'ItemReader/Arguments/Key'" in ran.cause

    def test_a_listing_gives_objects_or_what_is_in_them(self, buckets):
        given = {"Bucket": "{% $states.input.bucket %}", "Prefix": "day/"}
        selector = {"key": "{% $states.context.Map.Item.Value.Key %}"}
        listed = self.ran(
            buckets, {"Arguments": given}, action="listObjectsV2", ItemSelector=selector
        )
        assert listed.output == [{"key": "day/1.csv"}, {"key": "day/2.csv"}]
        config = {
            "InputType": "CSV",
            "CSVHeaderLocation": "FIRST_ROW",
            "Transformation": "LOAD_AND_FLATTEN",
        }
        reader = {"Arguments": given, "ReaderConfig": config}
        flat = self.ran(buckets, reader, action="listObjectsV2")
        assert flat.output == [{"n": "1", "m": "2"}, {"n": "3", "m": "4"}]

    @pytest.mark.parametrize(
        ("language", "field"), [("JSONata", "Parameters"), ("JSONPath", "Arguments")]
    )
    def test_the_parameters_of_the_other_language_are_refused(self, buckets, language, field):
        given = {"Bucket": "the-items", "Key": "lines.jsonl"}
        reader = {field: given, "ReaderConfig": {"InputType": "JSONL"}}
        with pytest.raises(ConfigurationError) as refused:
            self.ran(buckets, reader, language=language)
        assert refused.value.path == f"$.States.M.ItemReader.{field}"
