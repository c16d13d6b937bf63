"""Each row of the table of refusals is as the page says."""

import re
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from statebag import errors
from statebag.store.object_storage import ObjectStorage
from tests.store.canned_server import canned_server, http_answer

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
TEXT = PAGE.read_text("utf-8")
DENIED = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: {} on resource"
CHECKSUM = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests"

# What the page adds to the status and the code: a message, and a word that the error must have.
MORE = {
    "`403 AccessDenied`": ("", "s3:ListBucket"),
    "`403 AccessDenied`, names an action": (DENIED.format("s3:PutObject"), "s3:PutObject"),
    "`403 AccessDenied`, names `kms:…`": (DENIED.format("kms:Decrypt"), "kms:Decrypt"),
    "`400 KMS.DisabledException`": ("", "enable it"),
    "`400 KMS.NotFoundException`": ("", "sse_kms_key_id"),
    "`400 KMS.ThrottlingException`": ("", "KMS.ThrottlingException"),
    "`403 InvalidObjectState`": ("", "GLACIER"),
    "`409 BlobArchived`": ("", "archived"),
    "`400 InvalidRequest`, asks for a checksum": (CHECKSUM, "checksum_algorithm"),
    "`400 AuthorizationHeaderMalformed`": ("", "eu-north-1"),
    "`404 NoSuchBucket`": ("", "no such bucket"),
    "`404 ContainerNotFound`": ("", "no such bucket"),
    "`400 ExpiredToken`": ("", "ExpiredToken"),
    "`403 RequestTimeTooSkewed`": ("", "clock"),
    "`503 SlowDown`": ("", "SlowDown"),
    "`400 ThrottlingException`": ("", "ThrottlingException"),
    "`500 InternalError`": ("", "InternalError"),
}


def rows(heading):
    """The cells of the table below a heading."""
    part = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


REFUSALS = rows("When a store refuses")


def test_the_page_and_these_tests_have_the_same_rows():
    assert [row[0] for row in REFUSALS] == list(MORE)


@pytest.mark.parametrize("row", REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_refusal(monkeypatch, row):
    answer, kind, advice = row
    status, code = re.match(r"`(\d+) ([\w.]+)`", answer).groups()
    message, word = MORE[answer]
    storage = "<StorageClass>GLACIER</StorageClass>" if code == "InvalidObjectState" else ""
    region = "<Region>eu-north-1</Region>" if code == "AuthorizationHeaderMalformed" else ""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message>{storage}{region}</Error>"
    with canned_server(http_answer(int(status), body.encode())) as (endpoint, _):
        options = {"endpoint": endpoint, "access_key_id": "a", "secret_access_key": "b"}
        store = ObjectStorage("s3://bucket", options={**options, "region": "us-east-1"})
        with pytest.raises(getattr(errors, kind.strip("`"))) as caught:
            store.get("a")
    assert word in str(caught.value)
    assert advice


def sdk(server, **other):
    """boto3's client for a server."""
    settings = {
        "endpoint_url": server.endpoint,
        "region_name": server.region,
        "aws_access_key_id": server.key,
        "aws_secret_access_key": server.secret,
        "config": Config(retries={"total_max_attempts": 1}),
    }
    return boto3.Session().client("s3", **settings | other)


def without_keys(client, bucket):
    with pytest.raises(ClientError):
        client.put_object(Bucket=bucket, Key="kms", Body=b"", ServerSideEncryption="aws:kms")


def without_archive(client, bucket):
    client.put_object(Bucket=bucket, Key="cold", Body=b"x", StorageClass="GLACIER")
    assert client.get_object(Bucket=bucket, Key="cold")["Body"].read() == b"x"


def without_sessions(client, bucket):
    with pytest.raises(ClientError, match="NotImplemented"):
        client.create_session(Bucket=bucket)


def without_owners(client, bucket):
    client.put_object(Bucket=bucket, Key="mine", Body=b"", ExpectedBucketOwner="999999999999")


SEAWEEDFS = {
    "KMS": without_keys,
    "archive classes": without_archive,
    "directory buckets": without_sessions,
    "expected owners": without_owners,
}
# What is not done, and the test that shows it.
NOT_DONE = {
    "SeaweedFS, as S3": [
        *SEAWEEDFS,
        "regions",
    ],
    "moto's server, as S3": [
        "signatures are not checked",
        "of two writes of one object at once, one gets a 500",
    ],
    "Azurite, as Azure": ["folders of accounts with a hierarchy", "managed identities"],
    "SeaweedFS behind a translator, as Google's XML API": [
        "Google's tokens",
        "generations that differ for the same bytes",
    ],
    "fake-gcs-server behind a translator of writes, as Google": [
        "Google's tokens",
        "writes by the XML API",
    ],
    "canned answers": ["everything else: refusals that a real server seldom gives"],
}


def test_what_is_not_done_is_as_on_the_page():
    found = {row[0]: re.split(r"[,;] ", row[2]) for row in rows("What the test servers do not do")}
    assert {name: ", ".join(cells) for name, cells in found.items()} == {
        name: ", ".join(cells) for name, cells in NOT_DONE.items()
    }


@pytest.mark.s3
@pytest.mark.parametrize("cell", SEAWEEDFS)
def test_what_seaweedfs_does_not_do(s3_server, cell):
    SEAWEEDFS[cell](sdk(s3_server), s3_server.bucket)


@pytest.mark.s3
def test_seaweedfs_has_no_regions(s3_server):
    elsewhere = sdk(s3_server, region_name="ap-south-1")
    elsewhere.put_object(Bucket=s3_server.bucket, Key="elsewhere", Body=b"")


def test_the_servers_that_the_page_names_are_started_by_a_test():
    root = PAGE.parents[1]
    for _, started, _ in rows("What the test servers do not do"):
        assert (root / re.search(r"`(tests/[\w/.]+)`", started)[1]).is_file()
