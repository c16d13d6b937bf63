"""Read environment variables, which no other module does.

| variable | meaning |
| --- | --- |
| STATEBAG_STORE | the store's address; by default a folder below the working directory |
| STATEBAG_STORE_OPTIONS | JSON: options of that store, and of others by their address |
| STATEBAG_REPLICAS | comma-separated addresses of stores that are read where the first fails |
| STATEBAG_SIGNING_KEYS | `name:base64,...`: stubs are signed by the first key and must be signed |
| STATEBAG_ENCRYPTION_KEYS | `base64,...`: objects are encrypted with the first key, read with all |
| STATEBAG_SHARED_FOLDERS | 1: the umask, not the owner alone, decides who reads a folder store |
| STATEBAG_PLAIN | 1: seal nothing, to see what a workflow does without this library |
| STATEBAG_LEGACY | 1: steps follow legacy pointers; STATEBAG_WIRE=0 implies it |
| STATEBAG_METRICS | `emf`: metrics of each step in CloudWatch's embedded format |
| STATEBAG_TRACING | `otel`: OpenTelemetry spans |
| STATEBAG_LOG | `json`: a line for each step |
| STATEBAG_MAX_BAG_BYTES, STATEBAG_CONTROL, ... | one for each setting of `Policy`, in capitals |
| STATEBAG_WIRE, STATEBAG_MERGE_RULES, ... | one for each setting of a room, such as the manager |

Lists (STATEBAG_CONTROL, STATEBAG_MOVABLE, ...) are separated by commas. Switches are 1, true or
yes, and 0, false or no. A variable of keys that is set and holds none is an error: a deployment
meant to protect something, and did not resolve the secret.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import msgspec

from statebag.errors import ConfigurationError
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "all_variables",
    "emf_names",
    "encryption_keys_from_environment",
    "folder_of_store",
    "folders_are_shared",
    "legacy_is_followed",
    "missing_aws_settings",
    "passing_place",
    "policy_from_environment",
    "replica_addresses",
    "s3_endpoint",
    "sealing_is_off",
    "settings_from_environment",
    "signing_keys_from_environment",
    "store_address",
    "store_options",
    "store_settings",
    "watchers_from_environment",
]

_Settings = TypeVar("_Settings", bound=msgspec.Struct)

_PREFIX = "STATEBAG_"
_STANDARD = str.maketrans("-_", "+/")
_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_QUOTED = 40  # characters of a value in a message. Chosen: enough to recognize it
_WATCHERS = tuple((kind, _PREFIX + kind.upper()) for kind in ("tracing", "metrics", "log"))
_LOCAL_FOLDER = "./.statebag/store"
_OPTIONS = "STATEBAG_STORE_OPTIONS"

_STORE_VARIABLES = {
    "s3": ("AWS_",),
    "gs": ("GOOGLE_", "CLOUDSDK_", "SERVICE_ACCOUNT", "STORAGE_EMULATOR_HOST"),
    "az": ("AZURE_", "MSI_", "IDENTITY_"),
}
"""The beginnings of the variables from which a kind of store takes its server and account."""

_WAY_TO_A_STORE = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
        *("HOME", "USERPROFILE"),
        _OPTIONS,
    }
)
"""Further variables, in upper or lower case, that every kind of store uses: proxies, trusted
authorities, the folder of profiles and credentials, and the options of the store."""


def store_address(environment: Mapping[str, str] | None = None) -> str:
    """Return the address of the store.

    Raises:
        ConfigurationError: It is not set in a function or container, where a local folder would be
            lost.
    """
    variables = os.environ if environment is None else environment
    address = variables.get("STATEBAG_STORE", "").strip()
    if address:
        return address
    place = passing_place(variables)
    if place is not None:
        raise ConfigurationError(
            f"STATEBAG_STORE is not set, and the disk of {place} does not outlive it",
            hint="Set STATEBAG_STORE to s3://<bucket>/<prefix>, or a folder on a disk that stays.",
        )
    return _LOCAL_FOLDER


def folder_of_store() -> str | None:
    """Return the working directory, if the store's address starts from it; None otherwise."""
    address = os.environ.get("STATEBAG_STORE", "").strip()
    if "://" in address or address.startswith("/"):
        return None
    try:
        return os.getcwd()  # noqa: PTH109  # pathlib is slow to import
    except OSError:  # it was deleted; the store will report that
        return None


