"""Translate a store's options for botocore, so that its requests have the same settings.

The object storage client reads options and variables itself. If botocore sends the requests
instead, none of these may be lost: a write without its encryption would succeed. So each option is
translated, has no influence on a request, or is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import ConfigurationError
from statebag.store.aws_endpoint import (
    aws_endpoint,
    aws_option,
    checksum_algorithm,
    is_true,
    skips_signature,
)
from statebag.store.aws_profile import profile_settings
from statebag.store.durations import seconds_of
from statebag.store.excluded_hosts import is_excluded

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WITHOUT_INFLUENCE", "SdkOptions", "sdk_options"]

WITHOUT_INFLUENCE = frozenset(
    {
        # Of calls that the store does not make, or makes in one form by either client.
        *("copy_if_not_exists", "disable_bulk_delete", "disable_tagging"),
        # Of connections that stay open, and of HTTP/2, which botocore does not speak.
        *("http1_only", "pool_idle_timeout", "randomize_addresses", "allow_http"),
        *("http2_keep_alive_interval", "http2_keep_alive_timeout", "http2_keep_alive_while_idle"),
        "http2_max_frame_size",
        # botocore asks the machine's server for keys in both forms.
        "imdsv1_fallback",
        # The place of the store decides.
        "s3_express",
    }
)
"""Options that change nothing in what botocore sends, by their names without `aws_`."""

# Read by `aws_endpoint`, `aws_server`, `keys_of` or `session_of`, for either client.
_READ_ELSEWHERE = frozenset(
    {
        *("endpoint", "endpoint_url", "endpoint_url_s3", "region", "default_region", "profile"),
        *("access_key_id", "secret_access_key", "session_token", "token"),
        "timeout",
    }
)
_TRANSLATED = frozenset(
    {
        *("server_side_encryption", "sse_kms_key_id", "sse_bucket_key_enabled"),
        *("sse_customer_key_base64", "expected_bucket_owner", "request_payer"),
        *("checksum_algorithm", "unsigned_payload", "skip_signature", "default_content_type"),
        *("user_agent", "proxy_url", "proxy_excludes", "allow_invalid_certificates"),
        *("connect_timeout", "read_timeout", "pool_max_idle_per_host"),
        "virtual_hosted_style_request",
        "conditional_put",
    }
)
# Where botocore has to find keys, it looks for these in variables and profiles alone.
_ABOUT_KEYS = {
    "container_authorization_token_file": "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "container_credentials_full_uri": "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "container_credentials_relative_uri": "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "endpoint_url_sts": "AWS_ENDPOINT_URL_STS",
    "metadata_endpoint": "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "role_arn": "AWS_ROLE_ARN",
    "role_session_name": "AWS_ROLE_SESSION_NAME",
    "web_identity_token_file": "AWS_WEB_IDENTITY_TOKEN_FILE",
}
_CUSTOMER = "sse-c"
_LONGEST_CONNECT = 3.0  # seconds. Chosen: as for the other client
_SHA256 = "SHA256"
_CRC64 = "CRC64NVME"


class SdkOptions(msgspec.Struct, frozen=True):
    """The arguments that botocore gets for a store's options.

    Attributes:
        config: Arguments of botocore's `Config`.
        client: Arguments of the client itself.
        always: Arguments of each call.
        write: Further ones of a call that writes an object, in addition to `of_body`.
        read: Further ones of a call that reads an object or looks it up.
        checksum: The algorithm of the checksum of written bytes; None for no checksum.
        is_signed: Whether requests are signed.
    """

    config: dict[str, Any]
    client: dict[str, Any]
    always: dict[str, Any]
    write: dict[str, Any]
    read: dict[str, Any]
    checksum: str | None
    is_signed: bool

    def of_body(self, data: bytes) -> dict[str, Any]:
        """Return the arguments for the checksum of the bytes to write."""
        if self.checksum == _SHA256:
            # In a header as by the other client; botocore's own comes after the body, which is then
            # not signed.
            return {"ChecksumSHA256": base64.b64encode(hashlib.sha256(data).digest()).decode()}
        return {} if self.checksum is None else {"ChecksumAlgorithm": self.checksum}


def sdk_options(
    bucket: str,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    seconds: float,
    reason: str,
    finds_keys: bool = False,
) -> SdkOptions:
    """Return everything that botocore needs to send a store's requests as the other client would.

    Args:
        bucket: The bucket's name.
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.
        seconds: How long a request may take.
        reason: The setting that needs botocore, for the message.
        finds_keys: Whether botocore has to find the keys itself.

    Raises:
        ConfigurationError: botocore has no counterpart of an option.
    """
    given = _Given(options, variables)
    _check(given, reason, finds_keys=finds_keys)
    config: dict[str, Any] = {"connect_timeout": _connect_seconds(given, seconds)}
    config["read_timeout"] = min(seconds, _seconds(given, "read_timeout", reason) or seconds)
    if agent := given.option("user_agent"):
        config["user_agent"] = agent
    if count := given.option("pool_max_idle_per_host"):
        # The other client's pool may keep none; botocore's is one connection at least.
        config["max_pool_connections"] = max(int(count), 1) if count.isdecimal() else 10
    s3: dict[str, Any] = {"payload_signing_enabled": not given.is_on("unsigned_payload")}
    client: dict[str, Any] = {"endpoint_url": _endpoint(bucket, given, s3, reason)}
    config["s3"] = s3
    if given.is_on("allow_invalid_certificates", variables=False):
        client["verify"] = False
    if proxy := given.option("proxy_url"):
        config["proxies"] = _proxies(proxy, given, client["endpoint_url"], reason)
    algorithm = checksum_algorithm(options, variables)
    if algorithm is None:
        config["request_checksum_calculation"] = "when_required"
    write = _encryption(given)
    if kind := given.option("default_content_type"):
        write["ContentType"] = kind
    customer = _customer_key(given)
    owner, payer = options.get("expected_bucket_owner"), given.setting("request_payer") or ""
    is_paid = payer.lower() == "requester" or is_true(payer)
    return SdkOptions(
        config=config,
        client=client,
        always={
            **({"ExpectedBucketOwner": owner} if owner else {}),
            **({"RequestPayer": "requester"} if is_paid else {}),
        },
        write=write | customer,
        read=customer,
        checksum=algorithm,
        is_signed=not skips_signature(options, variables),
    )


class _Given:
    """Options and variables, by the names of options."""

    def __init__(self, options: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self.options, self.variables = options, variables
        self.names = {key.lower().removeprefix("aws_"): key for key in options if options[key]}

    def option(self, name: str) -> str | None:
        """Return an option; there are no variables for the client's HTTP settings."""
        return aws_option(self.options, name)

    def setting(self, name: str) -> str | None:
        """Return an option, or the S3 variable of this name."""
        return self.option(name) or self.variables.get(f"AWS_{name.upper()}")

    def is_on(self, name: str, *, variables: bool = True) -> bool:
        """Return whether a switch is on."""
        return is_true((self.setting if variables else self.option)(name))


