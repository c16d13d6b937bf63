"""Setting up the object storage client: the address, the endpoint, credentials, timeouts."""

from __future__ import annotations

import hashlib
import os
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
from obstore import exceptions as client
from obstore.store import AzureStore, GCSStore, S3Store

from statebag.errors import ConfigurationError, StatebagError
from statebag.store.bounded import within_deadline
from statebag.store.object_storage_errors import CREDENTIALS_HINT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "StorePlace",
    "connected",
    "custom_endpoint",
    "has_fixed_credentials",
    "is_own_server",
    "longest_seconds",
    "settings_digest",
]

_TIMEOUT = "20s"  # of a whole request: 3 attempts fit into the default deadline of 60 s
_NO_CHECKSUM = "none"
_DURATION = re.compile(r"(\d+)\s*([a-zA-Zµ]+)")
# The client's words for the units of time (humantime's), in seconds.
_UNITS = {
    **dict.fromkeys(("nsec", "nanos", "ns"), 1e-9),
    **dict.fromkeys(("usec", "micros", "us", "µs"), 1e-6),
    **dict.fromkeys(("msec", "millis", "ms"), 1e-3),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m"), 60.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600.0),
    **dict.fromkeys(("day", "days", "d"), 86400.0),
}

# Those of the client's HTTP settings that a text can express; all other options are the
# backend's own (https://developmentseed.org/obstore/latest/api/store/aws/).
_HTTP_OPTIONS = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "http1_only",
        "http2_only",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "read_timeout",
        "root_certificate",
        "timeout",
        "user_agent",
    }
)

_CLIENTS: dict[str, type[AzureStore | GCSStore | S3Store]] = {
    "s3": S3Store,
    "gs": GCSStore,
    "az": AzureStore,
}
_PROCESS_KEY = os.urandom(16)
_VARIABLES = {"s3": "AWS_…", "gs": "GOOGLE_…", "az": "AZURE_STORAGE_…"}

# Where an endpoint may be given, first one first.
_ENDPOINT_OPTIONS = {
    "s3": (
        "aws_endpoint_url_s3",
        "endpoint_url_s3",
        "aws_endpoint_url",
        "endpoint_url",
        "aws_endpoint",
        "endpoint",
    ),
    "gs": (),
    "az": ("azure_storage_endpoint", "azure_endpoint", "endpoint"),
}
_ENDPOINT_VARIABLES = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": (),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}

# Any of these, as an option (without `AWS_`, in any case) or in the environment, tells the
# client itself where credentials come from.
_CREDENTIAL_SETTINGS = (
    "ACCESS_KEY_ID",
    "CONTAINER_CREDENTIALS_RELATIVE_URI",
    "CONTAINER_CREDENTIALS_FULL_URI",
    "WEB_IDENTITY_TOKEN_FILE",
    "SKIP_SIGNATURE",
)


class StorePlace(msgspec.Struct, frozen=True):
    """A prefix of a bucket.

    Attributes:
        scheme: `s3`, `gs` or `az`.
        bucket: The bucket's or container's name.
        prefix: Without slashes at its ends; empty for the whole bucket.
    """

    scheme: str
    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> StorePlace:
        """Read `scheme://bucket/prefix`; ConfigurationError for anything else."""
        scheme, _, rest = url.partition("://")
        bucket, _, prefix = rest.rstrip("/").partition("/")
        if (
            scheme not in _CLIENTS
            or not bucket
            or any(mark in bucket for mark in "@:[]")
            or any(mark in url for mark in "?#\\")
            or any(part in {"", ".", ".."} for part in prefix.split("/") if prefix)
        ):
            # Not quoted: what is wrong with it may be a password or a token.
            raise ConfigurationError(
                "the store's address is not scheme://bucket/prefix",
                hint=(
                    "Use s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; "
                    "credentials and endpoints come from the environment or from options"
                ),
            )
        return cls(scheme, bucket, prefix)

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return "/".join(filter(None, (f"{self.scheme}://{self.bucket}", self.prefix)))


