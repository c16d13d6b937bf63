"""Read the state machines and functions of a SAM or CloudFormation template.

The forms follow the SAM specification (`AWS::Serverless::Function`,
`AWS::Serverless::StateMachine`, `Globals`) and CloudFormation's own
`AWS::StepFunctions::StateMachine` and `AWS::Lambda::Function`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from statebag.asl.cloudformation import FUNCTION_TYPES, MACHINE_TYPES, Resolver
from statebag.asl.documents import MOST_BYTES, PLACEHOLDER, parse_document, read_text
from statebag.asl.source_files import packaged_code, packaged_definition
from statebag.asl.template_choices import NO_VALUE
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from pathlib import Path

__all__ = ["DeclaredResource", "FunctionSource", "Template", "parse_definition"]

_RESOURCE_TYPES = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::Serverless::SimpleTable",
    }
)
_LAYER_TYPES = frozenset({"AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion"})


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """The place of a function's code.

    Attributes:
        name: The function's name.
        origin: What to call it in messages: `template.yaml, function Judge`.
        handler: As Lambda expects it: `module.function`, with `/` or `.` between packages.
        folders: The folders of its own modules: that of its code, then those of its layers.
        environment: The variables it sees in addition to those of this process.
        installed: Whether the module may also be one that is installed.
    """

    name: str
    origin: str
    handler: str
    folders: tuple[Path, ...]
    environment: Mapping[str, str]
    installed: bool = False


# A value in YAML that is a placeholder alone, without quotes and with them, and what becomes a
# number or a truth.
_BARE = re.compile(r"(?m)(?::|-)[ \t]+\$\{([A-Za-z0-9_]+)\}[ \t]*(?:#.*)?$")
_QUOTED = re.compile(r"[\"']\$\{([A-Za-z0-9_]+)\}[\"']")
_SCALAR = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?|true|false")


@dataclass(frozen=True, slots=True)
class DeclaredResource:
    """A table, a queue, a topic, a subscription or a bucket of a template.

    Attributes:
        logical_id: Its logical id.
        kind: Its type, such as `AWS::SQS::Queue`.
        name: Its name.
        properties: Returns its properties, with all functions in them evaluated. Raises
            ConfigurationError if one is not evaluated here.
    """

    logical_id: str
    kind: str
    name: str
    properties: Callable[[], Mapping[str, Any]]


def parse_definition(text: str, place: str, substitutions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state machine's definition from JSON or YAML text.

    Args:
        text: The definition.
        place: Its file, for errors.
        substitutions: Values for `${Name}`; other placeholders stay.

    Raises:
        ConfigurationError: The text cannot be read, or is not an object with `States`.
    """
    # In JSON the text is what is substituted, as AWS does, so `"Seconds": ${Wait}` works too.
    in_text = text.lstrip().startswith("{")
    if in_text:
        text = _substitute_text(text, substitutions)
    try:
        value = parse_document(text, place)
    except ConfigurationError as error:
        open_names = sorted(set(PLACEHOLDER.findall(text)))
        if open_names and in_text:
            error.hint = "A placeholder outside of quotes needs a value: " + " ".join(
                f"--substitution {name}=VALUE" for name in open_names
            )
        raise
    if not in_text:
        value = _substitute(_numbered(value, text, substitutions), substitutions)
    return _checked_definition(value, place)


def _numbered(value: Any, text: str, substitutions: Mapping[str, Any]) -> Any:
    """Return a definition in YAML in which placeholders without quotes become numbers and booleans.

    AWS substitutes in the text: `Seconds: ${Wait}` becomes `Seconds: 5`, a number.
    """
    bare = set(_BARE.findall(text)) - set(_QUOTED.findall(text))
    values = {
        f"${{{name}}}": _as_text(substitutions[name]) for name in bare if name in substitutions
    }
    scalars = {
        placeholder: json.loads(put)
        for placeholder, put in values.items()
        if _SCALAR.fullmatch(put) is not None
    }

    def put_in(one: Any) -> Any:
        if isinstance(one, str):
            return scalars.get(one, one)
        if isinstance(one, list):
            return list(map(put_in, one))  # one frame a level; Python 3.11 counts comprehensions
        if isinstance(one, dict):
            return dict(zip(one, map(put_in, one.values()), strict=True))
        return one

    return put_in(value) if scalars else value


