"""Every option means the same to both clients of S3, or botocore does not take over."""

import ast
import base64
import hashlib
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import UnknownConfigurationKeyError
from obstore.store import S3Store

from statebag.errors import ConfigurationError
from statebag.store import sdk_options as module
from statebag.store.object_storage import ObjectStorage
from statebag.store.sdk_options import WITHOUT_INFLUENCE, sdk_options
from tests.store.recording_proxy import answer_as_s3, answer_to_botocore_alone

KEY = base64.b64encode(b"k" * 32).decode()
KMS = {"server_side_encryption": "aws:kms"}

# With keys in the settings, none of these changes a request. So they are tried at once.
SILENT_OF_S3 = {
    "conditional_put": "etag",
    "container_authorization_token_file": "/none",
    "container_credentials_full_uri": "http://127.0.0.1:9",
    "container_credentials_relative_uri": "/none",
    "copy_if_not_exists": "multipart",
    "disable_bulk_delete": "true",
    "disable_tagging": "true",
    "endpoint_url_sts": "https://sts.example.internal",
    "imdsv1_fallback": "true",
    "metadata_endpoint": "http://127.0.0.1:9",
    "role_arn": "arn:aws:iam::123456789012:role/r",
    "role_session_name": "me",
    "s3_express": "false",
    "web_identity_token_file": "/none",
}
SILENT_ALONE = {
    "connect_timeout": "2s",
    "http1_only": "true",
    "http2_keep_alive_interval": "5s",
    "http2_keep_alive_timeout": "5s",
    "http2_keep_alive_while_idle": "true",
    "http2_max_frame_size": "16384",
    "http2_only": "false",
    "pool_idle_timeout": "5s",
    "pool_max_idle_per_host": "2",
    "proxy_ca_certificate": "",
    "proxy_excludes": "localhost",
    "randomize_addresses": "true",
    "read_timeout": "5s",
    "timeout": "9s",
}

# Options of S3, which are variables too: what is given for each.
OF_S3 = {
    "access_key_id": [{"access_key_id": "OTHERKEY", "secret_access_key": "other"}],
    "checksum_algorithm": [{"checksum_algorithm": "SHA256"}],
    "default_region": [{"default_region": "us-west-2"}],
    "endpoint_url_s3": [{"endpoint_url_s3": "https://s3.example.internal"}],
    "request_payer": [
        {"request_payer": "requester"},
        {"request_payer": "TRUE"},
        {"request_payer": "false"},
    ],
    "server_side_encryption": [
        {"server_side_encryption": "AES256"},
        KMS,
        {"server_side_encryption": "aws:kms:dsse"},
    ],
    "session_token": [
        {"access_key_id": "OTHERKEY", "secret_access_key": "other", "session_token": "t"}
    ],
    "skip_signature": [{"skip_signature": "true"}, {"skip_signature": "no"}],
    "sse_bucket_key_enabled": [
        {**KMS, "sse_bucket_key_enabled": "true"},
        {**KMS, "sse_bucket_key_enabled": "false"},
        {"sse_bucket_key_enabled": "true"},
    ],
    "sse_customer_key_base64": [
        {"server_side_encryption": "sse-c", "sse_customer_key_base64": KEY}
    ],
    "sse_kms_key_id": [{**KMS, "sse_kms_key_id": "key-1"}, {"sse_kms_key_id": "key-1"}],
    "token": [{"access_key_id": "OTHERKEY", "secret_access_key": "other", "token": "t"}],
    "unsigned_payload": [{"unsigned_payload": "true"}, {"unsigned_payload": "false"}],
    "virtual_hosted_style_request": [
        {
            "endpoint_url_s3": "https://my-bucket.s3.example.internal",
            "virtual_hosted_style_request": "true",
        },
        {"virtual_hosted_style_request": "true"},
    ],
}

# Options that are no variables, since they are of HTTP, or this library's own.
ALONE = {
    "allow_http": [{"allow_http": "true", "endpoint": "http://s3.example.internal"}],
    "allow_invalid_certificates": [{"allow_invalid_certificates": "true"}],
    "checksum_none": [{"checksum_algorithm": "none"}, {"AWS_CHECKSUM_ALGORITHM": "none"}],
    "default_content_type": [{"default_content_type": "text/x"}],
    "endpoint": [{"endpoint": "https://s3.example.internal"}],
    "endpoint_url": [{"endpoint_url": "https://s3.example.internal"}],
    "expected_bucket_owner": [{"expected_bucket_owner": "123456789012"}],
    "region": [{"region": "us-west-2"}],
    "user_agent": [{"user_agent": "mine/1"}, {"AWS_USER_AGENT": "mine/1"}],
}

