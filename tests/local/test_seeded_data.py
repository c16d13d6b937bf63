from __future__ import annotations

import json

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
        ({"tables": {"이름": [{"id": "1"}]}}, "$.tables.이름"),
    ],
)
def test_what_cannot_be_written_is_named(seeds, path):
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets"}
    with pytest.raises(ConfigurationError, match="the seeds") as caught:
        run(chain(("L", state)), seeds=seeds)
    assert caught.value.path == path
    part, name = path.split(".")[1:]
    if part == "buckets":
        assert "3 to 63" in caught.value.hint
    else:
        assert f"Declare the {part[:-1]} {name} in the template" in caught.value.hint


@pytest.mark.parametrize(
    "seeds",
    [{"topics": {}}, {"tables": []}, {"queues": {"q": "x"}}, {"buckets": {"b": []}}, [1]],
)
def test_the_example_of_a_hint_is_one_that_is_taken(tmp_path, seeds):
    (tmp_path / "seeds.json").write_text(json.dumps(seeds))
    with pytest.raises(ConfigurationError) as caught:
        read_seeds(tmp_path / "seeds.json")
    example = json.loads(caught.value.hint.removeprefix("Such as "))
    assert read_seeds(example)
    (tmp_path / "seeds.json").write_text(json.dumps(example))
    assert read_seeds(tmp_path / "seeds.json")


def test_a_misspelled_part_is_recognized():
    with pytest.raises(ConfigurationError, match="not table") as caught:
        read_seeds({"table": {"T": []}, "queues": {}})
    assert caught.value.hint == "Did you mean tables?"


TABLE = """
Resources:
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Orders
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      BillingMode: PAY_PER_REQUEST
  M:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Get
        States:
          Get:
            Type: Task
            Resource: arn:aws:states:::dynamodb:getItem
            Parameters: {TableName: Orders, Key: {id: {S: "1"}}}
            OutputPath: $.Item
            End: true
"""


def test_the_items_of_a_declared_table(tmp_path):
    (tmp_path / "template.yaml").write_text(TABLE)
    seeds = {"tables": {"Orders": [{"id": "1", "이름": "사과", "n": 1.5}]}}
    output = run(tmp_path / "template.yaml", seeds=seeds).output
    assert output == {"id": {"S": "1"}, "이름": {"S": "사과"}, "n": {"N": "1.5"}}


@pytest.mark.parametrize(
    ("items", "path", "hint"),
    [
        ([{"id": "1"}, {"no": 1}], "$.tables.Orders[1]", "needs the keys of its table"),
        ([{"id": 1}], "$.tables.Orders[0]", "needs the keys of its table"),
        ([{"id": "1"}, "text"], "$.tables.Orders[1]", "Such as"),
    ],
)
def test_an_item_that_the_table_does_not_take_is_named(tmp_path, items, path, hint):
    (tmp_path / "template.yaml").write_text(TABLE)
    with pytest.raises(ConfigurationError) as caught:
        run(tmp_path / "template.yaml", seeds={"tables": {"Orders": items}})
    assert caught.value.path == path
    assert hint in caught.value.hint
    assert "declare" not in caught.value.hint.lower()


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


NAMED = """
Parameters:
  Stage: {Type: String, Default: dev}
Resources:
  Claims:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Sub "claims-${Stage}-${AWS::AccountId}"}
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "orders-${Stage}"
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
  Work:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "work-${Stage}"}
  M:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions: {Bucket: !Ref Claims, Table: !Ref Orders, Queue: !Ref Work}
      Definition:
        StartAt: Get
        States:
          Get:
            Type: Task
            Resource: arn:aws:states:::aws-sdk:s3:getObject
            Parameters: {Bucket: "${Bucket}", Key: 약가.csv}
            ResultSelector: {"text.$": $.Body}
            Next: Item
          Item:
            Type: Task
            Resource: arn:aws:states:::dynamodb:getItem
            Parameters: {TableName: "${Table}", Key: {id: {S: "1"}}}
            ResultSelector: {"name.$": $.Item.name.S}
            ResultPath: $.item
            Next: Take
          Take:
            Type: Task
            Resource: arn:aws:states:::aws-sdk:sqs:receiveMessage
            Parameters: {QueueUrl: "${Queue}"}
            ResultSelector: {"body.$": "$.Messages[0].Body"}
            ResultPath: $.message
            End: true
"""


@pytest.mark.parametrize(
    ("bucket", "table", "queue"),
    [
        ("Claims", "Orders", "Work"),
        ("claims-dev-123456789012", "orders-dev", "work-dev"),
    ],
)
def test_a_logical_id_stands_for_a_name_that_the_template_makes(tmp_path, bucket, table, queue):
    (tmp_path / "template.yaml").write_text(NAMED)
    seeds = {
        "buckets": {bucket: {"약가.csv": "이름"}},
        "tables": {table: [{"id": "1", "name": "이바다"}]},
        "queues": {queue: ["일"]},
    }
    ran = run(tmp_path / "template.yaml", seeds=seeds)
    assert ran.output == {"text": "이름", "item": {"name": "이바다"}, "message": {"body": "일"}}


@pytest.mark.parametrize(
    ("names", "says", "hint"),
    [
        (["Claimss"], "no template declares it", "Did you mean Claims?"),
        (["Inbox"], "no template declares it", "logical id can stand for it"),
        (["Claims", "claims-dev-123456789012"], "twice", "under one name"),
    ],
)
def test_a_bucket_that_is_not_declared_or_is_named_twice(tmp_path, names, says, hint):
    (tmp_path / "template.yaml").write_text(NAMED)
    seeds = {"buckets": {name: {"a": "b"} for name in names}}
    with pytest.raises(ConfigurationError, match=says) as caught:
        run(tmp_path / "template.yaml", seeds=seeds)
    assert hint in caught.value.hint
    assert caught.value.path.startswith("$.buckets")
