"""The store of this process's S3 keeps the contract of all stores."""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from statebag.local.bucket_store import BucketStore, MirroredStore
from statebag.store.file import FileStore
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


class TestMirroredStore(TestBucketStore):
    """The same, with the objects in a folder, too."""

    @pytest.fixture(autouse=True)
    def mirror(self, tmp_path):
        self.kept = FileStore(tmp_path / "kept")

    def make_store(self):
        return MirroredStore(BucketStore("s3://bucket/some/prefix"), self.kept)

    def put_raw(self, store, name, data):
        super().put_raw(store._bucket, name, data)

    def get_raw(self, store, name):
        return super().get_raw(store._bucket, name)

    def delete_raw(self, store, name):
        super().delete_raw(store._bucket, name)
        self.kept.delete(name)

    def test_what_an_earlier_run_wrote_is_read(self):
        self.kept.put("m/e/one.pack", b"12345")
        store = self.make_store()
        assert store.get("m/e/one.pack") == b"12345"
        assert store.get_ranges("m/e/one.pack", [(1, 2)]) == [b"23"]
        assert store.head("m/e/one.pack").size == 5
        store.put("m/e/two.pack", b"6")
        assert (self.kept.get("m/e/two.pack"), self.get_raw(store, "m/e/two.pack")) == (b"6", b"6")
        store.delete("m/e/one.pack")
        assert self.kept.head("m/e/one.pack") is None
