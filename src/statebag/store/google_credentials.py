"""Support Google credentials that only google-auth understands: federation and impersonation."""

from __future__ import annotations

import os
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from statebag.errors import ConfigurationError, NotPermitted, StatebagError, StoreUnavailable
from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GoogleCredentials", "complete_google"]

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
# What the client reads by itself: https://google.aip.dev/auth/4110 names the kinds.
_NATIVE = frozenset({"authorized_user", "service_account"})
_FILE = "application_default_credentials.json"
# Options by which credentials, or none, are given to the client itself.
_GIVEN = (
    "bearer_token",
    "service_account",
    "service_account_key",
    "service_account_path",
    "skip_signature",
)
# A token is renewed when so little of it is left, so that no request begins with one that ends.
# Chosen: three times what all tries of a request take at most (60 s).
_RENEWED = timedelta(minutes=3)


class _Bearer(TypedDict):
    token: str
    expires_at: datetime | None


class GoogleCredentials:
    """Give the client tokens for a file that only google-auth understands.

    Args:
        url: The store's address, for messages.
        path: The file.
        kind: The `type` in the file.

    Raises:
        ConfigurationError: google-auth is not installed.
    """

    def __init__(self, url: str, path: str, kind: str) -> None:
        self._url, self._path, self._kind = url, path, kind
        self._lock = fork_safe_lock()
        self._credentials: Any = None
        self.failure: StatebagError | None = None
        """Why a token was last not to be had; None if it always was."""
        try:
            import google.auth  # noqa: PLC0415  # few environments need it
            from google.auth.transport.requests import Request  # noqa: PLC0415  # as above
        except ImportError:
            raise ConfigurationError(
                f"the credentials for {self._url} are of the type {self._kind}, and google-auth, "
                "which it needs, is not installed",
                hint="Install google-auth[requests], or use a service_account or authorized_user "
                "file.",
            ) from None
        self._library, self._request = google.auth, Request()

    def __call__(self) -> _Bearer:
        """Return a token for one request, in the form of the client."""
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = self._loaded()
                if not self._credentials.valid or self._is_ending():
                    self._credentials.refresh(self._request)
            except Exception as error:  # noqa: BLE001  # its errors have no common root
                # Not chained: the text may have a server's answer in it.
                self.failure = self._typed(error)
                raise self.failure from None
            expires = self._credentials.expiry
            return {
                "token": self._credentials.token,
                "expires_at": None if expires is None else expires.replace(tzinfo=UTC),
            }

    def _is_ending(self) -> bool:
        expires = self._credentials.expiry
        return expires is not None and expires.replace(tzinfo=UTC) - datetime.now(UTC) < _RENEWED

    def _loaded(self) -> Any:
        with warnings.catch_warnings():
            # It warns about files from other sources; this one is named by the environment.
            warnings.simplefilter("ignore", DeprecationWarning)
            load: Any = self._library.load_credentials_from_file  # it has no types
            credentials, _ = load(self._path, scopes=_SCOPES)  # perhaps asks for the project
        return credentials

    def _typed(self, error: Exception) -> StatebagError:
        kind = type(error).__name__
        if getattr(error, "retryable", False) or kind == "TransportError":
            return StoreUnavailable(
                f"no credentials for {self._url} at the moment ({kind})",
                hint="Check the network on the way to Google's token service, and try again.",
            )
        return NotPermitted(
            f"no credentials for {self._url}: no token was given for the type {self._kind} "
            f"({kind})",
            hint="Check the file that GOOGLE_APPLICATION_CREDENTIALS names, and its roles.",
        )


def complete_google(
    url: str,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    config: dict[str, Any],
    http: dict[str, Any],
) -> GoogleCredentials | None:
    """Complete the client's settings for Google.

    Args:
        url: The store's address, for messages.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        config: The client's settings, which this call changes.
        http: The settings of its HTTP client, which this call changes.

    Returns:
        The source of tokens; None if the client has or finds credentials itself.

    Raises:
        ConfigurationError: google-auth is needed, but not installed.
    """
    given = {key.lower().removeprefix("google_"): value for key, value in options.items()}
    # The variable by which Google's own libraries find an emulator.
    emulator = variables.get("STORAGE_EMULATOR_HOST")
    base_url = given.get("base_url") or variables.get("GOOGLE_BASE_URL")
    if emulator and not base_url:
        base_url = emulator if "://" in emulator else f"http://{emulator}"
        # How the client is told of a server that wants no credentials.
        account = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
        key = {**account, "gcs_base_url": base_url, "disable_oauth": True}
        if not any(given.get(name) for name in _GIVEN):
            given["service_account_key"] = msgspec.json.encode(key).decode()
            config["service_account_key"] = given["service_account_key"]
    if (base_url or "").startswith("http://"):
        http["allow_http"] = True
    if any(given.get(name) or variables.get(f"GOOGLE_{name.upper()}") for name in _GIVEN):
        return None
    path = given.get("application_credentials") or variables.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not path:
        folder = variables.get("CLOUDSDK_CONFIG") or "~/.config/gcloud"
        path = os.path.join(os.path.expanduser(folder), _FILE)  # noqa: PTH111, PTH118  # pathlib is loaded for this alone
    kind = _kind(path)
    return None if kind is None or kind in _NATIVE else GoogleCredentials(url, path, kind)


def _kind(path: str) -> str | None:
    """Return the type of a credentials file; None to leave the file to the client."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # as above
            kind = msgspec.json.decode(file.read(), type=dict[str, Any]).get("type")
    except (OSError, msgspec.DecodeError, UnicodeError):
        return None
    return kind[:40] if isinstance(kind, str) else None
