"""When botocore is asked, and what is said where it is not installed."""

import os
import subprocess
import sys

import pytest

from statebag.errors import ConfigurationError, StoreUnavailable
from statebag.store.object_storage import ObjectStorage
from tests.store.canned_server import canned_server, http_answer

PROGRAM = """
import os, sys
from statebag import Policy, Statebag
from statebag.errors import StatebagError
try:
    client = Statebag({address!r}, policy=Policy(attempts=1, carry_bytes=0))
    client.seal({{"a": os.urandom(99_999).hex()}})
except StatebagError as error:
    print(type(error).__name__)
print(*(name for name in ("botocore", "boto3", "google.auth", "azure.identity")
        if name in sys.modules))
"""


@pytest.fixture
def variables(tmp_path):
    """An environment with keys, whose server is nobody's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "THEKEY",
        "AWS_SECRET_ACCESS_KEY": "the-secret",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }


def loaded(address, variables):
    """The error of a first call, and the packages that it loaded."""
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(address=address)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    return answer.stdout.split("\n")[:2]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"},
        {"AWS_REGION": "us-gov-west-1"},
        {"AWS_SESSION_TOKEN": "t", "AWS_LAMBDA_FUNCTION_NAME": "f"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    ],
)
def test_the_first_call_loads_no_sdk_where_variables_say_all(variables, more):
    assert loaded("s3://bucket/p", variables | more) == ["StoreUnavailable", ""]


def test_a_profile_without_a_say_loads_none(variables, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[default]\nregion = eu-west-1\noutput = json\n[profile b]\nendpoint_url = https://b\n"
    )
    more = {"AWS_REGION": "eu-west-1"}
    assert loaded("s3://bucket/p", variables | more) == ["StoreUnavailable", ""]


def test_a_setting_that_needs_botocore_loads_it(variables):
    more = {"AWS_REGION": "eu-west-1", "AWS_USE_DUALSTACK_ENDPOINT": "true"}
    assert loaded("s3://bucket/p", variables | more) == ["StoreUnavailable", "botocore"]


@pytest.fixture
def no_botocore(monkeypatch, tmp_path):
    """An environment with keys and a home, without botocore."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "THEKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "botocore":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    return monkeypatch


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"AWS_REGION": "cn-north-1"}, "the region cn-north-1"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "AWS_USE_FIPS_ENDPOINT"),
        ({"AWS_DEFAULTS_MODE": "standard"}, "AWS_DEFAULTS_MODE"),
    ],
)
def test_the_setting_is_named(no_botocore, names, said):
    for name, value in names.items():
        no_botocore.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{said} needs botocore") as caught:
        ObjectStorage("s3://bucket")
    assert "AWS_ENDPOINT_URL_S3" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("endpoint_url = https://minio.example", "endpoint_url of the profile 'default'"),
        ("services = mine", "services of the profile"),
        ("s3 =\n  addressing_style = path", "s3 of the profile"),
        ("ca_bundle = /a.pem", "ca_bundle of the profile"),
    ],
)
def test_the_setting_of_a_profile_is_named(no_botocore, tmp_path, line, said):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(f"[default]\n{line}\n")
    with pytest.raises(ConfigurationError, match=f"{said}.* needs botocore"):
        ObjectStorage("s3://bucket")


