"""Check the settings of an S3 bucket that matter: versions, lifecycle, encryption, access.

It uses boto3 and S3's API (GetBucketVersioning and others, Amazon S3 API Reference).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.upkeep.doctor import PROBES, Outcome
from statebag.upkeep.gc import RETENTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["examine_bucket"]

# Classes of storage from which an object must be restored before it is read (Amazon S3 User Guide).
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
_NOT_SET = {
    "NoSuchLifecycleConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchPublicAccessBlockConfiguration",
}


def examine_bucket(bucket: str, prefix: str, client: Any = None) -> Iterator[Outcome]:
    """Return an outcome for each setting of a bucket; one that cannot be read is unknown.

    Args:
        bucket: The name of the bucket.
        prefix: The prefix below which this library writes; may be empty.
        client: boto3's client of `s3`; by default made from the environment.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (slow)
    except ImportError:
        yield Outcome("the bucket's settings", "unknown", "boto3 is missing", "pip install boto3")
        return
    if client is None:
        import boto3  # noqa: PLC0415 (slow)

        client = boto3.session.Session().client("s3")  # with the credentials of now

    def asked(
        what: str,
        request: Callable[[], Any],
        judge: Callable[[Any], Outcome],
        unset: Outcome,
    ) -> Outcome:
        try:
            answer = request()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _NOT_SET:
                return unset
            if code == "NoSuchBucket":
                return Outcome(what, "fail", "there is no such bucket", _CREATE)
            return Outcome(what, "unknown", code or "no answer", "Ask the owner of the bucket.")
        except BotoCoreError as error:
            return Outcome(what, "unknown", type(error).__name__, "Ask the owner of the bucket.")
        return judge(answer)

    where = {"Bucket": bucket}
    yield asked(
        "versions",
        lambda: client.get_bucket_versioning(**where),
        _versions,
        Outcome("versions", "warn", "off", _KEEP_VERSIONS),
    )
    yield asked(
        "lifecycle",
        lambda: client.get_bucket_lifecycle_configuration(**where),
        lambda answer: _lifecycle(answer.get("Rules", []), prefix),
        Outcome("lifecycle", "ok", "no rule deletes anything"),
    )
    yield asked(
        "encryption",
        lambda: client.get_bucket_encryption(**where),
        _encryption,
        Outcome("encryption", "warn", "none is set", "Set SSE-S3 or SSE-KMS as the default."),
    )
    yield asked(
        "public access",
        lambda: client.get_public_access_block(**where),
        _public_access,
        Outcome("public access", "warn", "not blocked", _BLOCK_ACCESS),
    )
    yield _conditional_writes(client, bucket, prefix, ClientError)
    if prefix:
        yield from _rights_beside(client, bucket, ClientError)
    yield _buckets_listed(client, (ClientError, BotoCoreError))


_CREATE = "Create the bucket, or correct the store's address."
_KEEP_VERSIONS = "Turn versioning on: a deleted or damaged pack can then be repaired."
_BLOCK_ACCESS = "Block all public access of the bucket."


def _versions(answer: Any) -> Outcome:
    if answer.get("Status") == "Enabled":
        return Outcome("versions", "ok", "on")
    return Outcome("versions", "warn", str(answer.get("Status", "off")).lower(), _KEEP_VERSIONS)


def _lifecycle(rules: list[Any], prefix: str) -> Outcome:
    early = []
    for rule in rules:
        days = rule.get("Expiration", {}).get("Days")
        its_filter = rule.get("Filter", {})
        its = its_filter.get("Prefix", its_filter.get("And", {}).get("Prefix"))
        its = its or rule.get("Prefix", "") or ""
        applies = its.startswith(prefix) or prefix.startswith(its)
        archive = _archived_by(rule)
        if rule.get("Status") == "Enabled" and applies and archive is not None:
            return archive
        dated = "Date" in rule.get("Expiration", {})
        if rule.get("Status") == "Enabled" and applies and (dated or days is not None):
            early.append((days if days is not None else 0, rule.get("ID", "without a name")))
    if not early:
        return Outcome("lifecycle", "ok", "no rule deletes objects below the prefix")
    days, name = min(early)
    if days < RETENTION.days:
        return Outcome(
            "lifecycle",
            "fail",
            f"the rule {name} deletes after {days} days",
            f"Executions can be redriven for 90 days: delete after {RETENTION.days} at least, or"
            " leave it to `statebag gc`.",
        )
    return Outcome(
        "lifecycle",
        "warn",
        f"the rule {name} deletes after {days} days",
        "Age is not the end of an execution, which may run for a year: prefer `statebag gc`.",
    )


