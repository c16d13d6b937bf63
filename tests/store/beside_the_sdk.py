"""What boto3 and a store ask for in the same environment, to be compared."""

import sys

import boto3

from statebag.store.object_storage import ObjectStorage

TAKEN = "[default]\nregion = eu-west-1\n"

# The hosts of a bucket in the regions of each partition, as boto3 asks for them.
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


def calls_of_boto3(proxy, bucket, **more):
    """What boto3 asks for one call of each kind."""
    client = boto3.Session().client("s3")
    client.put_object(Bucket=bucket, Key="p/a b/c+d", Body=b"data", **more)
    client.get_object(Bucket=bucket, Key="p/a b/c+d", **more)
    client.head_object(Bucket=bucket, Key="p/a b/c+d", **more)
    client.delete_object(Bucket=bucket, Key="p/a b/c+d", **more)
    client.list_objects_v2(Bucket=bucket, Prefix="p/", **more)
    return _once(proxy.take())


def calls_of_the_store(proxy, bucket, **options):
    """What a store asks for the same."""
    store = ObjectStorage(f"s3://{bucket}/p", options=options)
    store.put("a b/c+d", b"data")
    store.get("a b/c+d")
    store.head("a b/c+d")
    store.delete("a b/c+d")
    list(store.list())
    return _once(proxy.take())


def _once(asked):
    """Each request once; a client sends it again where a busy machine answers too late."""
    found = []
    for one in asked:
        about = (one.method, one.host, one.path, one.query, one.key, one.body)
        if not found or about != found[-1][0]:
            found.append((about, one))
    return [one for _, one in found]


def same(proxy, bucket="my-bucket"):
    """That both asked the same, and for what."""
    expected, found = calls_of_boto3(proxy, bucket), calls_of_the_store(proxy, bucket)
    assert [one.place for one in found] == [one.place for one in expected]
    for header in ("x-amz-security-token", "x-amz-s3session-token"):
        assert [one.headers.get(header) for one in found] == [
            one.headers.get(header) for one in expected
        ]
    assert [one.key for one in found] == [one.key for one in expected]
    assert [_has_checksum(one) for one in found] == [_has_checksum(one) for one in expected]
    return found[0]


def _has_checksum(asked):
    """Whether S3 can verify what was sent, by any algorithm."""
    names = ("x-amz-trailer", "x-amz-checksum-crc32", "x-amz-checksum-sha256")
    return asked.method == "PUT" and any(name in asked.headers for name in names)


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
