"""Read the endpoint, region and keys from options, variables and the profile, as boto3 does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError
from statebag.store.aws_profile import profile_value

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
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
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
    """Return the server's address from options or variables; None if they have none.

    Raises:
        ConfigurationError: It is not an address.
    """
    named = {key: options.get(key) for key in _ENDPOINT_OPTIONS}
    in_variables = {key: variables.get(key) for key in _ENDPOINT_VARIABLES}
    if any(in_variables.values()) and not _is_ignored(options, variables):
        named |= in_variables
    name, url = next(((key, url.strip()) for key, url in named.items() if url), ("", None))
    if url is not None and not _is_address(url):
        # Not quoted: a part of it may be a password.
        raise ConfigurationError(
            f"{name} is not the address of a server",
            hint=f"Correct {name}: it must begin with http:// or https:// and have no spaces.",
        )
    return url


def _is_ignored(options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Return whether variables and profiles do not count for the endpoint."""
    if variables.get(_IGNORE):
        return is_on(variables, _IGNORE)
    return (profile_value(options, variables, _IGNORE[4:].lower()) or "").lower() == "true"


def _is_address(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    is_plain = not any(mark.isspace() or mark in "?#" for mark in url)
    return scheme.lower() in {"http", "https"} and is_plain and rest[:1] not in {"", "/"}


def aws_region(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the region from options, variables or the profile; None if they have none."""
    given = (
        aws_option(options, "region")
        or aws_option(options, "default_region")
        or variables.get("AWS_DEFAULT_REGION")
    )
    # boto3 does not read AWS_REGION. In a Lambda function both variables are the same.
    return given or profile_value(options, variables, "region") or variables.get("AWS_REGION")


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
