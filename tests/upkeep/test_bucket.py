"""What is set on a bucket, against an S3 in this process that has all these settings."""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from statebag.upkeep.bucket import examine_bucket

BUCKET = "states"


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def found(s3, prefix="app"):
    return {one.what: one for one in examine_bucket(BUCKET, prefix, s3)}


def test_a_bare_bucket_is_warned_of(s3):
    findings = found(s3)
    assert findings["versions"].status == "warn"
    assert findings["lifecycle"].status == "ok"
    assert findings["public access"].status == "warn"
    assert findings["reading outside the prefix"].status == "warn"
    assert findings["writing outside the prefix"].status == "warn"
    assert findings["listing all buckets"].status == "warn"
    assert findings["conditional writes"].status == "ok"
    assert all(one.advice for one in findings.values() if one.status != "ok")
    assert "reading outside the prefix" not in found(s3, prefix="")


def test_looking_leaves_nothing_behind(s3):
    found(s3)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_role_of_one_prefix_is_as_it_should_be(s3, monkeypatch):
    def denied(**_):
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "any")

    for name in ("head_object", "create_multipart_upload", "list_buckets"):
        monkeypatch.setattr(s3, name, denied)
    findings = found(s3)
    for what in ("reading outside the prefix", "writing outside the prefix", "listing all buckets"):
        assert (findings[what].status, findings[what].seen) == ("ok", "not allowed")


def test_a_bucket_as_it_should_be(s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
    )
    findings = found(s3)
    assert {what: one.seen for what, one in findings.items() if one.status == "ok"} == {
        "versions": "on",
        "lifecycle": "no rule deletes anything",
        "encryption": "aws:kms",
        "public access": "blocked",
        "conditional writes": "kept (not needed: a name is the digest of its bytes)",
    }


@pytest.mark.parametrize(
    ("prefix", "days", "status"),
    [
        ("app/", 30, "fail"),
        ("", 94, "fail"),
        ("app/deeper", 7, "fail"),
        ("", 95, "warn"),
        ("other/", 1, "ok"),
    ],
)
def test_a_lifecycle_rule_that_deletes_too_early(s3, prefix, days, status):
    s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "clean",
                    "Status": "Enabled",
                    "Filter": {"Prefix": prefix},
                    "Expiration": {"Days": days},
                }
            ]
        },
    )
    finding = found(s3)["lifecycle"]
    assert finding.status == status
    if status != "ok":
        assert f"clean deletes after {days} days" in finding.seen


def test_a_rule_that_is_off_deletes_nothing(s3):
    rule = {"ID": "x", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    assert found(s3)["lifecycle"].status == "ok"


def test_what_may_not_be_asked_is_unknown(s3, monkeypatch):
    def denied(**_):
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "any")

    monkeypatch.setattr(s3, "get_bucket_versioning", denied)
    finding = found(s3)["versions"]
    assert (finding.status, finding.seen) == ("unknown", "AccessDenied")


@pytest.mark.parametrize(
    ("prefix", "kind", "status"),
    [
        ("app/", "GLACIER", "fail"),
        ("", "DEEP_ARCHIVE", "fail"),
        ("", "GLACIER_IR", "ok"),
        ("", "STANDARD_IA", "ok"),
        ("other/", "GLACIER", "ok"),
    ],
)
def test_a_lifecycle_rule_that_archives(s3, prefix, kind, status):
    rule = {
        "ID": "cold",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Transitions": [{"Days": 120, "StorageClass": kind}],
    }
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    finding = found(s3)["lifecycle"]
    assert finding.status == status
    if status == "fail":
        assert f"cold archives after 120 days ({kind})" in finding.seen
        assert "GLACIER_IR" in finding.advice


def test_a_missing_bucket_is_said_to_be_missing(s3):
    findings = {one.what: one for one in examine_bucket("no-such-bucket", "app", s3)}
    assert findings["versions"].status == "fail"
    assert "no such bucket" in findings["versions"].seen
