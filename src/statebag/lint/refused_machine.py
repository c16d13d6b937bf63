"""Check for places of a machine that contradict each other, and names that do not exist.

The sources are answers of ValidateStateMachineDefinition that others measured and published
(github.com/floci-io/floci, issues 2735, 2745 and 2968), and the API reference of its diagnostics.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from statebag.lint.expression_sizes import is_jsonata
from statebag.lint.structure import ends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.model import Definition, State

__all__ = ["refused_in_machine"]

_TEXTS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|/\*.*?\*/|`[^`]*`", re.DOTALL)
_OWN_ERROR = re.compile(r"\$states\s*\.\s*errorOutput\b")
_ROOT_OF_ALL = re.compile(r"\$\$(?!\w)")
# Fields that hold states of their own, and the handlers, whose fields are looked at one by one.
_APART = frozenset({"Branches", "ItemProcessor", "Iterator", "Catch"})
_QUALIFIER = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]+:(.*)", re.DOTALL)
_IS_QUALIFIER = re.compile(r"\$LATEST(?:\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}")


def refused_in_machine(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield the place and the reason of each thing that AWS refuses.

    Args:
        definition: A definition for which `problems_of` yields nothing.
    """
    states = definition.states.values()
    if not any(ends(one) for one in states if one.machine is definition.machine):
        yield "$.States", "no state ends the workflow: one must be a Succeed, a Fail or have End"
    labels: set[str] = set()
    for state in states:
        for name in ("ItemProcessor", "Iterator"):
            processor = state.fields.get(name) if state.kind == "Map" else None
            if isinstance(processor, dict) and "QueryLanguage" in processor:
                yield f"{state.path}.{name}.QueryLanguage", f"{name} cannot have a QueryLanguage"
        label = state.fields.get("Label") if state.kind == "Map" else None
        if isinstance(label, str) and "${" not in label:
            if label in labels:
                yield f"{state.path}.Label", "another Map has the same Label"
            labels.add(label)
        if state.kind == "Map" and {"Parameters", "ItemSelector"} <= state.fields.keys():
            yield state.path, "Parameters and ItemSelector exclude each other"
        if state.kind == "Task":
            yield from _qualified(state)
        if state.language == "JSONata":
            yield from _named(state)


def _qualified(state: State) -> Iterator[tuple[str, str]]:
    """Yield each ARN of a function that ends in something that is not a version or an alias."""
    resource = state.fields.get("Resource")
    found = _QUALIFIER.fullmatch(resource) if isinstance(resource, str) else None
    if found is not None and "${" not in found[1] and not _IS_QUALIFIER.fullmatch(found[1]):
        yield f"{state.path}.Resource", "the function's version or alias is malformed"


def _named(state: State) -> Iterator[tuple[str, str]]:
    """Yield expressions that name something that does not exist."""
    for name, value in state.fields.items():
        if name not in _APART:
            for place, code in _expressions(value, f"{state.path}.{name}"):
                yield from _missing(place, code, in_catch=False)
    catchers = state.fields.get("Catch")
    for index, entry in enumerate(catchers if isinstance(catchers, list) else ()):
        for place, code in _expressions(entry, f"{state.path}.Catch[{index}]"):
            yield from _missing(place, code, in_catch=True)


def _missing(place: str, code: str, *, in_catch: bool) -> Iterator[tuple[str, str]]:
    bare = _TEXTS.sub("", code)
    if not in_catch and _OWN_ERROR.search(bare):
        yield place, "$states.errorOutput is there only in the Output and Assign of a Catch"
    if _ROOT_OF_ALL.search(bare):
        yield place, "$$ is not there: use $states.input or $states.context"


def _expressions(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the code of each expression in a field."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _expressions(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _expressions(one, f"{path}[{index}]")
    elif isinstance(value, str) and is_jsonata(value):
        yield path, value[2:-2]