def _check(given: _Given, reason: str, *, finds_keys: bool) -> None:
    """Raise ConfigurationError for an option that would be lost."""
    known = _READ_ELSEWHERE | _TRANSLATED | WITHOUT_INFLUENCE
    for name, key in given.names.items():
        if name in known:
            continue
        if name in _ABOUT_KEYS:
            if finds_keys:
                raise _lost(key, reason, f"Set the variable {_ABOUT_KEYS[name]} instead")
        elif name == "http2_only":
            if given.is_on(name, variables=False):
                raise _lost(key, reason, f"Remove {key}")
        elif name == "proxy_ca_certificate":
            if given.option("proxy_url"):
                raise _lost(key, reason, "Name a proxy whose address begins with http://")
        elif name == "root_certificate":
            raise _lost(key, reason, "Set AWS_CA_BUNDLE to a file of these certificates instead")
        else:
            raise _lost(key[:40], reason, f"Remove {key[:40]}")
    if finds_keys and given.variables.get("AWS_METADATA_ENDPOINT"):
        instead = f"Set {_ABOUT_KEYS['metadata_endpoint']} too"
        if not given.variables.get(_ABOUT_KEYS["metadata_endpoint"]):
            raise _lost("AWS_METADATA_ENDPOINT", reason, instead)
    if (given.setting("conditional_put") or "etag").lower() != "etag":
        raise _lost("conditional_put", reason, "Remove conditional_put or AWS_CONDITIONAL_PUT")
    if checksum_algorithm(given.options, given.variables) == _CRC64 and not _has_crt():
        raise _lost(
            "checksum_algorithm",
            reason,
            f"Install awscrt, which botocore needs for {_CRC64}, or use SHA256",
        )


