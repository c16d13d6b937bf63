"""Read the paths, expressions and templates of states, and return shapes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from statebag.asl.made_values import (
    MadeAt,
    MadeEither,
    MadeMerge,
    MadeObject,
    MadeOther,
    MadePlace,
)
from statebag.asl.quotas import CAUSE_BYTES, PAYLOAD_LIMIT
from statebag.lint.expression_sizes import Expression, Reference, is_jsonata, json_path, jsonata
from statebag.lint.joining import either, merged
from statebag.lint.shape import BoundedText, Members, Shape, follow, is_absent, literal
from statebag.lint.sources import COMPUTED, EVERY, SMALL, SourcePart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.jsonata import Looked
    from statebag.asl.made_values import MadeValue
    from statebag.lint.calls import ServiceCall

__all__ = ["Reader", "ReadingObserver", "Scope", "Variables", "asked_for"]

_EXECUTION_ID = "execution_id"
# Bytes of an execution's id. Chosen: eight times the longest ARN (API reference,
# DescribeExecution: 256).
_ID = 2_048
_PATH_FIELDS = (
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
    "ErrorPath",
    "CausePath",
)
_TEXT_FIELDS = ("Seconds", "Timestamp", "TimeoutSeconds", "HeartbeatSeconds", "Error", "Cause")


class ReadingObserver(Protocol):
    """Gets reports on what states do."""

    def reads(self, path: str, part: SourcePart, how: str) -> None:
        """Report that a value is read (`value`, `items`, `whole`), picked, or written into."""

    def calls(self, path: str, call: ServiceCall, entry: Shape, argument: Shape) -> None:
        """Report that a Task calls something with an argument."""

    def finds_nothing(self, path: str, reference: Reference) -> None:
        """Report a path to a place that no state set."""

    def hands_on(self, path: str, what: str, made: Shape, entry: Shape) -> None:
        """Report a value that is made from an input."""

    def adds_up(
        self, path: str, each: list[int], count: int | None, *, distributed: bool, kept: int
    ) -> None:
        """Report outputs of branches (`each`) or iterations (`count`; None if unknown)."""


Variables = dict[str, Shape]


@dataclass(frozen=True)
class Scope:
    """The values that expressions of a state can name."""

    input: Shape
    language: str
    variables: Variables
    execution: Shape  # the input of the execution, which the context object holds
    item: Shape | None = None
    result: Shape | None = None
    error: Shape | None = None


@dataclass
class Reader:
    """Read expressions for one abstract run.

    Attributes:
        observer: Gets reports on values that are read and made.
        telling: Whether to report now: each state is visited many times and reported once.
        absent: The references that found nothing on any way to them.
        asked: The places that the current Choice tests with IsPresent.
    """

    observer: ReadingObserver
    telling: bool = False
    absent: dict[tuple[str, Reference], bool] = field(default_factory=dict)
    asked: set[tuple[str, tuple[str | int, ...]]] = field(default_factory=set)

    def rules(self, rules: list[Any], path: str, scope: Scope) -> None:
        """Read the rules of a Choice."""
        for index, rule in enumerate(rules):
            place = f"{path}[{index}]"
            if not isinstance(rule, dict):
                continue
            for name, value in rule.items():
                if name == "Variable" or (name.endswith("Path") and isinstance(value, str)):
                    self.path(value, f"{place}.{name}", scope, "value")
                elif name in {"And", "Or"} and isinstance(value, list):
                    self.rules(value, f"{place}.{name}", scope)
                elif name == "Not":
                    self.rules([value], f"{place}.{name}", scope)
                elif name == "Condition" and is_jsonata(value):
                    self.value(jsonata(value), f"{place}.{name}", scope, "value")

    def fields(self, state: dict[str, Any], path: str, scope: Scope) -> None:
        """Read the fields that the engine needs itself."""
        for name in _PATH_FIELDS:
            if isinstance(state.get(name), str):
                self.path(state[name], f"{path}.{name}", scope, "value")
        for name in _TEXT_FIELDS:
            if is_jsonata(state.get(name)):
                self.value(jsonata(state[name]), f"{path}.{name}", scope, "value")

    def assigned(self, holder: dict[str, Any], path: str, scope: Scope) -> Variables:
        """Return the variables after an Assign."""
        assigned = holder.get("Assign")
        if not isinstance(assigned, dict):
            return scope.variables
        inner = scope
        if scope.language == "JSONPath" and scope.result is not None:
            inner = replace(scope, input=scope.result)
        made = self.template(assigned, f"{path}.Assign", inner)
        members = made.members if isinstance(made, Members) else ()
        return {**scope.variables, **{f"${name}": shape for name, shape in members}}

    def template(self, value: Any, path: str, scope: Scope, how: str = "pick") -> Shape:
        """Return the value that a payload template makes."""
        if isinstance(value, dict):
            members: list[tuple[str | int, Shape]] = []
            for key, member in value.items():
                if scope.language == "JSONPath" and key.endswith(".$") and isinstance(member, str):
                    bare = key.removesuffix(".$")
                    members.append((bare, self.path(member, f"{path}.{key}", scope, how)))
                else:
                    members.append((key, self.template(member, f"{path}.{key}", scope, how)))
            return Members(tuple(members)) if members else literal(value)
        if isinstance(value, list) and value:
            return Members(
                tuple(
                    (i, self.template(one, f"{path}[{i}]", scope, how))
                    for i, one in enumerate(value)
                )
            )
        if scope.language == "JSONata" and is_jsonata(value):
            return self.value(jsonata(value), path, scope, how)
        return literal(value)

    def path(self, text: Any, path: str, scope: Scope, how: str) -> Shape:
        """Return the value of a JSONPath; `path` is its place in the definition."""
        if not isinstance(text, str):
            return BoundedText(2)
        return self.value(json_path(text), path, scope, how)

    def value(self, expression: Expression, path: str, scope: Scope, how: str) -> Shape:
        """Return the value of an expression: of its one reference, or as large as all of them."""
        found = []
        for reference in (*expression.references, *expression.below):
            root = self._root(reference.root, reference.path, scope)
            shape = follow(root, reference.path)
            if self.telling:
                self._note_absent(root, reference, path, scope)
            if isinstance(shape, SourcePart):
                reads = reference.reads and how != "items"
                if reference.whole and any(one.is_bag for one in shape.bags):
                    self._tell_read(path, shape, "whole")
                self._tell_read(path, shape, "value" if reads else how)
                if _is_id(shape):
                    shape = BoundedText(_ID)
            found.extend([shape] * reference.times)
        if expression.made is not None:
            return self._made(expression.made, scope)
        if expression.alone and found:
            return found[0]
        if expression.scalar or not found:
            return BoundedText(SMALL + expression.extra)
        # It is as large as all that it names, which may be parts of one source.
        return Members(((COMPUTED, BoundedText(expression.extra)), *enumerate(found)))

    def _note_absent(self, root: Shape, reference: Reference, path: str, scope: Scope) -> None:
        """Record whether a reference finds nothing on this way: a field, or a variable."""
        if reference.root.startswith("$"):
            never = reference.root not in scope.variables
            if never or scope.language != "JSONPath":
                reference = Reference(reference.root, ())
        elif scope.language != "JSONPath":
            return
        else:
            never = False
        asked = (reference.root, reference.path) in self.asked or EVERY in reference.path
        if not asked:
            key = (path, reference)
            absent = never or (scope.language == "JSONPath" and is_absent(root, reference.path))
            self.absent[key] = absent and self.absent.get(key, True)

    def _made(self, made: MadeValue, scope: Scope) -> Shape:
        """Return the shape of what an expression builds."""
        match made:
            case MadePlace(root, path):
                shape = follow(self._root(root, path, scope), path)
                return BoundedText(_ID) if _is_id(shape) else shape
            case MadeObject(members):
                shapes = tuple((key, self._made(one, scope)) for key, one in members)
                return Members(shapes) if shapes else BoundedText(2)
            case MadeMerge(parts):
                return merged([self._made(one, scope) for one in parts])
            case MadeEither(ways):
                return either([self._made(one, scope) for one in ways])
            case MadeAt(value, path):
                return follow(self._made(value, scope), path)
            case MadeOther(looked, own):
                return self._computed(looked, own, scope)

    def _computed(self, looked: Looked, own: int, scope: Scope) -> Shape:
        """Return a shape as large as all that it is computed from and the expression's text."""
        extra = min(own + looked.extra, PAYLOAD_LIMIT)
        found = [follow(self._root(one.root, one.path, scope), one.path) for one in looked.found]
        if looked.small or not found:
            return BoundedText(SMALL + extra)
        return Members(((COMPUTED, BoundedText(extra)), *enumerate(found)))

    def _root(self, root: str, path: tuple[str | int, ...], scope: Scope) -> Shape:
        if root == "context":
            return _context(path, scope)
        if root == "input":
            return scope.input
        if root == "result":
            return scope.result or BoundedText(2)
        if root == "error":
            return scope.error or BoundedText(CAUSE_BYTES)
        return scope.variables.get(root, BoundedText(SMALL))

    def _tell_read(self, path: str, part: SourcePart, how: str) -> None:
        if self.telling:
            self.observer.reads(path, part, how)

    def tell_written(self, path: str, entry: Shape, place: tuple[str | int, ...]) -> None:
        """Report that a ResultPath writes into an object of a state's input."""
        shape = follow(entry, place)
        if isinstance(shape, SourcePart):
            self._tell_read(path, shape, "write")

    def tell_size(self, path: str, what: str, made: Shape, entry: Shape) -> None:
        """Report a value that was made from a state's input."""
        if self.telling:
            self.observer.hands_on(path, what, made, entry)


