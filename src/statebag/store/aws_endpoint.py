"""Read the endpoint, region and keys from options, variables and the profile, as boto3 does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError
from statebag.store.aws_profile import profile_value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KEYS",
    "aws_endpoint",
    "aws_option",
    "aws_region",
    "checksum_algorithm",
    "has_fixed_credentials",
    "is_on",
    "is_true",
    "skips_signature",
]

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
_ON = frozenset({"true", "1", "yes", "on", "y", "t"})  # as the object storage client reads them
_NO_CHECKSUM = "none"
_WHEN = "request_checksum_calculation"


def aws_option(options: Mapping[str, str], *names: str) -> str | None:
    """Return an option by any of its names, in any case, with or without `aws_`, or None."""
    for name in names:
        for key, value in options.items():
            if key.lower().removeprefix("aws_") == name and value:
                return value
    return None


def is_on(variables: Mapping[str, str], name: str) -> bool:
    """Return whether a switch is on; for botocore only `true` means that."""
    return variables.get(name, "").strip().lower() == "true"


def is_true(text: str | None) -> bool:
    """Return whether a switch of the object storage client is on."""
    return text is not None and text.lower() in _ON


def skips_signature(options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Return whether requests are to be sent without a signature."""
    return is_true(aws_option(options, "skip_signature") or variables.get("AWS_SKIP_SIGNATURE"))


def checksum_algorithm(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the checksum of each PUT, which S3 verifies, and Object Lock requires; None for none.

    It is SHA256 by default. The option `checksum_algorithm` names another one, or is `none` for
    servers that refuse them. As for boto3, `request_checksum_calculation` set to `when_required`
    leaves it out, too.
    """
    given = aws_option(options, "checksum_algorithm")
    if given is not None:
        return None if given.lower() == _NO_CHECKSUM else given.upper()
    if named := variables.get("AWS_CHECKSUM_ALGORITHM"):
        return named.upper()
    when = variables.get(f"AWS_{_WHEN.upper()}") or profile_value(options, variables, _WHEN)
    return None if (when or "").lower() == "when_required" else "SHA256"


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
    if skips_signature(options, variables):
        return True
    if all(aws_option(options, name.lower()) for name in KEYS):
        return True
    has_keys = all(variables.get(f"AWS_{name}") for name in KEYS)
    return has_keys and not variables.get("AWS_CREDENTIAL_EXPIRATION")
