"""Directory buckets of S3, whose requests botocore signs, beside boto3 in the same environment."""

import pytest

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StoreUnavailable,
)
from statebag.store.object_storage import ObjectStorage
from tests.forks import in_child
from tests.store.beside_the_sdk import calls_of_the_store, process, same
from tests.store.recording_proxy import SESSION, answer_as_s3

_US = {"AWS_DEFAULT_REGION": "us-west-2"}

DIRECTORIES = {
    "plain": ("my--usw2-az1--x-s3", {}),
    "a key with a token": ("my--usw2-az1--x-s3", {"AWS_SESSION_TOKEN": "the-token"}),
    "fips": ("my--usw2-az1--x-s3", {"AWS_USE_FIPS_ENDPOINT": "true"}),
    "without a session": ("my--usw2-az1--x-s3", {"AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "true"}),
    "an access point of one": ("point--usw2-az1--xa-s3", {}),
}


@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_directory_bucket(proxy, settings, name):
    bucket, variables = DIRECTORIES[name]
    settings(**_US, **variables)
    first = same(proxy, bucket)
    assert ("session" in first.query) == (name != "without a session")
    assert first.key[2] == "s3express"


def as_directory_bucket(asked):
    """A bucket that takes requests for `s3express` alone, with the token of a session."""
    if "session" in asked.query:
        return 200, SESSION, {}
    if asked.key[2] != "s3express" or asked.headers.get("x-amz-s3session-token") != "session":
        body = b"<Error><Code>SignatureDoesNotMatch</Code><Message>s3express</Message></Error>"
        return 403, body, {"Content-Type": "application/xml"}
    return answer_as_s3(asked)


def test_the_calls_of_a_directory_bucket(proxy, settings):
    settings(**_US)
    proxy.answer = as_directory_bucket
    store = ObjectStorage("s3://my--usw2-az1--x-s3/p")
    _, version = store.get_version("a")
    assert store.put_if("a", b"data", version) == '"x" '
    assert store.put_if("b", b"data", None) == '"x" '
    assert store.get_ranges("a", [(0, 0)]) == [b""]
    assert [one.headers.get("if-match") for one in proxy.take() if one.method == "PUT"] == [
        '"x"',
        None,
    ]
    assert store.head("a").size == 0
    assert not list(store.list("a"))[1:]
    # One session serves all of them.
    assert not [one for one in proxy.take() if "session" in one.query and "list" not in one.query]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchKey", BlobMissing),
        (404, "NoSuchBucket", ConfigurationError),
        (403, "AccessDenied", NotPermitted),
        (503, "SlowDown", StoreUnavailable),
        (416, "InvalidRange", BlobCorrupt),
    ],
)
def test_the_refusals_of_a_directory_bucket(proxy, settings, status, code, kind):
    settings(**_US)

    def answer(asked):
        if "session" in asked.query:
            return 200, SESSION, {}
        body = f"<Error><Code>{code}</Code><Message>SECRET</Message></Error>".encode()
        return status, body, {"Content-Type": "application/xml"}

    proxy.answer = answer
    with pytest.raises(kind) as caught:
        ObjectStorage("s3://my--usw2-az1--x-s3/p").get("a")
    assert "SECRET" not in str(caught.value)
    assert caught.value.object_name == "a"


def test_a_directory_bucket_that_is_not_reached(proxy, settings, monkeypatch):
    settings(**_US)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="proxy"):
        ObjectStorage("s3://my--usw2-az1--x-s3/p").get("a")


def test_a_body_of_a_directory_bucket_that_is_cut(proxy, settings):
    settings(**_US)

    def answer(asked):
        if "session" in asked.query:
            return 200, SESSION, {}
        return 200, b"too much for a range", {"ETag": '"x"'}

    proxy.answer = answer
    store = ObjectStorage("s3://my--usw2-az1--x-s3/p")
    assert store.get("a") == b"too much for a range"
    with pytest.raises(StoreUnavailable, match="more than the 3 bytes"):
        store.get_ranges("a", [(0, 3)])


def test_keys_of_a_directory_bucket_are_renewed(proxy, settings, tmp_path):
    settings(process(tmp_path, 7200).replace("eu-west-1", "us-west-2"), keys=False)
    proxy.answer = as_directory_bucket
    store = ObjectStorage("s3://my--usw2-az1--x-s3/p")
    store.put("a", b"")
    assert [one.key[0] for one in proxy.take()] == ["KEY1", "SESSIONKEY"]

    def answer(asked):
        if "session" in asked.query and asked.key[0] == "KEY2":
            return 200, SESSION.replace(b"SESSIONKEY", b"NEXTKEY"), {}
        if asked.key[0] == "NEXTKEY":
            return answer_as_s3(asked)
        return 400, b"<Error><Code>ExpiredToken</Code></Error>", {"Content-Type": "application/xml"}

    proxy.answer = answer
    store.put("a", b"")
    assert [one.key[0] for one in proxy.take()] == ["SESSIONKEY", "KEY2", "NEXTKEY"]


def test_a_forked_child_uses_a_directory_bucket(proxy, settings):
    settings(**_US)
    proxy.answer = as_directory_bucket
    store = ObjectStorage("s3://my--usw2-az1--x-s3/p")
    store.put("a", b"")
    proxy.take()
    assert in_child(lambda: store.put("a", b"")) is None
    assert [one.method for one in proxy.take()] == ["GET", "PUT"]


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "AuthorizationHeaderMalformed"])
def test_a_directory_bucket_without_botocore(proxy, settings, monkeypatch, code):
    settings(**_US)
    monkeypatch.setattr("statebag.store.aws_sdk.is_installed", lambda: False)

    def answer(asked):
        if "session" in asked.query:
            return 200, SESSION, {}
        body = f"<Error><Code>{code}</Code><Message>expected s3express</Message></Error>"
        return 403, body.encode(), {"Content-Type": "application/xml"}

    proxy.answer = answer
    with pytest.raises(ConfigurationError, match="signature for the service s3") as caught:
        ObjectStorage("s3://my--usw2-az1--x-s3/p").get("a")
    assert "boto3" in caught.value.hint
    with pytest.raises(ConfigurationError, match="needs botocore"):
        ObjectStorage("s3://point--usw2-az1--xa-s3/p")


def test_a_directory_bucket_of_a_server_of_ones_own(proxy, settings):
    settings(AWS_DEFAULT_REGION="us-west-2", AWS_ENDPOINT_URL="https://s3.example.internal")
    found = calls_of_the_store(proxy, "my--usw2-az1--x-s3")
    assert {one.host for one in found} == {"s3.example.internal"}
