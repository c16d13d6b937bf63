"""From an address and settings to a client, without a request."""

import pytest

from statebag.errors import ConfigurationError
from statebag.store.aws_endpoint import has_fixed_credentials
from statebag.store.object_storage_client import (
    connected,
    custom_endpoint,
    is_own_server,
    longest_seconds,
    settings_digest,
)
from statebag.store.store_place import StorePlace

KEYS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/a/b/", "bucket", "a/b"),
        ("gs://bucket/a", "bucket", "a"),
        ("az://container/a", "container", "a"),
    ],
)
def test_addresses(url, bucket, prefix):
    place = StorePlace.parse(url)
    assert (place.bucket, place.prefix) == (bucket, prefix)
    assert place.url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "ftp://bucket",
        "s3://user:SECRET@host/bucket",
        "s3://bucket/../other",
        "s3://bucket//a",
        "s3://bucket/a?token=SECRET",
        "s3://bucket/a#x",
        "bucket/a",
    ],
)
def test_an_address_that_is_none_is_not_quoted(url):
    with pytest.raises(ConfigurationError) as caught:
        StorePlace.parse(url)
    assert "SECRET" not in str(caught.value)
    assert "s3://bucket/prefix" in caught.value.hint


def test_a_setting_that_the_client_refuses_is_not_quoted():
    place = StorePlace.parse("s3://bucket")
    assert connected(place, {}, KEYS)
    with pytest.raises(ConfigurationError, match="refuses its settings") as caught:
        connected(place, {"timeout": "SECRET"}, KEYS)
    assert "SECRET" not in str(caught.value)
    assert "timeout" in caught.value.hint


def test_an_endpoint_of_an_option_wins_and_is_another_server():
    variables = {"AWS_ENDPOINT_URL": "http://two", "AWS_ENDPOINT_URL_S3": "http://one"}
    assert custom_endpoint("s3", {"endpoint": "http://mine"}, variables) == "http://mine"
    assert custom_endpoint("s3", {}, variables) == "http://one"
    assert custom_endpoint("s3", {}, {}) is None
    assert is_own_server("s3", {}, variables)
    assert not is_own_server("s3", {}, {})
    assert is_own_server("gs", {}, {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"gcs_base_url": "http://x"}'})


def test_settings_have_one_digest_whatever_their_order_and_another_one_each():
    one = settings_digest({"a": "1", "b": "2"}, {})
    assert one == settings_digest({"b": "2", "a": "1"}, {})
    others = [settings_digest({"a": "1"}, {}), settings_digest({"a": "12"}, {"b": ""})]
    assert len({one, *others, settings_digest({}, {"a": "1"})}) >= 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20s", 20), ("1m 30s", 90), ("500ms", 0.5), ("2 hours", 7200), ("soon", None), ("3 x", None)],
)
def test_the_clients_words_for_a_time(text, seconds):
    assert longest_seconds({"timeout": text}) == seconds
    assert longest_seconds({}) == 20


def test_credentials_that_need_no_request():
    assert has_fixed_credentials({}, KEYS)
    assert has_fixed_credentials({"aws_skip_signature": "true"}, {})
    assert not has_fixed_credentials({"access_key_id": "k"}, {})
    assert not has_fixed_credentials({"profile": "p"}, KEYS)
