"""Definitions of what recordings hardly hold, each with its source.

Specification: the Amazon States Language (states-language.net/spec.html), by the section's name.
Guide: the Step Functions Developer Guide, by the page's name. Recorded: executions on AWS.
"""

import json
from itertools import pairwise

import pytest

from tests.local.interpreter.events import types
from tests.local.machines import LIMIT, chain, run, task, text_of

PASS = {"Type": "Pass"}
FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "because"}
THRESHOLD = "States.ExceedToleratedFailureThreshold"
GET = "arn:aws:states:::s3:getObject"
PUT = "arn:aws:states:::s3:putObject"


def parallel(*branches, **fields):
    return {"Type": "Parallel", "Branches": list(branches), **fields}


def each(*states, distributed=False, **fields):
    processor = chain(*states)
    if distributed:
        processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {"Type": "Map", "ItemProcessor": processor, **fields}


def wait(seconds):
    return {"Type": "Wait", "Seconds": seconds}


def reading(body, key="items", *, states=(("P", PASS),), config=None, **fields):
    reader = {"Resource": GET, "Parameters": {"Bucket": "box", "Key": key}}
    if config is not None:
        reader["ReaderConfig"] = config
    machine = chain(("M", each(*states, distributed=True, ItemReader=reader, **fields)))
    return machine, {"seeds": {"buckets": {"box": {key: body}}}}


def of(body, config, **fields):
    machine, more = reading(body, config=config, **fields)
    return run(machine, **more)


