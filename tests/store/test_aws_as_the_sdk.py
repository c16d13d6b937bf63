"""boto3 and a store in the same environment ask the same hosts for the same, by the same keys."""

import json
import os
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha1

import boto3
import pytest

from statebag.errors import ConfigurationError, Conflict, NotPermitted, StoreUnavailable
from statebag.store.contract import can_delete_if
from statebag.store.object_storage import ObjectStorage
from tests.forks import in_child
from tests.store.recording_proxy import SESSION, answer_as_s3, recording_proxy

_KEPT_SECONDS = 0.15  # the client asks nobody for keys again within 0.1 s


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with recording_proxy(tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.fixture
def proxy(running, monkeypatch, tmp_path):
    """The proxy, on the way to every server, in an environment without settings of AWS."""
    for name in os.environ:
        if name.startswith("AWS_") or name.upper() in {"NO_PROXY", "ALL_PROXY", "HTTP_PROXY"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, running.url)
    monkeypatch.setenv("AWS_CA_BUNDLE", running.authority)
    running.answer = answer_as_s3
    running.take()
    return running


@pytest.fixture
def settings(proxy, monkeypatch, tmp_path):
    """Set variables, the two files of AWS, and keys unless they are to come from elsewhere."""

    def use(config="", credentials="", *, keys=True, **variables):
        (tmp_path / ".aws").mkdir(exist_ok=True)
        for name, text in (("config", config), ("credentials", credentials)):
            if text:
                (tmp_path / ".aws" / name).write_text(textwrap.dedent(text))
        if keys:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "THEKEY")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return use


def calls_of_boto3(proxy, bucket, **more):
    """What boto3 asks for one call of each kind."""
    client = boto3.Session().client("s3")
    client.put_object(Bucket=bucket, Key="p/a b/c+d", Body=b"data", **more)
    client.get_object(Bucket=bucket, Key="p/a b/c+d", **more)
    client.head_object(Bucket=bucket, Key="p/a b/c+d", **more)
    client.delete_object(Bucket=bucket, Key="p/a b/c+d", **more)
    client.list_objects_v2(Bucket=bucket, Prefix="p/", **more)
    return proxy.take()


def calls_of_the_store(proxy, bucket, **options):
    """What a store asks for the same."""
    store = ObjectStorage(f"s3://{bucket}/p", options=options)
    store.put("a b/c+d", b"data")
    store.get("a b/c+d")
    store.head("a b/c+d")
    store.delete("a b/c+d")
    list(store.list())
    return proxy.take()


def same(proxy, bucket="my-bucket"):
    """That both asked the same, and for what."""
    expected, found = calls_of_boto3(proxy, bucket), calls_of_the_store(proxy, bucket)
    assert [one.place for one in found] == [one.place for one in expected]
    for header in ("x-amz-security-token", "x-amz-s3session-token"):
        assert [one.headers.get(header) for one in found] == [
            one.headers.get(header) for one in expected
        ]
    assert [one.key for one in found] == [one.key for one in expected]
    return found[0]


REGIONS = {
    "eu-west-1": "my-bucket.s3.eu-west-1.amazonaws.com",
    "us-east-1": "my-bucket.s3.amazonaws.com",
    "us-gov-west-1": "my-bucket.s3.us-gov-west-1.amazonaws.com",
    "ap-southeast-7": "my-bucket.s3.ap-southeast-7.amazonaws.com",
    "cn-north-1": "my-bucket.s3.cn-north-1.amazonaws.com.cn",
    "cn-northwest-1": "my-bucket.s3.cn-northwest-1.amazonaws.com.cn",
    "eusc-de-east-1": "my-bucket.s3.eusc-de-east-1.amazonaws.eu",
    "us-iso-east-1": "my-bucket.s3.us-iso-east-1.c2s.ic.gov",
    "us-isob-east-1": "my-bucket.s3.us-isob-east-1.sc2s.sgov.gov",
    "eu-isoe-west-1": "my-bucket.s3.eu-isoe-west-1.cloud.adc-e.uk",
}


