"""boto3 and a store in the same environment ask the same hosts for the same."""

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from statebag.errors import (
    ConfigurationError,
    Conflict,
    NotPermitted,
    StoreUnavailable,
)
from statebag.store.contract import can_delete_if
from statebag.store.object_storage import ObjectStorage
from statebag.store.retrying import RetryingStore
from tests.store.beside_the_sdk import REGIONS, calls_of_boto3, calls_of_the_store, same
from tests.store.recording_proxy import answer_as_s3


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


_REGION = "[default]\nregion = eu-west-1\n"
_FILE = "[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n"
_TWO = "".join(
    f"[{name}]\naws_access_key_id = {name}KEY\naws_secret_access_key = s\n" for name in "AB"
)
_EU = {"AWS_DEFAULT_REGION": "eu-west-1"}
_US = {"AWS_DEFAULT_REGION": "us-west-2"}
_POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/point"

# The bucket, the two files of AWS, and variables; a file with keys replaces those in variables.
MIXTURES = {
    "two variables for a profile": (
        "my-bucket",
        "[profile A]\nregion = eu-west-1\n[profile B]\nregion = us-west-2\n",
        _TWO,
        {"AWS_PROFILE": "A", "AWS_DEFAULT_PROFILE": "B"},
    ),
    "a profile with spaces": (
        "my-bucket",
        '[profile "a b"]\nregion = us-west-2\n',
        _TWO.replace("[A]", "[a b]"),
        {"AWS_PROFILE": "a b"},
    ),
    "keys in variables, a region in a profile": (
        "my-bucket",
        "[profile work]\nregion = us-west-2\n",
        "",
        {"AWS_PROFILE": "work"},
    ),
    "a profile's region before AWS_REGION": (
        "my-bucket",
        "[default]\nregion = us-west-2\n",
        "",
        {"AWS_REGION": "eu-west-1"},
    ),
    "AWS_DEFAULT_REGION before both": (
        "my-bucket",
        "[default]\nregion = us-west-2\n",
        "",
        {"AWS_REGION": "us-east-2", **_EU},
    ),
    "a region in the file of credentials": (
        "my-bucket",
        _REGION,
        f"{_FILE}region = ap-south-1\n",
        {},
    ),
    "an endpoint in the file of credentials": (
        "my-bucket",
        _REGION,
        f"{_FILE}endpoint_url = https://s3.example.internal\n",
        {},
    ),
    "the older name of a token": ("my-bucket", "", "", {"AWS_SECURITY_TOKEN": "old", **_EU}),
    "both names of a token": (
        "my-bucket",
        "",
        "",
        {"AWS_SECURITY_TOKEN": "old", "AWS_SESSION_TOKEN": "new", **_EU},
    ),
    "a variable that only the storage client knows": (
        "my-bucket",
        "",
        "",
        {"AWS_ENDPOINT": "https://other.example", "AWS_BUCKET": "other", **_EU},
    ),
    "a mode for other regions": (
        "my-bucket",
        "",
        "",
        {"AWS_DEFAULT_REGION": "us-east-1", "AWS_DEFAULTS_MODE": "cross-region"},
    ),
    "retries of the SDK": (
        "my-bucket",
        "",
        "",
        {"AWS_MAX_ATTEMPTS": "1", "AWS_RETRY_MODE": "standard", **_EU},
    ),
    "another signature wanted": (
        "my-bucket",
        "",
        "",
        {"AWS_AUTH_SCHEME_PREFERENCE": "sigv4a,sigv4", "AWS_SIGV4A_SIGNING_REGION_SET": "*", **_EU},
    ),
    "no checksum": (
        "my-bucket",
        "",
        "",
        {"AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED", **_EU},
    ),
    "no checksum, by a profile": (
        "my-bucket",
        f"{_REGION}request_checksum_calculation = when_required\n",
        "",
        {},
    ),
    "payloads that are signed": (
        "my-bucket",
        f"{_REGION}s3 =\n  payload_signing_enabled = true\n",
        "",
        {},
    ),
    "fips for a name with dots": (
        "my.dotted.bucket",
        "",
        "",
        {"AWS_USE_FIPS_ENDPOINT": "true", **_US},
    ),
    "both switches in a profile": (
        "my-bucket",
        f"{_REGION}use_fips_endpoint = true\nuse_dualstack_endpoint = true\n".replace("eu", "us"),
        "",
        {},
    ),
    "path style with dual-stack": (
        "my-bucket",
        f"{_REGION}use_dualstack_endpoint = true\ns3 =\n  addressing_style = path\n",
        "",
        {},
    ),
    "acceleration with dual-stack": (
        "my-bucket",
        f"{_REGION}use_dualstack_endpoint = true\ns3 =\n  use_accelerate_endpoint = true\n",
        "",
        {},
    ),
    "host style for a name with dots": (
        "my.dotted.bucket",
        f"{_REGION}s3 =\n  addressing_style = virtual\n",
        "",
        {},
    ),
    "a variable before services": (
        "my-bucket",
        f"{_REGION}services = m\n[services m]\ns3 =\n  endpoint_url = https://other.example\n",
        "",
        {"AWS_ENDPOINT_URL": "https://s3.example.internal"},
    ),
    "services without S3": (
        "my-bucket",
        f"{_REGION}services = m\n[services m]\ndynamodb =\n  endpoint_url = https://other.example\n",
        "",
        {},
    ),
    "a profile that ignores a variable": (
        "my-bucket",
        f"{_REGION}ignore_configured_endpoint_urls = true\n",
        "",
        {"AWS_ENDPOINT_URL": "https://other.example"},
    ),
    "a variable that does not ignore": (
        "my-bucket",
        f"{_REGION}ignore_configured_endpoint_urls = true\nendpoint_url = https://s3.example.internal\n",
        "",
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
    ),
    "a variable against the switch of a profile": (
        "my-bucket",
        f"{_REGION}use_fips_endpoint = true\n".replace("eu", "us"),
        "",
        {"AWS_USE_FIPS_ENDPOINT": "false"},
    ),
    "a variable against the switch of s3 in a profile": (
        "my-bucket",
        f"{_REGION}s3 =\n  use_dualstack_endpoint = true\n",
        "",
        {"AWS_USE_DUALSTACK_ENDPOINT": "false"},
    ),
    "services before the profile's own endpoint": (
        "my-bucket",
        _REGION
        + "endpoint_url = https://other.example\nservices = m\n"
        + "[services m]\ns3 =\n  endpoint_url = https://s3.example.internal\n",
        "",
        {},
    ),
    "an empty variable of the service, and a profile": (
        "my-bucket",
        f"{_REGION}endpoint_url = https://s3.example.internal\n",
        "",
        {"AWS_ENDPOINT_URL_S3": ""},
    ),
    "keys in both files": (
        "my-bucket",
        f"{_REGION}aws_access_key_id = CONFIGKEY\naws_secret_access_key = s\n",
        _FILE,
        {},
    ),
    "an interface endpoint": (
        "my-bucket",
        "",
        "",
        {
            "AWS_ENDPOINT_URL_S3": "https://bucket.vpce-1a2b-5e6f.s3.us-east-1.vpce.amazonaws.com",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    ),
    "an endpoint with a space before": (
        "my-bucket",
        "",
        "",
        {"AWS_ENDPOINT_URL": " https://minio.example.internal", **_EU},
    ),
    "an endpoint in capitals": (
        "my-bucket",
        "",
        "",
        {"AWS_ENDPOINT_URL": "https://MINIO.example.internal", **_EU},
    ),
    "an alias with dual-stack": (
        "point-abcdefgh-s3alias",
        "",
        "",
        {"AWS_USE_DUALSTACK_ENDPOINT": "true", **_EU},
    ),
    "an access point with fips": (_POINT, "", "", {"AWS_USE_FIPS_ENDPOINT": "true", **_US}),
    "an access point of another partition": (
        "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point",
        "",
        "",
        {"AWS_DEFAULT_REGION": "cn-north-1"},
    ),
    "an access point at an endpoint": (
        _POINT,
        "",
        "",
        {"AWS_ENDPOINT_URL_S3": "https://s3.example.internal", **_EU},
    ),
    "the name of an address": ("192.168.5.4", "", "", _EU),
    "a name that is too short": ("ab", "", "", _EU),
    "a region that is none of AWS": ("my-bucket", "", "", {"AWS_DEFAULT_REGION": "auto"}),
    "a region in capitals": ("my-bucket", "", "", {"AWS_DEFAULT_REGION": "EU-WEST-1"}),
    "the region of no region": ("my-bucket", "", "", {"AWS_DEFAULT_REGION": "aws-global"}),
    "a region with a switch in its name": (
        "my-bucket",
        "",
        "",
        {"AWS_DEFAULT_REGION": "fips-us-gov-west-1"},
    ),
    "a region that is not known yet": ("my-bucket", "", "", {"AWS_DEFAULT_REGION": "xx-north-9"}),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures(proxy, settings, name):
    bucket, config, credentials, variables = MIXTURES[name]
    settings(config, credentials, keys=not credentials, **variables)
    same(proxy, bucket)


# What boto3 refuses: the store refuses it too, and says which setting is wrong.
REFUSALS = {
    "fips where there is none": (
        "my-bucket",
        "",
        {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULT_REGION": "cn-north-1"},
        "AWS_USE_FIPS_ENDPOINT",
    ),
    "an access point elsewhere": (_POINT, "", {"AWS_S3_USE_ARN_REGION": "false", **_EU}, "USE_ARN"),
    "an access point elsewhere, by a profile": (
        _POINT,
        f"{_REGION}s3_use_arn_region = false\n",
        {},
        "s3_use_arn_region",
    ),
    "an access point of another partition": (
        "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point",
        "",
        _EU,
        "AWS_DEFAULT_REGION",
    ),
    "acceleration for a name with dots": (
        "my.dotted.bucket",
        f"{_REGION}s3 =\n  use_accelerate_endpoint = true\n",
        {},
        "s3 of the profile",
    ),
    "services that are not there": ("my-bucket", f"{_REGION}services = m\n", {}, "services"),
    "an endpoint without a scheme": (
        "my-bucket",
        "",
        {"AWS_ENDPOINT_URL": "minio.example.internal", **_EU},
        "AWS_ENDPOINT_URL",
    ),
    "an endpoint with a space": (
        "my-bucket",
        "",
        {"AWS_ENDPOINT_URL_S3": "https://minio .example.internal", **_EU},
        "AWS_ENDPOINT_URL_S3",
    ),
    "a profile that does not exist": ("my-bucket", "", {"AWS_PROFILE": "nobody", **_EU}, "nobody"),
    "an empty profile": (
        "my-bucket",
        f"{_REGION}use_fips_endpoint = true\n",
        {"AWS_PROFILE": ""},
        "AWS_PROFILE",
    ),
    "a region that is none": ("my-bucket", "", {"AWS_DEFAULT_REGION": "eu west"}, "eu west"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_boto3_refuses(proxy, settings, name):
    bucket, config, variables, said = REFUSALS[name]
    settings(config, **variables)
    with pytest.raises((BotoCoreError, ClientError, ValueError)):
        calls_of_boto3(proxy, bucket)
    with pytest.raises(ConfigurationError) as caught:
        calls_of_the_store(proxy, bucket)
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint
    assert not proxy.take()


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


@pytest.mark.parametrize(
    "address",
    [
        "s3://arn:aws:s3::123456789012:accesspoint/abcdefgh.mrap/p",
        "s3://arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/point/p",
        "s3://test-accessp-e0000075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3/p",
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


@pytest.mark.parametrize("bucket", ["my-bucket", "my--usw2-az1--x-s3"])
def test_a_listing_by_botocore_that_is_throttled_goes_on(proxy, settings, bucket):
    settings(**_US)
    answers = iter([(503, b"<Error><Code>SlowDown</Code></Error>", {})] * 9)

    def answer(asked):
        if "list-type" in asked.query and (refusal := next(answers, None)) is not None:
            return refusal
        return answer_as_s3(asked)

    proxy.answer = answer
    store = ObjectStorage(f"s3://{bucket}/p", options={"expected_bucket_owner": "123456789012"})
    retrying = RetryingStore(store, base_seconds=0)
    assert list(retrying.list()) == []
    listings = [one for one in proxy.take() if "list-type" in one.query]
    assert len(listings) == 10
    assert {one.headers["x-amz-expected-bucket-owner"] for one in listings} == {"123456789012"}
