"""The contract on moto's server: S3 as many tests of applications have it."""

import uuid

import boto3
import pytest
from moto.server import ThreadedMotoServer

from statebag.store.object_storage import ObjectStorage
from statebag.store.retrying import RetryingStore
from tests.store.client_contract import ClientContract


@pytest.fixture(scope="module")
def moto_server():
    """The options of a store on a running server that has the bucket `states`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "endpoint": f"http://{host}:{port}",
        "region": "us-east-1",
        "access_key_id": "key",
        "secret_access_key": "secret",
    }
    boto3.Session().client(
        "s3",
        endpoint_url=options["endpoint"],
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket="states")
    yield options
    server.stop()


def test_signatures_are_not_checked(moto_server):
    wrong = {**moto_server, "secret_access_key": "another"}
    store = ObjectStorage("s3://states/p", options=wrong)
    store.put("a", b"x")
    assert store.get("a") == b"x"


class TestMotoContract(ClientContract):
    """With retries: of two writes of one object at once, this server answers one with 500."""

    @pytest.fixture(autouse=True)
    def _place(self, moto_server):
        self.options, self.url = moto_server, f"s3://states/{uuid.uuid4().hex}"

    def make_store(self):
        return RetryingStore(super().make_store())

    def put_raw(self, store, name, data):
        super().put_raw(store.inner, name, data)

    def get_raw(self, store, name):
        return super().get_raw(store.inner, name)

    def delete_raw(self, store, name):
        super().delete_raw(store.inner, name)
