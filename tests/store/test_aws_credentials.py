"""boto3 and a store in the same environment sign by the same keys, and renew them alike."""

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1

import pytest
from botocore.exceptions import BotoCoreError

from statebag.errors import ConfigurationError, NotPermitted, StoreUnavailable
from statebag.store.object_storage import ObjectStorage
from tests.forks import in_child
from tests.store.beside_the_sdk import TAKEN, calls_of_boto3, calls_of_the_store, process
from tests.store.recording_proxy import answer_as_s3

_KEPT_SECONDS = 0.15  # the client asks nobody for keys again within 0.1 s


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


_ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"
_MORE = "external_id = xyz\nduration_seconds = 900\nrole_session_name = me\n"
_BASE = "[base]\naws_access_key_id = BASEKEY\naws_secret_access_key = s\n"
_FILE = "[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n"
_EU = {"AWS_DEFAULT_REGION": "eu-west-1"}
_WEB = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "TOKENFILE",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
}
_BOX = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "LOOPBACK/keys"}
_TOKEN = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "the token"}
_MACHINE = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "LOOPBACK/"}
_PRINTED = 'echo \'{"Version":1,"AccessKeyId":"PRINTEDKEY","SecretAccessKey":"s"}\''
_STS_SERVICE = "services = m\n[services m]\nsts =\n  endpoint_url = https://sts.example.internal\n"

# The two files of AWS, and variables. All keys come from where these lead.
SOURCES = {
    "a chain of roles": (
        f"{TAKEN}{_ROLE}source_profile = mid\n[profile mid]\n{_ROLE}source_profile = base\n",
        _BASE,
        {},
    ),
    "a role with all settings": (
        f"{TAKEN}{_ROLE}{_MORE}source_profile = base\n",
        _BASE,
        {},
    ),
    "a role at a server with a switch": (
        f"{TAKEN}{_ROLE}source_profile = base\nuse_fips_endpoint = true\n".replace("eu-", "us-"),
        _BASE,
        {},
    ),
    "a role at a server of services": (
        f"{TAKEN}{_ROLE}source_profile = base\n{_STS_SERVICE}",
        _BASE,
        {},
    ),
    "a role by the keys of variables": (
        f"{TAKEN}{_ROLE}credential_source = Environment\n",
        "",
        {"AWS_ACCESS_KEY_ID": "THEKEY", "AWS_SECRET_ACCESS_KEY": "s"},
    ),
    "a role by the machine": (
        f"{TAKEN}{_ROLE}credential_source = Ec2InstanceMetadata\n",
        "",
        _MACHINE,
    ),
    "a role by a container": (
        f"{TAKEN}{_ROLE}credential_source = EcsContainer\n",
        "",
        {**_BOX, **_TOKEN},
    ),
    "a web identity": ("", "", {**_WEB, **_EU}),
    "a web identity at the old server": (
        "",
        "",
        {**_WEB, **_EU, "AWS_STS_REGIONAL_ENDPOINTS": "legacy"},
    ),
    "a web identity at the server of the region": (
        "",
        "",
        {**_WEB, **_EU, "AWS_STS_REGIONAL_ENDPOINTS": "regional"},
    ),
    "a web identity in another partition": ("", "", {**_WEB, "AWS_DEFAULT_REGION": "cn-north-1"}),
    "a web identity without a region": ("", "", _WEB),
    "a web identity with a name": ("", "", {**_WEB, **_EU, "AWS_ROLE_SESSION_NAME": "me"}),
    "a web identity at another server": (
        "",
        "",
        {**_WEB, **_EU, "AWS_ENDPOINT_URL_STS": "https://sts.example.internal"},
    ),
    "a web identity at a server that is ignored": (
        "",
        "",
        {
            **_WEB,
            **_EU,
            "AWS_ENDPOINT_URL_STS": "https://other.example",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        },
    ),
    "a web identity at a server of services": (f"{TAKEN}{_STS_SERVICE}", "", _WEB),
    "a web identity at the old server, by a profile": (
        f"{TAKEN}sts_regional_endpoints = legacy\n",
        "",
        _WEB,
    ),
    "a web identity with a switch in a profile": (
        f"{TAKEN}use_dualstack_endpoint = true\n",
        "",
        _WEB,
    ),
    "a web identity in a profile": (
        f"{TAKEN}{_ROLE}web_identity_token_file = TOKENFILE\n",
        "",
        {},
    ),
    "a web identity beside keys in a file": (TAKEN, _FILE, _WEB),
    "a process without an end": (f"{TAKEN}credential_process = {_PRINTED}\n", "", {}),
    "a process in the other file": (TAKEN, f"[default]\ncredential_process = {_PRINTED}\n", {}),
    "a container with two tokens": (
        "",
        "",
        {
            **_BOX,
            **_EU,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "TOKENFILE",
        },
    ),
    "a container beside keys in a file": (TAKEN, _FILE, {**_BOX, **_TOKEN}),
    "the machine": ("", "", {**_MACHINE, **_EU}),
    "the machine, by a profile": (
        f"{TAKEN}ec2_metadata_service_endpoint = LOOPBACK\n",
        "",
        {"AWS_EC2_METADATA_DISABLED": "false"},
    ),
    "keys in the file of settings": (
        f"{TAKEN}aws_access_key_id = CKEY\naws_secret_access_key = s\naws_session_token = t\n",
        "",
        {},
    ),
    "an empty end of keys": (
        "",
        "",
        {
            **_EU,
            "AWS_ACCESS_KEY_ID": "THEKEY",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_CREDENTIAL_EXPIRATION": "",
        },
    ),
}


