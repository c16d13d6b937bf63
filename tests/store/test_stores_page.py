"""Each row of the table of refusals is as the page says."""

import re
from pathlib import Path

import pytest

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


def test_the_servers_that_the_page_names_are_started_by_a_test():
    root = PAGE.parents[1]
    for _, started, _ in rows("What the test servers do not do"):
        assert (root / re.search(r"`(tests/[\w/.]+)`", started)[1]).is_file()