@pytest.mark.parametrize("region", REGIONS)
def test_the_hosts_of_all_partitions(proxy, settings, region):
    settings(AWS_DEFAULT_REGION=region)
    assert same(proxy).host == REGIONS[region]


@pytest.mark.parametrize("region", ["cn-north-1", "eu-west-1"])
def test_the_region_by_the_name_that_other_sdks_read(proxy, settings, region):
    settings(AWS_REGION=region)
    assert calls_of_the_store(proxy, "my-bucket")[0].host == REGIONS[region]


def test_no_region_at_all(proxy, settings):
    settings()
    assert same(proxy).host == "my-bucket.s3.amazonaws.com"


VARIABLES = {
    "fips": {"AWS_USE_FIPS_ENDPOINT": "true"},
    "dualstack": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "both": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "TRUE"},
    "no switch": {"AWS_USE_FIPS_ENDPOINT": "false", "AWS_USE_DUALSTACK_ENDPOINT": "1"},
    "endpoint": {"AWS_ENDPOINT_URL": "https://minio.example.internal"},
    "endpoint of the service": {
        "AWS_ENDPOINT_URL": "https://other.example",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.internal:9443",
    },
    "endpoint with a path": {"AWS_ENDPOINT_URL_S3": "https://gateway.example/storage/"},
    "endpoint without TLS": {"AWS_ENDPOINT_URL": "http://minio.example.internal:9000"},
    "empty endpoint": {"AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": ""},
    "ignored endpoint": {
        "AWS_ENDPOINT_URL_S3": "https://other.example",
        "AWS_ENDPOINT_URL": "https://other.example",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    },
    "endpoint not ignored": {
        "AWS_ENDPOINT_URL": "https://minio.example.internal",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    },
    "regional name of the first region": {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",
    },
    "mode": {"AWS_DEFAULT_REGION": "us-east-1", "AWS_DEFAULTS_MODE": "standard"},
    "token": {"AWS_SESSION_TOKEN": "the-token"},
    "authorities by another name": {"REQUESTS_CA_BUNDLE": ""},
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variables(proxy, settings, monkeypatch, name):
    settings(**{"AWS_DEFAULT_REGION": "eu-west-1", **VARIABLES[name]})
    if "REQUESTS_CA_BUNDLE" in VARIABLES[name]:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", proxy.authority)
        monkeypatch.delenv("AWS_CA_BUNDLE")
    same(proxy)


PROFILES = {
    "region": "[default]\nregion = ap-southeast-2\n",
    "region of a partition": "[default]\nregion = cn-north-1\n",
    "endpoint": "[default]\nregion = us-east-1\nendpoint_url = https://minio.example.internal\n",
    "services": """
        [default]
        region = eu-west-1
        services = mine
        [services mine]
        s3 =
          endpoint_url = https://s3.example.internal/base
        """,
    "ignored": """
        [default]
        region = eu-west-1
        endpoint_url = https://other.example
        ignore_configured_endpoint_urls = true
        """,
    "path style": "[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n",
    "host style": """
        [default]
        region = eu-west-1
        endpoint_url = https://s3.example.internal
        s3 =
          addressing_style = virtual
        """,
    "dualstack of s3": "[default]\nregion = eu-west-1\ns3 =\n  use_dualstack_endpoint = true\n",
    "accelerated": "[default]\nregion = eu-west-1\ns3 =\n  use_accelerate_endpoint = true\n",
    "fips": "[default]\nregion = us-west-2\nuse_fips_endpoint = true\n",
    "another profile": """
        [default]
        region = eu-west-1
        [profile work]
        endpoint_url = https://other.example
        """,
}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles(proxy, settings, name):
    settings(PROFILES[name])
    same(proxy)