def _archived_by(rule: Any) -> Outcome | None:
    """Return a warning about a rule that archives objects, which cannot be read then; else None."""
    for move in rule.get("Transitions", []):
        kind = move.get("StorageClass")
        if kind in _ARCHIVES:
            when = f"after {move['Days']} days" if "Days" in move else "at a date"
            return Outcome(
                "lifecycle",
                "fail",
                f"the rule {rule.get('ID', 'without a name')} archives {when} ({kind})",
                "An archived pack cannot be read until it is restored: exclude the store's prefix, "
                "or move to GLACIER_IR, which is read at once.",
            )
    return None


def _encryption(answer: Any) -> Outcome:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    kinds = [
        rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules
    ]
    found = next(filter(None, kinds), None)
    if found is None:
        return Outcome("encryption", "warn", "none is set", "Set SSE-S3 or SSE-KMS as the default.")
    return Outcome("encryption", "ok", str(found))


def _public_access(answer: Any) -> Outcome:
    settings = answer.get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    missing = [name for name in names if not settings.get(name)]
    if missing:
        return Outcome("public access", "warn", f"{', '.join(missing)} off", _BLOCK_ACCESS)
    return Outcome("public access", "ok", "blocked")


def _conditional_writes(client: Any, bucket: str, prefix: str, refused: type[Exception]) -> Outcome:
    """Return whether the store supports conditional writes, which statebag does not need."""
    what = "conditional writes"
    key = "/".join(filter(None, (prefix, PROBES, "conditional")))
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b"1", IfNoneMatch="*")
        try:
            client.put_object(Bucket=bucket, Key=key, Body=b"2", IfNoneMatch="*")
        finally:
            client.delete_object(Bucket=bucket, Key=key)
    except refused as error:
        code = _code(error)
        if code in {"PreconditionFailed", "412"}:
            return Outcome(what, "ok", "kept (not needed: a name is the digest of its bytes)")
        return Outcome(what, "unknown", code or "no answer")
    except Exception as error:  # noqa: BLE001 (an older boto3 does not know the parameter)
        return Outcome(what, "unknown", type(error).__name__)
    return Outcome(what, "ok", "ignored (not needed: a name is the digest of its bytes)")


def _rights_beside(client: Any, bucket: str, refused: type[Exception]) -> Iterator[Outcome]:
    """Yield whether objects outside the prefix can be read or written, without writing any."""
    beside = {"Bucket": bucket, "Key": f"{PROBES}-beside-the-prefix"}

    def begun_and_dropped() -> None:
        upload = client.create_multipart_upload(**beside)["UploadId"]
        client.abort_multipart_upload(**beside, UploadId=upload)

    yield _superfluous(
        "reading outside the prefix", lambda: client.head_object(**beside), refused, "s3:GetObject"
    )
    yield _superfluous(
        "writing outside the prefix", begun_and_dropped, refused, "s3:PutObject, s3:DeleteObject"
    )


def _superfluous(
    what: str, attempt: Callable[[], Any], refused: type[Exception], rights: str
) -> Outcome:
    try:
        attempt()
    except refused as error:
        code = _code(error)
        if code in {"403", "AccessDenied", "Forbidden"}:
            return Outcome(what, "ok", "not allowed")
        if code not in {"404", "NoSuchKey", "NotFound"}:
            return Outcome(what, "unknown", code)
    except Exception as error:  # noqa: BLE001 (any failure means that it is not known)
        return Outcome(what, "unknown", type(error).__name__)
    return Outcome(
        what,
        "warn",
        "allowed",
        f"Narrow the role: {rights} on <bucket>/<prefix>/* only, s3:ListBucket with the condition"
        " s3:prefix.",
    )


def _buckets_listed(client: Any, refused: tuple[type[Exception], ...]) -> Outcome:
    what = "listing all buckets"
    try:
        client.list_buckets()
    except refused as error:
        code = _code(error)
        denied = code in {"403", "AccessDenied", "Forbidden"}
        return Outcome(what, "ok" if denied else "unknown", "not allowed" if denied else code)
    return Outcome(
        what, "warn", "allowed", "No step needs s3:ListAllMyBuckets: take it from the role."
    )


def _code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
