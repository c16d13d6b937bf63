"""Read which settings an AWS profile has, without their values, to know if botocore is needed.

Only the names of the settings are read here. botocore knows their meaning.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["profile_name", "profile_settings"]


def profile_name(options: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return the name of the profile that options or variables ask for; None if they ask for none.

    Args:
        options: As for `ObjectStorage`.
        variables: The environment's `store_settings`.
    """
    # The order of botocore.
    given = (
        options.get("profile"),
        variables.get("AWS_DEFAULT_PROFILE"),
        variables.get("AWS_PROFILE"),
    )
    return next(filter(None, given), None)


def profile_settings(options: Mapping[str, str], variables: Mapping[str, str]) -> set[str]:
    """Return the names of the profile's settings in both files, in lower case."""
    name = profile_name(options, variables) or "default"
    config = variables.get("AWS_CONFIG_FILE") or "~/.aws/config"
    credentials = variables.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    sections = {name} if name == "default" else set()
    return _names(config, {*sections, f"profile {name}"}) | _names(credentials, {name})


def _names(path: str, sections: set[str]) -> set[str]:
    """Return the names of settings in sections of a file; an empty set if it cannot be read."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8", errors="replace") as file:  # noqa: PTH111, PTH123  # pathlib is loaded for this alone
            lines = file.read().splitlines()
    except OSError:
        return set()
    found, is_inside = set(), False
    for line in lines:
        text = line.strip()
        if text.startswith("["):
            title = text[1:].partition("]")[0]
            is_inside = " ".join(title.replace('"', " ").replace("'", " ").split()) in sections
        elif is_inside and "=" in text and text[0] not in "#;":
            found.add(text.partition("=")[0].strip().lower())
    return found