# What botocore has nothing for, with words of the way out.
REFUSED = {
    "http2_only": ({"http2_only": "true"}, "Remove http2_only"),
    "root_certificate": ({"root_certificate": None}, "AWS_CA_BUNDLE"),
    "conditional_put": ({"conditional_put": "disabled"}, "Remove conditional_put"),
    "virtual_hosted_style_request": (
        {"endpoint": "https://files.internal", "virtual_hosted_style_request": "true"},
        "begin with the bucket's name",
    ),
    "checksum_algorithm": ({"checksum_algorithm": "CRC64NVME"}, "Install awscrt"),
    "proxy_excludes": (
        {"proxy_url": "", "proxy_excludes": "s3.eu-west-3.amazonaws.com"},
        "whole domains",
    ),
}

# Of the types' names, those that the client itself does not take as texts.
NOT_OPTIONS = {"default_headers", "sts_endpoint"}


def names_of_the_client():
    """The options that the installed client lists, and those that this library lists."""
    folder = Path(obstore.__file__).parent / "_store"
    found = set()
    for file, kind in (("_aws.pyi", "S3Config"), ("_client.pyi", "ClientConfig")):
        tree = ast.parse((folder / file).read_text())
        (of_kind,) = [
            one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == kind
        ]
        found |= {one.target.id for one in of_kind.body if isinstance(one, ast.AnnAssign)}
    return {name.removeprefix("aws_") for name in found}


def test_all_options_of_the_client_are_tried():
    tried = {"bucket", "proxy_url", "secret_access_key"}.union(
        OF_S3, ALONE, SILENT_OF_S3, SILENT_ALONE, REFUSED
    )
    assert names_of_the_client() - NOT_OPTIONS <= tried
    listed = (
        module._READ_ELSEWHERE | module._TRANSLATED | module._ABOUT_KEYS.keys() | WITHOUT_INFLUENCE
    )
    assert listed - {"profile"} <= tried
    for name in NOT_OPTIONS:
        with pytest.raises(UnknownConfigurationKeyError):
            S3Store("b", config={name: "1"})


def calls(store, proxy):
    """What a store asks for each call, without what differs each time or between the clients."""
    proxy.take()
    store.put("a", b"data")
    store.get("a")
    store.head("a")
    list(store.list())
    store.delete("a")
    return [essence(one) for one in proxy.take()]


