"""Read JSON and YAML files that describe a workflow.

YAML is read with PyYAML's safe loader and CloudFormation's short tags: `!GetAtt A.Arn` becomes
`{"Fn::GetAtt": ["A", "Arn"]}`, the long form of the same intrinsic function
(CloudFormation user guide, "Intrinsic function reference"). Only plain values are constructed.

A text that would grow too much is refused: a few hundred bytes of YAML can stand for billions of
values, if aliases repeat aliases. The reader counts what an alias repeats before it makes any
value.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from traceback import walk_stack
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from statebag.errors import ConfigurationError
from statebag.format.json_depth import MAX_DEPTH, loads

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from pathlib import Path

__all__ = [
    "MOST_BYTES",
    "MOST_CHARACTERS",
    "MOST_LEVELS",
    "MOST_VALUES",
    "MOST_YAML_CHARACTERS",
    "PLACEHOLDER",
    "DocumentError",
    "parse_document",
    "read_text",
]

# `${Name}`, `${Resource.Attribute}` and `${AWS::Region}` in the text of a definition.
PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.:-]+)\}")

MOST_BYTES = 4_000_000
"""Bytes of a file. Chosen: four times what Step Functions (API reference, CreateStateMachine: a
definition of 1 MB) and CloudFormation (User Guide, "Quotas": a template of 1 MB) accept, for
spaces and comments."""

MOST_YAML_CHARACTERS = 1_500_000
"""Characters of YAML, which takes thirty times as long to read as JSON (measured: see `_Base`).
Chosen: half as much again as a definition of 1 MB."""

MOST_LEVELS = MAX_DEPTH
"""Levels of a document, with every alias expanded: as many as a state may have."""

_FRAMES_OF_LEVEL = 6  # calls of Python; PyYAML 6 makes at most five for a level (measured)
_FRAMES_TO_SPARE = 200  # chosen: what a caller or a hook may call on top

MOST_VALUES = 500_000
"""Values of a document, with every alias expanded. Chosen: a definition of 1 MB holds no more,
since a value takes two bytes at least (`1,`)."""

MOST_CHARACTERS = 16_000_000
"""Characters of all texts of a document, with every alias expanded. Chosen: four times the largest
file."""

# Digits of a number. Chosen: far more than any quota has; the time to read a number grows with the
# square of its length.
_MOST_DIGITS = 1_000
_LIMITS = (
    f"A file may have {MOST_BYTES:,} bytes (YAML: {MOST_YAML_CHARACTERS:,} characters), "
    f"{MOST_LEVELS} levels, {MOST_VALUES:,} values and {MOST_CHARACTERS:,} characters of text, "
    "counted with every alias written out"
)

_TEXT = "tag:yaml.org,2002:str"
_BOOLEAN = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
# A text without its end goes to the end of the file, so that no part of it is looked at twice.


class DocumentError(ConfigurationError):
    """A text is neither JSON nor YAML, or exceeds a limit.

    Attributes:
        reason: The error's text, without the file and the position.
        line: The line in the text, from 1; 0 if it is not known.
        column: The column, from 1; 0 if it is not known.
    """

    reason = ""
    line = 0
    column = 0


class _RepeatedKeyError(ValueError):
    """An object of JSON has two members of one name; most readers silently take the last."""


class _TooLargeError(yaml.MarkedYAMLError):
    """A text stands for more values than a document may hold; the mark says where."""


class _Extent(NamedTuple):
    """The size of what a node stands for, with every alias in it expanded."""

    levels: int
    values: int
    characters: int


if TYPE_CHECKING or not yaml.__with_libyaml__:
    _Base = yaml.SafeLoader
else:

    class _Base(
        yaml.composer.Composer,
        yaml.cyaml.CParser,
        yaml.constructor.SafeConstructor,
        yaml.resolver.Resolver,
    ):
        """A parser in C with a composer in Python, which counts the nodes.

        A definition of 1 MB (6,600 states) takes 2.4 s of CPU this way, and 7.8 s where PyYAML was
        installed without libyaml (measured on 2 cores, CPython 3.11).
        """

        def __init__(self, text: str) -> None:
            yaml.cyaml.CParser.__init__(self, text)
            yaml.composer.Composer.__init__(self)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)


class _Loader(_Base):
    """Load plain values: dates and keys are text, as in JSON, and keys do not repeat."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._extents: dict[int, _Extent] = {}  # of nodes that are complete, by identity
        self._heights = [0]
        self._values = 0
        self._characters = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Read the next node, and count the values that it stands for."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # types-PyYAML
        is_alias = self.check_event(yaml.AliasEvent)
        values, characters = self._values, self._characters
        if not is_alias:
            self._count(_Extent(1, 1, 0), mark)
            self._heights.append(0)
        node = super().compose_node(parent, index)
        if is_alias:
            extent = self._extents.get(id(node))
            if extent is None:
                raise _TooLargeError(
                    problem="an alias stands inside of the value that it repeats",
                    problem_mark=mark,
                )
            self._count(extent, mark)
        else:
            if isinstance(node, yaml.ScalarNode):
                self._check_number(node)
                self._count(_Extent(0, 0, len(node.value)), mark)
            levels = self._heights.pop() + 1
            extent = _Extent(levels, self._values - values, self._characters - characters)
            self._extents[id(node)] = extent
        self._heights[-1] = max(self._heights[-1], extent.levels)
        return node

    def _count(self, extent: _Extent, mark: yaml.Mark | None) -> None:
        self._values += extent.values
        self._characters += extent.characters
        problem = None
        if len(self._heights) - 1 + extent.levels > MOST_LEVELS:
            problem = f"it nests deeper than {MOST_LEVELS} levels"
        elif self._values > MOST_VALUES:
            problem = "it has too many values"
        elif self._characters > MOST_CHARACTERS:
            problem = "it has too much text"
        if problem is not None:
            raise _TooLargeError(problem=problem, problem_mark=mark)

    @staticmethod
    def _check_number(node: yaml.ScalarNode) -> None:
        if node.tag in _NUMBERS and len(node.value) > _MOST_DIGITS:
            raise _TooLargeError(
                problem=f"a number has {len(node.value):,} characters",
                problem_mark=node.start_mark,
            )

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
# They make what JSON has no form for: bytes, sets, pairs.
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag not in {f"tag:yaml.org,2002:{kind}" for kind in ("binary", "set", "omap", "pairs")}
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_text(path: Path) -> str:
    """Return the UTF-8 text of a file, without a byte order mark.

    Raises:
        ConfigurationError: The file does not exist, cannot be read, is not UTF-8, or has more than
            `MOST_BYTES`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # what has no end, such as a device, ends here
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        if len(data) <= MOST_BYTES:
            raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start})") from None
    if len(data) > MOST_BYTES:
        raise ConfigurationError(f"{path} has more than {MOST_BYTES:,} bytes", hint=_LIMITS)
    return text


def parse_document(text: str, place: str) -> Any:
    """Return the value of a JSON or YAML text; `place` names it in errors.

    Text that begins like a JSON object is read as JSON first, since YAML refuses its tabs. If that
    fails and the place does not end in `.json`, it is read as a YAML flow mapping. A key that
    stands twice in one object is refused in both: AWS would take the last one and drop the other.

    Raises:
        ConfigurationError: The text is neither, or exceeds a limit (`MOST_LEVELS`, `MOST_VALUES`,
            `MOST_CHARACTERS`, `MOST_YAML_CHARACTERS`). The message has the line.
    """
    if len(text) > MOST_BYTES:
        raise ConfigurationError(f"{place} has {len(text):,} characters", hint=_LIMITS)
    problem, at = None, (0, 0)
    if text.lstrip()[:1] in {"{", "["}:
        try:
            value = loads(text, object_pairs_hook=_without_repeats)
        except json.JSONDecodeError as error:
            problem, at = error.msg, (error.lineno, error.colno)
        except _RepeatedKeyError as error:
            raise _unread(place, "cannot be read", *_repeat_in(text, str(error))) from None
        except ValueError:
            problem = "a number has too many digits"
        except RecursionError:
            problem = "it nests deeper than what is left of Python's recursion limit"
        else:
            _check_values(value, place)
            return value
    elif place.endswith(".json"):
        problem = "a JSON object begins with '{'"
    if problem is not None and place.endswith(".json"):
        raise _unread(place, "is not JSON", problem, at)
    if len(text) > MOST_YAML_CHARACTERS:
        found = problem or f"it has {len(text):,} characters"
        raise _unread(place, "cannot be read as YAML", found, at, _LIMITS)
    try:
        with _room_for_levels():
            return yaml.load(text, _Loader)  # noqa: S506 - its SafeConstructor makes plain values only
    except _TooLargeError as error:
        mark = error.problem_mark
        at = (mark.line + 1, 0) if mark else (0, 0)
        raise _unread(place, "cannot be read", str(error.problem), at, _LIMITS) from None
    except yaml.MarkedYAMLError as error:
        if problem is None:
            mark = error.problem_mark or error.context_mark
            at = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        found = problem or str(error.problem or error.context)
    except RecursionError:
        found = problem or "it nests deeper than what is left of Python's recursion limit"
    except (yaml.YAMLError, ValueError, TypeError) as error:
        found = problem or (str(error) or type(error).__name__).splitlines()[0]
    raise _unread(place, "is neither JSON nor YAML", found, at)


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) < len(members):
        seen: set[str] = set()
        for key, _ in members:
            if key in seen:
                raise _RepeatedKeyError(f"the key {key!r} stands twice")
            seen.add(key)
    return made


def _repeat_in(text: str, found: str) -> tuple[str, tuple[int, int]]:
    """Return what is wrong with a text and where; zeros if only a reader of JSON takes the text."""
    try:
        with _room_for_levels():
            yaml.load(text[:MOST_YAML_CHARACTERS], _Loader)  # noqa: S506 - its SafeConstructor makes plain values only
    except yaml.constructor.ConstructorError as error:
        if (mark := error.problem_mark) is not None:
            return str(error.problem), (mark.line + 1, mark.column + 1)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        pass
    return found, (0, 0)


def _unread(
    place: str, what: str, found: str, at: tuple[int, int], hint: str | None = None
) -> DocumentError:
    """Return the error of a text that cannot be read, with the position if it is known."""
    line, column = at
    where = f"line {line}{f', column {column}' if column else ''}: " if line else ""
    error = DocumentError(f"{place} {what}: {where}{found}", hint=hint)
    error.reason, error.line, error.column = f"it {what}: {found}", line, column
    return error


@contextmanager
def _room_for_levels() -> Iterator[None]:
    """Raise the recursion limit to what the composer needs for the deepest document.

    The composer is written in Python, so its recursion uses memory, not the C stack.
    """
    before = sys.getrecursionlimit()
    depth = sum(1 for _ in walk_stack(None))
    sys.setrecursionlimit(max(before, depth + MOST_LEVELS * _FRAMES_OF_LEVEL + _FRAMES_TO_SPARE))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _check_values(document: Any, place: str) -> None:
    ahead = [document]
    count = 0
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            ahead.extend(value.values())
        elif isinstance(value, list):
            ahead.extend(value)
        count += 1
        if count + len(ahead) > MOST_VALUES:
            raise ConfigurationError(
                f"{place} cannot be read: it has too many values", hint=_LIMITS
            )
