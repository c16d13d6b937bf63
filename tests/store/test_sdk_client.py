"""botocore takes over from the storage client while requests are on their way."""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from threading import Barrier

import pytest

from statebag.errors import ConfigurationError
from statebag.store.object_storage import ObjectStorage
from statebag.store.object_storage_client import by_sdk
from tests.store.recording_proxy import answer_as_s3, answer_to_botocore_alone

READERS = 6


@pytest.fixture
def server(proxy, settings, monkeypatch):
    """A server that is reached without TLS and without the words of a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name)
    settings(AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL_S3=proxy.url)
    return proxy


def test_readers_in_flight_while_botocore_takes_over(server):
    server.answer = answer_to_botocore_alone
    store = ObjectStorage("s3://my-bucket/p", options={"server_side_encryption": "aws:kms"})
    begin = Barrier(READERS)

    def work(number):
        begin.wait()
        for count in range(5):
            store.put(f"a{number}", b"data")
            assert store.get(f"a{number}") == b""
            assert store.head(f"a{number}").size == 0
            if count % 2:
                list(store.list())

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(work, range(READERS)))
    assert store._connection.is_by_sdk
    writes = [one for one in server.take() if one.method == "PUT"]
    assert {one.headers["x-amz-server-side-encryption"] for one in writes} == {"aws:kms"}
    # Both clients have sent some of them.
    assert {"amz-sdk-request" in one.headers for one in writes} == {True, False}


class Restless(ObjectStorage):
    """A store whose connection is another one each time that somebody looks."""

    others = None

    @property
    def _connection(self):
        return self.__dict__["kept"] if self.others is None else next(self.others)

    @_connection.setter
    def _connection(self, value):
        self.__dict__["kept"] = value


def test_a_request_has_one_client_with_the_calls_of_it(server):
    store = Restless("s3://my-bucket/p")
    first = store._connection
    second = by_sdk(
        store._place, {}, store._variables, region=first.region, credentials=first.credentials
    )
    store.others = cycle((first, second))

    def work(number):
        for _ in range(3):
            assert store.get(f"a{number}") == b""
            store.put(f"a{number}", b"data")
            assert store.get_version(f"a{number}") == (b"", '"x" ')
            assert store.head(f"a{number}").size == 0
            store.put_if(f"a{number}", b"data", None)
            assert not list(store.list())
            store.delete(f"a{number}")

    with ThreadPoolExecutor(READERS) as pool:
        for working in [pool.submit(work, number) for number in range(READERS)]:
            working.result(timeout=60)
    assert {"amz-sdk-request" in one.headers for one in server.take()} == {True, False}


def test_a_listing_that_began_before_goes_on(server):
    store = ObjectStorage("s3://my-bucket/p")
    switched = []

    def answer(asked):
        if "list-type" not in asked.query:
            return answer_to_botocore_alone(asked)
        if not switched:
            # Within the first page, another reader needs botocore.
            switched.append(True)
            assert store.head("b").size == 0
        return answer_as_s3(asked)

    server.answer = answer
    assert list(store.list()) == []
    assert store._connection.is_by_sdk


def test_no_way_without_botocore(server, monkeypatch):
    monkeypatch.setattr("statebag.store.object_storage.aws_sdk_is_installed", lambda: False)
    server.answer = answer_to_botocore_alone
    store = ObjectStorage("s3://my-bucket/p")
    with pytest.raises(ConfigurationError):
        store.head("a")
    assert not store._connection.is_by_sdk
