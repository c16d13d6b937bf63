"""Read the settings of every command from `statebag.toml` or `[tool.statebag]`.

The file nearest to the working directory is read, in it or in a folder above it. An option on the
command line replaces the setting of the same name.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from statebag.environment import all_variables
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["SETTINGS", "defaults_of", "settings_file", "workflow_settings"]

SETTINGS: dict[str, type] = {
    "template": str,
    "machine": str,
    "input": str,
    "mocks": str,
    "store": str,
    "handlers": dict,
    "parameters": dict,
    "substitutions": dict,
    "env": dict,
    "control": list,
    "movable": list,
    "sealed": list,
}
"""The settings, each with the type of its value in the file."""

_FILES = {"template", "input", "mocks"}
_PATHS = {"control", "movable"}
_KINDS: dict[type, str] = {str: "text", dict: "a table of texts", list: "a list of texts"}
# Parameters of the commands that take a setting, where the name differs.
_PARAMETERS = {
    "template": ("workflow", "paths"),
    "input": ("input_",),
    "mocks": ("mocks", "mock_file"),
    "env": ("variables",),
}


def settings_file(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the nearest file with settings, and the settings.

    Args:
        folder: The working directory.

    Raises:
        ConfigurationError: A file is not TOML, or has an unknown setting or one of the wrong type.
    """
    for place in (folder, *folder.parents):
        for name, keys in (("statebag.toml", ()), ("pyproject.toml", ("tool", "statebag"))):
            file = place / name
            if not file.is_file():
                continue
            found: Any = _parsed(file)
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return file, dict(_checked(file, found))
    return None


def defaults_of(
    file: Path, settings: Mapping[str, Any], parameters: set[str], *, as_deployed: bool = False
) -> dict[str, Any]:
    """Return the values of a command's parameters that the settings give.

    Args:
        file: The file of the settings, from whose folder their paths start.
        settings: As `settings_file` returns them.
        parameters: The names of the command's parameters.
        as_deployed: Whether the functions get only what their template gives them.
    """
    given: dict[str, Any] = {}
    # The functions of a template have the variables that it gives them; lint reads those.
    if as_deployed or ("paths" in parameters and _is_template(file, settings.get("template"))):
        settings = {name: one for name, one in settings.items() if name not in _PATHS}
    for name, value in settings.items():
        if name == "store" and dict(all_variables()).get("STATEBAG_STORE", "").strip():
            continue  # what the shell says is nearer
        for parameter in _PARAMETERS.get(name, (name,)):
            if parameter in parameters:
                given[parameter] = _as_arguments(file, name, value, several=parameter == "paths")
    if "variables" in parameters:
        paths = {
            f"STATEBAG_{name.upper()}": ",".join(settings[name])
            for name in sorted(_PATHS)
            if name in settings
        }
        given["variables"] = [
            f"{name}={value}" for name, value in {**paths, **settings.get("env", {})}.items()
        ]
    return given


def workflow_settings(
    file: Path, settings: Mapping[str, Any], *, as_deployed: bool = False
) -> dict[str, Any]:
    """Return the arguments of `load_workflow` that the settings give.

    Args:
        file: The file of the settings, from whose folder their paths start.
        settings: As `settings_file` returns them.
        as_deployed: Whether the functions get only what their template gives them.

    Returns:
        `path`, if a template is named, and `machine`, `handlers`, `parameters`, `substitutions` and
        `environment`, each if it is set.
    """
    given: dict[str, Any] = {
        name: settings[name]
        for name in ("machine", "parameters", "substitutions")
        if name in settings
    }
    if "template" in settings:
        given["path"] = file.parent / settings["template"]
    if "handlers" in settings:
        handlers = settings["handlers"].items()
        given["handlers"] = {key: _handler(file, one) for key, one in handlers if one}
    environment = dict(settings.get("env", {}))
    for name in () if as_deployed else sorted(_PATHS & settings.keys()):
        environment.setdefault(f"STATEBAG_{name.upper()}", ",".join(settings[name]))
    if environment:
        given["environment"] = environment
    return given


def _as_arguments(file: Path, name: str, value: Any, *, several: bool) -> Any:
    if name in _FILES or (name == "store" and "://" not in value):
        path = value if value == "-" else os.path.relpath(file.parent / value)
        return [path] if several else path
    if name == "handlers":
        return [f"{key}={_handler(file, one)}" for key, one in value.items() if one]
    if isinstance(value, dict):
        return [f"{key}={one}" for key, one in value.items()]
    return value


def _handler(file: Path, target: str) -> str:
    """Return `folder/file.py:function` as seen from the working directory."""
    source, colon, function = target.rpartition(":")
    if source.endswith(".py"):
        source = os.path.relpath(file.parent / source)
    return f"{source}{colon}{function}"


def _is_template(file: Path, template: str | None) -> bool:
    """Return whether the file is a template with functions, and so with their variables."""
    if template is None:
        return False
    try:
        text = (file.parent / template).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # the command says what is wrong with it
    is_template = re.search(r'^\s*"?Resources"?\s*:', text, re.MULTILINE) is not None
    return is_template and re.search(r"\bAWS::(Serverless|Lambda)::Function\b", text) is not None


def _parsed(file: Path) -> Any:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        where = f": {error}" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise ConfigurationError(
            f"{file} cannot be read as TOML{where}", hint="Correct the file, or remove it."
        ) from None


def _checked(file: Path, found: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"{file}: tool.statebag must be a table, not {type(found).__name__}",
            hint="Write [tool.statebag].",
        )
    for name, value in found.items():
        kind = SETTINGS.get(name)
        if kind is None:
            near = difflib.get_close_matches(name, SETTINGS, n=1)
            raise ConfigurationError(
                f"{file} has a setting {name[:80]!r}, which statebag does not know",
                hint=f"Did you mean {near[0]}?"
                if near
                else (f"The settings are {', '.join(SETTINGS)}."),
            )
        texts = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or not all(isinstance(one, str) for one in texts):
            raise ConfigurationError(
                f"{file}: {name} must be {_KINDS[kind]}, not {type(value).__name__}",
                hint="docs/settings.md has an example of each.",
            )
        yield name, value
