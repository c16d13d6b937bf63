"""Get keys for S3 from the client's own chain, or from botocore for each request."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from statebag.errors import ConfigurationError, NotPermitted, StatebagError, StoreUnavailable
from statebag.process.forking import fork_safe_lock
from statebag.store import aws_sdk
from statebag.store.aws_endpoint import (
    KEYS,
    aws_option,
    aws_region,
    has_fixed_credentials,
    is_on,
)
from statebag.store.aws_profile import profile_name, profile_settings
from statebag.store.bounded import within_deadline
from statebag.store.object_storage_errors import CREDENTIALS_HINT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SdkCredentials", "credentials_for", "keys_of"]

# How long the client may use an answer without asking again. Chosen: botocore decides when keys are
# renewed, and an answer of it takes 20 µs (measured). The client ignores a time that has passed.
_ANSWER_SECONDS = 1.0

_FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  # a variable's name
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105  # a variable's name
_WEB_IDENTITY = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")
# If any of these is set, roles are assumed at another server than the client would ask.
_OTHER_STS = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
_OTHER_STS_OF_PROFILE = frozenset(
    {
        "endpoint_url",
        "services",
        "sts_regional_endpoints",
        "use_dualstack_endpoint",
        "use_fips_endpoint",
    }
)
# botocore shows a container's token to nobody else without TLS (ContainerMetadataFetcher).
_CONTAINERS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"})
# Settings of a profile that lead to keys.
_ABOUT_KEYS = frozenset(
    {
        "aws_access_key_id",
        "credential_process",
        "credential_source",
        "login_session",
        "role_arn",
        "source_profile",
        "sso_account_id",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
    }
)
# Errors of botocore after which a retry can help; after all others a person must act.
_PASSING = frozenset(
    {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ConnectionError",
        "EndpointConnectionError",
        "HTTPClientError",
        "MetadataRetrievalError",
        "ReadTimeoutError",
    }
)
_LOG_IN = frozenset(
    {
        "PendingAuthorizationExpiredError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
# Errors of botocore about a profile that leads nowhere.
_WRONG_PROFILE = frozenset(
    {
        "ConfigParseError",
        "InfiniteLoopConfigError",
        "InvalidConfigError",
        "ParamValidationError",
        "PartialCredentialsError",
        "UnknownCredentialError",
    }
)
# What follows if the program of a profile is missing, or prints something else than keys.
_OF_A_PROCESS = frozenset(
    {
        "AttributeError",
        "FileNotFoundError",
        "JSONDecodeError",
        "KeyError",
        "NotADirectoryError",
        "PermissionError",
        "TypeError",
        "UnicodeDecodeError",
        "ValueError",
    }
)
_THROTTLED = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown")


class _Keys(TypedDict):
    access_key_id: str
    secret_access_key: str
    token: str | None
    expires_at: datetime


class SdkCredentials:
    """Give the client keys from botocore, which renews them as it does for boto3.

    Args:
        url: The store's address, for messages.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        region: The region of requests that assume a role; None for the global one.
        reason: The setting that needs botocore, for a message.

    Raises:
        ConfigurationError: botocore is not installed, or finds no credentials.
    """

    def __init__(
        self,
        url: str,
        options: Mapping[str, str],
        variables: Mapping[str, str],
        region: str | None,
        reason: str,
    ) -> None:
        self._url = url
        self._options, self._variables = options, variables
        self._region, self._reason = region, reason
        self._lock = fork_safe_lock()
        self._session: Any = None
        self._credentials: Any = None
        self.failure: StatebagError | None = None
        """Why keys were last not to be had; None if they always were."""
        with suppress(StoreUnavailable):  # it may answer when the first request needs the keys
            within_deadline(self._found, f"no credentials were found for {url}")

    def __call__(self) -> _Keys:
        """Return keys for one request, in the form of the client."""
        try:
            frozen = self._found().get_frozen_credentials()
        except StatebagError as error:
            self.failure = error
            raise
        except Exception as error:  # noqa: BLE001 (its errors have no common root)
            # Not chained: the text may have addresses and the output of a process in it.
            self.failure = self.typed(error)
            raise self.failure from None
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + timedelta(seconds=_ANSWER_SECONDS),
        }

    def session(self) -> Any:
        """Return the session of botocore that renews the keys."""
        self._found()
        return self._session

    def keys(self) -> dict[str, str | None]:
        """Return the current keys, by the names of botocore's arguments."""
        now = self()
        return {
            "aws_access_key_id": now["access_key_id"],
            "aws_secret_access_key": now["secret_access_key"],
            "aws_session_token": now["token"],
        }

    def _found(self) -> Any:
        with self._lock:
            if self._credentials is None:
                try:
                    self._session = aws_sdk.session_of(
                        self._options, self._variables, region=self._region, reason=self._reason
                    )
                    self._credentials = self._session.get_credentials()
                except StatebagError:
                    raise
                except Exception as error:  # noqa: BLE001 (its errors have no common root)
                    raise self.typed(error) from None
            if self._credentials is None:
                raise ConfigurationError(
                    f"no credentials for {self._url}: neither the environment nor botocore has any",
                    hint=CREDENTIALS_HINT,
                )
            return self._credentials

    def typed(self, error: Exception) -> StatebagError:
        """Return the library's error for one of botocore."""
        kind = type(error).__name__
        response = getattr(error, "response", None)
        code = str(response.get("Error", {}).get("Code", "")) if response else ""
        provider = (getattr(error, "kwargs", None) or {}).get("provider")
        if (
            kind in _PASSING
            or provider == "container-role"
            or any(word in code for word in _THROTTLED)
        ):
            return StoreUnavailable(
                f"no credentials for {self._url} at the moment ({code or kind})",
                hint="Check the container or service that provides them, and try again.",
            )
        has_process = "credential_process" in self._reason and kind in _OF_A_PROCESS
        if kind == "CredentialRetrievalError" or has_process:
            return NotPermitted(
                f"no credentials for {self._url}: {self._reason} returned none",
                hint="Run the profile's credential_process by hand to see the reason.",
            )
        if kind in _LOG_IN:
            return NotPermitted(
                f"the single sign-on for {self._url} has expired ({kind})",
                hint="Log in again with `aws sso login`.",
            )
        if code:
            return NotPermitted(
                f"no credentials for {self._url}: the role was not assumed ({code})",
                hint="Check role_arn, and that the role trusts the caller.",
            )
        if kind == "RuntimeError":  # of keys that are over when they are given
            return NotPermitted(
                f"no credentials for {self._url}: the keys of {self._reason} have expired",
                hint=(
                    "Get new keys: log in again, correct the program that gives them, or set "
                    "AWS_CREDENTIAL_EXPIRATION to the time at which they expire."
                ),
            )
        return ConfigurationError(
            f"no credentials for {self._url}: botocore cannot get any by {self._reason} ({kind})",
            hint=_hint(kind),
        )


