"""Find what a JSONata expression refers to, in the tree of jsonata-python's parser.

This module evaluates nothing. It distinguishes values that the expression only passes on (a path, a
field of a new object, an argument of `$merge`) from values that it looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from statebag.asl.jsonata_tree import (
    STATES,
    Place,
    children,
    is_plain_path,
    is_small,
    known_names,
    names_read_by,
    number_of,
    place_below,
    relative_names,
    stages,
    tree_of,
)

__all__ = ["ExpressionWalk", "Found", "Looked", "found_in", "look_at_node"]

# Their results have up to two bytes for one of what they are given: escapes, quotes.
_DOUBLING = frozenset({"base64encode", "partition", "split", "string"})
# References. Chosen: a use of a name repeats what it stands for, so names of names double it each
# time.
_MOST_FOUND = 512
_BEYOND_ANY = 1 << 20  # bytes. Chosen: four times what a payload may have
_QUOTES_AND_COMMA = 3  # bytes: `"`, `"` and `,` of an item in the text of an array (RFC 8259)
# What they give depends on all members of an argument, which is an object.
_OF_ALL_MEMBERS = frozenset({"each", "keys", "sift", "spread"})
_HANDED_ON = frozenset({"append", "merge"})
_HOLDING_BAGS = ("input", "result", "error")


@dataclass(frozen=True, slots=True)
class Found:
    """A place that an expression names.

    Attributes:
        root: `input`, `result`, `error`, `context`, or `$name` of a variable.
        path: The path below the root, as far as it is fixed.
        looked_at: Whether the expression looks at the value, instead of only passing it on.
        whole: Whether it looks at all that is in the value: its text, its members.
    """

    root: str
    path: tuple[str | int, ...]
    looked_at: bool
    whole: bool = False


class Looked(NamedTuple):
    """The facts about an expression.

    Attributes:
        found: All places that it names.
        alone: Whether its value is that of one of them.
        small: Whether its value is a number, a boolean or a short text.
        extra: Bytes that it adds: those of a range, or of padding.
    """

    found: tuple[Found, ...]
    alone: bool
    small: bool
    extra: int


@dataclass(slots=True)
class ExpressionWalk:
    """What a walk through the nodes of an expression has found so far."""

    found: list[Found] = field(default_factory=list)
    # Names that the expression itself gives: what they stand for, or None.
    named: dict[str, Place | None] = field(default_factory=dict)
    # What a name is computed of, told once where it is given: its second use is a second time.
    made_of: dict[str, list[Found]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    extra: int = 0
    whole: bool = False  # whether all that is in the value at hand counts

    def note(self, place: Place, *, looked_at: bool) -> None:
        """Note a place that is named; `$states` itself counts only if it is looked at."""
        root, path = place
        if root != STATES:
            self.found.append(Found(root, path, looked_at, self.whole))
        elif not path and looked_at:
            self.found.extend(Found(one, (), True, self.whole) for one in _HOLDING_BAGS)

    def again(self, places: list[Found]) -> None:
        """Note that the value may hold the bytes of these places once more."""
        if len(self.found) < _MOST_FOUND:
            self.found.extend(places)


def found_in(code: str) -> Looked:
    """Return the facts about an expression.

    Raises:
        MalformedError: The text is not JSONata.
    """
    tree = tree_of(code)
    walk = ExpressionWalk()
    look_at_node(tree, walk, looked_at=False)
    alone = len(walk.found) == 1 and is_plain_path(tree)
    return Looked(tuple(walk.found), alone, is_small(tree), walk.extra)


def look_at_node(node: Any, walk: ExpressionWalk, *, looked_at: bool) -> None:
    """Note the places that a node names."""
    whole = walk.whole
    walk.whole = whole and not is_small(node)
    _look_into(node, walk, looked_at=looked_at)
    walk.whole = whole


def _look_into(node: Any, walk: ExpressionWalk, *, looked_at: bool) -> None:
    kind = getattr(node, "type", None)
    if kind in {"path", "variable"}:
        _path(node, walk, looked_at=looked_at)
        return
    for stage in stages(node):  # behind a block or a call
        expression = getattr(stage, "expr", None)
        look_at_node(expression, walk, looked_at=True)
        looked_at = looked_at or not isinstance(getattr(expression, "value", None), int)
    if kind == "block" and (target := _named_target(node, walk)) is not None:
        walk.note(target, looked_at=looked_at)
    elif kind == "block":
        for one in node.expressions or ():
            look_at_node(one, walk, looked_at=looked_at)
    elif kind == "bind":
        target = _target(node.rhs, walk)
        name = str(getattr(node.lhs, "value", ""))
        walk.made_of.pop(name, None)
        walk.used.discard(name)
        if target is None:  # note its parts here; its uses are not followed
            before = len(walk.found)
            look_at_node(node.rhs, walk, looked_at=True)
            if not is_small(node.rhs):
                walk.made_of[name] = walk.found[before:]
        walk.named[name] = target
    elif kind == "condition":
        look_at_node(node.condition, walk, looked_at=True)
        for one in (node.then, getattr(node, "_else", None)):
            look_at_node(one, walk, looked_at=looked_at)
    elif kind == "unary" and node.value == "{":
        for key, value in getattr(node, "lhs_object", None) or ():
            look_at_node(key, walk, looked_at=True)
            look_at_node(value, walk, looked_at=looked_at)
    elif kind == "unary" and node.value == "[":
        for one in node.expressions or ():
            look_at_node(one, walk, looked_at=looked_at)
    elif kind == "apply" and getattr(node.rhs, "type", None) == "transform":
        look_at_node(node.lhs, walk, looked_at=True)
        look_at_node(node.rhs, walk, looked_at=True)
        _transform(node, walk)
    elif kind == "function":
        if (target := _named_target(node, walk)) is None:
            _call(node, walk, looked_at=looked_at)
        else:
            walk.note(target, looked_at=looked_at or _target(node, walk) is None)
    elif kind == "lambda":
        _lambda(node, None, walk)
    else:
        if kind == "binary" and node.value == "..":
            walk.extra += _range_bytes(number_of(node.lhs), number_of(node.rhs))
        for child in children(node):
            look_at_node(child, walk, looked_at=True)


def _range_bytes(first: float | None, last: float | None) -> int:
    """Return the bytes of the numbers of a range whose ends are literals."""
    if first is None or last is None or last < first:
        return 0
    longest = max(len(str(int(first))), len(str(int(last))))
    return min((int(last - first) + 1) * (longest + 1), _BEYOND_ANY)


def _call(node: Any, walk: ExpressionWalk, *, looked_at: bool) -> None:
    name = getattr(node.procedure, "value", None)
    arguments = list(node.arguments or ())
    before = len(walk.found)
    for one in arguments:
        if getattr(one, "type", None) == "lambda" and one is not arguments[0]:
            _lambda(one, _target(arguments[0], walk), walk)
        else:
            inherited = walk.whole
            walk.whole = inherited or name in _OF_ALL_MEMBERS
            if name == "hash" and getattr(one, "type", None) == "function":
                walk.whole = getattr(one.procedure, "value", None) == "string"
            look_at_node(one, walk, looked_at=looked_at or name not in _HANDED_ON)
            walk.whole = inherited
    if name in _DOUBLING:
        walk.again(walk.found[before:])
    elif name == "pad":
        walk.extra += _padding_bytes(arguments)
    elif name == "join":
        _separated(arguments, walk)


def _padding_bytes(arguments: list[Any]) -> int:
    """Return the bytes that `$pad` may add; `$text ~> $pad(20)` has its width first."""
    widths = [abs(one) for one in map(number_of, arguments) if one is not None]
    texts = [one.value for one in arguments[1:] if getattr(one, "type", None) == "string"]
    if not widths:
        return _BEYOND_ANY  # it is computed
    return min(int(max(widths)) * max(len(one.encode()) for one in [*texts, " "]), _BEYOND_ANY)


def _separated(arguments: list[Any], walk: ExpressionWalk) -> None:
    """Count the separators of `$join`: if they are long, the text grows with each item."""
    before = list(walk.found)
    for separator in arguments[-1:]:
        if getattr(separator, "type", None) == "string":
            for _ in range(len(separator.value.encode()) // _QUOTES_AND_COMMA):
                walk.again(before)


def _lambda(node: Any, items: Place | None, walk: ExpressionWalk) -> None:
    """Look through a lambda; its first argument is an item of the list that it is applied to."""
    for position, argument in enumerate(node.arguments or ()):
        walk.named[str(argument.value)] = items if position == 0 else None
    look_at_node(node.body, walk, looked_at=True)


def _path(node: Any, walk: ExpressionWalk, *, looked_at: bool) -> None:
    steps = node.steps if node.type == "path" else [node]
    first = steps[0]
    target = _named_target(node, walk)
    if target is None and getattr(first, "type", None) != "variable":
        for step in steps:
            _inside(step, walk, alone=len(steps) == 1)
        return
    if (
        target == (STATES, ())
        and getattr(steps[1] if steps[1:] else None, "type", "") == "wildcard"
    ):
        below, whole = known_names(node, after=1)
        for root in _HOLDING_BAGS:  # `$states.*.name`
            walk.note((root, tuple(below)), looked_at=looked_at or not whole or not below)
    elif target is not None:
        whole = _target(node, walk) is not None
        walk.note(target, looked_at=looked_at or not whole)
    elif first.value in walk.made_of:
        if first.value in walk.used:
            walk.again(walk.made_of[first.value])
        walk.used.add(first.value)
    for step in steps[1:]:
        _inside(step, walk, alone=False)
    for step in steps:
        for stage in stages(step):
            look_at_node(getattr(stage, "expr", None), walk, looked_at=True)
    group = getattr(node, "group", None)
    for key, value in getattr(group, "lhs_object", None) or ():
        look_at_node(key, walk, looked_at=True)
        look_at_node(value, walk, looked_at=True)


def _transform(node: Any, walk: ExpressionWalk) -> None:
    """Look through `~> | location | update, delete |`, whose names are relative to its input.

    Objects are changed, and fields deleted, only if they exist.
    """
    source = node.lhs
    while getattr(source, "type", None) == "apply" and source.rhs.type == "transform":
        source = source.lhs
    target = _target(source, walk)
    location = relative_names(node.rhs.pattern)
    if target is None or location is None:
        return
    above = place_below(target, location)
    if location:
        walk.note(above, looked_at=True)
    if node.rhs.pattern.type == "path" and not known_names(node.rhs.pattern)[1]:
        return  # it is further down: a wildcard, a filter
    for names in names_read_by(node.rhs.update):
        walk.note(place_below(above, names), looked_at=True)
    deleted = getattr(node.rhs, "delete", None)
    for one in [*(getattr(deleted, "expressions", None) or ()), deleted]:
        if getattr(one, "type", None) == "string":
            walk.note(place_below(above, (one.value,)), looked_at=True)


def _inside(step: Any, walk: ExpressionWalk, *, alone: bool) -> None:
    """Look through a step of a path, whose names are relative to the steps before it."""
    if alone or getattr(step, "type", None) != "name":
        look_at_node(step, walk, looked_at=True)


def _named_target(node: Any, walk: ExpressionWalk) -> Place | None:
    """Return the place at which a node begins, with the variables that the node sets."""
    before = len(walk.found)
    _names_in(node, walk)
    target = _target(node, walk, whole=False)
    if target is None:
        del walk.found[before:]  # it is looked through as a whole
    return target


def _names_in(node: Any, walk: ExpressionWalk) -> None:
    """Note the variables that a node sets before its value: `($s := $a; $s)`."""
    kind = getattr(node, "type", None)
    if kind == "block" and node.expressions:
        for one in node.expressions[:-1]:
            look_at_node(one, walk, looked_at=False)
        _names_in(node.expressions[-1], walk)
    elif kind == "path":
        _names_in(node.steps[0], walk)
    elif _is_lookup(node, walk):
        _names_in(node.arguments[0], walk)


def _target(node: Any, walk: ExpressionWalk, *, whole: bool = True) -> Place | None:
    """Return the root and path to which a path leads; None if no root is the engine's."""
    kind = getattr(node, "type", None)
    above: Place | None = None
    if kind == "path":
        names, complete = known_names(node)
        first = node.steps[0]
        if getattr(first, "type", None) == "variable":
            above = _variable(first, walk)
        elif getattr(first, "type", None) in {"block", "function"}:
            above = _unindexed(first, walk)
    elif kind in {"variable", "block", "function"}:
        names, complete = known_names(node)
        above = _variable(node, walk) if kind == "variable" else _unindexed(node, walk)
    if above is None or (whole and not complete):
        return None
    return place_below(above, names)


def _unindexed(node: Any, walk: ExpressionWalk) -> Place | None:
    """Return the place of a block or `$lookup`, without the brackets after it."""
    if node.type == "block":
        return _target(node.expressions[-1], walk) if node.expressions else None
    if not _is_lookup(node, walk):
        return None
    above = _target(node.arguments[0], walk)
    return None if above is None else place_below(above, (node.arguments[1].value,))


def _is_lookup(node: Any, walk: ExpressionWalk) -> bool:
    """Return whether a node is `$lookup(place, 'name')`, which means `place.name`."""
    return (
        getattr(node, "type", None) == "function"
        and getattr(node.procedure, "value", None) == "lookup"
        and "lookup" not in walk.named
        and len(node.arguments or ()) == 2
        and getattr(node.arguments[1], "type", None) == "string"
    )


def _variable(node: Any, walk: ExpressionWalk) -> Place | None:
    name = node.value
    if name in walk.named:
        return walk.named[name]
    if not isinstance(name, str) or name in {"", "$"}:
        return None
    return f"${name}", ()
