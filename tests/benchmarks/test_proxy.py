"""The counting proxy in front of the real server, with the two clients that the benchmarks use."""

import subprocess
import sys

import boto3
import pytest
from benchmarks.control import Control

from statebag.store.address import store_from_url

pytestmark = pytest.mark.s3


@pytest.fixture
def proxy(s3_server, monkeypatch):
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.proxy", s3_server.endpoint, "--delay-ms", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        url = process.stdout.readline().strip()
        for name, value in s3_server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        control = Control(url)
        yield control
        control.close()
        process.kill()


def test_counts_what_boto3_sends(proxy, s3_server):
    # The default session may have the credentials of another test.
    client = boto3.session.Session().client("s3", region_name=s3_server.region)
    client.put_object(Bucket=s3_server.bucket, Key="proxied", Body=b"x" * 1000)
    client.put_object(Bucket=s3_server.bucket, Key="proxied", Body=b"y" * 2000)
    body = client.get_object(Bucket=s3_server.bucket, Key="proxied")["Body"].read()
    client.close()
    assert body == b"y" * 2000
    counts = proxy.counts()
    assert counts["requests"] == {"PUT": 2, "GET": 1}
    assert counts["bytes_up"] >= 3000  # boto3 may add a checksum to the body
    assert counts["bytes_down"] == 2000
    assert (counts["objects"], counts["errors"]) == (1, 0)


def test_counts_what_the_store_sends(proxy, s3_server):
    store = store_from_url(f"s3://{s3_server.bucket}/proxied-store")
    store.put("scope/one", b"0123456789")
    store.put("scope/two", b"")
    assert store.get_ranges("scope/one", [(2, 3)]) == [b"234"]
    assert store.head("scope/one").size == 10
    assert [info.name for info in store.list()] == ["scope/one", "scope/two"]
    counts = proxy.counts()
    assert counts["requests"] == {"PUT": 2, "GET": 1, "HEAD": 1, "LIST": 1}
    assert counts["bytes_up"] == 10
    assert (counts["objects"], counts["errors"]) == (2, 0)


def test_hands_on_a_large_object(proxy, s3_server):
    data = bytes(range(256)) * 40_000
    store = store_from_url(f"s3://{s3_server.bucket}/proxied-large")
    store.put("scope/large", data)
    assert store.get("scope/large") == data
    assert proxy.counts()["bytes_down"] == len(data)