def _substitute_text(text: str, substitutions: Mapping[str, Any]) -> str:
    """Replace placeholders with values.

    Raises:
        ConfigurationError: The text would have more characters than a definition may have bytes.
    """
    length = len(text)

    def value(match: re.Match[str]) -> str:
        nonlocal length
        put = _as_text(substitutions.get(match[1], match[0]))
        length += len(put) - len(match[0])
        if length > MOST_BYTES:
            raise ConfigurationError(
                f"the definition has more than {MOST_BYTES:,} characters once {match[0]} and the "
                "placeholders before it are replaced",
                hint="A definition has at most 1 MB: look for a value that is itself a long text",
            )
        return put

    return PLACEHOLDER.sub(value, text)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _substitute(value: Any, substitutions: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _substitute_text(value, substitutions)
    if isinstance(value, list):
        return [_substitute(item, substitutions) for item in value]
    if isinstance(value, dict):
        return {key: _substitute(item, substitutions) for key, item in value.items()}
    return value


def _checked_definition(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("States"), dict):
        raise ConfigurationError(
            f"{place} is not a state machine's definition",
            hint='It is a JSON object with "StartAt" and "States"',
        )
    return value


class Template:
    """One template, read from a file.

    Args:
        path: The template's file; other files are relative to its folder.
        document: Its content, parsed.
        parameters: Values for its parameters; they win over defaults.
        region: What `AWS::Region` is.

    Raises:
        ConfigurationError: The document is not a template, or does not have a given parameter.
    """

    def __init__(
        self,
        path: Path,
        document: Mapping[str, Any],
        *,
        parameters: Mapping[str, str],
        region: str,
    ) -> None:
        if not isinstance(document.get("Resources"), dict):
            raise ConfigurationError(f"{path} has no Resources", path="$.Resources")
        self.path = path
        self._resources: Mapping[str, Any] = document["Resources"]
        self._resolver = Resolver(document, parameters, region)
        globals_ = document.get("Globals")
        defaults = globals_.get("Function") if isinstance(globals_, dict) else None
        self._defaults: Mapping[str, Any] = defaults if isinstance(defaults, dict) else {}

    def machines(self) -> dict[str, str]:
        """Return the names of the state machines, by logical id."""
        return {name: self._resolver.name_of(name) for name in self._of(MACHINE_TYPES)}

    def is_express(self, logical_id: str) -> bool:
        """Return whether a state machine is an Express one."""
        given = self._resources[logical_id].get("Properties")
        properties = given if isinstance(given, dict) else {}
        return "EXPRESS" in (properties.get("Type"), properties.get("StateMachineType"))

    def functions(self) -> dict[str, str]:
        """Return the names of the functions, by logical id."""
        return {name: self._resolver.name_of(name) for name in self._of(FUNCTION_TYPES)}

    def resources(self) -> list[DeclaredResource]:
        """Return the tables, queues, topics and buckets that it declares and that have a name."""
        found = []
        for logical_id in self._of(_RESOURCE_TYPES):
            try:
                name = self._resolver.name_of(logical_id)
            except ConfigurationError:
                continue  # whoever names it is told why
            path = f"$.Resources.{logical_id}.Properties"
            properties = self._properties(logical_id)
            resolved = partial(self._resolver.resolve, properties, path)
            kind = self._resources[logical_id]["Type"]
            found.append(DeclaredResource(logical_id, kind, name, resolved))
        return found

    def definition(self, logical_id: str, substitutions: Mapping[str, str]) -> dict[str, Any]:
        """Return the definition of a state machine, with its `DefinitionSubstitutions` applied.

        Args:
            logical_id: One of `machines()`.
            substitutions: Values that win over those of the template.

        Raises:
            ConfigurationError: The machine has no definition on this machine, or its definition
                cannot be read.
        """
        properties = self._properties(logical_id)
        path = f"$.Resources.{logical_id}.Properties"
        declared = properties.get("DefinitionSubstitutions")
        at = f"{path}.DefinitionSubstitutions"
        values = {**self._texts(declared, at, substitutions, "--substitution"), **substitutions}
        place = f"{self.path}, {logical_id}"
        if "Definition" in properties:
            inline = self._resolver.resolve(properties["Definition"], f"{path}.Definition")
            return _checked_definition(_substitute(inline, values), place)
        if "DefinitionString" in properties:
            text = self._resolver.text(properties["DefinitionString"], f"{path}.DefinitionString")
            return parse_definition(text, place, values)
        packaged = packaged_definition(self.path.parent, properties)
        if packaged is not None:
            return parse_definition(read_text(packaged), str(packaged), values)
        if "DefinitionS3Location" in properties:
            raise ConfigurationError(
                "the definition is in S3, and is not read from there",
                path=f"{path}.DefinitionS3Location",
                hint="Run the template as it was before packaging, or the definition's file",
            )
        if "DefinitionUri" in properties:
            uri = self._resolver.resolve(properties["DefinitionUri"], f"{path}.DefinitionUri")
            if not isinstance(uri, str) or uri.startswith("s3://"):
                raise ConfigurationError(
                    "the definition is in S3, and is not read from there",
                    path=f"{path}.DefinitionUri",
                    hint="Run the template as it was before packaging, or the definition's file",
                )
            file = self.path.parent / uri
            return parse_definition(read_text(file), str(file), values)
        raise ConfigurationError(
            f"{logical_id} does not have Definition, DefinitionUri or DefinitionString", path=path
        )

    def function(self, logical_id: str, environment: Mapping[str, str | None]) -> FunctionSource:
        """Return where the code of a function is, with `Globals` applied.

        Args:
            logical_id: One of `functions()`.
            environment: Variables that win over the template's; None removes one.

        Raises:
            ConfigurationError: The function cannot run in this process: it is an image, has another
                runtime, its code is not on this machine, or a variable cannot be resolved.
        """
        properties = self._properties(logical_id)
        path = f"$.Resources.{logical_id}.Properties"
        name = self._resolver.name_of(logical_id)
        hint = f"Put a Python function in its place: --handler {logical_id}=module:function"

        def setting(key: str) -> Any:
            return self._resolver.resolve(
                properties.get(key, self._defaults.get(key)), f"{path}.{key}"
            )

        if setting("PackageType") == "Image":
            raise ConfigurationError(
                f"the function {logical_id} is a container image, which does not run here",
                path=f"{path}.PackageType",
                hint=hint,
            )
        runtime = setting("Runtime")
        if isinstance(runtime, str) and not runtime.startswith("python"):
            raise ConfigurationError(
                f"the function {logical_id} needs the runtime {runtime}; Python ones run here",
                path=f"{path}.Runtime",
                hint=hint,
            )
        handler = setting("Handler")
        if not isinstance(handler, str):
            raise ConfigurationError(
                f"the function {logical_id} has no Handler", path=f"{path}.Handler", hint=hint
            )
        code_key = next((key for key in ("Code", "InlineCode") if key in properties), "CodeUri")
        # SAM's default is the template's own folder.
        code = None if code_key == "InlineCode" else setting(code_key) or "."
        packaged = packaged_code(self.path.parent, self._resources[logical_id])
        if packaged is None and (not isinstance(code, str) or code.startswith("s3://")):
            raise ConfigurationError(
                f"this machine does not have the code of the function {logical_id}",
                path=f"{path}.{code_key}",
                hint=hint,
            )
        folder = packaged or self.path.parent / str(code)
        if not folder.is_dir():
            raise ConfigurationError(
                f"the function {logical_id} has its code in {folder}, which is not a folder",
                path=f"{path}.{code_key}",
                hint=hint,
            )
        return FunctionSource(
            name=name,
            origin=f"{self.path.name}, function {logical_id}",
            handler=handler,
            folders=(folder.resolve(), *self._layers(properties)),
            environment=self.environment(logical_id, environment),
        )

    def environment(self, logical_id: str, overrides: Mapping[str, str | None]) -> dict[str, str]:
        """Return the variables of a function; `overrides` win, and None removes a variable.

        Raises:
            ConfigurationError: A variable that is not overridden cannot be resolved.
        """
        variables: dict[str, str] = {}
        own = (f"$.Resources.{logical_id}.Properties", self._properties(logical_id))
        for path, properties in (("$.Globals.Function", self._defaults), own):
            environment = properties.get("Environment")
            declared = environment.get("Variables") if isinstance(environment, dict) else None
            at = f"{path}.Environment.Variables"
            variables.update(self._texts(declared, at, overrides, "--env"))
        variables.update({name: value for name, value in overrides.items() if value is not None})
        return variables

    def _texts(
        self, declared: Any, path: str, given: Container[str], option: str
    ) -> dict[str, str]:
        """Return the texts of declared values, without those that an option gives."""
        texts: dict[str, str] = {}
        for name, value in (declared if isinstance(declared, dict) else {}).items():
            if name in given:
                continue
            at = f"{path}.{name}"
            try:
                chosen = self._resolver.chosen(value, at)
                if chosen != NO_VALUE:
                    texts[name] = self._resolver.text(chosen, at)
            except ConfigurationError as error:
                if "--parameter" not in (error.hint or ""):  # which is shorter, and tells more
                    error.hint = f"Give it a value: {option} {name}=VALUE"
                raise
        return texts

    def variable(self, logical_id: str, name: str) -> str | None:
        """Return one variable of a function; None if it has none, or it cannot be resolved."""
        others = {
            other: None
            for properties in (self._defaults, self._properties(logical_id))
            for other in ((properties.get("Environment") or {}).get("Variables") or {})
            if other != name
        }
        try:
            return self.environment(logical_id, others).get(name)
        except ConfigurationError:
            return None

    def _layers(self, properties: Mapping[str, Any]) -> list[Path]:
        """Return the folders of layers whose code is in this template; others must be installed."""
        folders = []
        declared = [*(self._defaults.get("Layers") or ()), *(properties.get("Layers") or ())]
        for layer in declared:
            name = layer.get("Ref") if isinstance(layer, dict) else None
            if name not in self._of(_LAYER_TYPES):
                continue
            content = self._properties(name)
            uri = content.get("ContentUri", content.get("Content"))
            folder = self.path.parent / uri if isinstance(uri, str) else None
            if folder is None or not folder.is_dir():
                raise ConfigurationError(
                    f"this machine does not have the folder of the layer {name}",
                    path=f"$.Resources.{name}.Properties.ContentUri",
                )
            # A layer's `python` folder is what Lambda puts on the path; SAM builds it from
            # a folder of modules.
            packaged = folder / "python"
            folders.append((packaged if packaged.is_dir() else folder).resolve())
        return folders

    def _of(self, kinds: frozenset[str]) -> list[str]:
        return [
            name
            for name, resource in self._resources.items()
            if isinstance(resource, dict) and resource.get("Type") in kinds
        ]

    def _properties(self, logical_id: str) -> Mapping[str, Any]:
        properties = self._resources[logical_id].get("Properties")
        return properties if isinstance(properties, dict) else {}
