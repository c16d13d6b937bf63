"""Use Azure accounts that the client does not understand: connection strings, azure-identity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from statebag.errors import ConfigurationError, NotPermitted, StatebagError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AzureCredentials", "azure_account", "azure_endpoint", "complete_azure"]

_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_SCOPE = "https://storage.azure.com/.default"
_ENDPOINT_OPTIONS = ("azure_storage_endpoint", "azure_endpoint", "endpoint")
_ENDPOINT_VARIABLES = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
_SUFFIX = "core.windows.net"
# Any of these, as an option or in the environment after AZURE_STORAGE_ or AZURE_, tells the
# client itself where credentials come from.
_GIVEN = (
    "access_key",
    "account_key",
    "client_secret",
    "fabric_session_token",
    "federated_token_file",
    "identity_endpoint",
    "master_key",
    "msi_endpoint",
    "sas_key",
    "sas_token",
    "skip_signature",
    "token",
    "use_azure_cli",
    "use_emulator",
)


class _Token(TypedDict):
    token: str
    expires_at: datetime


class AzureCredentials:
    """Give the client tokens from azure-identity's chain, which renews them.

    Args:
        url: The store's address, for messages.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._credential = _chain()
        self.failure: StatebagError | None = None
        """Why a token was last not to be had; None if it always was."""

    def __call__(self) -> _Token:
        """Return a token for one request, in the form of the client."""
        try:
            found = self._credential.get_token(_SCOPE)
        except Exception as error:  # noqa: BLE001  # its errors have no common root
            # Not chained: the text may have tenants and answers of servers in it.
            kind = type(error).__name__
            if kind in {"ServiceRequestError", "ServiceResponseError"}:
                self.failure = StoreUnavailable(
                    f"no credentials for {self._url} at the moment ({kind})",
                    hint="Check the network on the way to Azure's token service, and try again.",
                )
            else:
                self.failure = NotPermitted(
                    f"no credentials for {self._url}: azure-identity got no token ({kind})",
                    hint="Give the machine a managed identity, log in with `az login`, or set "
                    f"{_STRING}.",
                )
            raise self.failure from None
        return {
            "token": found.token,
            "expires_at": datetime.fromtimestamp(found.expires_on, UTC),
        }


def _chain() -> Any:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415  # slow; only if used

    return DefaultAzureCredential()


def azure_endpoint(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the server's address from options or variables; None if they have none."""
    given = [options.get(key) for key in _ENDPOINT_OPTIONS]
    given += [variables.get(name) for name in _ENDPOINT_VARIABLES]
    return next(filter(None, given), None)


def complete_azure(
    url: str,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    config: dict[str, Any],
    http: dict[str, Any],
) -> AzureCredentials | None:
    """Complete the client's settings for Azure.

    Args:
        url: The store's address, for messages.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        config: The client's settings, which this call changes.
        http: The settings of its HTTP client, which this call changes.

    Returns:
        The source of tokens; None if the client has or finds credentials itself.

    Raises:
        ConfigurationError: The connection string has the wrong form.
    """
    config.pop("connection_string", None)
    endpoint = azure_endpoint(options, variables)
    if endpoint is not None:
        for key in _ENDPOINT_OPTIONS:
            config.pop(key, None)
        config["endpoint"] = endpoint
    given = {key.lower().removeprefix("azure_").removeprefix("storage_") for key in config}
    account = azure_account(options, variables)
    config |= {key: account[key] for key in account if key not in given}
    if str(config.get("endpoint", "")).startswith("http://"):
        http["allow_http"] = True
    given = {key.lower().removeprefix("azure_").removeprefix("storage_") for key in config}
    starts = ("AZURE_STORAGE_", "AZURE_", "")
    if not given.isdisjoint(_GIVEN) or any(
        variables.get(f"{start}{name.upper()}") for start in starts for name in _GIVEN
    ):
        return None
    try:
        return AzureCredentials(url)
    except ImportError:
        return None  # the client asks the machine for its managed identity


def azure_account(options: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the client's options for a connection string; an empty dict if there is none.

    Args:
        options: As for `ObjectStorage`; `connection_string` is one.
        variables: The current environment's `store_settings`.

    Raises:
        ConfigurationError: The text is not `name=value;name=value` with an account.
    """
    text, name = options.get("connection_string"), "the option connection_string"
    if not text:
        text, name = variables.get(_STRING), _STRING
    if not text:
        return {}
    fields: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        field, equals, value = part.partition("=")
        if not equals:
            raise _wrong(name, "has a part without =")
        fields[field.lower()] = value
    if fields.get("usedevelopmentstorage", "").lower() == "true":
        return {"use_emulator": "true"}
    account, endpoint = fields.get("accountname"), fields.get("blobendpoint")
    if endpoint is None and account:
        protocol = fields.get("defaultendpointsprotocol", "https")
        endpoint = f"{protocol}://{account}.blob.{fields.get('endpointsuffix', _SUFFIX)}"
    if endpoint is None:
        raise _wrong(name, "has neither AccountName nor BlobEndpoint")
    found = {"endpoint": endpoint.rstrip("/"), "account_name": account or _account_of(endpoint)}
    if "accountkey" in fields:
        found["account_key"] = fields["accountkey"]
    elif "sharedaccesssignature" in fields:
        found["sas_token"] = fields["sharedaccesssignature"].removeprefix("?")
    return found


def _account_of(endpoint: str) -> str:
    """Return the account in an endpoint: the path (of emulators), or the first part of the host."""
    host, _, path = endpoint.partition("://")[2].partition("/")
    return path.strip("/") or host.partition(".")[0]


def _wrong(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} {what}",
        hint="Copy the connection string of the storage account from Azure's portal: "
        "DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=….",
    )
