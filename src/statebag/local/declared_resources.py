"""Make the tables, queues, topics and buckets that a template declares, empty, with boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from statebag.asl.arns import ACCOUNT
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from statebag.asl.template import DeclaredResource

    Client = Callable[[str], Any]

__all__ = ["make_resources"]

_KEY_TYPES = {"String": "S", "Number": "N", "Binary": "B"}
_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DelaySeconds",
    "FifoQueue",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "VisibilityTimeout",
)


def make_resources(
    declared: Sequence[DeclaredResource], client: Client, region: str, say: Callable[[str], None]
) -> None:
    """Make the resources of a template that a workflow can work with.

    Args:
        declared: The resources.
        client: Returns the boto3 client of a service.
        region: Their region.
        say: Called with a warning for each resource that cannot be made.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, an extra

    # A resource that sends to another one comes after it.
    for resource in sorted(declared, key=lambda one: list(_MAKERS).index(one.kind)):
        try:
            _MAKERS[resource.kind](resource.name, resource.properties(), client, region)
        except (ConfigurationError, ClientError, BotoCoreError) as error:
            say(f"{resource.logical_id} of the template does not exist in this run: {error}")
        except KeyError as error:  # moto takes what AWS requires for granted
            say(
                f"{resource.logical_id} of the template does not exist in this run: its "
                f"properties have no {error.args[0]}"
            )


def _make_bucket(name: str, properties: Mapping[str, Any], client: Client, region: str) -> None:
    s3 = client("s3")
    place: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **({} if region == "us-east-1" else place))
    if (properties.get("VersioningConfiguration") or {}).get("Status") == "Enabled":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _make_table(name: str, properties: Mapping[str, Any], client: Client, _region: str) -> None:
    given: dict[str, Any] = {
        field: properties[field]
        for field in ("AttributeDefinitions", "KeySchema")
        if field in properties
    }
    for field in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if field in properties:
            known = ("IndexName", "KeySchema", "Projection")
            given[field] = [
                {part: index[part] for part in known if part in index}
                for index in properties[field]
            ]
    view = (properties.get("StreamSpecification") or {}).get("StreamViewType")
    if view is not None:
        given["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    client("dynamodb").create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **given)


def _make_simple_table(
    name: str, properties: Mapping[str, Any], client: Client, region: str
) -> None:
    key = properties.get("PrimaryKey") or {}
    attribute = key.get("Name", "id")
    schema = {
        "AttributeDefinitions": [
            {
                "AttributeName": attribute,
                "AttributeType": _KEY_TYPES.get(key.get("Type", "String"), "S"),
            }
        ],
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
    }
    _make_table(name, schema, client, region)


def _make_queue(name: str, properties: Mapping[str, Any], client: Client, _region: str) -> None:
    attributes = {
        field: _text(properties[field]) for field in _QUEUE_ATTRIBUTES if field in properties
    }
    client("sqs").create_queue(QueueName=name, Attributes=attributes)


def _make_topic(name: str, properties: Mapping[str, Any], client: Client, region: str) -> None:
    attributes = {
        field: _text(properties[field])
        for field in ("ContentBasedDeduplication", "FifoTopic")
        if field in properties
    }
    client("sns").create_topic(Name=name, Attributes=attributes)
    arn = f"arn:aws:sns:{region}:{ACCOUNT}:{name}"
    for one in properties.get("Subscription") or ():
        _make_subscription(name, {"TopicArn": arn, **one}, client, region)


def _make_subscription(
    _name: str, properties: Mapping[str, Any], client: Client, _region: str
) -> None:
    """Subscribe a queue to a topic; other kinds of subscribers are not in this process."""
    if properties.get("Protocol") != "sqs":
        return
    attributes = {
        field: _text(properties[field])
        for field in ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery")
        if field in properties
    }
    client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol="sqs",
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
    )


def _text(value: Any) -> str:
    """Return an attribute as text, which is the form that the API takes."""
    return value if isinstance(value, str) else json.dumps(value)


_MAKERS: dict[str, Callable[[str, Mapping[str, Any], Client, str], None]] = {
    "AWS::S3::Bucket": _make_bucket,
    "AWS::DynamoDB::Table": _make_table,
    "AWS::Serverless::SimpleTable": _make_simple_table,
    "AWS::SQS::Queue": _make_queue,
    "AWS::SNS::Topic": _make_topic,
    "AWS::SNS::Subscription": _make_subscription,
}