def connected(
    place: StorePlace, options: Mapping[str, str], variables: Mapping[str, str]
) -> AzureStore | GCSStore | S3Store:
    """A client for a place; nothing is sent yet.

    Args:
        place: Where to.
        options: As for `ObjectStorage`.
        variables: The present environment's `store_settings`: the client reads others of them
            from there by itself.

    Raises:
        ConfigurationError: A setting is wrong, or no credentials are to be had.
    """
    scheme = place.scheme
    http: dict[str, Any] = {"connect_timeout": "3s", "timeout": _TIMEOUT}
    http |= {key: options[key] for key in options if key in _HTTP_OPTIONS}
    config: dict[str, Any] = {key: options[key] for key in options if key not in _HTTP_OPTIONS}
    endpoint = custom_endpoint(scheme, options, variables)
    if endpoint is not None:
        for key in _ENDPOINT_OPTIONS[scheme]:
            config.pop(key, None)
        config["endpoint"] = endpoint
        if "AWS_ENDPOINT_URL_S3" in variables and scheme == "s3":
            config["aws_endpoint_url_s3"] = endpoint  # the variable would win over `endpoint`
        if endpoint.startswith("http://"):
            http["allow_http"] = True
    if scheme == "s3":
        _add_checksum(config, variables)
    arguments: dict[str, Any] = {}
    if (
        scheme == "s3"
        and not _has_credentials(options, variables)
        and find_spec("boto3") is not None
    ):
        arguments["credential_provider"] = _boto3_credentials(place.url)
    make: Any = _CLIENTS[scheme]  # each takes typed dictionaries of its own; it checks the keys
    try:
        made: AzureStore | GCSStore | S3Store = make(
            place.bucket,
            prefix=place.prefix or None,
            config=config,
            client_options=http,
            retry_config={"max_retries": 0},
            **arguments,
        )
    except (client.BaseError, ValueError, TypeError):
        # Not chained: the client quotes the value that it does not take.
        given = f"the options {', '.join(sorted(options))} and " if options else ""
        raise ConfigurationError(
            f"the client for {place.url} refuses its settings",
            hint=f"Check {given}the environment variables {_VARIABLES[scheme]}",
        ) from None
    return made


def settings_digest(options: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """A digest of all that decides which server and account an address leads to.

    Options and `store_settings`; whatever is not known to be without a say counts.
    """
    # Not hashed one by one: settings may be secrets, and a digest of a short one is no secret.
    digest = hashlib.blake2b(key=_PROCESS_KEY, digest_size=16)
    for name, value in [
        *sorted(variables.items()),
        *sorted((name, str(value)) for name, value in options.items()),
    ]:
        digest.update(f"{len(name)} {len(value)} {name}{value}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def custom_endpoint(
    scheme: str, options: Mapping[str, str], variables: Mapping[str, str]
) -> str | None:
    """The server's address where it is not the provider's own."""
    given = [options.get(key) for key in _ENDPOINT_OPTIONS[scheme]]
    given += [variables.get(key) for key in _ENDPOINT_VARIABLES[scheme]]
    return next(filter(None, given), None)


def is_own_server(scheme: str, options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Whether the server is not the provider's own, so that less can be relied on."""
    # Google's client is told of another one by its account's key, as emulators want it.
    keys = [*options.values(), variables.get("GOOGLE_SERVICE_ACCOUNT_KEY", "")]
    is_emulated = scheme == "gs" and any("gcs_base_url" in key for key in keys)
    return is_emulated or custom_endpoint(scheme, options, variables) is not None


def longest_seconds(options: Mapping[str, str]) -> float | None:
    """How long one request may take by the client's own settings; None if that is not known."""
    text = options.get("timeout", _TIMEOUT)
    parts = _DURATION.findall(text)
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def has_fixed_credentials(
    scheme: str, options: Mapping[str, str], variables: Mapping[str, str]
) -> bool:
    """Whether no request has to ask somebody for credentials first, which takes time of its own."""
    given = {key.upper().removeprefix("AWS_") for key in options}
    if scheme != "s3":
        return False
    if "SKIP_SIGNATURE" in given or "AWS_SKIP_SIGNATURE" in variables:
        return True
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    return all(name in given or f"AWS_{name}" in variables for name in names)


def _add_checksum(config: dict[str, Any], variables: Mapping[str, str]) -> None:
    """Ask for a checksum with every PUT, which S3 verifies; a bucket under Object Lock wants one.

    The option `checksum_algorithm` may name another, or `none` for a server that refuses them.
    """
    given = [key for key in config if key.lower().removeprefix("aws_") == "checksum_algorithm"]
    if not given:
        if "AWS_CHECKSUM_ALGORITHM" not in variables:
            config["checksum_algorithm"] = "SHA256"
    elif all(str(config[key]).lower() == _NO_CHECKSUM for key in given):
        for key in given:
            del config[key]


def _has_credentials(options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    given = {key.upper().removeprefix("AWS_") for key in options}
    return any(key in given or f"AWS_{key}" in variables for key in _CREDENTIAL_SETTINGS)


def _boto3_credentials(url: str) -> Any:
    """Profiles, single sign-on and whatever else boto3 knows. The only place that loads it."""
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 (0.3 s, rarely needed)

    try:
        return within_deadline(Boto3CredentialProvider, f"no credentials were found for {url}")
    except StatebagError:
        raise
    except Exception as error:  # noqa: BLE001 (boto3's errors have no common root; all are typed)
        raise ConfigurationError(
            f"no credentials for {url}: neither the environment nor boto3 has any "
            f"({type(error).__name__})",
            hint=CREDENTIALS_HINT,
        ) from None
