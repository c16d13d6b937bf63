"""Earlier versions of an object, on a real server of the API."""

import boto3
import pytest
from moto import mock_aws

from statebag.errors import NotPermitted, StoreUnavailable
from statebag.store.object_versions import _body, read_versions


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        yield client


def versions(key, bucket="bucket"):
    variables = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    found = read_versions(
        bucket, key, options={}, variables=variables, region="us-east-1", credentials=None
    )
    return list(found)


def test_every_version_comes_newest_first_and_no_other_object(bucket):
    for body in (b"one", b"", b"three"):
        bucket.put_object(Bucket="bucket", Key="a", Body=body)
    bucket.put_object(Bucket="bucket", Key="ab", Body=b"other")
    bucket.delete_object(Bucket="bucket", Key="a")
    assert versions("a") == [b"three", b"", b"one"]
    assert versions("nothing") == []


def test_a_bucket_that_is_not_there_has_no_versions(bucket):
    assert versions("a", bucket="none") == []


class Body:
    def __init__(self, data):
        self.data = data
        self.closed = False

    def read(self, size):
        part, self.data = self.data[:size], self.data[size:]
        return part

    def close(self):
        self.closed = True


@pytest.mark.parametrize("data", [b"12345", b"123456789" * 10])
def test_a_body_of_another_length_is_refused_and_hardly_read(data):
    body = Body(data)
    with pytest.raises(StoreUnavailable, match="earlier version"):
        _body(body, 10, "a")
    assert body.closed
    assert len(body.data) >= len(data) - 11
    assert _body(Body(b"0123456789"), 10, "a") == b"0123456789"


def test_a_refusal_says_what_to_allow(bucket, monkeypatch):
    import botocore.client
    from botocore.exceptions import ClientError

    def refuse(self, *_, **__):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "SECRET"}}, "List")

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refuse)
    with pytest.raises(NotPermitted) as caught:
        versions("a")
    assert "s3:ListBucketVersions" in caught.value.hint
    assert "SECRET" not in str(caught.value)
