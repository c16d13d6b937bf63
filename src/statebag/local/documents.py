"""Reading of JSON and YAML files that describe a workflow.

YAML is read with PyYAML's safe loader and CloudFormation's short tags: `!GetAtt A.Arn` becomes
`{"Fn::GetAtt": ["A", "Arn"]}`, the long form of the same intrinsic function
(CloudFormation user guide, "Intrinsic function reference"). Nothing is ever constructed
but plain values.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from statebag.errors import ConfigurationError
from statebag.format.json_depth import MAX_DEPTH, loads

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

__all__ = ["PLACEHOLDER", "parse_document", "read_text"]

# `${Name}`, `${Resource.Attribute}` and `${AWS::Region}` in the text of a definition.
PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.:-]+)\}")

_TEXT = "tag:yaml.org,2002:str"
_BOOLEAN = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Plain values; dates and keys are text, as in JSON; a key stands once in a mapping."""

    levels = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.levels >= MAX_DEPTH and self.check_event(yaml.CollectionStartEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            problem = f"mappings and sequences nest deeper than {MAX_DEPTH} levels"
            raise yaml.composer.ComposerError(None, None, problem, mark)
        self.levels += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.levels -= 1

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,
    ) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            # `<<` merges another mapping, and may stand several times.
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                problem = _problem_of_key(key, seen)
                if problem is not None:
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
                key.tag = _TEXT
        return super().construct_mapping(node, deep=deep)


def _problem_of_key(key: yaml.ScalarNode, seen: set[str]) -> str | None:
    if key.value in seen:
        return f"the key {key.value!r} stands twice"
    if key.tag in {_BOOLEAN, _NULL}:
        return f"YAML does not read the key {key.value!r} as text; put it in quotes"
    return None


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise yaml.constructor.ConstructorError(
            None, None, f"!{suffix} cannot be read", node.start_mark
        )
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    return {name: value}


_Loader.add_multi_constructor("!", _short_tag)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, without a byte order mark.

    Raises:
        ConfigurationError: The file is not there, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start})") from None


def parse_document(text: str, place: str) -> Any:
    """The value of a JSON or YAML text; `place` names it in errors.

    Text that begins like a JSON object is read as JSON, since YAML refuses its tabs; where
    that fails and the place does not end in `.json`, it may still be a YAML flow mapping.

    Raises:
        ConfigurationError: It is neither, with the line where reading stopped.
    """
    problem = None
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return loads(text)
        except json.JSONDecodeError as error:
            problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
    elif place.endswith(".json"):
        problem = "a JSON object begins with '{'"
    if problem is not None and place.endswith(".json"):
        raise ConfigurationError(f"{place} is not JSON: {problem}")
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        found = problem or f"{line}{error.problem or error.context}"
    except RecursionError:
        found = problem or "it nests deeper than what is left of Python's recursion limit"
    except (yaml.YAMLError, ValueError, TypeError) as error:
        found = problem or str(error).splitlines()[0]
    raise ConfigurationError(f"{place} is neither JSON nor YAML: {found}")