def test_the_region_of_a_profile_needs_none(no_botocore, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-west-1\n")
    with canned_server(http_answer(200, ETag='"x"')) as (endpoint, requests):
        no_botocore.setenv("AWS_ENDPOINT_URL", endpoint)
        ObjectStorage("s3://bucket").put("a", b"")
    assert "/eu-west-1/s3/" in requests[0]


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_profile_that_does_not_exist(no_botocore, name):
    no_botocore.setenv(name, "nobody")
    with pytest.raises(ConfigurationError, match="'nobody' is neither in") as caught:
        ObjectStorage("s3://bucket")
    assert name in caught.value.hint
    no_botocore.delenv(name)
    ObjectStorage("s3://bucket")


@pytest.mark.parametrize("url", ["minio.example", "https://minio .example", "s3://b", "https://"])
def test_an_endpoint_that_is_no_address(no_botocore, url):
    no_botocore.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL is not the address") as caught:
        ObjectStorage("s3://bucket")
    assert "https://" in caught.value.hint
    assert "minio" not in str(caught.value)


def test_the_way_out_of_the_hint_is_one(no_botocore):
    answer = http_answer(200, ETag='"x"')
    with canned_server(answer) as (endpoint, requests):
        no_botocore.setenv("AWS_REGION", "cn-north-1")
        no_botocore.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        ObjectStorage("s3://bucket").put("a", b"")
    assert "/cn-north-1/s3/aws4_request" in requests[0]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/"}, "AWS_CONTAINER_CREDENTIALS"),
        ({"AWS_PROFILE": "work"}, "the profile 'work'"),
    ],
)
def test_credentials_that_only_botocore_finds(no_botocore, tmp_path, names, said):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[profile work]\n")
    no_botocore.delenv("AWS_ACCESS_KEY_ID")
    for name, value in names.items():
        no_botocore.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{said}.* needs botocore"):
        ObjectStorage("s3://bucket")


def test_no_credentials_where_the_machine_has_none(no_botocore):
    no_botocore.delenv("AWS_ACCESS_KEY_ID")
    no_botocore.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigurationError, match="botocore is not installed"):
        ObjectStorage("s3://bucket")


def test_a_container_with_a_token_file_needs_none(no_botocore, tmp_path):
    keys = (
        b'{"AccessKeyId": "BOXKEY", "SecretAccessKey": "s", "Token": "t", '
        b'"Expiration": "2099-01-01T00:00:00Z"}'
    )
    (tmp_path / "token").write_text("the token")
    no_botocore.delenv("AWS_ACCESS_KEY_ID")
    no_botocore.delenv("AWS_SECRET_ACCESS_KEY")
    no_botocore.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    with (
        canned_server(http_answer(200, keys)) as (box, asked),
        canned_server(http_answer(200, ETag='"x"')) as (endpoint, requests),
    ):
        no_botocore.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{box}/keys")
        no_botocore.setenv("AWS_ENDPOINT_URL", endpoint)
        ObjectStorage("s3://bucket").put("a", b"")
    assert "authorization: the token\r\n" in asked[0].lower()
    assert "Credential=BOXKEY/" in requests[0]


def test_the_region_of_a_bucket_is_found_without_botocore(no_botocore):
    elsewhere = http_answer(301, x_amz_bucket_region="eu-west-1")
    with canned_server(elsewhere) as (endpoint, requests):
        no_botocore.setenv("AWS_ENDPOINT_URL", endpoint)
        no_botocore.setenv("AWS_REGION", "us-east-1")
        with pytest.raises(ConfigurationError):
            ObjectStorage("s3://bucket").put("a", b"")
    assert [one.split(" ")[0] for one in requests] == ["PUT", "HEAD", "PUT"]
    assert "authorization" not in requests[1].lower()
    assert "/eu-west-1/s3/" in requests[2]


def test_authorities_that_cannot_be_read(no_botocore):
    no_botocore.setenv("AWS_CA_BUNDLE", "/no/such.pem")
    with pytest.raises(ConfigurationError, match="AWS_CA_BUNDLE"):
        ObjectStorage("s3://bucket")


def test_a_proxy_that_is_not_there(no_botocore):
    no_botocore.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="no connection"):
        ObjectStorage("s3://bucket").put("a", b"")


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [(407, ConfigurationError, "a user name and a password"), (502, StoreUnavailable, "the proxy")],
)
def test_a_proxy_that_refuses(no_botocore, status, kind, said):
    with canned_server(http_answer(status)) as (proxy, _):
        no_botocore.setenv("HTTPS_PROXY", proxy)
        no_botocore.delenv("NO_PROXY", raising=False)
        with pytest.raises(kind, match=said) as caught:
            ObjectStorage("s3://bucket").put("a", b"")
    assert "HTTPS_PROXY" in caught.value.hint
