"""Objects of the store stay behind the checks of an open."""

import pytest

from statebag import NotPermitted
from statebag.aws_sdk.own_objects import check_own_objects

STORE = ("s3://box/state", "s3://copies/", "file:///tmp/store")
NAME = "state/machine/run/pack"


@pytest.mark.parametrize(
    "given",
    [
        {"Bucket": "box", "Key": NAME},
        {"Bucket": "arn:aws:s3:::box", "Key": NAME},
        {"Bucket": "copies", "Key": "anything"},
        {"Bucket": "box", "Delete": {"Objects": [{"Key": "other"}, {"Key": NAME}]}},
        {"Bucket": "mine", "Key": "k", "CopySource": f"box/{NAME}"},
        {"Bucket": "mine", "Key": "k", "CopySource": f"/box/{NAME}?versionId=1"},
        {"Bucket": "mine", "Key": "k", "CopySource": "box%2Fstate%2Fmachine%2Frun%2Fpack"},
        {"Bucket": "mine", "Key": "k", "CopySource": f"arn:aws:s3:::box/{NAME}"},
    ],
)
def test_an_object_of_the_store(given):
    with pytest.raises(NotPermitted, match="an object of the store") as caught:
        check_own_objects(given, STORE)
    assert caught.value.hint
    assert "pack" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Bucket": "box"},
        {"Bucket": "box", "Key": "pages/one"},
        {"Bucket": "box", "Key": "statement"},
        {"Bucket": "boxes", "Key": NAME},
        {"Bucket": "box", "Prefix": "state/"},  # names alone
        {"Bucket": "box", "Delete": {"Objects": [{"Key": "other"}]}},
        {"Bucket": "mine", "Key": "k", "CopySource": "box/pages/one"},
    ],
)
def test_other_objects(given):
    check_own_objects(given, STORE)
