"""What a template declares is there when a run begins, for tasks and for boto3 of functions."""

import json

import boto3
import pytest

from statebag.local import run

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub ${AWS::StackName}-orders
      BillingMode: PROVISIONED
      ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
      AttributeDefinitions:
        - {AttributeName: id, AttributeType: S}
        - {AttributeName: day, AttributeType: S}
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: by-day
          KeySchema: [{AttributeName: day, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
  Simple: {Type: AWS::Serverless::SimpleTable}
  Work: {Type: AWS::SQS::Queue, Properties: {QueueName: work, VisibilityTimeout: 7}}
  News:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: news
      Subscription: [{Protocol: sqs, Endpoint: !GetAtt Work.Arn}]
  Box:
    Type: AWS::S3::Bucket
    Properties: {BucketName: box-of-the-stack, VersioningConfiguration: {Status: Enabled}}
  Odd:
    Type: AWS::SQS::Queue
    Properties: {QueueName: odd, DelaySeconds: !If [Slow, 1, 2]}
  Keyless:
    Type: AWS::DynamoDB::Table
  Look:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: look.handler
      Environment: {Variables: {TABLE: !Ref Orders, QUEUE: !Ref Work, BUCKET: !Ref Box}}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: Flow
      Definition:
        StartAt: Put
        States:
          Put:
            Type: Task
            Resource: arn:aws:states:::dynamodb:putItem
            Parameters:
              TableName: !Ref Orders
              Item: {id: {S: one}, day: {S: monday}}
            ResultPath: null
            Next: Tell
          Tell:
            Type: Task
            Resource: arn:aws:states:::sns:publish
            Parameters: {TopicArn: !Ref News, Message: hello}
            ResultPath: null
            Next: Keep
          Keep:
            Type: Task
            Resource: arn:aws:states:::aws-sdk:s3:putObject
            Parameters: {Bucket: !Ref Box, Key: k, Body: kept}
            ResultPath: null
            Next: Look
          Look: {Type: Task, Resource: !GetAtt Look.Arn, End: true}
"""
LOOK = """
import os, json
import boto3
tables = boto3.client("dynamodb")  # made while the module is imported
def handler(event, context):
    names = sorted(tables.list_tables()["TableNames"])
    days = tables.query(
        TableName=os.environ["TABLE"], IndexName="by-day", KeyConditionExpression="#d = :d",
        ExpressionAttributeNames={"#d": "day"}, ExpressionAttributeValues={":d": {"S": "monday"}})
    sqs = boto3.client("sqs")
    got = sqs.receive_message(QueueUrl=os.environ["QUEUE"], MaxNumberOfMessages=10)["Messages"]
    body = boto3.client("s3").get_object(Bucket=os.environ["BUCKET"], Key="k")["Body"].read()
    return {"tables": names, "found": sorted(one["id"]["S"] for one in days["Items"]),
            "messages": sorted(one["Body"] if "{" not in one["Body"]
                               else json.loads(one["Body"])["Message"] for one in got),
            "body": body.decode()}
"""


@pytest.fixture
def template(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "look.py").write_text(LOOK)
    return tmp_path / "template.yaml"


def test_tables_queues_topics_and_buckets_are_there(template):
    execution = run(template)
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert execution.output == {
        "tables": ["Simple", "local-orders"],
        "found": ["one"],
        "messages": ["hello"],
        "body": "kept",
    }
    keyless, warning = execution.warnings
    assert keyless == (
        "Keyless of the template does not exist in this run: its properties have no KeySchema"
    )
    assert warning.startswith("Odd of the template does not exist in this run: ")
    assert "Fn::If" in warning


def test_each_run_finds_them_empty_but_for_its_seeds(template):
    seeds = {
        "tables": {"local-orders": [{"id": "two", "day": "monday", "price": 1.25, "n": [1, None]}]},
        "queues": {"work": ["first", {"Message": "second"}]},
        "buckets": {"box-of-the-stack": {"other": {"a": 1}}, "one-more": {"k": "v"}},
    }
    file = template.with_name("seeds.json")
    file.write_text(json.dumps(seeds))
    output = run(template, seeds=file).output
    assert output["found"] == ["one", "two"]
    assert output["messages"] == ["first", "hello", "second"]
    assert run(template).output["found"] == ["one"]


def test_nothing_of_it_is_made_on_another_server(template, monkeypatch):
    """That server has what it has, and is not this one's to change."""
    asked = []
    monkeypatch.setattr(boto3.Session, "client", lambda *given, **_: asked.append(given))
    mocks = {name: {"Return": {}} for name in ("Put", "Tell", "Keep", "Look")}
    assert run(template, mocks=mocks, endpoint="http://localhost:1").status == "SUCCEEDED"
    assert asked == []