def _hint(kind: str) -> str:
    if kind in _WRONG_PROFILE:
        return (
            "Correct the profile in ~/.aws/config and ~/.aws/credentials, or the half of a key in "
            "the environment; `aws sts get-caller-identity` shows the reason."
        )
    if kind == "MissingDependencyException":
        return "Install botocore[crt], which this profile needs, or use other credentials."
    return CREDENTIALS_HINT


def credentials_for(
    url: str, options: Mapping[str, str], variables: Mapping[str, str], region: str
) -> SdkCredentials | None:
    """Return the source of keys; None if the client's own chain gets them.

    Args:
        url: The store's address.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        region: The region for which requests are signed.

    Raises:
        ConfigurationError: Only botocore can get the keys, and it is not installed; or there are no
            keys.
    """
    if has_fixed_credentials(options, variables):
        return None
    has_keys = all(variables.get(f"AWS_{name}") for name in KEYS)
    if has_keys and not options.get("profile") and not aws_sdk.is_installed():
        return None  # they expire, and only another process can renew them
    needed = _only_botocore(options, variables)
    if needed is None:
        _check_files(variables)
    if needed is None and _client_alone(options, variables, region):
        return None
    if needed is not None or aws_sdk.is_installed():
        # Without a region, boto3 assumes roles at the server that has none in its name.
        of_roles = region if aws_region(options, variables) else None
        needed = needed or "the chain of credentials"
        return SdkCredentials(url, options, variables, of_roles, needed)
    if is_on(variables, "AWS_EC2_METADATA_DISABLED") and not _client_alone(
        options, variables, None
    ):
        raise ConfigurationError(
            f"no credentials for {url}: the environment has none, and botocore is not installed",
            hint=CREDENTIALS_HINT,
        )
    return None


