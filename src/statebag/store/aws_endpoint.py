"""The endpoint, region and keys that options and variables name: no file, and no other rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KEYS", "aws_endpoint", "aws_option", "aws_region", "has_fixed_credentials", "is_on"]

KEYS = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
"""What a key is made of, by its names in the environment without `AWS_`."""

_ENDPOINT_OPTIONS = (
    "aws_endpoint_url_s3",
    "endpoint_url_s3",
    "aws_endpoint_url",
    "endpoint_url",
    "aws_endpoint",
    "endpoint",
)
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"


def aws_option(options: Mapping[str, str], *names: str) -> str | None:
    """An option by any of its names, with or without `aws_`, in any case; None without one."""
    for name in names:
        for key, value in options.items():
            if key.lower().removeprefix("aws_") == name and value:
                return value
    return None


def is_on(variables: Mapping[str, str], name: str) -> bool:
    """Whether a switch is on, as botocore reads it: only the word `true` is."""
    return variables.get(name, "").strip().lower() == "true"


def aws_endpoint(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """The server's address that options or variables name; None where they name none."""
    given = [options.get(key) for key in _ENDPOINT_OPTIONS]
    if not is_on(variables, _IGNORE):
        given += [variables.get(key) for key in _ENDPOINT_VARIABLES]
    return next(filter(None, given), None)


def aws_region(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """The region that options or variables name; None where they name none."""
    # boto3 reads AWS_DEFAULT_REGION alone; in a Lambda function both are the same.
    given = (
        aws_option(options, "region"),
        aws_option(options, "default_region"),
        variables.get("AWS_DEFAULT_REGION"),
        variables.get("AWS_REGION"),
    )
    return next(filter(None, given), None)


def has_fixed_credentials(options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Whether no request has to ask somebody for keys first, which takes time of its own."""
    if options.get("profile"):
        return False
    skip = aws_option(options, "skip_signature") or variables.get("AWS_SKIP_SIGNATURE")
    if skip and skip.lower() in {"true", "1", "yes", "on", "y", "t"}:
        return True
    if all(aws_option(options, name.lower()) for name in KEYS):
        return True
    has_keys = all(variables.get(f"AWS_{name}") for name in KEYS)
    return has_keys and not variables.get("AWS_CREDENTIAL_EXPIRATION")
