"""What a refusal of the store means, without the words of the server."""

from contextlib import ExitStack

import pytest
from obstore import exceptions as client

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StoreUnavailable,
)
from statebag.store.object_storage import ObjectStorage
from statebag.store.object_storage_errors import translated
from statebag.store.retrying import RetryingStore
from statebag.store.store_refusal import refusal_of
from tests.store.canned_server import canned_server

URL = "s3://bucket/prefix"


def answer(status, code="", more=""):
    return client.GenericError(f"status {status} <Code>{code}</Code> SECRET {more}")


def told(error, url, name, action):
    """What a store says of an error of its client."""
    return translated(error, refusal_of(error), url, name, action)


@pytest.mark.parametrize(
    ("error", "action", "kind"),
    [
        (FileNotFoundError("SECRET"), "read", BlobMissing),
        (answer(404, "NoSuchKey"), "look up", BlobMissing),
        (answer(404, "NoSuchBucket"), "read", ConfigurationError),
        (client.PermissionDeniedError("SECRET"), "write", NotPermitted),
        (answer(403, "AccessDenied"), "read", NotPermitted),
        (answer(400, "ExpiredToken"), "read", NotPermitted),
        (answer(403, "RequestTimeTooSkewed"), "read", NotPermitted),
        (answer(416), "read", BlobCorrupt),
        (answer(400, "MalformedXML"), "write", ConfigurationError),
        (answer(301), "read", ConfigurationError),
        (answer(400, "RequestTimeout"), "write", StoreUnavailable),
        (answer(503, "SlowDown"), "write", StoreUnavailable),
        (answer(429), "read", StoreUnavailable),
        (client.GenericError("SECRET\nDebug source: kind: Timeout"), "read", StoreUnavailable),
        (client.NotSupportedError("SECRET"), "read", ConfigurationError),
        (ValueError("SECRET"), "read", NotPermitted),
    ],
)
def test_each_refusal_has_its_kind_and_quotes_nothing(error, action, kind):
    found = told(error, URL, "scope/a", action)
    assert type(found) is kind
    assert found.object_name == "scope/a"
    assert "SECRET" not in f"{found} {found.hint}"


def test_a_message_has_the_status_and_the_code():
    found = told(answer(503, "SlowDown"), URL, "scope/a", "write")
    assert found.message == f"{URL} did not write the object (status 503, SlowDown)"
    assert told(answer(503), URL, None, "list").message.startswith(f"{URL} did not list its")


def test_a_clock_that_is_wrong_is_told_from_a_key_that_is():
    skewed = told(answer(403, "RequestTimeTooSkewed"), URL, "a", "read")
    denied = told(answer(403, "AccessDenied"), URL, "a", "read")
    assert "clock" in skewed.hint
    assert "credentials" in denied.hint


def test_a_broken_connection_says_how_it_broke():
    error = client.GenericError("x\nDebug source: kind: Connect")
    assert told(error, URL, "a", "read").message.endswith("no connection could be made")


_ETAG, _DATE = 'ETag: "x"', "Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT"
UNUSABLE = {
    "without a length": ([_ETAG, _DATE, "Transfer-Encoding: chunked"], b"1\r\nx\r\n0\r\n\r\n"),
    "until the connection ends": ([_ETAG, _DATE], b"x"),
    "with a date of another form": (
        [_ETAG, "Last-Modified: 2025-01-01T00:00:00Z", "Content-Length: 1"],
        b"x",
    ),
}


@pytest.fixture
def answered(monkeypatch):
    """A store whose server gives one answer to everything, with the requests so far."""
    with ExitStack() as opened:

        def make(lines, body=b""):
            head = "\r\n".join(["HTTP/1.1 200 OK", *lines, "Connection: close", "", ""])
            endpoint, asked = opened.enter_context(canned_server(head.encode() + body))
            options = {"endpoint": endpoint, "region": "eu-west-1"}
            keys = {"access_key_id": "K", "secret_access_key": "s"}
            for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
                monkeypatch.delenv(name, raising=False)
            return RetryingStore(ObjectStorage("s3://b/p", options=options | keys)), asked

        yield make


@pytest.mark.parametrize("name", [name for name in UNUSABLE if "date" not in name])
def test_an_answer_that_a_proxy_has_changed_is_read_by_botocore(answered, name):
    lines, body = UNUSABLE[name]
    store, asked = answered(lines, body)
    # Here the answer to a HEAD has no length either, so nothing bounds what would be read.
    with pytest.raises(ConfigurationError, match="header Content-Length") as caught:
        store.get("a")
    assert "proxy" in caught.value.hint
    assert [one.split(" ")[0] for one in asked] == ["GET", "GET", "HEAD"]
    assert store.get_ranges("a", [(0, 1)]) == [b"x"]


@pytest.mark.parametrize("name", UNUSABLE)
def test_without_botocore_it_is_named_and_not_asked_for_again(answered, monkeypatch, name):
    store, asked = answered(*UNUSABLE[name])
    monkeypatch.setattr("statebag.store.aws_sdk.is_installed", lambda: False)
    with pytest.raises(ConfigurationError, match=r"header (Content|Last)-") as caught:
        store.get("a")
    assert "proxy" in caught.value.hint
    assert len(asked) == 1


def test_a_date_of_another_form_is_named_and_not_asked_for_again(answered):
    store, asked = answered(*UNUSABLE["with a date of another form"])
    with pytest.raises(ConfigurationError, match="header Last-Modified"):
        store.get("a")
    assert len(asked) == 1


def test_a_write_whose_answer_has_no_etag_is_one(answered):
    store, asked = answered(["Content-Length: 0"])
    store.put("a", b"x")
    assert len(asked) == 1
    with pytest.raises(ConfigurationError, match="header ETag"):
        store.put_if("a", b"x", None)
