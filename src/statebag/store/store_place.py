"""Parse the place of a store in object storage: a prefix of a bucket or container."""

from __future__ import annotations

import msgspec

from statebag.errors import ConfigurationError

__all__ = ["StorePlace"]

_SCHEMES = frozenset({"s3", "gs", "az"})

# What stands for a bucket in S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
# access-points-naming.html. An outpost's has a slash more.
_ARN = (
    r"arn:[\w-]{1,20}:(?P<service>s3(?:-outposts|-object-lambda)?):[\w-]{0,30}:\d{0,12}:"
    r"(?:outpost[:/][\w-]{1,40}[:/])?accesspoint[:/][\w.-]{1,80}"
)


class StorePlace(msgspec.Struct, frozen=True):
    """A prefix of a bucket.

    Attributes:
        scheme: `s3`, `gs` or `az`.
        bucket: The bucket's or container's name, or an access point's ARN.
        prefix: The prefix, without slashes at its ends; empty for the whole bucket.
    """

    scheme: str
    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> StorePlace:
        """Parse `scheme://bucket/prefix`; raise ConfigurationError for anything else."""
        scheme, _, rest = url.partition("://")
        arn = None
        if scheme == "s3" and rest.startswith("arn:"):
            import re  # noqa: PLC0415  # few addresses have an ARN

            arn = re.match(_ARN, rest)
        if arn is not None:
            bucket, rest = arn[0], rest[arn.end() :].rstrip("/")
            is_whole, prefix = rest[:1] in {"", "/"}, rest[1:]
        else:
            bucket, _, prefix = rest.rstrip("/").partition("/")
            is_whole = bool(bucket) and not any(mark in bucket for mark in "@:[]")
        if (
            scheme not in _SCHEMES
            or not is_whole
            or any(mark in url for mark in "?#\\")
            or any(part in {"", ".", ".."} for part in prefix.split("/") if prefix)
        ):
            # Not quoted: what is wrong with it may be a password or a token.
            raise ConfigurationError(
                "the store's address does not have the form scheme://bucket/prefix",
                hint=(
                    "Use s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; "
                    "credentials and endpoints come from the environment or from options"
                ),
            )
        if scheme == "s3" and bucket.endswith("--op-s3"):
            raise ConfigurationError(
                f"an access point of an Outpost ({bucket[-7:]}) cannot hold a store",
                hint="Use an access point of S3 itself, or a bucket.",
            )
        if arn is not None and arn["service"] != "s3":
            raise ConfigurationError(
                f"an access point of {arn['service']} cannot hold a store",
                hint="Use an access point of S3 itself (arn:…:s3:…:accesspoint/name), or a bucket.",
            )
        return cls(scheme, bucket, prefix)

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return "/".join(filter(None, (f"{self.scheme}://{self.bucket}", self.prefix)))

    @property
    def is_directory_bucket(self) -> bool:
        """Whether it is a bucket of S3 Express One Zone, judged by the end of its name.

        Or an access point of one.
        """
        return self.scheme == "s3" and self.bucket.endswith(("--x-s3", "--xa-s3"))

    @property
    def is_arn(self) -> bool:
        """Whether the bucket's name is an ARN."""
        return self.bucket.startswith("arn:")
