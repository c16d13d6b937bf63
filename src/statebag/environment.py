"""The one place that reads environment variables.

| variable | meaning |
| --- | --- |
| STATEBAG_STORE | the store's address; a folder below the working directory where it is not set |
| STATEBAG_REPLICAS | comma-separated addresses of stores that are read where the first fails |
| STATEBAG_SIGNING_KEYS | `name:base64,...`: stubs are signed by the first key and must be signed |
| STATEBAG_ENCRYPTION_KEYS | `base64,...`: objects are encrypted with the first key, read with all |
| STATEBAG_PLAIN | 1: seal nothing, to see what a workflow does without this library |
| STATEBAG_METRICS | `emf`: metrics of each step in CloudWatch's embedded format |
| STATEBAG_TRACING | `otel`: OpenTelemetry spans |
| STATEBAG_LOG | `json`: a line for each step |
| STATEBAG_MAX_BAG_BYTES, STATEBAG_CONTROL, ... | one for each setting of `Policy`, in capitals |

Lists (STATEBAG_CONTROL, STATEBAG_READABLE_SCOPES) are separated by commas; a switch
(STATEBAG_STRICT) is 1, true, yes, or 0, false, no, in any case.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from statebag.errors import ConfigurationError
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "encryption_keys_from_environment",
    "in_lambda",
    "policy_from_environment",
    "replica_addresses",
    "sealing_is_off",
    "signing_keys_from_environment",
    "store_address",
    "store_settings",
    "watchers_from_environment",
]

_PREFIX = "STATEBAG_"
_STANDARD = str.maketrans("-_", "+/")
_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_LOCAL_FOLDER = "./.statebag/store"


def store_address(environment: Mapping[str, str] | None = None) -> str:
    """The address of the store.

    Raises:
        ConfigurationError: None is set in a Lambda, where a local folder would be lost.
    """
    variables = os.environ if environment is None else environment
    address = variables.get("STATEBAG_STORE", "").strip()
    if address:
        return address
    if in_lambda(variables):
        raise ConfigurationError(
            "STATEBAG_STORE is not set, and a Lambda's own disk keeps nothing",
            hint="Set STATEBAG_STORE to s3://<bucket>/<prefix>.",
        )
    return _LOCAL_FOLDER


def store_settings(
    environment: Mapping[str, str] | None = None,
) -> tuple[tuple[str, str], ...]:
    """The variables that say which server and account the address of a store leads to."""
    variables = os.environ if environment is None else environment
    starts = ("AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "MSI_", "IDENTITY_")
    return tuple(sorted(one for one in variables.items() if one[0].startswith(starts)))


def replica_addresses(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The addresses of stores that are read where the first one fails."""
    variables = os.environ if environment is None else environment
    return tuple(filter(None, map(str.strip, variables.get("STATEBAG_REPLICAS", "").split(","))))


def signing_keys_from_environment(
    environment: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """The keys that stubs are signed with, by name; none where none are set.

    Raises:
        ConfigurationError: Not of the form `name:base64,name:base64`.
    """
    variables = os.environ if environment is None else environment
    text = variables.get("STATEBAG_SIGNING_KEYS", "")
    if not text:
        return {}
    import base64  # noqa: PLC0415  # few use it, and each process would load it

    keys: dict[str, bytes] = {}
    for one in filter(None, map(str.strip, text.split(","))):
        name, _, key = one.partition(":")
        try:
            keys[name] = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        except ValueError:
            # Not quoted: it is a secret.
            raise ConfigurationError(
                "STATEBAG_SIGNING_KEYS cannot be read",
                hint="Write name:key,name:key with keys in base64; the first one signs.",
            ) from None
    return keys


def encryption_keys_from_environment(
    environment: Mapping[str, str] | None = None,
) -> tuple[bytes, ...]:
    """The keys that objects are encrypted with; none where none are set.

    Raises:
        ConfigurationError: One is no base64.
    """
    variables = os.environ if environment is None else environment
    text = variables.get("STATEBAG_ENCRYPTION_KEYS", "")
    if not text:
        return ()
    import base64  # noqa: PLC0415  # as above

    try:
        return tuple(
            base64.b64decode(key.translate(_STANDARD) + "=" * (-len(key) % 4), validate=True)
            for key in filter(None, map(str.strip, text.split(",")))
        )
    except ValueError:
        # Not quoted: it is a secret.
        raise ConfigurationError(
            "STATEBAG_ENCRYPTION_KEYS cannot be read",
            hint="Write key,key, each 32 bytes in base64; the first one encrypts.",
        ) from None


def in_lambda(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this process is an AWS Lambda function."""
    variables = os.environ if environment is None else environment
    return "AWS_LAMBDA_FUNCTION_NAME" in variables and "AWS_LAMBDA_RUNTIME_API" in variables


def sealing_is_off(environment: Mapping[str, str] | None = None) -> bool:
    """Whether states are to travel in plain form."""
    variables = os.environ if environment is None else environment
    return variables.get("STATEBAG_PLAIN", "") not in {"", "0"}


def watchers_from_environment(
    environment: Mapping[str, str] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Who is told of each step: pairs of `metrics`, `tracing` or `log` and the name asked for."""
    variables = os.environ if environment is None else environment
    kinds = ("tracing", "metrics", "log")
    asked = ((kind, variables.get(f"{_PREFIX}{kind.upper()}", "")) for kind in kinds)
    return tuple((kind, name) for kind, name in asked if name)


def policy_from_environment(environment: Mapping[str, str] | None = None) -> Policy:
    """The policy that the environment asks for; what it does not name keeps its default.

    Raises:
        ConfigurationError: A value that is not a number or a switch, or that the policy refuses.
    """
    variables = os.environ if environment is None else environment
    kinds = _kinds()
    settings: dict[str, Any] = {}
    for name in Policy.field_names():
        variable = _PREFIX + name.upper()
        text = variables.get(variable, "").strip()
        if text:
            settings[name] = _parsed(text, kinds[name], variable)
    return Policy(**settings)


@cache
def _kinds() -> dict[str, Any]:
    """The types of the policy's settings; finding them out takes longer than a small seal."""
    return get_type_hints(Policy)


def _parsed(text: str, kind: object, variable: str) -> Any:
    if kind is bool:
        switch = _SWITCHES.get(text.lower())
        if switch is None:
            raise ConfigurationError(
                f"{variable} must be a switch",
                hint="Set it to 1, true or yes, or to 0, false or no.",
            )
        return switch
    if kind in {int, float}:
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            raise ConfigurationError(f"{variable} must be a number") from None
    return tuple(part.strip() for part in text.split(",") if part.strip())
