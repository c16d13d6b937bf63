"""What a refusal of the store means, without the words of the server."""

import pytest
from obstore import exceptions as client

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StoreUnavailable,
)
from statebag.store.object_storage_errors import translated
from statebag.store.store_refusal import refusal_of

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
