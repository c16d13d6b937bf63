"""Read the endpoint, region and keys from options and variables, and from nothing else."""

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
    """Return an option by any of its names, in any case, with or without `aws_`, or None."""
    for name in names:
        for key, value in options.items():
            if key.lower().removeprefix("aws_") == name and value:
                return value
    return None


def is_on(variables: Mapping[str, str], name: str) -> bool:
    """Return whether a switch is on, which means `true` for botocore and nothing else."""
    return variables.get(name, "").strip().lower() == "true"


def aws_endpoint(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the server's address from options or variables; None if they have none."""
    given = [options.get(key) for key in _ENDPOINT_OPTIONS]
    if not is_on(variables, _IGNORE):
        given += [variables.get(key) for key in _ENDPOINT_VARIABLES]
    return next(filter(None, given), None)


def aws_region(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the region from options or variables; None if they have none."""
    # boto3 reads AWS_DEFAULT_REGION alone; in a Lambda function both are the same.
    given = (
        aws_option(options, "region"),
        aws_option(options, "default_region"),
        variables.get("AWS_DEFAULT_REGION"),
        variables.get("AWS_REGION"),
    )
    return next(filter(None, given), None)


def has_fixed_credentials(options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Return whether keys are given, so that no request takes extra time to get them."""
    if options.get("profile"):
        return False
    skip = aws_option(options, "skip_signature") or variables.get("AWS_SKIP_SIGNATURE")
    if skip and skip.lower() in {"true", "1", "yes", "on", "y", "t"}:
        return True
    if all(aws_option(options, name.lower()) for name in KEYS):
        return True
    has_keys = all(variables.get(f"AWS_{name}") for name in KEYS)
    return has_keys and not variables.get("AWS_CREDENTIAL_EXPIRATION")