def answer_all(asked):
    """S3, and each service that gives keys, also those of the machine."""
    if asked.host.startswith("sts"):
        return answer_with_keys(replace(asked, host="sts."))
    if asked.path == "/keys":
        return container(asked, "the token")
    if asked.path == "/latest/api/token":
        return 200, b"machine", {}
    if asked.path.endswith("/security-credentials/"):
        is_known = asked.headers.get("x-aws-ec2-metadata-token") == "machine"
        return (200, b"name", {}) if is_known else (401, b"", {})
    if asked.path.endswith("/security-credentials/name"):
        _, body, headers = container(asked, asked.headers.get("authorization"))
        keys = json.loads(body) | {"Code": "Success", "AccessKeyId": "MACHINEKEY"}
        return 200, json.dumps(keys).encode(), headers
    return answer_as_s3(asked)


@pytest.fixture
def source(proxy, settings, tmp_path):
    """Set files and variables by a row of a table."""
    proxy.answer = answer_all
    (tmp_path / "token").write_text("the token")

    def use(config, credentials, variables):
        def filled(text):
            text = text.replace("TOKENFILE", str(tmp_path / "token"))
            return text.replace("LOOPBACK", proxy.url)

        variables = {name: filled(value) for name, value in variables.items()}
        settings(filled(config), credentials, keys=False, **variables)

    return use


@pytest.mark.parametrize("name", SOURCES)
def test_sources_of_keys(proxy, source, name):
    source(*SOURCES[name])
    found = [
        [(one.method, one.host, one.path, one.key) for one in calls(proxy, "my-bucket")]
        for calls in (calls_of_boto3, calls_of_the_store)
    ]
    # Neither the first request of a client for a role nor its name is the same each time.
    assert found[0] == found[1]


_KEYS = {"AWS_ACCESS_KEY_ID": "THEKEY", "AWS_SECRET_ACCESS_KEY": "s"}
_PYTHON = f"{TAKEN}credential_process = {sys.executable} -c "

