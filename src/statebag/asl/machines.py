"""Find the state machines in files: in definitions, templates, and folders of both."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.cloudformation import MACHINE_TYPES
from statebag.asl.documents import MOST_BYTES, DocumentError, parse_document, read_text
from statebag.asl.meant_files import is_meant_by_name, is_meant_by_text
from statebag.asl.model import Position
from statebag.asl.positions import positions_in
from statebag.asl.source_files import packaged_definition, refuse_sources
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MachineSource", "files_below", "machines_in", "with_resource_texts"]

_SUFFIXES = (".json", ".yaml", ".yml", ".asl", ".template")
# A placeholder where a number or an object is meant, without quotes.
_BARE_PLACEHOLDER = re.compile(r"(?<=[:\[,])(\s*)(\$\{[A-Za-z0-9_.:-]+\})(?=\s*[,}\]])")

_REFERENCES = frozenset({"Resource", "FunctionName"})
_IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")  # `${!Name}` stays as text
_PARTITION = re.compile(r"\$\{AWS::Partition\}")


@dataclass(frozen=True, slots=True)
class MachineSource:
    """A definition and its place.

    Attributes:
        file: The file with the definition, as it was named.
        name: The resource in a template; empty for a definition's own file.
        value: The parsed definition, not checked; None if it cannot be read.
        positions: Positions in the file by path; empty if they are not known.
        template: The template that names it; None if there is none.
        folder: The folder of that template, or of the file.
        substitutions: The DefinitionSubstitutions of the template, not resolved.
        express: Whether the template makes it an Express machine.
        problem: The error that explains why `value` is missing; None if it is there.
    """

    file: str
    name: str
    value: Any
    positions: Mapping[str, Position] = field(default_factory=dict)
    template: dict[str, Any] | None = None
    folder: Path = Path()
    substitutions: Mapping[str, Any] = field(default_factory=dict)
    express: bool = False
    problem: ConfigurationError | None = None


def files_below(paths: list[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield the files to read, and whether each was named itself; of a folder, those that may fit.

    A file that was named and is also in a folder is yielded once.
    """
    apart = {path.resolve() for path in paths if not path.is_dir()}
    for path in paths:
        if not path.is_dir():
            yield path, True
            continue
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if hidden or "node_modules" in file.parts or file.is_dir():
                continue
            fits = is_meant_by_name(file) or _may_fit(file)
            if fits and file.resolve() not in apart:
                yield file, False


def _may_fit(file: Path) -> bool:
    """Return whether a file in a folder may be a definition, by its name and size."""
    fits = file.suffix in _SUFFIXES and file.is_file()
    return fits and file.stat().st_size <= MOST_BYTES


def machines_in(path: Path, *, named: bool) -> Iterator[MachineSource]:
    """Yield the machines of a file.

    A file in a folder whose name or text shows that it is a definition or a template, but that
    cannot be read, gives a machine without a value.

    Args:
        path: The file.
        named: Whether the file was named itself. Then a file without a machine is an error.

    Raises:
        ConfigurationError: It cannot be read, or has no machine, and was named.
    """
    text = ""
    try:
        text = read_text(path)
        if named:
            refuse_sources(path, text)
        document = _parsed(text, str(path))
    except ConfigurationError as error:
        if named:
            raise
        if is_meant_by_name(path) or is_meant_by_text(text):
            yield _unread(path, error)
        return
    if isinstance(document, dict) and isinstance(document.get("Resources"), dict):
        found = list(_of_template(path, document, text, named=named))
        if named and not found:
            raise ConfigurationError(f"{path} has no state machine", path="$.Resources")
        yield from found
    elif isinstance(document, dict) and ({"StartAt", "States"} & document.keys()):
        if named or is_meant_by_name(path) or {"StartAt", "States"} <= document.keys():
            document = with_resource_texts(document)
            yield MachineSource(str(path), "", document, positions_in(text), folder=path.parent)
    elif named or ".asl" in path.suffixes:
        other = ConfigurationError(
            f"{path} is not a state machine's definition",
            hint='It is a JSON or YAML object with "StartAt" and "States", or a template',
        )
        if named:
            raise other
        yield _unread(path, other)


def _unread(path: Path, error: ConfigurationError) -> MachineSource:
    """Return the machine of a definition or template that cannot be read."""
    positions = {}
    if isinstance(error, DocumentError) and error.line:
        positions = {"$": Position(error.line, error.column or 1)}
    return MachineSource(str(path), "", None, positions, folder=path.parent, problem=error)


def _parsed(text: str, place: str) -> Any:
    try:
        document = parse_document(text, place)
    except ConfigurationError:
        quoted = _BARE_PLACEHOLDER.sub(r'\1"\2"', text)
        if quoted == text:
            raise
        document = parse_document(quoted, place)
    return document


