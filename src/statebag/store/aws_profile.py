"""Read which settings an AWS profile has, to find out whether botocore is needed.

Only the names of most settings are read: botocore knows their meaning. Values that are plain words,
such as a region, are read too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PROFILE_VARIABLES",
    "check_profile",
    "profile_name",
    "profile_settings",
    "profile_value",
]

PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
"""The variables that name a profile, in the order of botocore."""


def profile_name(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the name of the profile that options or variables ask for; None if they ask for none.

    Args:
        options: As for `ObjectStorage`.
        variables: The environment's `store_settings`.
    """
    given = (options.get("profile"), *map(variables.get, PROFILE_VARIABLES))
    return next(filter(None, given), None)


def profile_settings(options: Mapping[str, str], variables: Mapping[str, str]) -> set[str]:
    """Return the names of the profile's settings in both files, in lower case."""
    return set(_profile(options, variables) or {})


def profile_value(
    options: Mapping[str, str], variables: Mapping[str, str], name: str
) -> str | None:
    """Return a setting of the profile that is one line; None if the profile does not have it."""
    return (_profile(options, variables) or {}).get(name) or None


def check_profile(options: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Raise ConfigurationError if the profile that options or variables name does not exist."""
    name = profile_name(options, variables)
    if name is not None and name != "default" and _profile(options, variables) is None:
        raise ConfigurationError(
            f"the profile {name[:40]!r} is neither in the file of AWS_CONFIG_FILE nor in that of "
            "AWS_SHARED_CREDENTIALS_FILE (~/.aws/config and ~/.aws/credentials)",
            hint="Correct AWS_PROFILE or AWS_DEFAULT_PROFILE, or unset it.",
        )


def _profile(options: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str] | None:
    """Return the profile's settings; None if no file has the profile."""
    name = profile_name(options, variables) or "default"
    config = variables.get("AWS_CONFIG_FILE") or "~/.aws/config"
    credentials = variables.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    sections = {name} if name == "default" else set()
    found = _settings(config, {*sections, f"profile {name}"})
    secret = _settings(credentials, {name})
    # The order of botocore.
    return found if secret is None else {**(found or {}), **secret}


def _settings(path: str, sections: set[str]) -> dict[str, str] | None:
    """Return the settings in sections of a file; None if it has none of them, or cannot be read.

    A setting inside another one has no value here.
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8", errors="replace") as file:  # noqa: PTH111, PTH123  # pathlib is loaded for this alone
            lines = file.read().splitlines()
    except OSError:
        return None
    found: dict[str, str] = {}
    is_inside = is_there = False
    for line in lines:
        text = line.strip()
        if text.startswith("["):
            title = text[1:].partition("]")[0]
            is_inside = " ".join(title.replace('"', " ").replace("'", " ").split()) in sections
            is_there |= is_inside
        elif is_inside and "=" in text and text[0] not in "#;":
            key, _, value = text.partition("=")
            found[key.strip().lower()] = "" if line[0].isspace() else value.strip()
    return found if is_there else None
