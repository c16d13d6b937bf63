"""Set up the object storage client: address, endpoint, credentials, timeouts."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import msgspec
import obstore
from obstore import exceptions as client
from obstore.store import AzureStore, GCSStore, S3Store

from statebag.errors import ConfigurationError
from statebag.store import native_client
from statebag.store.aws_endpoint import (
    KEYS,
    aws_endpoint,
    aws_option,
    checksum_algorithm,
    has_fixed_credentials,
)
from statebag.store.aws_profile import profile_settings
from statebag.store.aws_settings import (
    AwsServer,
    aws_sdk_is_installed,
    aws_server,
    express_host,
    trusted_authorities,
)
from statebag.store.durations import seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.store.aws_credentials import SdkCredentials
    from statebag.store.azure_credentials import AzureCredentials
    from statebag.store.google_credentials import GoogleCredentials
    from statebag.store.sdk_client import SdkClient
    from statebag.store.store_place import StorePlace

__all__ = [
    "Connection",
    "by_sdk",
    "connected",
    "custom_endpoint",
    "is_own_server",
    "longest_seconds",
    "settings_digest",
]

_CHECKSUM = "checksum_algorithm"
_TIMEOUT = "20s"  # of a whole request: 3 attempts fit into the default deadline of 60 s
_OLDER_TOKEN = "AWS_SECURITY_TOKEN"  # noqa: S105  # a variable's name

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

# Options of S3 that are understood here, and not by the client.
_DECIDED = frozenset(
    {
        "default_region",
        "endpoint",
        "endpoint_url",
        "endpoint_url_s3",
        "profile",
        "region",
        "s3_express",
        "virtual_hosted_style_request",
    }
)


class Connection(msgspec.Struct, frozen=True):
    """A client, and the settings that it was made with.

    Attributes:
        client: The client of obstore.
        credentials: The source of keys or tokens for each request; None if it has its own.
        region: The region that requests to S3 are signed for; None for other stores.
        is_by_sdk: Whether the client sends its requests by botocore.
    """

    client: AzureStore | GCSStore | S3Store | SdkClient
    credentials: SdkCredentials | GoogleCredentials | AzureCredentials | None = None
    region: str | None = None
    is_by_sdk: bool = False

    @property
    def calls(self) -> Any:
        """The object with the calls of obstore, whose first argument is `client`."""
        return self.client if self.is_by_sdk else obstore


def connected(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    region: str | None = None,
    needs_sdk: bool = False,
) -> Connection:
    """Return a client for a place, without sending a request to it.

    Args:
        place: The place of the store.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`; the client itself reads others.
        region: The region of an S3 bucket, if it is known.
        needs_sdk: Whether only botocore understands the answers of an S3 server.

    Raises:
        ConfigurationError: A setting is wrong, or there are no credentials.
    """
    http: dict[str, Any] = {"connect_timeout": "3s", "timeout": _TIMEOUT}
    config: dict[str, Any] = {}
    for key, value in options.items():
        plain = key.lower().removeprefix("aws_") if place.scheme == "s3" else key
        if plain in _HTTP_OPTIONS:
            http[plain] = value
        else:
            config[key] = value
    if "root_certificate" not in http:
        authorities = trusted_authorities(options, variables, has_profiles=place.scheme == "s3")
        if authorities is not None:
            http["root_certificate"] = authorities
    bucket = place.bucket
    credentials: SdkCredentials | GoogleCredentials | AzureCredentials | None
    if place.scheme == "s3":
        credentials, server = _for_s3(place, options, variables, config, http, region)
        region = server.region
        if needs_sdk or (server.is_express and aws_sdk_is_installed()):
            return by_sdk(place, options, variables, region=region, credentials=credentials)
        bucket = bucket.replace(":", "-").replace("/", "-")  # of an ARN: its URL is known by now
        if not {"proxy_url", "proxy_excludes"} & http.keys() and _has_proxy(variables):
            from statebag.store.proxy_settings import proxy_settings  # noqa: PLC0415 (few have one)

            url = config.get("endpoint") or f"https://{express_host(bucket, region)}"
            http |= proxy_settings(url, variables)
    elif place.scheme == "gs":
        from statebag.store.google_credentials import complete_google  # noqa: PLC0415 (not for S3)

        credentials = complete_google(place.url, options, variables, config, http)
    else:
        from statebag.store.azure_credentials import complete_azure  # noqa: PLC0415 (not for S3)

        credentials = complete_azure(place.url, options, variables, config, http)
    arguments: dict[str, Any] = {}
    if credentials is not None:
        arguments["credential_provider"] = credentials
    make: Any = _CLIENTS[place.scheme]  # each takes typed dictionaries; it checks the keys
    try:
        made = make(
            bucket,
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
            hint=f"Check {given}the environment variables {_VARIABLES[place.scheme]}",
        ) from None
    native_client.note_client(made)
    return Connection(made, credentials, region)


def by_sdk(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    region: str | None,
    credentials: object,
) -> Connection:
    """Return a connection to a bucket of S3 whose requests botocore sends, without sending one.

    Args:
        place: The place of the store.
        options: As for `ObjectStorage`.
        variables: The store's `store_settings`.
        region: The region that requests are signed for.
        credentials: The source of keys; None if the client's own chain or a setting has them.

    Raises:
        ConfigurationError: botocore has no counterpart of an option.
    """
    from statebag.store.sdk_client import SdkClient  # noqa: PLC0415 (few buckets need it)

    made = SdkClient(
        place,
        options,
        variables,
        region=region or "",
        credentials=credentials,
        seconds=longest_seconds(options) or 20.0,
    )
    source: Any = credentials
    return Connection(made, source, region, is_by_sdk=True)


def _for_s3(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    config: dict[str, Any],
    http: dict[str, Any],
    region: str | None,
) -> tuple[SdkCredentials | None, AwsServer]:
    """Complete the client's settings for S3; return the source of keys, and the server."""
    server = aws_server(place, options, variables, region=region)
    for key in [*config]:
        if key.lower().removeprefix("aws_") in _DECIDED:
            del config[key]
    if owner := config.pop("expected_bucket_owner", None):
        http["default_headers"] = {"x-amz-expected-bucket-owner": owner}
    config["region"] = server.region
    # One DELETE as boto3 sends it: the other form needs no other right, but few servers have it.
    config.setdefault("disable_bulk_delete", "true")
    # Always set: otherwise a variable would win.
    config["s3_express"] = "true" if server.is_express else "false"
    config["virtual_hosted_style_request"] = "true"
    if not server.is_express:
        config["endpoint"] = config["aws_endpoint_url_s3"] = server.base_url
        if server.base_url.startswith("http://"):
            http["allow_http"] = True
    for key in [key for key in config if key.lower().removeprefix("aws_") == _CHECKSUM]:
        del config[key]
    if (algorithm := checksum_algorithm(options, variables)) is not None:
        config[_CHECKSUM] = algorithm
    token = variables.get(_OLDER_TOKEN)
    has_keys = all(variables.get(f"AWS_{name}") for name in KEYS)
    if token and has_keys and not aws_option(options, KEYS[0].lower()):
        # boto3 takes this name first. The client does not know it, and wants all three together.
        config |= {f"aws_{name.lower()}": variables[f"AWS_{name}"] for name in KEYS}
        config["aws_session_token"] = token
    if has_fixed_credentials(options, variables):
        return None, server
    from statebag.store.aws_credentials import credentials_for  # noqa: PLC0415 (not in a Lambda)

    return credentials_for(place.url, options, variables, server.region), server


def _has_proxy(variables: Mapping[str, str]) -> bool:
    return any(name.lower().endswith("_proxy") for name in variables)


def settings_digest(options: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """Return a digest of the settings that decide the server and the account of an address.

    All options and `store_settings` count, except those that are known to have no influence.
    """
    # Not hashed one by one: a setting may be a short secret, which its digest would reveal.
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
    """Return the server's address, if options or variables name one."""
    if scheme == "s3":
        return aws_endpoint(options, variables)
    if scheme == "gs":
        return options.get("base_url") or variables.get("GOOGLE_BASE_URL")
    from statebag.store.azure_credentials import azure_endpoint  # noqa: PLC0415 (not for S3)

    return azure_endpoint(options, variables)


def is_own_server(scheme: str, options: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Return whether the server is not the provider's, so that less is assumed about it."""
    # Google's client is told of another one by its account's key, as emulators want it.
    keys = [*options.values(), variables.get("GOOGLE_SERVICE_ACCOUNT_KEY", "")]
    is_emulated = scheme == "gs" and (
        any("gcs_base_url" in key for key in keys) or bool(variables.get("STORAGE_EMULATOR_HOST"))
    )
    has_profile = scheme == "s3" and bool(
        profile_settings(options, variables) & {"endpoint_url", "services"}
    )
    return is_emulated or has_profile or custom_endpoint(scheme, options, variables) is not None


def longest_seconds(options: Mapping[str, str]) -> float | None:
    """Return the client's own limit for a request in seconds; None if it is not known."""
    return seconds_of(aws_option(options, "timeout") or _TIMEOUT)
