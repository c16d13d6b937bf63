"""Read from a template whether the functions of a definition seal, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.asl.cloudformation import FUNCTION_TYPES
from statebag.asl.documents import read_text
from statebag.asl.source_files import packaged_code
from statebag.errors import ConfigurationError
from statebag.lint.handler_source import handler_uses_statebag, module_file
from statebag.lint.step_budget import step_budget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from statebag.asl.machines import MachineSource

__all__ = ["FunctionSettings", "function_settings"]

_BYTES = re.compile(r"[0-9]{1,18}")
_SCOPE = re.compile(r"\bscope\s*=")
# Families of Lambda's runtimes that are of one other language (its developer guide, "Runtimes").
# What a `provided` one runs is not known.
_OTHER_RUNTIMES = ("nodejs", "java", "dotnet", "ruby", "go")
_QUALIFIED = frozenset({"AWS::Lambda::Alias", "AWS::Lambda::Version"})
_STATE_DATA_MANAGER = "statebag.state_data_manager.lambda_handler"


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """The settings of a function in a template.

    Attributes:
        seals: Whether it seals what it returns; None if unknown.
        bag_bytes: The `budget` of its decorator, else its STATEBAG_MAX_BAG_BYTES.
        control: Its STATEBAG_CONTROL.
        movable: Its STATEBAG_MOVABLE.
        names_scope: Whether its module names the path of the execution's id (`step(scope=...)`).
        other_runtime: Its runtime if that is of another language, where nothing opens a bag.
    """

    seals: bool | None
    bag_bytes: int | None = None
    control: tuple[str, ...] = ()
    movable: tuple[str, ...] = ()
    names_scope: bool = False
    other_runtime: str | None = None


def function_settings(machine: MachineSource) -> dict[str, FunctionSettings]:
    """Return the settings of a template's functions, by every name that a definition may use.

    The result is empty for a definition that no template names.
    """
    if machine.template is None:
        return {}
    return _named(machine.substitutions, _functions(machine.folder, machine.template))


def _named(
    substitutions: Mapping[str, Any], functions: Mapping[str, FunctionSettings]
) -> dict[str, FunctionSettings]:
    """Return settings by every name that a definition may use."""
    named = dict(functions)
    named.update({f"{name}.Arn": settings for name, settings in functions.items()})
    for placeholder, value in substitutions.items():
        target = _resource_of(value)
        if target is not None and target in functions:
            named[placeholder] = functions[target]
    return named


def _functions(folder: Path, document: dict[str, Any]) -> dict[str, FunctionSettings]:
    globals_ = document.get("Globals")
    defaults = globals_.get("Function") if isinstance(globals_, dict) else None
    defaults = defaults if isinstance(defaults, dict) else {}
    found = {}
    for name, resource in document["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") in FUNCTION_TYPES:
            own = resource.get("Properties")
            own = own if isinstance(own, dict) else {}
            packaged = packaged_code(folder, resource)
            if packaged is not None:
                own = {**own, "CodeUri": str(packaged.absolute())}
            settings = _settings(
                folder, {**defaults, **own}, _variables(defaults) | _variables(own)
            )
            found[name] = settings
            if isinstance(own.get("FunctionName"), str):
                found[own["FunctionName"]] = settings
    for name, resource in document["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") in _QUALIFIED:
            of = resource.get("Properties")
            target = _resource_of(of.get("FunctionName") if isinstance(of, dict) else None)
            if target is not None and target in found:
                found[name] = found[target]
    return found


def _resource_of(value: Any) -> str | None:
    """Return the resource that a `Ref` or `Fn::GetAtt` names; a text is returned as it is."""
    target = value
    if isinstance(value, dict) and len(value) == 1:
        (target,) = value.values()
    if isinstance(target, list) and target:
        target = target[0]
    return target.partition(".")[0] if isinstance(target, str) else None


def _variables(properties: dict[str, Any]) -> dict[str, Any]:
    environment = properties.get("Environment")
    variables = environment.get("Variables") if isinstance(environment, dict) else None
    return variables if isinstance(variables, dict) else {}


def _settings(
    folder: Path, properties: dict[str, Any], variables: dict[str, Any]
) -> FunctionSettings:
    runtime = _other_runtime(properties)
    return FunctionSettings(
        False if runtime else _seals(folder, properties, variables),
        None if runtime else _bag_bytes(folder, properties, variables),
        _listed(variables.get("STATEBAG_CONTROL")),
        _listed(variables.get("STATEBAG_MOVABLE")),
        _names_scope(folder, properties),
        runtime,
    )


def _other_runtime(properties: dict[str, Any]) -> str | None:
    """Return the runtime of a function that is not in Python; None if it is, or may be."""
    runtime = properties.get("Runtime")
    is_other = isinstance(runtime, str) and runtime.startswith(_OTHER_RUNTIMES)
    return runtime if is_other and properties.get("PackageType") != "Image" else None


def _module(folder: Path, properties: dict[str, Any]) -> tuple[Path | None, str]:
    """Return the file of the handler's module, if it is on this machine, and the handler's name."""
    handler, code = properties.get("Handler"), properties.get("CodeUri", ".")
    if not isinstance(handler, str) or not isinstance(code, str):
        return None, ""
    module, _, name = handler.rpartition(".")
    return module_file(folder / code, module.replace("/", ".")), name


def _bag_bytes(folder: Path, properties: dict[str, Any], variables: dict[str, Any]) -> int | None:
    file, name = _module(folder, properties)
    budget = None if file is None else step_budget(file, name)
    bound = str(variables.get("STATEBAG_MAX_BAG_BYTES", ""))
    return budget or (int(bound) if _BYTES.fullmatch(bound) else None)


def _names_scope(folder: Path, properties: dict[str, Any]) -> bool:
    file, _ = _module(folder, properties)
    try:
        return file is not None and _SCOPE.search(read_text(file)) is not None
    except ConfigurationError:  # not UTF-8, or too large: what it names is not known
        return False


def _listed(text: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else ()


def _seals(folder: Path, properties: dict[str, Any], variables: dict[str, Any]) -> bool | None:
    """Return whether a function seals, by its source if it is here, or by its environment."""
    handler, code = properties.get("Handler"), properties.get("CodeUri", ".")
    if handler == _STATE_DATA_MANAGER:
        return True
    if isinstance(handler, str) and isinstance(code, str):
        code_folder = folder / code
        module, _, name = handler.rpartition(".")
        module = module.replace("/", ".")
        if module_file(code_folder, module) is not None:
            uses = handler_uses_statebag(code_folder, module, name)
            if uses is not None:
                return uses
    return True if any(name.startswith("STATEBAG_") for name in variables) else None
