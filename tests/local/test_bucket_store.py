"""The store of this process's S3 keeps the contract of all stores."""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from statebag.local.bucket_store import BucketStore
from statebag.testing.store_contract import StoreContract


class TestBucketStore(StoreContract):
    @pytest.fixture(autouse=True)
    def aws(self, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "local")
        with mock_aws():
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
            yield

    def make_store(self):
        return BucketStore("s3://bucket/some/prefix")

    def put_raw(self, store, name, data):
        store._client.put_object(Bucket="bucket", Key=f"some/prefix/{name}", Body=data)

    def get_raw(self, store, name):
        try:
            answer = store._client.get_object(Bucket="bucket", Key=f"some/prefix/{name}")
        except ClientError:
            return None
        return answer["Body"].read()

    def delete_raw(self, store, name):
        store._client.delete_object(Bucket="bucket", Key=f"some/prefix/{name}")