def store_options(address: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the options that STATEBAG_STORE_OPTIONS has for the store at an address.

    Args:
        address: The address of the store, as it was given.
        environment: Variables by name; by default those of the process.

    Raises:
        ConfigurationError: The variable is set and is not a JSON object of texts, or of such
            objects by address.
    """
    variables = os.environ if environment is None else environment
    text = variables.get(_OPTIONS, "").strip()
    if not text:
        return {}
    try:
        given = msgspec.json.decode(text, type=dict[str, str | dict[str, str]])
    except (msgspec.DecodeError, UnicodeError):
        # Options are not quoted: they may be secrets.
        raise ConfigurationError(
            f"{_OPTIONS} is not a JSON object of texts, nor of objects of texts by address",
            hint='Write {"timeout": "5s"}, or {"s3://bucket/prefix": {"region": "eu-west-1"}}.',
        ) from None
    own = variables.get("STATEBAG_STORE", "").strip() or _LOCAL_FOLDER
    found: dict[str, str] = {}
    if _is_below(address, own) and _is_below(own, address):
        found = {name: value for name, value in given.items() if isinstance(value, str)}
    # The shortest address comes first, so options of an address nearer to the store win.
    for place in sorted(given, key=len):
        options = given[place]
        if not isinstance(options, str) and _is_below(address, place):
            found |= options
    return found


def _is_below(address: str, place: str) -> bool:
    return f"{address.rstrip('/')}/".startswith(f"{place.rstrip('/')}/")


def store_settings(
    environment: Mapping[str, str] | None = None, *, scheme: str | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the variables that select the server and account behind a store's address.

    Args:
        environment: The variables; by default those of this process.
        scheme: `s3`, `gs` or `az` for those of one kind of store; None for those of all.
    """
    variables = os.environ if environment is None else environment
    kinds = _STORE_VARIABLES.values() if scheme is None else (_STORE_VARIABLES[scheme],)
    starts = tuple(start for kind in kinds for start in kind)
    return tuple(
        sorted(
            (name, value)
            for name in variables
            if name.startswith(starts) or name.upper() in _WAY_TO_A_STORE
            # None if another thread removed it a moment ago.
            if (value := variables.get(name)) is not None
        )
    )


def passing_place(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the words for the function or container of this process; None if there is none."""
    from statebag.environment_places import passing_place_in  # noqa: PLC0415  # few ask for it

    return passing_place_in(os.environ if environment is None else environment)


def replica_addresses(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the addresses of stores that are read if the first one fails."""
    variables = os.environ if environment is None else environment
    return tuple(filter(None, map(str.strip, variables.get("STATEBAG_REPLICAS", "").split(","))))


def signing_keys_from_environment(
    environment: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """Return the keys that stubs are signed with, by name; none if the variable is not set.

    Raises:
        ConfigurationError: The variable is set and is not of the form `name:base64,name:base64`,
            holds no key, a name twice, or a key that is too short.
    """
    variable = "STATEBAG_SIGNING_KEYS"
    keys: dict[str, bytes] = {}
    for number, one in enumerate(_entries(environment, variable), 1):
        name, colon, text = (part.strip() for part in one.partition(":"))
        if not colon:
            raise ConfigurationError(
                f"{variable}: key {number} has no name", hint="Write name:key,name:key."
            )
        if name in keys:
            raise ConfigurationError(
                f"{variable}: key {number} repeats the name of an earlier key",
                hint="Give each key its own name: the name in a stub says which key signed it.",
            )
        keys[name] = _key(text, f"{variable}: key {number}")
    if keys:
        from statebag.format.signature import check_keys  # noqa: PLC0415  # few use it

        with _of_variable(variable):
            check_keys(keys)
    return keys


def encryption_keys_from_environment(
    environment: Mapping[str, str] | None = None,
) -> tuple[bytes, ...]:
    """Return the keys that objects are encrypted with; none if the variable is not set.

    Raises:
        ConfigurationError: The variable is set and holds no key, or one that is not 32 bytes in
            base64.
    """
    variable = "STATEBAG_ENCRYPTION_KEYS"
    entries = _entries(environment, variable)
    keys = tuple(_key(one, f"{variable}: key {n}") for n, one in enumerate(entries, 1))
    if keys:
        from statebag.format.encryption_keys import check_keys  # noqa: PLC0415  # only with keys

        with _of_variable(variable):
            check_keys(keys)
    return keys


def _entries(environment: Mapping[str, str] | None, variable: str) -> list[str]:
    """Return the parts of a variable of keys; none if it is not set.

    An empty part is refused: it may be a secret that was not resolved. Taken as "no keys", it would
    switch off the protection; taken as one key fewer, it would make another key the first.
    """
    variables = os.environ if environment is None else environment
    text = variables.get(variable)
    if text is None:
        return []
    entries = [part.strip() for part in text.split(",")]
    if not all(entries):
        found = (
            "has an empty key among its keys" if any(entries) else "is set, but has no key in it"
        )
        raise ConfigurationError(
            f"{variable} {found}",
            hint=f"Check the secret that {variable} is made of, or unset it to go without keys.",
        )
    return entries


def _key(text: str, what: str) -> bytes:
    """Return the bytes of a key in either alphabet of base64, and never quote its text."""
    import binascii  # noqa: PLC0415  # few use it, and each process would load it

    bare = text.rstrip("=").translate(_STANDARD)
    padding = -len(bare) % 4
    if bare and len(text) - len(bare) in {0, padding}:
        try:
            return binascii.a2b_base64(bare + "=" * padding, strict_mode=True)
        except ValueError:  # also of a character that is not ASCII
            pass
    variable = what.partition(":")[0]
    raise ConfigurationError(f"{what} is not base64", hint=f"Write keys in base64 in {variable}.")


@contextmanager
def _of_variable(variable: str) -> Iterator[None]:
    """Name the variable in errors of the block."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{variable}: {error.message}", hint=error.hint) from None


def all_variables() -> tuple[tuple[str, str], ...]:
    """Return every variable of this process, copied once.

    Each lookup in `os.environ` encodes and decodes, and reading all settings takes a hundred.
    """
    return tuple(os.environ.items())


def s3_endpoint(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the S3 endpoint that the variables of AWS name, without a trailing slash."""
    variables = os.environ if environment is None else environment
    url = variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL")
    return url.rstrip("/") if url else None


def emf_names(environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the namespace and the service of metrics in CloudWatch's embedded format.

    The variables are those of Powertools for AWS Lambda.
    """
    variables = os.environ if environment is None else environment
    namespace = variables.get("POWERTOOLS_METRICS_NAMESPACE") or "Statebag"
    return namespace, variables.get("POWERTOOLS_SERVICE_NAME") or "statebag"


def missing_aws_settings(
    region: str, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables that AWS clients of this process still need, with dummy values.

    Args:
        region: The region if none is set.
        environment: Variables by name; by default those of the process.
    """
    variables = os.environ if environment is None else environment
    missing = {}
    if not variables.get("AWS_ACCESS_KEY_ID") and not variables.get("AWS_PROFILE"):
        missing = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    if not variables.get("AWS_DEFAULT_REGION") and not variables.get("AWS_REGION"):
        missing["AWS_DEFAULT_REGION"] = region
    return missing


def sealing_is_off(environment: Mapping[str, str] | None = None) -> bool:
    """Return whether states are to travel in plain form.

    Raises:
        ConfigurationError: The value of STATEBAG_PLAIN is not a switch.
    """
    return _switch("STATEBAG_PLAIN", environment)


def legacy_is_followed(environment: Mapping[str, str] | None = None) -> bool | None:
    """Return whether steps follow legacy pointers in their events; None if no variable decides it.

    STATEBAG_LEGACY decides it. If it is not set, STATEBAG_WIRE=0 does: then the state data manager
    of the workflow writes legacy pointers, and each of its functions gets them.

    Raises:
        ConfigurationError: STATEBAG_LEGACY is not a switch's value.
    """
    variables = os.environ if environment is None else environment
    if variables.get("STATEBAG_LEGACY", "").strip():
        return _switch("STATEBAG_LEGACY", variables)
    wire = variables.get("STATEBAG_WIRE", "").strip()
    return True if wire.isdecimal() and int(wire[:_QUOTED]) == 0 else None


def folders_are_shared(environment: Mapping[str, str] | None = None) -> bool:
    """Return whether the umask decides who may read the files of a folder store.

    Raises:
        ConfigurationError: The value of STATEBAG_SHARED_FOLDERS is not a switch.
    """
    return _switch("STATEBAG_SHARED_FOLDERS", environment)


def _switch(variable: str, environment: Mapping[str, str] | None) -> bool:
    variables = os.environ if environment is None else environment
    text = variables.get(variable, "").strip()
    return bool(text) and _parsed(text, bool, variable)


def watchers_from_environment(
    environment: Mapping[str, str] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Return the kind of each watcher (`metrics`, `tracing`, `log`) and the name asked for."""
    variables = os.environ if environment is None else environment
    asked = [(kind, variables.get(variable, "")) for kind, variable in _WATCHERS]
    return tuple([(kind, name) for kind, name in asked if name])


def policy_from_environment(environment: Mapping[str, str] | None = None) -> Policy:
    """Return the policy of the environment; settings without a variable keep their default.

    Raises:
        ConfigurationError: A value has the wrong type, or the policy refuses it.
    """
    return settings_from_environment(Policy, environment)


def settings_from_environment(
    kind: type[_Settings], environment: Mapping[str, str] | None = None
) -> _Settings:
    """Make a struct of settings; each is read from `STATEBAG_` and its name in capitals.

    Args:
        kind: The struct's class. Its fields are numbers, switches and tuples of strings, all with
            defaults. Its PROTECTIONS, if it has any, are refused if they are set to nothing.
        environment: Variables by name; by default those of the process.

    Raises:
        ConfigurationError: A value has the wrong type, or the class refuses it.
    """
    variables = os.environ if environment is None else environment
    protections = getattr(kind, "PROTECTIONS", ())
    settings: dict[str, Any] = {}
    for name in kind.__struct_fields__:
        variable = _PREFIX + name.upper()
        text = variables.get(variable, "").strip()
        # Empty means the default, except for protections: see _entries.
        if text or (name in protections and variable in variables):
            settings[name] = _parsed(text, _kinds(kind)[name], variable)
    return kind(**settings)


@cache
def _kinds(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the types of the settings; to find them out takes 1 ms, and few variables are set."""
    return get_type_hints(kind)


def _parsed(text: str, kind: object, variable: str) -> Any:
    if kind is bool:
        switch = _SWITCHES.get(text.lower())
        if switch is None:
            raise ConfigurationError(
                f"{variable} must be a switch such as 1 or 0, not {text[:_QUOTED]!r}",
                hint="Set it to 1, true or yes, or to 0, false or no.",
            )
        return switch
    if kind in {int, float}:
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            wanted = "an int" if kind is int else "a number"
            raise ConfigurationError(
                f"{variable} must be {wanted}, not {text[:_QUOTED]!r}"
            ) from None
    return tuple(part.strip() for part in text.split(",") if part.strip())
