"""Requests of a forked child: each goes to the server that its store was made for."""

import os
import threading
import time
import uuid

import pytest

from statebag import Policy, Statebag
from statebag.store import companion_process, native_client
from statebag.store.object_storage import ObjectStorage
from statebag.testing.process import forget
from tests.bags import noise
from tests.conftest import started_server
from tests.forks import in_child

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.timeout(600),
]

POLICY = Policy(carry_bytes=0, deadline_seconds=150)


@pytest.fixture(autouse=True)
def _slow_starts(monkeypatch):
    """The process that answers has as long as it needs to start on a busy machine."""
    monkeypatch.setattr(companion_process, "_START_SECONDS", 120)


def names(server, url):
    """What a server has at a store's address, by the way around this library."""
    prefix = url.split("/", 3)[3]
    found = server.client().list_objects_v2(Bucket=server.bucket, Prefix=prefix)
    return {one["Key"].removeprefix(f"{prefix}/") for one in found.get("Contents", [])}


@pytest.fixture(scope="module")
def other_server(s3_server, tmp_path_factory):
    """A second server, which the first one's `s3_store_url` is on as well."""
    del s3_server  # only so that a missing program skips
    with started_server(tmp_path_factory) as server:
        yield server


@pytest.mark.s3
class TestTwoServers:
    @pytest.fixture
    def stores(self, s3_server, other_server, s3_store_url, monkeypatch):
        """The same address at each server, both made by the environment, and used."""
        first = ObjectStorage(s3_store_url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", other_server.endpoint)
        second = ObjectStorage(s3_store_url)
        first.put("parent", b"first")
        second.put("parent", b"second")
        return first, second

    def test_each_store_of_a_child_goes_to_its_own(
        self, stores, s3_server, other_server, s3_store_url
    ):
        first, second = stores

        def work():
            first.put("a", b"1")
            second.put("b", b"2")
            os.environ["AWS_ENDPOINT_URL"] = s3_server.endpoint
            ObjectStorage(s3_store_url).put("c", b"3")
            second.put("d", b"4")
            os.environ["AWS_ENDPOINT_URL"] = other_server.endpoint
            first.put("e", b"5")
            told = [sorted(info.name for info in store.list()) for store in stores]
            return told, first.get("parent"), second.get("parent"), in_child(grandchild)

        def grandchild():
            return [store.get_ranges("parent", [(0, 1)]) for store in stores]

        told, *bodies = in_child(work)
        assert names(s3_server, s3_store_url) == {"parent", "a", "c", "e"}
        assert names(other_server, s3_store_url) == {"parent", "b", "d"}
        assert told == [["a", "c", "e", "parent"], ["b", "d", "parent"]]
        assert bodies == [b"first", b"second", [[b"f"], [b"s"]]]

    def test_a_child_of_a_parent_that_sent_nothing(
        self, s3_server, other_server, s3_store_url, monkeypatch
    ):
        # As in a process that has sent nothing, which this one has.
        monkeypatch.setattr(native_client, "_used_in", None)
        monkeypatch.setattr(native_client, "is_lost", lambda: False)
        first = ObjectStorage(s3_store_url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", other_server.endpoint)
        in_child(lambda: first.put("a", b"1"))
        assert names(s3_server, s3_store_url) == {"a"}
        assert names(other_server, s3_store_url) == set()

    def test_versions_are_those_of_its_own(self, stores, s3_server, other_server, s3_store_url):
        bucket = f"versions-{uuid.uuid4().hex[:8]}"
        for server, body in ((s3_server, b"first"), (other_server, b"second")):
            client = server.client()
            client.create_bucket(Bucket=bucket)
            client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
            client.put_object(Bucket=bucket, Key="a", Body=body)
        os.environ["AWS_ENDPOINT_URL"] = s3_server.endpoint
        first = ObjectStorage(f"s3://{bucket}")
        os.environ["AWS_ENDPOINT_URL"] = other_server.endpoint
        os.environ["AWS_ACCESS_KEY_ID"] = "ANOTHER"
        assert list(first.versions("a")) == [b"first"]
        assert in_child(lambda: list(first.versions("a"))) == [b"first"]

    def test_credentials_that_were_changed_reach_a_child(
        self, s3_server, s3_store_url, monkeypatch
    ):
        ObjectStorage(s3_store_url).put("parent", b"1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "EXPIRED")
        old = ObjectStorage(s3_store_url)

        def work():
            told = []
            for _ in range(2):
                try:
                    told.append(old.get("parent"))
                except Exception as error:  # noqa: BLE001 (compared below)
                    told.append(type(error).__name__)
                os.environ["AWS_ACCESS_KEY_ID"] = s3_server.key
                told.append(ObjectStorage(s3_store_url).get("parent"))
            return told

        # One that was made with other credentials keeps them, as it does without a fork.
        assert in_child(work) == ["NotPermitted", b"1"] * 2

    def test_a_variable_that_is_no_text(self, s3_store_url, monkeypatch):
        store = ObjectStorage(s3_store_url)
        store.put("a", b"1")
        monkeypatch.setenv("AWS_EXTRA", os.fsdecode(b"\xff"))
        same = ObjectStorage(s3_store_url)
        assert in_child(lambda: (store.get("a"), same.get("a"))) == (b"1", b"1")


@pytest.mark.parametrize("kind", ["files", pytest.param("s3", marks=pytest.mark.s3)])
def test_children_of_a_process_whose_threads_seal_and_open(kind, tmp_path, request):
    url = tmp_path if kind == "files" else request.getfixturevalue("s3_store_url")
    client = Statebag(url, policy=POLICY)
    ended, errors = threading.Event(), []

    def both(scope):
        state = {"text": noise(50_000, len(scope)), "rows": [noise(300, n) for n in range(200)]}
        bag = client.seal(state, scope=scope)
        forget()
        return client.open(bag) == state and Statebag(url, policy=POLICY).open(bag) == state

    def work(n):
        try:
            while not ended.is_set():
                assert both(f"m/{n}")
        except Exception as error:  # noqa: BLE001 (told below)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        for n in range(30 if kind == "files" else 12):
            assert in_child(lambda n=n: both(f"m/child-{n}"))
            time.sleep(0.003 * n)  # another moment each time
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert errors == []