def test_a_profile_by_name_and_its_authorities(proxy, settings, monkeypatch):
    settings(
        f"""
        [profile "work"]
        region = eu-west-1
        endpoint_url = https://minio.example.internal
        ca_bundle = {proxy.authority}
        """,
        AWS_PROFILE="work",
    )
    monkeypatch.delenv("AWS_CA_BUNDLE")
    assert same(proxy).host == "minio.example.internal"


def test_a_profile_as_an_option(proxy, settings):
    settings(
        "[profile work]\nregion = eu-west-1\n",
        "[work]\naws_access_key_id = WORKKEY\naws_secret_access_key = s\n",
    )
    found = calls_of_the_store(proxy, "my-bucket", profile="work")
    assert {one.key for one in found} == {("WORKKEY", "eu-west-1", "s3")}
    assert {one.host for one in found} == {"my-bucket.s3.eu-west-1.amazonaws.com"}


BUCKETS = {
    "my.dotted.bucket": "s3.us-west-2.amazonaws.com",
    "My_Bucket": "s3.us-west-2.amazonaws.com",
    "point-abcdefgh-s3alias": "point-abcdefgh-s3alias.s3.us-west-2.amazonaws.com",
    "arn:aws:s3:us-west-2:123456789012:accesspoint/point": (
        "point-123456789012.s3-accesspoint.us-west-2.amazonaws.com"
    ),
    "arn:aws:s3:eu-west-1:123456789012:accesspoint/point": (
        "point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"
    ),
}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_and_what_stands_for_one(proxy, settings, bucket):
    settings(AWS_DEFAULT_REGION="us-west-2")
    assert same(proxy, bucket).host == BUCKETS[bucket]


@pytest.mark.parametrize("variables", [{}, {"AWS_SESSION_TOKEN": "the-token"}])
def test_a_directory_bucket(proxy, settings, variables):
    settings(AWS_DEFAULT_REGION="us-west-2", **variables)
    bucket = "my--usw2-az1--x-s3"
    expected = calls_of_boto3(proxy, bucket)
    found = calls_of_the_store(proxy, bucket)
    host = f"{bucket}.s3express-usw2-az1.us-west-2.amazonaws.com"
    assert {one.host for one in found} == {one.host for one in expected} == {host}
    # Both begin with a session, whose key signs the others.
    assert "session" in found[0].query
    rest = [one for one in found if "session" not in one.query]
    assert {one.key[:2] for one in rest} == {("SESSIONKEY", "us-west-2")}
    assert {one.headers["x-amz-s3session-token"] for one in rest} == {"session"}


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "AuthorizationHeaderMalformed"])
def test_a_directory_bucket_that_wants_another_signature(proxy, settings, code):
    settings(AWS_DEFAULT_REGION="us-west-2")

    def answer(asked):
        if "session" in asked.query:
            return 200, SESSION, {}
        body = f"<Error><Code>{code}</Code><Message>expected s3express</Message></Error>"
        return 403, body.encode(), {"Content-Type": "application/xml"}

    proxy.answer = answer
    with pytest.raises(ConfigurationError, match="signature for the service s3") as caught:
        ObjectStorage("s3://my--usw2-az1--x-s3/p").get("a")
    assert "--x-s3" in caught.value.hint


def test_a_conditional_delete(proxy, settings):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    store = ObjectStorage("s3://my-bucket/p", options={"expected_bucket_owner": "123456789012"})
    assert can_delete_if(store)
    _, version = store.get_version("a")
    proxy.take()
    store.delete_if("a", version)
    (asked,) = proxy.take()
    assert (asked.method, asked.host) == ("DELETE", "my-bucket.s3.eu-west-1.amazonaws.com")
    assert (asked.path, asked.headers["if-match"]) == ("/p/a", '"x"')
    assert asked.headers["x-amz-expected-bucket-owner"] == "123456789012"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (412, "PreconditionFailed", Conflict),
        (404, "NoSuchKey", Conflict),
        (403, "AccessDenied", NotPermitted),
        (503, "SlowDown", StoreUnavailable),
        (409, "ConditionalRequestConflict", StoreUnavailable),
        (404, "NoSuchBucket", ConfigurationError),
    ],
)
def test_a_conditional_delete_that_is_refused(proxy, settings, status, code, kind):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    store = ObjectStorage("s3://my-bucket/p")
    body = f"<Error><Code>{code}</Code><Message>SECRET</Message></Error>".encode()
    proxy.answer = lambda _: (status, body, {"Content-Type": "application/xml"})
    with pytest.raises(kind) as caught:
        store.delete_if("a", '"x" ')
    assert "SECRET" not in str(caught.value)
    assert caught.value.object_name == "a"
    if code == "SlowDown":
        assert caught.value.is_busy