def essence(asked):
    kept = {
        name: value
        for name, value in asked.headers.items()
        if name.startswith("x-amz-")
        and name not in {"x-amz-date", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-mode"}
    }
    # Other libraries in the process may add themselves to what botocore says.
    agent = asked.headers["user-agent"].partition(" ")[0]
    kept["user-agent"] = agent if agent == "mine/1" else ""
    kept["content-type"] = asked.headers.get("content-type") if asked.method == "PUT" else None
    if kept.get("x-amz-content-sha256") == hashlib.sha256(asked.body).hexdigest():
        kept["x-amz-content-sha256"] = "signed"
    # Paths of a listing differ by the last slash.
    return asked.place, asked.key, asked.path.rstrip("/"), kept


def assert_same(proxy, **options):
    store = ObjectStorage("s3://my-bucket/p", options=options)
    expected = calls(store, proxy)
    proxy.answer = answer_to_botocore_alone
    store.head("a")
    switched = calls(store, proxy)
    proxy.answer = answer_as_s3
    assert store._live.connection.is_by_sdk
    assert [one[3] for one in switched] == [one[3] for one in expected]
    assert [place_of(one) for one in switched] == [place_of(one) for one in expected]
    return expected


def place_of(one):
    (method, host, path, _), key, _, _ = one
    return method, host, path.rstrip("/"), key


WAYS = [
    *((name, given, way) for name, all_ in OF_S3.items() for given in all_ for way in ("o", "v")),
    *((name, given, "o") for name, all_ in ALONE.items() for given in all_),
    ("silent", SILENT_OF_S3, "o"),
    ("silent", SILENT_OF_S3, "v"),
    ("silent", SILENT_ALONE, "o"),
]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize(
    ("name", "given", "way"), WAYS, ids=[f"{one[0]}-{one[2]}-{i}" for i, one in enumerate(WAYS)]
)
def test_both_clients_ask_for_the_same(proxy, settings, monkeypatch, name, given, way):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    if name == "allow_invalid_certificates":
        monkeypatch.delenv("AWS_CA_BUNDLE")
    if way == "v":
        settings(**{f"AWS_{key.upper()}": value for key, value in given.items()})
        given = {}
    assert_same(proxy, **given)


def test_what_is_compared_shows_each_setting(proxy, settings):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    found = assert_same(
        proxy,
        server_side_encryption="aws:kms",
        sse_kms_key_id="key-1",
        request_payer="requester",
        user_agent="mine/1",
        default_content_type="text/x",
        unsigned_payload="true",
    )
    write = found[0][3]
    assert write["x-amz-server-side-encryption"] == "aws:kms"
    assert write["x-amz-server-side-encryption-aws-kms-key-id"] == "key-1"
    assert write["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert (write["content-type"], write["user-agent"]) == ("text/x", "mine/1")
    assert {one[3]["x-amz-request-payer"] for one in found} == {"requester"}


def test_the_proxy_of_an_option(proxy, settings, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name)
    settings(AWS_DEFAULT_REGION="eu-west-1")
    for more in ({}, {"proxy_excludes": "localhost,10.0.0.0/8"}):
        assert len(assert_same(proxy, proxy_url=proxy.url, **more)) == 5


def test_a_server_that_the_option_excludes_from_its_proxy(proxy, settings, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name)
    # The recording server answers those too that come to it without the words of a proxy.
    settings(AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL_S3=proxy.url)
    found = assert_same(
        proxy, proxy_url="http://127.0.0.1:9", proxy_excludes="localhost,127.0.0.0/8"
    )
    assert len(found) == 5


@pytest.mark.parametrize("name", REFUSED)
def test_an_option_without_a_translation_stops_the_change(proxy, settings, monkeypatch, name):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    monkeypatch.setattr(module, "_has_crt", lambda: False)
    given, words = REFUSED[name]
    given = dict(given)
    if "root_certificate" in given:
        given["root_certificate"] = Path(proxy.authority).read_text()
    if "proxy_url" in given:
        given["proxy_url"] = proxy.url
    store = ObjectStorage("s3://my-bucket/p", options=given)
    if name == "http2_only":  # the recording server does not speak HTTP/2
        check = lambda: sdk_options("b", given, {}, seconds=9, reason="it")  # noqa: E731
    else:
        proxy.answer = answer_to_botocore_alone
        check = lambda: store.head("a")  # noqa: E731
    with pytest.raises(ConfigurationError) as caught:
        check()
    assert name in caught.value.message
    assert words in caught.value.hint
    assert caught.value.__cause__ is None
    assert not store._live.connection.is_by_sdk
    if name != "http2_only":
        # What the first client can do, it still does.
        assert store.get("a") == b""
        assert "amz-sdk-request" not in proxy.take()[-1].headers


def test_options_about_keys_that_botocore_would_have_to_find():
    for name, variable in module._ABOUT_KEYS.items():
        for given in (name, f"aws_{name}", f"AWS_{name.upper()}"):
            with pytest.raises(ConfigurationError, match=given) as caught:
                sdk_options("b", {given: "x"}, {}, seconds=9, reason="it", finds_keys=True)
            assert variable in caught.value.hint
            assert sdk_options("b", {given: "x"}, {}, seconds=9, reason="it").is_signed
    variables = {"AWS_METADATA_ENDPOINT": "http://127.0.0.1:9"}
    with pytest.raises(ConfigurationError, match="AWS_METADATA_ENDPOINT"):
        sdk_options("b", {}, variables, seconds=9, reason="it", finds_keys=True)


def test_an_option_that_nobody_knows():
    with pytest.raises(ConfigurationError, match="later_option"):
        sdk_options("b", {"later_option": "x"}, {}, seconds=9, reason="it")


@pytest.mark.parametrize("key", ["", "no base64!", base64.b64encode(b"short").decode()])
def test_a_customer_key_that_is_none(key):
    given = {"server_side_encryption": "sse-c", "sse_customer_key_base64": key}
    with pytest.raises(ConfigurationError, match="32 bytes") as caught:
        sdk_options("b", given, {}, seconds=9, reason="it")
    assert not key or key not in str(caught.value)


def test_limits_of_time_and_connections():
    given = {
        "connect_timeout": "500ms",
        "read_timeout": "4s",
        "pool_max_idle_per_host": "2",
        "allow_invalid_certificates": "true",
    }
    found = sdk_options("b", given, {}, seconds=9, reason="it")
    assert found.config["connect_timeout"] == pytest.approx(0.5)
    assert found.config["read_timeout"] == pytest.approx(4)
    assert found.config["max_pool_connections"] == 2
    assert found.client["verify"] is False
    with pytest.raises(ConfigurationError, match="read_timeout"):
        sdk_options("b", {"read_timeout": "1month"}, {}, seconds=9, reason="it")