class TestParallel:
    """Specification: Parallel State."""

    def test_each_branch_gets_a_copy_of_the_input(self):
        seen = []
        keep = {"a": lambda e, _c: seen.append(e) or e.pop("x"), "b": lambda e, _c: e["x"]}
        two = parallel(chain(("A", task("a"))), chain(("B", task("b"))))
        assert run(chain(("P", two)), {"x": 1}, keep).output == [1, 1]

    def test_the_output_has_the_order_of_the_branches_not_of_their_ends(self):
        slow = chain(("W", wait(9)), ("A", {**PASS, "Result": "slow"}))
        fast = chain(("B", {**PASS, "Result": "fast"}))
        assert run(chain(("P", parallel(slow, fast)))).output == ["slow", "fast"]

    def test_a_failed_branch_ends_its_siblings(self):
        """Guide, "Parallel workflow state": all branches are considered to have failed."""
        calls = []
        slow = chain(("W", wait(60)), ("T", task("t")))
        two = parallel(slow, chain(("W2", wait(5)), ("F", FAIL)))
        ran = run(chain(("P", two)), {}, {"t": lambda _e, _c: calls.append(1)})
        assert (ran.status, ran.error, ran.cause) == ("FAILED", "Broken", "because")
        assert calls == []
        assert types(ran).count("WaitStateAborted") == 1
        assert types(ran)[-2:] == ["ParallelStateFailed", "ExecutionFailed"]

    def test_the_first_of_two_failures_counts(self):
        late = chain(("W", wait(5)), ("L", {**FAIL, "Error": "Late"}))
        early = chain(("W2", wait(2)), ("E", {**FAIL, "Error": "Early"}))
        assert run(chain(("P", parallel(late, early)))).error == "Early"

    def test_a_retry_runs_all_branches_again(self):
        """Specification, "Parallel State": the state itself is retried."""
        calls = []

        def sometimes(event, context):
            calls.append("t")
            if calls.count("t") < 3:
                raise ValueError("not yet")
            return 1

        retry = [{"ErrorEquals": ["ValueError"], "MaxAttempts": 2}]
        other = chain(("O", task("o")))
        two = parallel(chain(("T", task("t"))), other, Retry=retry)
        ran = run(chain(("P", two)), {}, {"t": sometimes, "o": lambda _e, _c: calls.append("o")})
        assert ran.status == "SUCCEEDED"
        assert calls.count("t") == 3

    def test_a_catch_gets_the_error_and_keeps_the_input_with_a_result_path(self):
        catch = [{"ErrorEquals": ["Broken"], "ResultPath": "$.error", "Next": "End"}]
        states = ("P", parallel(chain(("F", FAIL)), Catch=catch, Next="End")), ("End", PASS)
        ran = run(chain(*states), {"kept": 1})
        assert ran.output == {"kept": 1, "error": {"Error": "Broken", "Cause": "because"}}

    def test_states_branch_failed_is_taken_by_all(self):
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
        states = ("P", parallel(chain(("F", FAIL)), Catch=catch, Next="End")), ("End", PASS)
        assert run(chain(*states)).output == {"Error": "Broken", "Cause": "because"}

    def test_variables_of_a_branch_are_its_own(self):
        """Guide, "Passing data between states with variables": inner scopes."""
        set_ = {**PASS, "Assign": {"x": 2}}
        read = {**PASS, "Parameters": {"x.$": "$x"}}
        first = chain(("A", set_), ("B", read))
        second = chain(("W", wait(3)), ("C", read))
        states = ("S", {**PASS, "Assign": {"x": 1}}), ("P", parallel(first, second)), ("R", read)
        ran = run(chain(*states))
        assert ran.output == {"x": 1}
        assert json.loads(
            next(
                one["stateExitedEventDetails"]["output"]
                for one in ran.history
                if one["type"] == "ParallelStateExited"
            )
        ) == [{"x": 2}, {"x": 1}]

    def test_a_branch_that_passes_the_limit_ends_the_execution(self):
        """Recorded: a state's output over the limit ends it; nothing catches that."""
        half = {**PASS, "Result": text_of(LIMIT // 2 + 10)}
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
        two = parallel(chain(("A", half)), chain(("B", half)), Catch=catch, Next="End")
        ran = run(chain(("P", two), ("End", PASS)))
        assert (ran.status, ran.error) == ("FAILED", "States.DataLimitExceeded")

    def test_a_nested_parallel_fails_from_the_inside_out(self):
        inner = parallel(chain(("F", FAIL)), chain(("W", wait(9))))
        outer = parallel(chain(("I", inner)), chain(("W2", wait(9))))
        ran = run(chain(("O", outer)))
        assert types(ran).count("ParallelStateFailed") == 2
        assert types(ran).count("WaitStateAborted") == 2
        assert ran.error == "Broken"


class TestInlineMaps:
    """Specification: Map State."""

    def test_an_empty_array_gives_an_empty_array(self):
        assert run(chain(("M", each(("P", PASS)))), []).output == []

    def test_at_most_so_many_run_at_once(self):
        running, most = [0], [0]
        states = ("B", task("begin")), ("W", wait(1)), ("E", task("end"))

        def begin(event, context):
            running[0] += 1
            most[0] = max(most[0], running[0])
            return event

        def end(event, context):
            running[0] -= 1
            return event

        for concurrency in (1, 3):
            most[0] = 0
            machine = chain(("M", each(*states, MaxConcurrency=concurrency)))
            assert run(machine, list(range(10)), {"begin": begin, "end": end}).output == [
                *range(10)
            ]
            assert most == [concurrency]

    def test_a_failed_iteration_ends_the_others(self):
        more = {"Variable": "$", "NumericEquals": 2, "Next": "F"}
        choice = {"Type": "Choice", "Choices": [more], "Default": "W"}
        machine = chain(("M", each(("C", choice), ("F", FAIL), ("W", wait(9)))))
        ran = run(machine, [1, 2, 3])
        assert (ran.error, types(ran).count("MapIterationFailed")) == ("Broken", 1)
        assert types(ran).count("MapIterationAborted") == 2

    def test_nested_maps_see_their_own_items(self):
        """Guide, "Context object": Map.Item of the innermost Map."""
        inner = each(
            ("P", PASS),
            ItemsPath="$.inner",
            ItemSelector={
                "i.$": "$$.Map.Item.Index",
                "v.$": "$$.Map.Item.Value",
                "o.$": "$.outer",
            },
        )
        outer = each(("I", inner))
        given = [{"outer": "a", "inner": [1, 2]}, {"outer": "b", "inner": [3]}]
        assert run(chain(("M", outer)), given).output == [
            [{"i": 0, "v": 1, "o": "a"}, {"i": 1, "v": 2, "o": "a"}],
            [{"i": 0, "v": 3, "o": "b"}],
        ]

    def test_an_iteration_that_is_given_no_array(self):
        ran = run(chain(("M", each(("P", PASS), ItemsPath="$.x"))), {"x": {"a": 1}})
        assert (ran.status, ran.error) == ("FAILED", "States.Runtime")


class TestToleratedFailures:
    """Guide, "Setting failure thresholds for Distributed Map states"."""

    def run(self, failing, count, **fields):
        more = {"Variable": "$", "NumericLessThan": failing, "Next": "F"}
        choice = {"Type": "Choice", "Choices": [more], "Default": "P"}
        states = ("C", choice), ("F", FAIL), ("P", PASS)
        return run(chain(("M", each(*states, distributed=True, **fields))), list(range(count)))

    @pytest.mark.parametrize(
        ("failing", "count", "fields", "status"),
        [
            (1, 10, {}, "FAILED"),  # the default tolerates none
            (1, 10, {"ToleratedFailureCount": 1}, "SUCCEEDED"),
            (2, 10, {"ToleratedFailureCount": 1}, "FAILED"),  # more than the count
            (5, 10, {"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
            (6, 10, {"ToleratedFailurePercentage": 50}, "FAILED"),
            (10, 10, {"ToleratedFailurePercentage": 100}, "SUCCEEDED"),
            (1, 10, {"ToleratedFailurePercentage": 0}, "FAILED"),
            (2, 10, {"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 50}, "FAILED"),
            (2, 10, {"ToleratedFailureCount": 5, "ToleratedFailurePercentage": 10}, "FAILED"),
        ],
    )
    def test_more_than_are_tolerated(self, failing, count, fields, status):
        ran = self.run(failing, count, **fields)
        assert ran.status == status
        if status == "FAILED":
            assert ran.error == THRESHOLD

    def test_a_batch_fails_with_all_of_its_items(self):
        """Guide, "ItemBatcher (Map)": the number of items, not of batches."""
        batcher = {"MaxItemsPerBatch": 3}
        states = (("F", FAIL),)
        for count, status in ((3, "SUCCEEDED"), (2, "FAILED")):
            machine = chain(
                (
                    "M",
                    each(
                        *states,
                        distributed=True,
                        ItemBatcher=batcher,
                        ToleratedFailureCount=count,
                    ),
                )
            )
            assert run(machine, [1, 2, 3]).status == status

    def test_the_threshold_can_be_caught(self):
        """Guide, "Handling errors": States.ExceedToleratedFailureThreshold."""
        catch = [{"ErrorEquals": [THRESHOLD], "Next": "End"}]
        machine = chain(
            ("M", each(("F", FAIL), distributed=True, Catch=catch, Next="End")), ("End", PASS)
        )
        assert run(machine, [1]).output["Error"] == THRESHOLD


class TestReaders:
    """Guide, "ItemReader (Map)"."""

    @pytest.mark.parametrize(
        ("body", "config", "items"),
        [
            ("a,b\n1,2\n", {"CSVHeaderLocation": "FIRST_ROW"}, [{"a": "1", "b": "2"}]),
            # Fewer values than headers: empty strings; more: they are left out
            ("a,b\n1\n1,2,3\n", {"CSVHeaderLocation": "FIRST_ROW"},
             [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]),
            ("a,b\r\n1,2\r\n", {"CSVHeaderLocation": "FIRST_ROW"}, [{"a": "1", "b": "2"}]),
            ('a,b\n"1,5","x ""y"""\n', {"CSVHeaderLocation": "FIRST_ROW"},
             [{"a": "1,5", "b": 'x "y"'}]),
            ('a\n"two\nlines"\n', {"CSVHeaderLocation": "FIRST_ROW"}, [{"a": "two\nlines"}]),
            ("\ufeffa,b\n1,2\n", {"CSVHeaderLocation": "FIRST_ROW"}, [{"a": "1", "b": "2"}]),
            ("1,2\n", {"CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y"]},
             [{"x": "1", "y": "2"}]),
            ("a|b\n1|2\n", {"CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "PIPE"},
             [{"a": "1", "b": "2"}]),
            ("a;b\n1;2\n", {"CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "SEMICOLON"},
             [{"a": "1", "b": "2"}]),
            ("a\tb\n1\t2\n", {"CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "TAB"},
             [{"a": "1", "b": "2"}]),
            ("a b\n1 2\n", {"CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "SPACE"},
             [{"a": "1", "b": "2"}]),
            ("a\n1\n2\n3\n", {"CSVHeaderLocation": "FIRST_ROW", "MaxItems": 2},
             [{"a": "1"}, {"a": "2"}]),
        ],
    )  # fmt: skip
    def test_csv(self, body, config, items):
        assert of(body, {"InputType": "CSV", **config}).output == items

    def test_json_lines(self):
        body = '{"a": 1}\n\n"two\\u2028"\n[3]\n'
        assert of(body, {"InputType": "JSONL"}).output == [{"a": 1}, "two\u2028", [3]]

    def test_a_json_array_and_a_pointer_into_an_object(self):
        assert of("[1, 2]", {"InputType": "JSON"}).output == [1, 2]
        body = '{"a/b": {"c": [1, 2]}}'
        config = {"InputType": "JSON", "ItemsPointer": "/a~1b/c"}
        assert of(body, config).output == [1, 2]

    @pytest.mark.parametrize(
        ("body", "config"),
        [
            ('{"a": 1}', {"InputType": "JSON"}),
            ("[1, ", {"InputType": "JSON"}),
            ('{"a": 1', {"InputType": "JSONL"}),
            ("a,a\n1,2\n", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
        ],
    )
    def test_what_cannot_be_read_fails_and_can_be_caught(self, body, config):
        ran = of(body, config)
        assert (ran.status, ran.error) == ("FAILED", "States.ItemReaderFailed")
        assert "MapRunFailed" in types(ran)
        machine, more = reading(
            body,
            config=config,
            Catch=[{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "End"}],
            Next="End",
        )
        machine["States"]["M"].pop("End")
        machine["States"]["End"] = {"Type": "Succeed"}
        assert run(machine, **more).output["Error"] == "States.ItemReaderFailed"

    def test_an_object_that_is_not_there(self):
        machine, more = reading("[]", config={"InputType": "JSON"})
        machine["States"]["M"]["ItemReader"]["Parameters"]["Key"] = "gone"
        assert run(machine, **more).error == "States.ItemReaderFailed"


class TestBatches:
    """Guide, "ItemBatcher (Map)"."""

    def run(self, batcher, items):
        return run(
            chain(("M", each(("P", PASS), distributed=True, ItemBatcher=batcher))), items
        ).output

    def test_the_last_batch_may_have_fewer(self):
        found = self.run({"MaxItemsPerBatch": 2}, [1, 2, 3])
        assert found == [{"Items": [1, 2]}, {"Items": [3]}]

    def test_an_input_for_all_batches(self):
        found = self.run({"MaxItemsPerBatch": 2, "BatchInput": {"k": 1}}, [1, 2, 3])
        assert found == [
            {"BatchInput": {"k": 1}, "Items": [1, 2]},
            {"BatchInput": {"k": 1}, "Items": [3]},
        ]

    def test_a_bound_of_bytes_holds_for_the_whole_input(self):
        items = ["x" * 10] * 10
        for bound in (30, 64, 65, 100):
            found = self.run({"MaxInputBytesPerBatch": bound}, items)
            sizes = [len(json.dumps(one, separators=(",", ":"))) for one in found]
            assert max(sizes) <= bound or all(len(one["Items"]) == 1 for one in found)
            assert sum(len(one["Items"]) for one in found) == 10
            merged = [
                len(json.dumps({"Items": [*a["Items"], b["Items"][0]]}, separators=(",", ":")))
                for a, b in pairwise(found)
            ]
            assert all(size > bound for size in merged)

    def test_the_first_bound_that_is_reached_counts(self):
        found = self.run({"MaxItemsPerBatch": 5, "MaxInputBytesPerBatch": 40}, ["x" * 10] * 4)
        assert [len(one["Items"]) for one in found] == [2, 2]


class TestResultWriters:
    """Guide, "ResultWriter (Map)"."""

    def written(self, config=None, **fields):
        writer = {"Resource": PUT, "Parameters": {"Bucket": "box", "Prefix": "out"}}
        if config is not None:
            writer["WriterConfig"] = config
        read = {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
            "Parameters": {
                "Bucket.$": "$.ResultWriterDetails.Bucket",
                "Key.$": "$.ResultWriterDetails.Key",
            },
            "ResultSelector": {"m.$": "States.StringToJson($.Body)"},
            "OutputPath": "$.m",
        }
        more = {"Variable": "$", "NumericEquals": 2, "Next": "F"}
        choice = {"Type": "Choice", "Choices": [more], "Default": "P"}
        states = ("C", choice), ("F", FAIL), ("P", {**PASS, "Parameters": {"v.$": "$"}})
        fields = {"ResultWriter": writer, "ToleratedFailureCount": 5, **fields}
        return run(chain(("M", each(*states, distributed=True, **fields)), ("R", read)), [1, 2, 3])

    def test_the_manifest_names_the_files_by_status(self):
        ran = self.written()
        assert ran.status == "SUCCEEDED", ran.cause
        files = ran.output["ResultFiles"]
        assert {name: len(listed) for name, listed in files.items()} == {
            "FAILED": 1,
            "PENDING": 0,
            "SUCCEEDED": 1,
        }
        assert ran.output["DestinationBucket"] == "box"
        assert ":mapRun:" in ran.output["MapRunArn"]
        assert files["SUCCEEDED"][0]["Key"].startswith("out/")

    @pytest.mark.parametrize(
        ("config", "output"),
        [
            ({"Transformation": "COMPACT", "OutputType": "JSON"}, [{"v": 1}, {"v": 3}]),
            ({"Transformation": "FLATTEN", "OutputType": "JSON"}, [{"v": 1}, {"v": 3}]),
        ],
    )
    def test_without_a_bucket_the_results_are_the_output(self, config, output):
        inner = ("P", {**PASS, "Parameters": {"v.$": "$"}})
        machine = chain(("M", each(inner, distributed=True, ResultWriter={"WriterConfig": config})))
        assert run(machine, [1, 3]).output == output

    def test_flatten_joins_arrays(self):
        inner = ("P", PASS)
        config = {"Transformation": "FLATTEN", "OutputType": "JSON"}
        machine = chain(("M", each(inner, distributed=True, ResultWriter={"WriterConfig": config})))
        assert run(machine, [[1], [2, 3], 4]).output == [1, 2, 3, 4]


class TestErrors:
    def test_a_query_error_is_retried_and_caught(self):
        """Guide, "Handling errors": States.QueryEvaluationError."""
        state = task(
            "t",
            Output="{% $number($states.result.x) %}",
            Retry=[{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 2}],
            Catch=[{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "End"}],
            Next="End",
        )
        calls = []
        machine = chain(("T", state), ("End", {"Type": "Succeed"}), QueryLanguage="JSONata")
        ran = run(machine, {}, {"t": lambda _e, _c: calls.append(1) or {"x": "no"}})
        assert ran.status == "SUCCEEDED"
        assert len(calls) == 3
        assert ran.output["Error"] == "States.QueryEvaluationError"

    @pytest.mark.parametrize("names", [["States.ALL"], ["States.DataLimitExceeded"]])
    def test_a_tasks_result_over_the_limit_is_caught(self, names):
        """Recorded: Catch of States.ALL takes it, although the guide says that it cannot."""
        state = task("t", Catch=[{"ErrorEquals": names, "Next": "End"}], Next="End")
        ran = run(
            chain(("T", state), ("End", {"Type": "Succeed"})),
            {},
            {"t": lambda _e, _c: text_of(LIMIT + 10)},
        )
        assert (ran.status, ran.output["Error"]) == ("SUCCEEDED", "States.DataLimitExceeded")

    @pytest.mark.parametrize("names", [["States.ALL"], ["States.Timeout"], ["States.TaskFailed"]])
    def test_a_timeout_by_path(self, names):
        """Specification, "Timeouts": TimeoutSecondsPath; States.TaskFailed takes no timeout."""
        resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
        state = {
            "Type": "Task",
            "Resource": resource,
            "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
            "TimeoutSecondsPath": "$.seconds",
            "Catch": [{"ErrorEquals": names, "Next": "End"}],
            "Next": "End",
        }
        queue = {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sqs:createQueue",
            "Parameters": {"QueueName": "q"},
            "ResultPath": None,
        }
        ran = run(chain(("Q", queue), ("T", state), ("End", {"Type": "Succeed"})), {"seconds": 30})
        if names == ["States.TaskFailed"]:
            assert (ran.status, ran.error) == ("FAILED", "States.Timeout")
        else:
            assert (ran.status, ran.output["Error"]) == ("SUCCEEDED", "States.Timeout")

    def test_a_heartbeat_by_path(self):
        """Recorded: its error is States.Timeout; "Handling errors" has a name for Catch alone."""
        state = task(
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            Parameters={"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}},
            HeartbeatSecondsPath="$.beat",
            TimeoutSeconds=600,
            Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "End"}],
            Next="End",
        )
        machine = chain(("T", state), ("End", {"Type": "Succeed"}))
        ran = run(machine, {"beat": 7}, {"f": lambda _e, _c: None})
        assert (ran.status, ran.output["Error"]) == ("SUCCEEDED", "States.Timeout")

    def test_the_first_retrier_that_matches_counts_for_itself(self):
        """Specification, "Retrying after error": each retrier has a count of its own."""
        errors = ["A", "B", "A", "B", "C"]

        def fails(event, context):
            name = errors.pop(0)
            raise type(name, (Exception,), {})("x")

        retry = [{"ErrorEquals": [name], "MaxAttempts": 2} for name in ("A", "B")]
        ran = run(chain(("T", task("t", Retry=retry))), {}, {"t": fails})
        assert (ran.error, errors) == ("C", [])