def test_servers_that_may_ignore_the_condition_are_not_asked(settings):
    settings(AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL="https://s3.example.internal")
    store = ObjectStorage("s3://my-bucket/p")
    assert not can_delete_if(store)
    with pytest.raises(ConfigurationError) as caught:
        store.delete_if("a", '"x" ')
    assert "put_if" in caught.value.hint


def test_a_directory_bucket_of_a_server_of_ones_own(proxy, settings):
    settings(AWS_DEFAULT_REGION="us-west-2", AWS_ENDPOINT_URL="https://s3.example.internal")
    found = calls_of_the_store(proxy, "my--usw2-az1--x-s3")
    assert {one.host for one in found} == {"s3.example.internal"}


@pytest.mark.parametrize(
    "address",
    [
        "s3://arn:aws:s3::123456789012:accesspoint/abcdefgh.mrap/p",
        "s3://arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/point/p",
        "s3://arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/point/p",
    ],
)
def test_what_cannot_be_asked_is_refused(settings, address):
    settings(AWS_DEFAULT_REGION="us-west-2")
    with pytest.raises(ConfigurationError) as caught:
        ObjectStorage(address)
    assert "access point" in caught.value.hint


def test_the_owner_and_who_pays(proxy, settings):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    more = {"ExpectedBucketOwner": "123456789012", "RequestPayer": "requester"}
    expected = calls_of_boto3(proxy, "my-bucket", **more)
    found = calls_of_the_store(
        proxy, "my-bucket", expected_bucket_owner="123456789012", request_payer="requester"
    )
    for header in ("x-amz-expected-bucket-owner", "x-amz-request-payer"):
        assert [one.headers.get(header) for one in found] == [
            one.headers.get(header) for one in expected
        ]
        assert [header in one.headers["authorization"] for one in found] == [True] * 5, header