# What gives no keys to boto3 gives none to the store, which says what to do.
NO_SOURCES = {
    "nothing": ("", "", _EU, "install boto3"),
    "half a key": ("", "", {**_EU, "AWS_ACCESS_KEY_ID": "THEKEY"}, "half of a key"),
    "half a key in a file": (TAKEN, "[default]\naws_access_key_id = K\n", {}, "half of a key"),
    "keys that have ended": (
        "",
        "",
        {**_EU, **_KEYS, "AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"},
        "AWS_CREDENTIAL_EXPIRATION",
    ),
    "keys with an end that is none": (
        "",
        "",
        {**_EU, **_KEYS, "AWS_CREDENTIAL_EXPIRATION": "soon"},
        "AWS_CREDENTIAL_EXPIRATION",
    ),
    "roles in a circle": (
        f"{TAKEN}{_ROLE}source_profile = b\n[profile b]\n{_ROLE}source_profile = default\n",
        "",
        {},
        "source_profile",
    ),
    "a role without a source": (f"{TAKEN}{_ROLE}", "", {}, "role_arn"),
    "a role of nobody": (f"{TAKEN}{_ROLE}source_profile = nobody\n", "", {}, "source_profile"),
    "a role with a wrong setting": (
        f"{TAKEN}{_ROLE}source_profile = base\nexternal_id = x\n",
        _BASE,
        {},
        "role_arn",
    ),
    "half a web identity": ("", "", {**_EU, "AWS_ROLE_ARN": _WEB["AWS_ROLE_ARN"]}, "install boto3"),
    "a web identity without its file": (
        "",
        "",
        {**_EU, **_WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token"},
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "a process that fails": (f"{_PYTHON}'import sys; sys.exit(3)'\n", "", {}, "by hand"),
    "a process that prints no keys": (f"{_PYTHON}'print(1)'\n", "", {}, "by hand"),
    "a process of another version": (f"{_PYTHON}'print(dict(Version=2))'\n", "", {}, "by hand"),
    "a process that is not there": (
        f"{TAKEN}credential_process = /nonexistent/program\n",
        "",
        {},
        "by hand",
    ),
    "a process whose keys have ended": (
        TAKEN
        + "credential_process = "
        + _PRINTED.replace("}", ',"Expiration":"2001-01-01T00:00:00Z"}')
        + "\n",
        "",
        {},
        "have expired",
    ),
    "a sign-on without its session": (
        f"{TAKEN}sso_session = s\nsso_account_id = 1\nsso_role_name = r\n",
        "",
        {},
        "sso_session",
    ),
    "half a sign-on": (
        f"{TAKEN}sso_start_url = https://start.example\nsso_account_id = 1\n",
        "",
        {},
        "sso_start_url",
    ),
    "a foreign server for a container": (
        "",
        "",
        {**_EU, **_TOKEN, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://box.example/keys"},
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "a foreign server that would read a file": (
        "",
        "",
        {
            **_EU,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://box.example/keys",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "TOKENFILE",
        },
        "https://",
    ),
    "a container's token with a line's end": (
        "",
        "",
        {**_EU, **_BOX, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the token\n"},
        "AWS_CONTAINER",
    ),
    "a container's file that is not there": (
        "",
        "",
        {**_EU, **_BOX, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nonexistent/token"},
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ),
    "the machine, switched off": (
        "",
        "",
        {**_EU, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "LOOPBACK/"},
        "install boto3",
    ),
    "a login without its package": (f"{TAKEN}login_session = x\n", "", {}, "botocore[crt]"),
}


@pytest.mark.parametrize("name", NO_SOURCES)
def test_sources_that_give_none(proxy, source, name):
    *settings, said = NO_SOURCES[name]
    source(*settings)
    with pytest.raises((BotoCoreError, OSError, RuntimeError, ValueError, AttributeError)):
        calls_of_boto3(proxy, "my-bucket")
    proxy.take()
    with pytest.raises((ConfigurationError, NotPermitted)) as found:
        calls_of_the_store(proxy, "my-bucket")
    assert said in f"{found.value.message} {found.value.hint}"
    assert not proxy.take()


def test_a_container_whose_token_changes(proxy, source, tmp_path):
    ends = (datetime.now(UTC) + timedelta(seconds=240)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def answer(asked):
        if asked.path != "/keys":
            return answer_as_s3(asked)
        status, body, headers = container(asked, (tmp_path / "token").read_text())
        return status, body.replace(b"2099-01-01T00:00:00Z", ends.encode()), headers

    source("", "", {**_EU, **_BOX, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "TOKENFILE"})
    proxy.answer = answer
    store = ObjectStorage("s3://my-bucket/p")
    for token in ("the token", "another", "a third"):
        (tmp_path / "token").write_text(token)
        time.sleep(_KEPT_SECONDS)
        store.put("a", b"")
    tokens = [one.headers["authorization"] for one in proxy.take() if one.path == "/keys"]
    assert {"the token", "a third"} <= set(tokens)


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


def refused(asked, valid):
    """S3 that knows some keys alone."""
    if asked.key[0] in valid:
        return answer_as_s3(asked)
    return 400, b"<Error><Code>ExpiredToken</Code></Error>", {"Content-Type": "application/xml"}


def test_keys_that_end_are_asked_for_again(proxy, settings, tmp_path):
    settings(process(tmp_path, 240), keys=False)  # less than what botocore wants to be left
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
    end = datetime.now(UTC) + timedelta(seconds=240)
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
