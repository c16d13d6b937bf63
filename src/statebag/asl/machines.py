"""The state machines in files: definitions, templates, and folders of both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from statebag.asl.cloudformation import FUNCTION_TYPES
from statebag.asl.definition import member_path
from statebag.asl.documents import MOST_BYTES, parse_document, read_text
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["FunctionSettings", "Machine", "files_below", "machines_in"]

_MACHINE_TYPES = frozenset({"AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine"})
_SUFFIXES = (".json", ".yaml", ".yml", ".asl", ".template")
# A placeholder where a number or an object is meant, without quotes.
_BARE_PLACEHOLDER = re.compile(r"(?<=[:\[,])(\s*)(\$\{[A-Za-z0-9_.:-]+\})(?=\s*[,}\]])")
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>.*)|"
    r"import[ \t]+(?P<plain>[\w.]+))",
    re.MULTILINE,
)
_MOST_MODULES = 100
_STATE_DATA_MANAGER = "statebag.state_data_manager.lambda_handler"


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What a template says of a function.

    Attributes:
        seals: Whether it seals what it returns; None where that cannot be told.
        bag_bytes: Its STATEBAG_MAX_BAG_BYTES.
        control: Its STATEBAG_CONTROL.
        movable: Its STATEBAG_MOVABLE.
    """

    seals: bool | None
    bag_bytes: int | None = None
    control: tuple[str, ...] = ()
    movable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """A definition, with where it stands.

    Attributes:
        file: As named.
        name: Of the resource in a template; empty for a definition's own file.
        definition: As parsed, checked for nothing.
        lines: Line by path, from 1.
        functions: Settings by what the definition calls a function: a placeholder's or its name.
    """

    file: str
    name: str
    definition: Any
    lines: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, FunctionSettings] = field(default_factory=dict)

    def line_of(self, path: str) -> int:
        """The line of a path, or of the nearest place around it; 0 where none is known."""
        while path not in self.lines and path != "$":
            path = path[: max(path.rfind("."), path.rfind("["), 1)]
        return self.lines.get(path, 0)


def files_below(paths: list[Path]) -> Iterator[tuple[Path, bool]]:
    """Files to look into, and whether each was named itself; of folders those that may fit."""
    for path in paths:
        if not path.is_dir():
            yield path, True
            continue
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if hidden or "node_modules" in file.parts or not file.is_file():
                continue
            if file.suffix in _SUFFIXES and file.stat().st_size <= MOST_BYTES:
                yield file, False


def machines_in(path: Path, *, named: bool) -> Iterator[Machine]:
    """The machines of a file.

    Args:
        path: The file.
        named: Whether the file was named itself: then one without a machine is an error.

    Raises:
        ConfigurationError: It cannot be read, or has no machine and was named.
    """
    try:
        text = read_text(path)
        document = _parsed(text, str(path))
    except ConfigurationError:
        if named:
            raise
        return
    if isinstance(document, dict) and isinstance(document.get("Resources"), dict):
        found = list(_of_template(path, document, text))
        if named and not found:
            raise ConfigurationError(f"{path} has no state machine", path="$.Resources")
        yield from found
    elif isinstance(document, dict) and ({"StartAt", "States"} & document.keys()):
        if named or {"StartAt", "States"} <= document.keys():
            yield Machine(str(path), "", document, _lines(text, "$"))
    elif named:
        raise ConfigurationError(
            f"{path} is not a state machine's definition",
            hint='It is a JSON or YAML object with "StartAt" and "States", or a template',
        )


def _parsed(text: str, place: str) -> Any:
    try:
        document = parse_document(text, place)
    except ConfigurationError:
        quoted = _BARE_PLACEHOLDER.sub(r'\1"\2"', text)
        if quoted == text:
            raise
        document = parse_document(quoted, place)
    return document


def _of_template(path: Path, document: dict[str, Any], text: str) -> Iterator[Machine]:
    resources = document["Resources"]
    functions = _functions(path, document)
    for name, resource in resources.items():
        if not isinstance(resource, dict) or resource.get("Type") not in _MACHINE_TYPES:
            continue
        properties = resource.get("Properties")
        properties = properties if isinstance(properties, dict) else {}
        here = f"$.Resources.{name}.Properties"
        file, definition, lines = str(path), properties.get("Definition"), {}
        uri, string = properties.get("DefinitionUri"), properties.get("DefinitionString")
        if isinstance(definition, dict):
            lines = {
                "$" + place.removeprefix(f"{here}.Definition"): line
                for place, line in _lines(text, "$").items()
                if place.startswith(f"{here}.Definition")
            }
        elif isinstance(uri, str) and (path.parent / uri).is_file():
            file = str(path.parent / uri)
            inner = read_text(path.parent / uri)
            definition, lines = _parsed(inner, file), _lines(inner, "$")
        elif (inner_text := _string(string)) is not None:
            definition = _parsed(inner_text, f"{path}, {name}")
        if definition is not None:
            named = _named(properties.get("DefinitionSubstitutions"), functions)
            yield Machine(file, name, definition, lines, named)


