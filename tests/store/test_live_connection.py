"""The connection of a store, which is replaced while requests are on their way."""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from statebag.errors import ConfigurationError
from statebag.store.live_connection import LiveConnection
from statebag.store.object_storage import ObjectStorage
from statebag.store.object_storage_client import by_sdk
from tests.store.recording_proxy import answer_to_botocore_alone

READERS = 6


class Restless(LiveConnection):
    """One whose client is another one each time that somebody looks."""

    others = None

    @property
    def connection(self):
        return self.__dict__["kept"] if self.others is None else next(self.others)

    @connection.setter
    def connection(self, value):
        self.__dict__["kept"] = value


def test_a_request_has_one_client_with_the_calls_of_it(server):
    store = ObjectStorage("s3://my-bucket/p")
    live = store._live = Restless(store._live.place, {})
    first = live.connection
    second = by_sdk(
        live.place,
        {},
        live.variables,
        region=first.region,
        credentials=first.credentials,
    )
    live.others = cycle((first, second))

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
            working.result(timeout=240)
    assert {"amz-sdk-request" in one.headers for one in server.take()} == {True, False}


def test_no_way_without_botocore(server, monkeypatch):
    monkeypatch.setattr("statebag.store.live_connection.aws_sdk_is_installed", lambda: False)
    server.answer = answer_to_botocore_alone
    store = ObjectStorage("s3://my-bucket/p")
    with pytest.raises(ConfigurationError):
        store.head("a")
    assert not store._live.connection.is_by_sdk
