from __future__ import annotations

import json

import boto3
import pytest

import statebag
from statebag.errors import ConfigurationError
from statebag.local import run as run_workflow

from .machines import chain, run, task


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_handlers_find_a_folder_in_s3_and_write_into_it(tmp_path):
    (tmp_path / "inputs" / "deep").mkdir(parents=True)
    (tmp_path / "inputs" / "deep" / "file").write_bytes(b"\x00\xff")
    before = (tmp_path / "inputs" / "deep" / "file").stat().st_mtime_ns

    def work(_event, _context):
        client = boto3.client("s3", region_name="us-east-1")
        body = client.get_object(Bucket="inputs", Key="deep/file")["Body"].read()
        client.put_object(Bucket="inputs", Key="new/file", Body=body * 2)
        return len(body)

    assert run(chain(("T", task())), {}, {"work": work}, buckets=tmp_path).output == 2
    assert (tmp_path / "inputs" / "new" / "file").read_bytes() == b"\x00\xff\x00\xff"
    assert (tmp_path / "inputs" / "deep" / "file").stat().st_mtime_ns == before


def test_a_folder_whose_name_is_no_buckets_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(ConfigurationError, match="not a bucket's name"):
        run(chain(("P", {"Type": "Pass"})), buckets=tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError):
        run(chain(("P", {"Type": "Pass"})), buckets=tmp_path / "gone")


def test_an_object_cannot_leave_its_bucket(tmp_path):
    (tmp_path / "home" / "inputs").mkdir(parents=True)

    def work(_event, _context):
        client = boto3.client("s3", region_name="us-east-1")
        client.put_object(Bucket="inputs", Key="../../out", Body=b"x")

    with pytest.raises(ConfigurationError, match="leads out"):
        run(chain(("T", task())), {}, {"work": work}, buckets=tmp_path / "home")
    assert not (tmp_path / "out").exists()


@pytest.mark.s3
def test_items_and_results_go_through_the_endpoint_of_the_environment(s3_server, monkeypatch):
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    direct = s3_server.client()
    direct.put_object(Bucket=s3_server.bucket, Key="local/items", Body=b"[1, 2]")
    processor = chain(("T", task()))
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    definition = chain(
        (
            "Each",
            {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket": s3_server.bucket, "Key": "local/items"},
                },
                "ItemProcessor": processor,
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Parameters": {"Bucket": s3_server.bucket, "Prefix": "local/results"},
                },
            },
        )
    )
    seen = []

    def work(event, _context):
        client = boto3.client("s3")  # as a handler makes it: from the environment alone
        seen.append(client.head_object(Bucket=s3_server.bucket, Key="local/items")["ContentLength"])
        return event * 2

    execution = run(definition, {}, {"work": work})
    assert execution.status == "SUCCEEDED"
    key = execution.output["ResultWriterDetails"]["Key"]
    manifest = json.loads(direct.get_object(Bucket=s3_server.bucket, Key=key)["Body"].read())
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    body = direct.get_object(Bucket=s3_server.bucket, Key=file["Key"])["Body"].read()
    assert [child["Output"] for child in json.loads(body)] == ["2", "4"]
    assert seen == [6, 6]


def test_a_second_run_with_buckets_of_its_own_gets_the_objects_again(tmp_path, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "s3://states/p")
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "0")

    @statebag.step
    def grow(state, context):
        return {**state, "text": "abc" * 40_000}

    definition = {
        "StartAt": "Grow",
        "States": {"Grow": {"Type": "Task", "Resource": "grow", "End": True}},
    }
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        run_workflow(
            definition, functions={"grow": grow}, input={"execution_id": "m/e"}, buckets=folder
        )
        assert list(folder.rglob("*.pack")), name