def _string(value: Any) -> str | None:
    """The text of a DefinitionString, what `Fn::Sub` would replace left as it is."""
    if isinstance(value, dict) and len(value) == 1 and "Fn::Sub" in value:
        value = value["Fn::Sub"]
        value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, dict) and len(value) == 1 and "Fn::Join" in value:
        return _joined(value["Fn::Join"])
    return value if isinstance(value, str) else None


def _joined(argument: Any) -> str | None:
    """The text of an `Fn::Join`, as the CDK writes it; what is no text is a placeholder in it."""
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        return None
    parts = [one if isinstance(one, str) else f"${{{_target(one)}}}" for one in argument[1]]
    return str(argument[0]).join(parts)


def _target(value: Any) -> str:
    """The resource that a `Ref` or an `Fn::GetAtt` leads to, as a placeholder names it."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if isinstance(value, list):
        value = ".".join(str(one) for one in value if isinstance(one, str))
    return re.sub(r"[^A-Za-z0-9_.:-]", "-", str(value))


def _named(
    substitutions: Any, functions: Mapping[str, FunctionSettings]
) -> dict[str, FunctionSettings]:
    """Settings by all names that a definition may use."""
    named = dict(functions)
    named.update({f"{name}.Arn": settings for name, settings in functions.items()})
    for placeholder, value in (substitutions if isinstance(substitutions, dict) else {}).items():
        target = value
        if isinstance(value, dict) and len(value) == 1:
            (target,) = value.values()
        if isinstance(target, list) and target:
            target = target[0]
        if isinstance(target, str):
            target = target.partition(".")[0]
            if target in functions:
                named[placeholder] = functions[target]
    return named


def _functions(path: Path, document: dict[str, Any]) -> dict[str, FunctionSettings]:
    globals_ = document.get("Globals")
    defaults = globals_.get("Function") if isinstance(globals_, dict) else None
    defaults = defaults if isinstance(defaults, dict) else {}
    found = {}
    for name, resource in document["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") in FUNCTION_TYPES:
            own = resource.get("Properties")
            own = own if isinstance(own, dict) else {}
            settings = _settings(path, {**defaults, **own}, _variables(defaults) | _variables(own))
            found[name] = settings
            if isinstance(own.get("FunctionName"), str):
                found[own["FunctionName"]] = settings
    return found


def _variables(properties: dict[str, Any]) -> dict[str, Any]:
    environment = properties.get("Environment")
    variables = environment.get("Variables") if isinstance(environment, dict) else None
    return variables if isinstance(variables, dict) else {}


def _settings(
    path: Path, properties: dict[str, Any], variables: dict[str, Any]
) -> FunctionSettings:
    bound = str(variables.get("STATEBAG_MAX_BAG_BYTES", ""))
    return FunctionSettings(
        _seals(path, properties, variables),
        int(bound) if bound.isdigit() else None,
        _listed(variables.get("STATEBAG_CONTROL")),
        _listed(variables.get("STATEBAG_MOVABLE")),
    )


def _listed(text: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else ()


def _seals(path: Path, properties: dict[str, Any], variables: dict[str, Any]) -> bool | None:
    """By the handler's source where it is here, else by its environment."""
    handler, code = properties.get("Handler"), properties.get("CodeUri", ".")
    if handler == _STATE_DATA_MANAGER:
        return True
    if isinstance(handler, str) and isinstance(code, str):
        folder = path.parent / code
        module = handler.rpartition(".")[0].replace("/", ".")
        if _module_file(folder, module) is not None:
            return _names_statebag(folder, module)
    return True if any(name.startswith("STATEBAG_") for name in variables) else None


def _module_file(folder: Path, module: str) -> Path | None:
    """The file of a module in a function's own code."""
    stem = folder / module.replace(".", "/")
    files = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _names_statebag(folder: Path, module: str) -> bool:
    """Whether a module, or one of the function's own that it imports, names statebag."""
    seen: set[str] = set()
    ahead = [module]
    while ahead and len(seen) < _MOST_MODULES:
        name = ahead.pop()
        file = _module_file(folder, name)
        if name in seen or file is None:
            continue
        seen.add(name)
        text = read_text(file)
        if "statebag" in text:
            return True
        for line in _IMPORT.finditer(text):
            ahead.append(line["module"] or line["plain"])
            # What is imported from a package may be a module of it.
            ahead.extend(
                f"{line['module']}.{one}" for one in re.findall(r"\w+", line["names"] or "")
            )
    return False


def _lines(text: str, root: str) -> dict[str, int]:
    """The line of each key and item; empty where the text is none that can be followed."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text.expandtabs(2), loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    found: dict[str, int] = {root: 1}
    pending: list[tuple[str, Any, bool]] = [(root, node, False)]
    while pending:
        path, one, of_states = pending.pop()
        if isinstance(one, yaml.MappingNode):
            for key, value in one.value:
                name = str(key.value)
                place = member_path(path, name) if of_states else f"{path}.{name}"
                if place not in found:
                    found[place] = key.start_mark.line + 1
                    pending.append((place, value, name == "States"))
        elif isinstance(one, yaml.SequenceNode):
            for index, value in enumerate(one.value):
                found[f"{path}[{index}]"] = value.start_mark.line + 1
                pending.append((f"{path}[{index}]", value, False))
    return found