def _only_botocore(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the setting because of which only botocore can get keys."""
    if options.get("profile"):
        return "the option profile"
    if all(variables.get(f"AWS_{name}") for name in KEYS):
        return "AWS_CREDENTIAL_EXPIRATION"  # botocore reads the later ones from the environment
    found = sorted(profile_settings(options, variables) & _ABOUT_KEYS)
    name = profile_name(options, variables)
    if found:
        return f"{', '.join(found)} of the profile {name or 'default'!r}"
    if name is not None:
        return f"the profile {name[:40]!r}"
    if variables.get(_FULL_URI) and not variables.get(_TOKEN_FILE):
        return _FULL_URI
    if variables.get(_RELATIVE_URI) and variables.get(_TOKEN):
        return _TOKEN
    return None


def _check_files(variables: Mapping[str, str]) -> None:
    """Refuse what the client would accept: a token that does not exist, or a foreign server.

    Raises:
        ConfigurationError: A file of a token cannot be read, or the token would be shown to a
            server that is not the machine's own, without TLS.
    """
    has_identity = all(map(variables.get, _WEB_IDENTITY))
    name = _WEB_IDENTITY[0] if has_identity else _TOKEN_FILE
    path = variables.get(name)
    # pathlib is loaded for this alone.
    if path and (os.path.isdir(path) or not os.access(path, os.R_OK)):  # noqa: PTH112
        raise ConfigurationError(
            f"the file that {name} names cannot be read",
            hint=f"Correct {name}, or unset it to use other credentials.",
        )
    url = variables.get(_FULL_URI)
    if not url or has_identity or variables.get(_RELATIVE_URI):
        return
    from urllib.parse import urlsplit  # noqa: PLC0415 (few environments need it)

    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    except ValueError:
        scheme = host = ""
    if scheme != "https" and host not in _CONTAINERS and not _is_loopback(host):
        raise ConfigurationError(
            f"{_FULL_URI} names a server other than this machine's, without TLS",
            hint=f"Use https:// in {_FULL_URI}, or the address that the container's platform sets.",
        )


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address  # noqa: PLC0415 (few environments need it)

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _client_alone(
    options: Mapping[str, str], variables: Mapping[str, str], region: str | None
) -> bool:
    """Return whether the client's own chain gives the same keys as botocore's.

    Args:
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        region: The region of requests; None if any keys will do.
    """
    if all(variables.get(name) for name in _WEB_IDENTITY):
        if region is None:
            return True
        return not (
            region.startswith(("cn-", "us-iso", "eu-iso", "eusc-"))
            or aws_region(options, variables) is None
            or any(map(variables.get, _OTHER_STS))
            or variables.get("AWS_STS_REGIONAL_ENDPOINTS", "").lower() == "legacy"
            or profile_settings(options, variables) & _OTHER_STS_OF_PROFILE
        )
    # botocore asks containers without the proxy.
    has_proxy = any(name.lower() == "http_proxy" and value for name, value in variables.items())
    is_container = variables.get(_RELATIVE_URI) or variables.get(_FULL_URI)
    return bool(is_container) and not (has_proxy and region is not None)


def keys_of(
    options: Mapping[str, str], variables: Mapping[str, str], credentials: object
) -> dict[str, str | None]:
    """Return the keys of a store's client, by the names of botocore's arguments.

    Args:
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.
        credentials: The source of the client's keys; None if it has its own.

    Returns:
        An empty dict if botocore finds the same keys as the client's own chain.
    """
    if isinstance(credentials, SdkCredentials):
        return credentials.keys()
    key, secret = aws_option(options, "access_key_id"), aws_option(options, "secret_access_key")
    if key and secret:
        token = aws_option(options, "session_token", "token")
    else:
        key, secret = variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY")
        names = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN", "AWS_TOKEN")
        token = next(filter(None, map(variables.get, names)), None)
    if not (key and secret):
        return {}
    return {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