def _lost(name: str, reason: str, instead: str) -> ConfigurationError:
    return ConfigurationError(
        f"{reason} needs botocore to send the requests, but botocore has no counterpart of {name}",
        hint=f"{instead}, or change what needs botocore (docs/stores.md).",
    )


def _has_crt() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415 (rarely needed)

    return find_spec("awscrt") is not None


def _seconds(given: _Given, name: str, reason: str) -> float | None:
    text = given.option(name)
    if text is None:
        return None
    if seconds := seconds_of(text):
        return seconds
    raise _lost(name, reason, f"Write {name} in seconds, such as 20s")


def _connect_seconds(given: _Given, seconds: float) -> float:
    named = _seconds(given, "connect_timeout", "this setting")
    return min(seconds, _LONGEST_CONNECT if named is None else named)


def _endpoint(bucket: str, given: _Given, s3: dict[str, Any], reason: str) -> str | None:
    """Return the server's address, without the bucket if the option says that it is there."""
    endpoint = aws_endpoint(given.options, given.variables)
    name = "virtual_hosted_style_request"
    if endpoint is None or (given.setting(name) or "").lower() != "true":
        return endpoint
    scheme, _, rest = endpoint.partition("://")
    if not rest.startswith(f"{bucket}."):
        instead = f"Let the server's host begin with the bucket's name, or remove {name}"
        raise _lost(name, reason, instead)
    s3["addressing_style"] = "virtual"
    return f"{scheme}://{rest.removeprefix(f'{bucket}.')}"


def _proxies(proxy: str, given: _Given, endpoint: str | None, reason: str) -> dict[str, str]:
    """Return the proxies for botocore's client, which has no list of hosts to exclude."""
    if "://" in proxy and not proxy.lower().startswith(("http://", "https://")):
        raise _lost("proxy_url", reason, "Name a proxy whose address begins with http://")
    excluded = given.option("proxy_excludes") or ""
    found = is_excluded(excluded, endpoint)
    in_profile = profile_settings(given.options, given.variables) & {"endpoint_url", "services"}
    if found is None or (in_profile and endpoint is None and excluded.strip() not in {"", "*"}):
        instead = "List whole domains in proxy_excludes, such as amazonaws.com"
        raise _lost("proxy_excludes", reason, instead)
    return {} if found else dict.fromkeys(("http", "https"), proxy)


def _encryption(given: _Given) -> dict[str, Any]:
    kind = given.setting("server_side_encryption")
    if kind is None or kind == _CUSTOMER:
        return {}
    found: dict[str, Any] = {"ServerSideEncryption": kind}
    if key := given.setting("sse_kms_key_id"):
        found["SSEKMSKeyId"] = key
    if given.setting("sse_bucket_key_enabled") is not None:
        found["BucketKeyEnabled"] = given.is_on("sse_bucket_key_enabled")
    return found


def _customer_key(given: _Given) -> dict[str, Any]:
    if given.setting("server_side_encryption") != _CUSTOMER:
        return {}
    name = "sse_customer_key_base64"
    try:
        key = base64.b64decode(given.setting(name) or "", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        # Not quoted: it is a secret.
        raise ConfigurationError(
            f"{name} is not a key of 32 bytes in base64",
            hint=f"Correct {name} or AWS_SSE_CUSTOMER_KEY_BASE64.",
        )
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