TAKEN = "[default]\nregion = eu-west-1\n"
ROLE = """<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLEKEY</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>role</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
SSO = {
    "roleCredentials": {
        "accessKeyId": "SSOKEY",
        "secretAccessKey": "s",
        "sessionToken": "sso",
        "expiration": 4_070_908_800_000,
    }
}


def container(asked, token):
    """A service that gives keys to whoever shows the token."""
    if asked.headers.get("authorization") != token:
        return 403, b"{}", {}
    keys = {"AccessKeyId": "BOXKEY", "SecretAccessKey": "s", "Token": "t"}
    body = json.dumps({**keys, "Expiration": "2099-01-01T00:00:00Z"}).encode()
    return 200, body, {"Content-Type": "application/json"}


def answer_with_keys(asked):
    """S3, and all who give keys."""
    if asked.host.startswith("sts."):
        action = "WithWebIdentity" if "WithWebIdentity" in f"{asked.body}{asked.query}" else ""
        text = ROLE.replace("AssumeRole", f"AssumeRole{action}")
        return 200, text.encode(), {"Content-Type": "text/xml"}
    if asked.host.startswith("portal.sso."):
        return 200, json.dumps(SSO).encode(), {"Content-Type": "application/json"}
    return answer_as_s3(asked)


def keys_of_both(proxy):
    """The keys that boto3 and the store sign with, which are the same."""
    found = [
        {one.key[0] for one in calls(proxy, "my-bucket") if ".s3." in one.host}
        for calls in (calls_of_boto3, calls_of_the_store)
    ]
    assert found[0] == found[1]
    return found[0]


def test_keys_of_a_profile(proxy, settings):
    settings(
        TAKEN, "[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n", keys=False
    )
    assert keys_of_both(proxy) == {"FILEKEY"}


def test_keys_in_the_environment_win_over_a_profile(proxy, settings):
    settings(TAKEN, "[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n")
    assert keys_of_both(proxy) == {"THEKEY"}


def test_empty_keys_in_the_environment_are_none(proxy, settings):
    settings(
        TAKEN,
        "[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n",
        keys=False,
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
    )
    assert keys_of_both(proxy) == {"FILEKEY"}


def test_an_assumed_role(proxy, settings):
    proxy.answer = answer_with_keys
    settings(
        TAKEN + "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n",
        "[base]\naws_access_key_id = BASEKEY\naws_secret_access_key = s\n",
        keys=False,
    )
    assert keys_of_both(proxy) == {"ROLEKEY"}


def test_a_web_identity(proxy, settings, tmp_path):
    proxy.answer = answer_with_keys
    (tmp_path / "token").write_text("a-token")
    settings(
        keys=False,
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/r",
    )
    assert keys_of_both(proxy) == {"ROLEKEY"}


def test_single_sign_on(proxy, settings, monkeypatch, tmp_path):
    proxy.answer = answer_with_keys
    settings(
        TAKEN
        + "sso_start_url = https://start.example\nsso_region = eu-west-1\n"
        + "sso_account_id = 123456789012\nsso_role_name = r\n",
        keys=False,
    )
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {
        "startUrl": "https://start.example",
        "region": "eu-west-1",
        "accessToken": "a-token",
        "expiresAt": "2099-01-01T00:00:00Z",
    }
    # The name of the file is the SHA-1 of the address.
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    name = sha1(b"https://start.example").hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))
    assert keys_of_both(proxy) == {"SSOKEY"}


def test_a_single_sign_on_that_has_ended(settings):
    settings(
        TAKEN
        + "sso_start_url = https://start.example\nsso_region = eu-west-1\n"
        + "sso_account_id = 123456789012\nsso_role_name = r\n",
        keys=False,
    )
    with pytest.raises(NotPermitted, match="single sign-on") as caught:
        ObjectStorage("s3://my-bucket/p").put("a", b"")
    assert "aws sso login" in caught.value.hint


@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_container_with_a_token(proxy, settings, monkeypatch, tmp_path, where):
    proxy.answer = lambda asked: (
        container(asked, "the token") if asked.path == "/keys" else answer_as_s3(asked)
    )
    server = proxy.url.replace("127.0.0.1", "localhost")
    settings(
        keys=False,
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{server}/keys",
    )
    if where == "variable":
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the token")
    else:
        (tmp_path / "token").write_text("the token")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    assert keys_of_both(proxy) == {"BOXKEY"}


def test_a_container_that_refuses_is_asked_again_later(proxy, settings):
    proxy.answer = lambda asked: (
        container(asked, "the token") if asked.path == "/keys" else answer_as_s3(asked)
    )
    settings(
        keys=False,
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{proxy.url}/keys",
        AWS_CONTAINER_AUTHORIZATION_TOKEN="hunter2",
    )
    with pytest.raises(StoreUnavailable, match="no credentials") as caught:
        ObjectStorage("s3://my-bucket/p").put("a", b"")
    assert "hunter2" not in str(caught.value)


def process(tmp_path, seconds):
    """A program that gives another key each time, which ends after so many seconds."""
    program = tmp_path / "keys.py"
    program.write_text(
        "import datetime, json, pathlib\n"
        f"file = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "count = int(file.read_text()) + 1 if file.exists() else 1\n"
        "file.write_text(str(count))\n"
        f"end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds={seconds})\n"
        "print(json.dumps(dict(Version=1, AccessKeyId=f'KEY{count}', SecretAccessKey='s',\n"
        "    SessionToken='t', Expiration=end.strftime('%Y-%m-%dT%H:%M:%SZ'))))\n"
    )
    return f"{TAKEN}credential_process = {sys.executable} {program}\n"


def refused(asked, valid):
    """S3 that knows some keys alone."""
    if asked.key[0] in valid:
        return answer_as_s3(asked)
    return 400, b"<Error><Code>ExpiredToken</Code></Error>", {"Content-Type": "application/xml"}


def test_keys_that_end_are_asked_for_again(proxy, settings, tmp_path):
    settings(process(tmp_path, 60), keys=False)  # less than what botocore wants to be left
    store = ObjectStorage("s3://my-bucket/p")
    for _ in range(3):
        time.sleep(_KEPT_SECONDS)
        store.put("a", b"")
    assert len({one.key for one in proxy.take()}) == 3


def test_keys_that_last_are_kept(proxy, settings, tmp_path):
    settings(process(tmp_path, 7200), keys=False)
    store = ObjectStorage("s3://my-bucket/p")
    for _ in range(3):
        store.put("a", b"")
    assert len({one.key for one in proxy.take()}) == 1
    assert (tmp_path / "count").read_text() == "1"


@pytest.mark.parametrize("call", ["put", "get", "list", "delete"])
def test_a_key_refused_before_its_end_is_replaced_once(proxy, settings, tmp_path, call):
    settings(process(tmp_path, 7200), keys=False)
    store = ObjectStorage("s3://my-bucket/p")
    store.put("a", b"")
    proxy.take()
    proxy.answer = lambda asked: refused(asked, {"KEY2"})
    calls = {
        "put": lambda: store.put("a", b""),
        "get": lambda: store.get("a"),
        "list": lambda: list(store.list()),
        "delete": lambda: store.delete("a"),
    }
    calls[call]()
    assert [one.key[0] for one in proxy.take()] == ["KEY1", "KEY2"]
    proxy.answer = lambda asked: refused(asked, set())
    with pytest.raises(NotPermitted, match="ExpiredToken"):
        calls[call]()
    assert len(proxy.take()) == 2


def test_keys_replaced_in_the_file_are_read_after_a_refusal(proxy, settings):
    file = "[default]\naws_access_key_id = {}\naws_secret_access_key = s\n"
    settings(TAKEN, file.format("KEY1"), keys=False)
    store = ObjectStorage("s3://my-bucket/p")
    store.put("a", b"")
    settings("", file.format("KEY2"), keys=False)
    proxy.answer = lambda asked: refused(asked, {"KEY2"})
    store.put("a", b"")
    assert [one.key[0] for one in proxy.take()] == ["KEY1", "KEY1", "KEY2"]


def test_keys_with_an_end_in_the_environment(proxy, settings, monkeypatch):
    end = datetime.now(UTC) + timedelta(seconds=60)
    settings(
        AWS_DEFAULT_REGION="eu-west-1", AWS_CREDENTIAL_EXPIRATION=end.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    store = ObjectStorage("s3://my-bucket/p")
    store.put("a", b"")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "NEXTKEY")
    time.sleep(_KEPT_SECONDS)
    store.put("a", b"")
    assert [one.key[0] for one in proxy.take()] == ["THEKEY", "NEXTKEY"]


def test_a_forked_child_renews_keys_as_well(proxy, settings, tmp_path):
    settings(process(tmp_path, 7200), keys=False)
    store = ObjectStorage("s3://my-bucket/p")
    store.put("a", b"")
    proxy.take()
    # The process that stands in for the client began with KEY2, which is then refused.
    proxy.answer = lambda asked: refused(asked, {"KEY3"})
    assert in_child(lambda: store.put("a", b"")) is None
    assert [one.key[0] for one in proxy.take()] == ["KEY2", "KEY3"]
