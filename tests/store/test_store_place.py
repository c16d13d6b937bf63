import pytest

from statebag.errors import ConfigurationError
from statebag.store.store_place import StorePlace

POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/point"


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/a/b/", "bucket", "a/b"),
        (f"s3://{POINT}", POINT, ""),
        (f"s3://{POINT}/", POINT, ""),
        (f"s3://{POINT}/a/b", POINT, "a/b"),
        (f"s3://{POINT.replace('/', ':')}/a", POINT.replace("/", ":"), "a"),
        ("gs://bucket/p", "bucket", "p"),
        ("az://box", "box", ""),
    ],
)
def test_parts(url, bucket, prefix):
    place = StorePlace.parse(url)
    assert (place.bucket, place.prefix) == (bucket, prefix)
    assert place.url == url.rstrip("/")
    assert place.is_arn == bucket.startswith("arn:")


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://key:secret@bucket/p",
        "s3://bucket/../p",
        "s3://bucket//p",
        "s3://bucket?a=b",
        "ftp://bucket",
        f"gs://{POINT}",
        f"s3://{POINT}:x/p",
        f"s3://{POINT}/../p",
        "s3://arn:aws:dynamodb:us-west-2:123456789012:table/t",
        "s3://arn:aws:s3:us-west-2:123456789012:bucket/b",
    ],
)
def test_anything_else_is_refused_and_not_quoted(url):
    with pytest.raises(ConfigurationError) as caught:
        StorePlace.parse(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["my--use1-az4--x-s3", "my--use1-az4--x-s3/p"])
def test_directory_buckets_are_told_by_their_name(name):
    assert StorePlace.parse(f"s3://{name}").is_directory_bucket
    assert not StorePlace.parse(f"gs://{name}").is_directory_bucket
