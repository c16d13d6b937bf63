from __future__ import annotations

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from statebag.local.seeded_data import read_seeds
from tests.local.machines import chain, task


@pytest.mark.parametrize(
    ("seeds", "says"),
    [
        ({"topics": {}}, "must have buckets, tables and queues, not topics"),
        ({"tables": []}, "must have an array for each name"),
        ({"tables": {"T": {"id": "1"}}}, "must have an array for each name"),
        ({"buckets": {"b": ["x"]}}, "must have an object for each name"),
    ],
)
def test_seeds_of_another_form_are_refused_before_the_run(seeds, says):
    with pytest.raises(ConfigurationError, match=says):
        run(chain(("P", {"Type": "Pass"})), seeds=seeds)


def test_a_file_may_be_yaml(tmp_path):
    (tmp_path / "seeds.yaml").write_text("queues: {q: [one]}")
    assert read_seeds(tmp_path / "seeds.yaml") == {
        "buckets": {}, "tables": {}, "queues": {"q": ["one"]},
    }  # fmt: skip
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigurationError, match="not a list"):
        read_seeds(tmp_path / "list.yaml")


@pytest.mark.parametrize(
    ("seeds", "path"),
    [
        ({"tables": {"Gone": [{"id": "1"}]}}, "$.tables.Gone"),
        ({"queues": {"gone": ["x"]}}, "$.queues.gone"),
        ({"buckets": {"a": {"k": "v"}}}, "$.buckets.a"),
    ],
)
def test_what_cannot_be_written_is_named(seeds, path):
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets"}
    with pytest.raises(ConfigurationError, match="the seeds cannot be written") as caught:
        run(chain(("L", state)), seeds=seeds)
    assert caught.value.path == path


def test_a_bucket_of_the_seeds_needs_no_template():
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Parameters": {"Bucket": "box", "Key": "k"},
        "OutputPath": "$.Body",
    }
    seeds = {"buckets": {"box": {"k": {"ä": [1]}}}}
    assert run(chain(("L", state), ("T", task())), seeds=seeds, functions={"work": lambda e, _: e}
    ).output == '{"ä": [1]}'  # fmt: skip
