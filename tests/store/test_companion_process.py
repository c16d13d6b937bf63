"""A companion that was stopped or killed: no endless wait, and another one is started."""

import os
import signal
import threading

import pytest

from statebag import StoreUnavailable
from statebag.store import chunked_listing, companion_process, companion_server, native_client
from statebag.store.object_storage import ObjectStorage
from statebag.store.retrying import RetryingStore, deadline
from tests.forks import in_child
from tests.store.listing_server import listing_server

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.timeout(600),
]

LONG = 120  # seconds of a deadline that no request here comes near to


@pytest.fixture(autouse=True)
def _slow_starts(monkeypatch):
    """A companion has as long as it needs to start on a busy machine."""
    monkeypatch.setattr(companion_process, "_START_SECONDS", LONG)


@pytest.mark.s3
class TestThatWasStopped:
    @pytest.mark.parametrize("stop", [signal.SIGSTOP, signal.SIGKILL])
    @pytest.mark.parametrize("size", [10, 3_000_000])
    def test_the_next_request_starts_another(self, s3_store_url, stop, size):
        store = ObjectStorage(s3_store_url)
        store.put("a", b"1")

        def work():
            store.get("a")
            before = companion_process._current
            os.kill(before._popen.pid, stop)
            told = "nothing"
            try:
                with deadline(1.5):
                    store.put("b", bytes(size))
            except StoreUnavailable as error:
                told = type(error).__name__
            with deadline(LONG):
                store.put("b", bytes(size))
            ended = before._popen.wait(LONG)
            return told, store.head("b").size, companion_process._current is before, ended

        told, *rest = in_child(work)
        assert rest == [size, False, -signal.SIGKILL]
        # The end of a process may be seen before the next request, which then starts another.
        assert told == "StoreUnavailable" or (stop, told) == (signal.SIGKILL, "nothing")

    def test_a_call_with_time_left_goes_on_with_another(self, s3_store_url):
        store = RetryingStore(ObjectStorage(s3_store_url))
        store.put("a", b"1")

        def work():
            store.get("a")
            os.kill(companion_process._current._popen.pid, signal.SIGSTOP)
            with deadline(LONG):
                store.put("b", bytes(3_000_000))
                return store.head("b").size

        assert in_child(work) == 3_000_000

    def test_without_a_deadline_it_is_seen_too(self, s3_store_url, monkeypatch):
        monkeypatch.setattr(companion_process, "_SILENT_SECONDS", 0.5)
        monkeypatch.setattr(companion_process, "_THERE_SECONDS", 3.0)
        store = RetryingStore(ObjectStorage(s3_store_url))
        store.put("a", b"1")

        def work():
            told = []
            for call in (lambda: store.get("a"), lambda: store.put("b", bytes(3_000_000))):
                store.get("a")
                os.kill(companion_process._current._popen.pid, signal.SIGSTOP)
                told.append(call())
            return told

        assert in_child(work) == [b"1", None]

    def test_a_listing_goes_on_whole(self, s3_store_url, monkeypatch):
        monkeypatch.setattr(companion_server, "_PAGE", 2)
        raw = ObjectStorage(s3_store_url)
        for n in range(5):
            raw.put(f"n{n}", b"")

        def work():
            # Of small pages as well, which the other process has by its environment alone.
            told = []
            for store in (RetryingStore(raw), raw):
                found = iter(store.list())
                first = next(found)
                os.kill(companion_process._current._popen.pid, signal.SIGKILL)
                companion_process._current._popen.wait()
                try:
                    told.append([info.name for info in (first, *found)])
                except StoreUnavailable as error:
                    told.append(error.message)
            return told

        whole, broken = in_child(work)
        assert whole == [f"n{n}" for n in range(5)]
        # Not an end, after which the rest would look as if it were not there.
        assert "has ended" in broken

    def test_a_listing_goes_on_after_a_fork(self, s3_store_url, monkeypatch):
        monkeypatch.setattr(chunked_listing, "_CHUNK", 1)
        raw = ObjectStorage(s3_store_url)
        raw._lists_in_order = True  # as that of S3 itself: one that is sorted is read at once
        for n in range(3):
            raw.put(f"n{n}", b"")
        listings = RetryingStore(raw).list(), raw.list()
        broken = raw.list()
        next(listings[0])
        next(broken)

        def work():
            with pytest.raises(StoreUnavailable, match="before a fork"):
                list(broken)
            return [[info.name for info in found] for found in listings]

        assert in_child(work) == [["n1", "n2"], ["n0", "n1", "n2"]]
        assert [info.name for info in listings[0]] == ["n1", "n2"]


def test_a_silent_store_is_no_stopped_companion(monkeypatch):
    """A store that does not answer for long is asked for no more than its own answer."""
    answer = threading.Event()

    def page(*_):
        answer.wait(3)
        return [], None

    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION"):
        monkeypatch.setenv(f"AWS_{name}", "eu-central-1")
    with listing_server(page) as (endpoint, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        monkeypatch.setattr(companion_process, "_SILENT_SECONDS", 0.3)
        monkeypatch.setattr(companion_process, "_THERE_SECONDS", LONG)
        store = ObjectStorage("s3://b/p")

        def work():
            monkeypatch.setattr(native_client, "is_lost", lambda: True)
            assert list(store.list()) == []
            before = companion_process._current
            with deadline(2 * LONG):
                assert list(store.list()) == []
            return before is companion_process._current

        assert in_child(work)
