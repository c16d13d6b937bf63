"""Find the server and region that AWS settings name, as AWS's SDK understands them.

This module has the rules for variables. For other settings it asks botocore (`aws_sdk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.errors import ConfigurationError
from statebag.store.aws_endpoint import aws_endpoint, aws_option, aws_region, is_on
from statebag.store.aws_profile import check_profile, profile_name, profile_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.store.store_place import StorePlace

__all__ = [
    "AwsServer",
    "aws_sdk_is_installed",
    "aws_server",
    "express_host",
    "trusted_authorities",
]

# Regions whose hosts end in .amazonaws.com: the partitions aws and aws-us-gov
# (botocore/data/partitions.json). Any other name is botocore's to know.
_PLAIN_AREAS = frozenset({"af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"})
_GLOBAL = "us-east-1"

# Settings that influence the endpoint, by their names in a profile.
_ABOUT_ENDPOINTS = frozenset(
    {
        "defaults_mode",
        "endpoint_url",
        "ignore_configured_endpoint_urls",
        "s3",
        "s3_us_east_1_regional_endpoint",
        "s3_use_arn_region",
        "services",
        "use_dualstack_endpoint",
        "use_fips_endpoint",
    }
)
_SWITCHES = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
_MODES = (
    "AWS_DEFAULTS_MODE",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
    "AWS_S3_USE_ARN_REGION",
)


class AwsServer(msgspec.Struct, frozen=True):
    """The server and region of requests for a bucket.

    Attributes:
        base_url: The bucket's whole URL, to which `/` and an object's name are added.
        region: The region for which requests are signed.
        is_express: Whether requests need a session of a directory bucket.
    """

    base_url: str
    region: str
    is_express: bool = False


def aws_server(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    region: str | None = None,
) -> AwsServer:
    """Return where requests for a bucket go.

    Args:
        place: The bucket's place.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        region: The bucket's region, if it is known.

    Raises:
        ConfigurationError: A setting needs botocore, which is not installed, or botocore
            refuses the settings.
    """
    check_profile(options, variables)
    endpoint = aws_endpoint(options, variables)
    named = region or aws_region(options, variables)
    is_host = aws_option(options, "virtual_hosted_style_request") or variables.get(
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"
    )
    if endpoint is not None and is_host is not None and is_host.lower() == "true":
        return AwsServer(endpoint.rstrip("/"), named or _GLOBAL)
    reason = _reason_to_ask(place, options, variables, endpoint, named)
    if reason is not None:
        return _asked(place, options, variables, reason, region=named)
    if endpoint is not None:
        return AwsServer(f"{endpoint.rstrip('/')}/{place.bucket}", named or _GLOBAL)
    return _native(place, named or _GLOBAL)


def aws_sdk_is_installed() -> bool:
    """Return whether botocore can be loaded, without loading it."""
    from statebag.store import aws_sdk  # noqa: PLC0415 (few environments need it)

    return aws_sdk.is_installed()


def _is_plain(region: str) -> bool:
    """Return whether a region's hosts end in .amazonaws.com, judged by its name."""
    parts = region.removeprefix("us-gov-" if region.startswith("us-gov-") else "").split("-")
    if region.startswith("us-gov-"):
        parts.insert(0, "us")
    return (
        len(parts) == 3 and parts[0] in _PLAIN_AREAS and parts[1].isalpha() and parts[2].isdecimal()
    )


def _fits_into_host(bucket: str) -> bool:
    """Return whether a bucket's name fits into a host name; a dot would not fit the certificate."""
    return (
        3 <= len(bucket) <= 63
        and bucket.isascii()
        and bucket.replace("-", "").isalnum()
        and bucket == bucket.lower()
        and bucket.strip("-") == bucket
    )


def _native(place: StorePlace, region: str) -> AwsServer:
    """Return the server in a partition whose hosts end in .amazonaws.com, without any switch."""
    if place.is_directory_bucket:
        # By botocore, or where it is missing by the client, which knows one form of host.
        if place.bucket.endswith("--xa-s3") and not aws_sdk_is_installed():
            raise ConfigurationError(
                "an access point of a directory bucket needs botocore, which is not installed",
                hint="Install boto3 (a Lambda function has it), or use the bucket itself.",
            )
        return AwsServer("", region, is_express=True)
    # As boto3 does it: the first region has the name without a region.
    host = "s3.amazonaws.com" if region == _GLOBAL else f"s3.{region}.amazonaws.com"
    if _fits_into_host(place.bucket):
        return AwsServer(f"https://{place.bucket}.{host}", region)
    return AwsServer(f"https://{host}/{place.bucket}", region)


def _reason_to_ask(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    endpoint: str | None,
    region: str | None,
) -> str | None:
    """Return the setting that only botocore understands; None if there is none."""
    if place.is_arn:
        return "the ARN in the store's address"
    for name in _SWITCHES:
        if is_on(variables, name):
            return name
    for name in _MODES:
        if variables.get(name):
            return name
    if endpoint is None and region is not None and not _is_plain(region):
        return f"the region {region[:40]}"
    if options.get("profile"):
        return "the option profile"
    profile = profile_name(options, variables) or "default"
    found = sorted(profile_settings(options, variables) & _ABOUT_ENDPOINTS)
    if found:
        return f"{', '.join(found)} of the profile {profile!r}"
    return None


def _asked(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    reason: str,
    *,
    region: str | None,
) -> AwsServer:
    from statebag.store import aws_sdk  # noqa: PLC0415 (slow, and few environments need it)

    endpoint = aws_endpoint(options, variables)
    base_url, signed_for, service = aws_sdk.asked_for(
        place.bucket, options, variables, endpoint=endpoint, region=region, reason=reason
    )
    if service == "s3express":
        if endpoint is not None:
            return AwsServer(base_url, signed_for)
        return AwsServer("", signed_for, is_express=True)
    if service != "s3":
        raise ConfigurationError(
            f"{reason} needs requests signed for {service}, which the client cannot sign",
            hint="Use the bucket itself, or an access point in one region.",
        )
    return AwsServer(base_url, signed_for)


def express_host(bucket: str, region: str) -> str:
    """Return the host of a directory bucket that the client knows."""
    zone = bucket.removesuffix("--x-s3").rpartition("--")[2]
    return f"{bucket}.s3express-{zone}.{region}.amazonaws.com"


def trusted_authorities(
    options: Mapping[str, str], variables: Mapping[str, str], *, has_profiles: bool
) -> bytes | None:
    """Return the certificates of the authorities in the settings, as PEM; None if there are none.

    Raises:
        ConfigurationError: The file cannot be read, or botocore is needed and not installed.
    """
    name = "AWS_CA_BUNDLE"
    path = variables.get(name)
    if not path and has_profiles and "ca_bundle" in profile_settings(options, variables):
        from statebag.store import aws_sdk  # noqa: PLC0415 (slow, and few environments need it)

        name = "ca_bundle of the profile"
        path = aws_sdk.setting("ca_bundle", options, variables, reason=name)
    if not path:
        name = "REQUESTS_CA_BUNDLE"
        path = variables.get(name)
    if not path:
        return None
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib is loaded for this alone
            return file.read()
    except OSError as error:
        raise ConfigurationError(
            f"the file of certificates that {name} names was not read "
            f"({error.strerror or type(error).__name__})",
            hint=f"Correct {name}, or unset it to trust the authorities of the machine.",
        ) from None
