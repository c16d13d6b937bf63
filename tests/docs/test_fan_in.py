"""docs/fan-in.md: each machine and function of the page runs, and fails without what it advises."""

import copy
import json
import re
from pathlib import Path

import pytest

from statebag import BagTooLarge, Statebag
from statebag.local import run
from statebag.testing import forget
from tests.bags import noise

PAGE = (Path(__file__).parents[2] / "docs" / "fan-in.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
INLINE, LARGE, DISTRIBUTED = (json.loads(text) for language, text in BLOCKS if language == "json")
CODE = [text for language, text in BLOCKS if language == "python"]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", (tmp_path / "store").as_uri())
    monkeypatch.setenv("STATEBAG_CONTROL", "$.items")
    monkeypatch.setenv("STATEBAG_MOVABLE", "$.document")
    monkeypatch.setenv("STATEBAG_RESULT_ROOTS", "")
    forget()


def functions(code):
    names = {}
    exec(compile(code, "fan-in.md", "exec"), names)
    return names


def test_a_share_for_each_answer(store):
    ran = run(INLINE, input={}, functions=functions(CODE[0]))
    assert (ran.status, ran.error) == ("SUCCEEDED", None)
    assert Statebag().open(ran.output) == {"count": 36, "size": 36 * 9_000}


def test_without_a_share_the_answers_pass_the_limit(store):
    code = CODE[0].replace(", budget=262_144 // 40", "")
    assert code != CODE[0]
    ran = run(INLINE, input={}, functions=functions(code), strict=False)
    assert (ran.status, ran.error) == ("FAILED", "States.DataLimitExceeded")


def parallel(branches):
    work = copy.deepcopy(INLINE["States"]["Each"]["ItemProcessor"]["States"]["Work"])
    names = [f"Work{n}" for n in range(branches)]
    each = {"Type": "Parallel", "End": True}
    each["Branches"] = [{"StartAt": name, "States": {name: work}} for name in names]
    return {"StartAt": "All", "States": {"All": each}}


@pytest.mark.parametrize(
    ("budget", "ended"),
    [("262_144 // 4", ("SUCCEEDED", None)), ("None", ("FAILED", "States.DataLimitExceeded"))],
)
def test_three_branches(store, budget, ended):
    assert "`budget=262_144 // 4` for three branches" in PAGE
    fields = {f"f{n}": noise(15_000, n) for n in range(6)}  # each under 30 KB
    step = Statebag().step(bag_path="$.state", budget=eval(budget))  # of this file
    work = step(lambda _state, _context: fields)
    ran = run(parallel(3), input={}, functions={"work": work}, strict=False)
    assert (ran.status, ran.error) == ended
    if ran.status == "SUCCEEDED":
        assert Statebag().open(ran.output) == [fields] * 3


class TestLargeItems:
    """The Map reads numbers; each iteration reads its own item."""

    def ran(self, each, monkeypatch):
        monkeypatch.setenv("STATEBAG_CONTROL", "$.numbers")
        monkeypatch.setenv("STATEBAG_MOVABLE", "$.documents")
        names = functions(CODE[1])
        collect = copy.deepcopy(INLINE["States"]["Make"])
        collect["Parameters"]["FunctionName"] = "collect"
        states = {"Collect": {**collect, "Next": "Each"}, "Each": each}
        return run({"StartAt": "Collect", "States": states}, input={}, functions=names)

    def test_each_reads_its_own(self, store, monkeypatch):
        ran = self.ran(LARGE, monkeypatch)
        assert (ran.status, ran.error) == ("SUCCEEDED", None)
        results = Statebag().open(ran.output)["results"]
        assert results == [{"name": f"문서 {n}", "words": 2_000} for n in range(40)]

    def test_the_array_itself_does_not_fit_into_a_bag(self, store, monkeypatch):
        monkeypatch.setenv("STATEBAG_CONTROL", "$.documents")
        make = functions(CODE[1])["collect"]
        with pytest.raises(BagTooLarge) as caught:
            make({"execution_id": "m/r", "state": {}}, None)
        assert "$.documents" in str(caught.value)


class TestDistributed:
    """Each child gets the id of the parent, and opens a field of the parent's bag."""

    def ran(self, each):
        sb = Statebag()

        @sb.step(bag_path="$.state")
        def make(_state, _context):
            rows = [f"{n:05} of a document" for n in range(20_000)]
            return {"items": list(range(12)), "document": rows}

        @sb.step(bag_path="$.state")
        def work(state, _context):
            return {"item": state["item"], "rows": len(state["document"])}

        make_state = {**copy.deepcopy(INLINE["States"]["Make"]), "Next": "Each"}
        machine = {"StartAt": "Make", "States": {"Make": make_state, "Each": each}}
        return run(machine, input={}, functions={"make": make, "work": work})

    def test_with_the_id_of_the_parent(self, store):
        ran = self.ran(DISTRIBUTED)
        assert (ran.status, ran.error) == ("SUCCEEDED", None)
        results = Statebag().open(ran.output)["results"]
        assert results == [{"item": n, "rows": 20_000} for n in range(12)]

    def test_with_the_id_of_the_child_it_is_refused(self, store):
        each = json.loads(json.dumps(DISTRIBUTED).replace("$.execution_id", "$$.Execution.Id"))
        ran = self.ran(each)
        assert (ran.status, ran.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_what_a_result_writer_wrote(s3_server, s3_store_url, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", s3_store_url)
    forget()
    sb = Statebag()
    bucket, _, prefix = s3_store_url.removeprefix("s3://").partition("/")
    scope = "machine/run-1"
    children = [sb.seal({"size": n, "text": noise(40_000, n)}, scope=scope) for n in range(5)]
    key = f"{prefix}/results/run"
    manifest = {
        "DestinationBucket": bucket,
        "MapRunArn": "arn:aws:states:eu-west-1:123456789012:mapRun:machine/each:run",
        "ResultFiles": {
            "FAILED": [],
            "PENDING": [],
            "SUCCEEDED": [{"Key": f"{key}/SUCCEEDED_0.json", "Size": 1}],
        },
    }
    client = s3_server.client()
    for name, value in (("SUCCEEDED_0.json", children), ("manifest.json", manifest)):
        client.put_object(Bucket=bucket, Key=f"{key}/{name}", Body=json.dumps(value).encode())
    details = {"Bucket": bucket, "Key": f"{key}/manifest.json"}
    event = {"ResultWriterDetails": details, "execution_id": scope}
    assert functions(CODE[2])["total"](event, None) == {"total": sum(range(5))}


def test_receipts(store):
    found = functions(CODE[3])
    scope = "machine/run-1"
    receipts = [found["work_on"]({"item": n, "execution_id": scope}, None) for n in range(300)]
    assert all(len(json.dumps(one)) < 2_100 for one in receipts)
    assert found["gather"]({"receipts": receipts}, None) == {"total": sum(range(300)) * 10}


def test_a_function_in_another_language(store):
    bag = Statebag().seal({"total": 7, "text": "x" * 40_000}, scope="machine/run-1")
    event = {"state": bag, "execution_id": "machine/run-1"}
    assert functions(CODE[4])["for_another_language"](event, None) == {"total": 7}