def _is_id(shape: Shape) -> bool:
    """Return whether it is an execution's id: a step refuses any other value there."""
    bags = shape.bags if isinstance(shape, SourcePart) else ()
    return bool(bags) and all(one.inside[-1:] == (_EXECUTION_ID,) for one in bags)


def _context(path: tuple[str | int, ...], scope: Scope) -> Shape:
    """Return the part of the context object that a path needs; two values may be large."""
    given = Members((("Id", BoundedText(_ID)), ("Input", scope.execution)))
    members: list[tuple[str | int, Shape]] = [("Execution", given)]
    large: list[tuple[str | int, ...]] = [("Execution", "Input")]
    if scope.item is not None:
        item = Members((("Index", BoundedText(SMALL)), ("Value", scope.item)))
        members.append(("Map", Members((("Item", item),))))
        large.append(("Map", "Item", "Value"))
    if any(path[: len(one)] == one[: len(path)] for one in large):
        return Members(tuple(members))
    return BoundedText(SMALL)


def asked_for(rules: Any) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield the places that rules test with IsPresent."""
    if isinstance(rules, dict):
        if "IsPresent" in rules and isinstance(rules.get("Variable"), str):
            for one in json_path(rules["Variable"]).references:
                yield one.root, one.path
        rules = [rules.get("And"), rules.get("Or"), rules.get("Not")]
    for one in rules if isinstance(rules, list) else ():
        yield from asked_for(one)
