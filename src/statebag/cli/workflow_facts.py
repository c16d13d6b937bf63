"""Find the facts about a workflow for `statebag init`: its file, its functions, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.asl.cloudformation import FUNCTION_TYPES
from statebag.asl.documents import parse_document, read_text
from statebag.asl.function_references import bind_references
from statebag.asl.machines import files_below, machines_in
from statebag.asl.source_files import refuse_sources
from statebag.asl.template import Template
from statebag.errors import ConfigurationError
from statebag.lint.function_settings import function_settings
from statebag.lint.linter import Options, lint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["WorkflowFacts", "facts_of", "found_template"]

_TEMPLATES = ("template.yaml", "template.yml", "template.json")
_DEFINITIONS = ("*.asl.json", "*.asl.yaml", "*.asl.yml")
_SOURCES = ("serverless.yml", "serverless.yaml", "cdk.json", "main.tf")
_REGION = "us-east-1"  # of names that no result shows. Chosen: the default of `statebag run`


@dataclass(frozen=True, slots=True)
class WorkflowFacts:
    """The facts about a workflow.

    Attributes:
        control: The control paths that its state machines need if all functions seal.
        movable: The movable paths.
        handlers: Functions whose code is not known, with a guess or an empty text.
        undecorated: Functions whose source is on this machine and does not use statebag.
        other_runtimes: Functions in other languages, each with its runtime.
        problems: The number of mistakes because of which a state machine cannot be read completely.
    """

    control: tuple[str, ...]
    movable: tuple[str, ...]
    handlers: Mapping[str, str]
    undecorated: tuple[str, ...]
    other_runtimes: Mapping[str, str]
    problems: int


def found_template(folder: Path) -> Path:
    """Return the one template or definition in a folder.

    Raises:
        ConfigurationError: There is none, there are several, or a tool has to generate it first.
    """
    found = [folder / name for name in _TEMPLATES if (folder / name).is_file()]
    if not found:
        # What a tool has made is named by its own command.
        for name in _SOURCES:
            if (folder / name).is_file():
                refuse_sources(folder / name, read_text(folder / name))
        found = sorted(one for pattern in _DEFINITIONS for one in folder.glob(pattern))
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationError(
            f"{folder.absolute()} has no template.yaml and no *.asl.json",
            hint="Name the template or the definition: statebag init FILE.",
        )
    listed = ", ".join(one.name for one in found[:10])
    raise ConfigurationError(
        f"{folder.absolute()} has {len(found)} files with a workflow: {listed}",
        hint=f"Name one of them: statebag init {found[0].name}.",
    )


def facts_of(template: Path) -> WorkflowFacts:
    """Return the facts about the state machines of a template or a definition.

    Raises:
        ConfigurationError: It cannot be read, or has no state machine.
    """
    machines = [
        one for file, named in files_below([template]) for one in machines_in(file, named=named)
    ]
    known = {
        name: settings
        for machine in machines
        for name, settings in function_settings(machine).items()
    }
    others = {name: one.other_runtime for name, one in known.items() if one.other_runtime}
    undecorated = {name for name, one in known.items() if one.seals is False} - others.keys()
    # As if all sealed, also those that do not yet.
    report = lint([template], Options(sealed=("*",)))
    document: Any = parse_document(read_text(template), str(template))
    of_template = isinstance(document, dict) and "Resources" in document
    functions = [
        name
        for name, resource in (document["Resources"] if of_template else {}).items()
        if resource["Type"] in FUNCTION_TYPES
    ]
    return WorkflowFacts(
        control=_sorted(report.needed),
        movable=_sorted(report.needed_movable),
        handlers=dict(_of_template(template, document) if of_template else _of(document)),
        undecorated=tuple(name for name in functions if name in undecorated),
        other_runtimes={name: others[name] for name in functions if name in others},
        problems=sum(one.code == "SB001" for one in report.findings),
    )


def _sorted(paths: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({path for one in paths.values() for path in one}))


def _of(definition: Any) -> Iterator[tuple[str, str]]:
    """Yield the functions of a definition that has no template to define them."""
    for name in bind_references([definition], (), (), _REGION).unbound:
        yield name, ""


def _of_template(path: Path, document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the functions of a template's machines whose code the template does not lead to."""
    template = Template(path, document, parameters={}, region=_REGION)
    try:
        definitions = [template.definition(name, {}) for name in template.machines()]
        ids = {name: logical_id for logical_id, name in template.functions().items()}
        names = bind_references(definitions, ids, (), _REGION)
    except ConfigurationError:
        return  # `statebag run` says what is missing, such as a parameter
    for name in names.functions:
        if name in ids:
            try:
                template.function(ids[name], {})
            except ConfigurationError:
                yield ids[name], ""
    for name in names.unbound:
        yield name, ""