def _of_template(
    path: Path, document: dict[str, Any], text: str, *, named: bool
) -> Iterator[MachineSource]:
    in_template: dict[str, Position] | None = None
    for name, resource in document["Resources"].items():
        if not isinstance(resource, dict) or resource.get("Type") not in MACHINE_TYPES:
            continue
        properties = resource.get("Properties")
        properties = properties if isinstance(properties, dict) else {}
        file, definition = path, properties.get("Definition")
        positions: dict[str, Position] = {}
        problem: ConfigurationError | None = None
        try:
            if isinstance(definition, dict):
                definition = _with_texts(definition)
            elif (own := _definition_file(path.parent, properties)) is not None:
                file = own
                inner = read_text(file)
                definition, positions = _parsed(inner, str(file)), positions_in(inner)
            elif (inner_text := _string(properties.get("DefinitionString"))) is not None:
                definition = _parsed(inner_text, f"{path}, {name}")
            else:
                problem = _not_here(path, name, properties)
        except ConfigurationError as error:
            if named:
                raise
            problem = error
        if file == path and (problem is not None or isinstance(definition, dict)):
            in_template = positions_in(text) if in_template is None else in_template
            place = f"$.Resources.{name}"
            above = f"{place}.Properties.Definition"
            if problem is not None:
                positions = {"$": in_template[place]} if place in in_template else {}
            else:
                positions = {
                    "$" + one.removeprefix(above): position
                    for one, position in in_template.items()
                    if one == above or one.startswith((f"{above}.", f"{above}["))
                }
        elif isinstance(problem, DocumentError) and problem.line:
            positions = {"$": Position(problem.line, problem.column or 1)}
        given = properties.get("DefinitionSubstitutions")
        kind = properties.get("Type", properties.get("StateMachineType"))
        yield MachineSource(
            str(file),
            name,
            None if problem is not None else definition,
            positions,
            document,
            path.parent,
            given if isinstance(given, dict) else {},
            express=kind == "EXPRESS",
            problem=problem,
        )


def _definition_file(folder: Path, properties: Mapping[str, Any]) -> Path | None:
    """Return the file that a template names for a definition; None if it is not on this machine."""
    uri = properties.get("DefinitionUri")
    if isinstance(uri, str) and not uri.startswith("s3://"):
        return folder / uri
    return packaged_definition(folder, properties)


def _not_here(path: Path, name: str, properties: Mapping[str, Any]) -> ConfigurationError:
    """Return why a machine of a template has no definition to read."""
    if _is_elsewhere(properties):
        return ConfigurationError(
            f"the definition of {name} is in a bucket, which statebag does not read",
            hint="Name the definition's file.",
        )
    if {"Definition", "DefinitionString", "DefinitionUri"} & properties.keys():
        return ConfigurationError(
            f"the definition of {name} in {path} is a value that only the deployment knows",
            hint="Name the definition's file.",
        )
    return ConfigurationError(
        f"{name} in {path} does not have Definition, DefinitionUri or DefinitionString",
        hint="Give it one of them.",
    )


def with_resource_texts(value: Any) -> Any:
    """Return a definition in which texts replace the CloudFormation functions in each Resource.

    Then a definition of the Serverless Framework names a function as others do. All other values
    are kept: data may look like such a function.
    """
    if isinstance(value, list):
        return [with_resource_texts(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _with_texts(one) if key in _REFERENCES else with_resource_texts(one)
        for key, one in value.items()
    }


def _is_elsewhere(properties: Mapping[str, Any]) -> bool:
    """Return whether a definition is in a bucket, from which it is not read."""
    uri = properties.get("DefinitionUri")
    is_address = isinstance(uri, dict) or (isinstance(uri, str) and uri.startswith("s3://"))
    return is_address or "DefinitionS3Location" in properties


def _with_texts(value: Any) -> Any:
    """Return a definition with a text with placeholders for each function of CloudFormation.

    The values are those of a stack, which this module does not know: `!Sub`, `!Join`, `!GetAtt` and
    `Ref` keep their texts, with `${Name}` for what comes from elsewhere.
    """
    if isinstance(value, list):
        return [_with_texts(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name in {"Fn::Sub", "Fn::Join"}:
            text = _string(value)
            if text is not None:
                return _PARTITION.sub("aws", text)
        if name == "Ref" or (isinstance(name, str) and name.startswith("Fn::")):
            return f"${{{_target(argument)}}}"
    return {key: _with_texts(one) for key, one in value.items()}


def _string(value: Any) -> str | None:
    """Return the text of a DefinitionString, with its placeholders."""
    if isinstance(value, dict) and len(value) == 1 and "Fn::Sub" in value:
        value = _substituted(value["Fn::Sub"])
    if isinstance(value, dict) and len(value) == 1 and "Fn::Join" in value:
        return _joined(value["Fn::Join"])
    return value if isinstance(value, str) else None


def _substituted(argument: Any) -> Any:
    """Return the text of an `Fn::Sub`; its map's names become those of what they stand for.

    The plugin serverless-step-functions writes such maps, with digests as names.
    """
    if not isinstance(argument, list) or not argument:
        return argument
    text = argument[0]
    given = argument[1] if len(argument) > 1 and isinstance(argument[1], dict) else {}
    if not isinstance(text, str):
        return text

    known: dict[str, str] = {}
    length = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal length
        value = given.get(found[1])
        if value is None:
            return found[0]
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        if found[1] not in known:
            part = _string(value)
            known[found[1]] = f"${{{_target(value)}}}" if part is None else part
        length += len(known[found[1]])
        if length > MOST_BYTES:
            raise ConfigurationError(
                f"an Fn::Sub of the template makes a text of more than {MOST_BYTES:,} characters"
            )
        return known[found[1]]

    return _IN_SUB.sub(replaced, text)


def _joined(argument: Any) -> str | None:
    """Return the text of an `Fn::Join`, as the CDK writes it, with placeholders."""
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        return None
    parts = [one if isinstance(one, str) else f"${{{_target(one)}}}" for one in argument[1]]
    return str(argument[0]).join(parts)


def _target(value: Any) -> str:
    """Return the resource of a `Ref` or `Fn::GetAtt`, as a placeholder names it."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if isinstance(value, list):
        value = ".".join(str(one) for one in value if isinstance(one, str))
    return re.sub(r"[^A-Za-z0-9_.:-]", "-", str(value))
