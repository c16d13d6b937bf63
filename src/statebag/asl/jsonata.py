"""Find what a JSONata expression refers to, in the tree of jsonata-python's parser.

This module evaluates nothing. It distinguishes values that the expression only passes on (a path, a
field of a new object, an argument of `$merge`) from values that it looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from statebag.asl.json_paths import MalformedError
from statebag.format.json_depth import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "ExpressionWalk",
    "Found",
    "Looked",
    "Place",
    "found_in",
    "is_lookup",
    "is_small",
    "known_names",
    "look_at_node",
    "place_below",
    "tree_of",
]

_ROOTS = {"input": "input", "result": "result", "errorOutput": "error", "context": "context"}
# Their values are numbers, truths or short texts, whatever they are given.
_SMALL = frozenset(
    {
        "abs",
        "average",
        "boolean",
        "ceil",
        "contains",
        "count",
        "exists",
        "floor",
        "fromMillis",
        "hash",
        "length",
        "max",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "power",
        "random",
        "round",
        "sqrt",
        "sum",
        "toMillis",
        "type",
        "uuid",
    }
)
_SMALL_OPERATORS = frozenset(
    {"+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "and", "or", "in"}
)
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
_STATES = "$states"  # the root of a place that is `$states` itself, or none that it has
_HOLDING_BAGS = ("input", "result", "error")

Place = tuple[str, tuple[str | int, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """A place that an expression names.

    Attributes:
        root: `input`, `result`, `error`, `context`, or `$name` of a variable.
        path: Below the root, as far as it is fixed.
        looked_at: Whether the expression looks at the value, instead of handing it on.
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
    """What is known while the nodes of an expression are looked through."""

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
        if root != _STATES:
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
    alone = len(walk.found) == 1 and _is_plain_path(tree)
    return Looked(tuple(walk.found), alone, is_small(tree), walk.extra)


@lru_cache(maxsize=512)
def tree_of(code: str) -> Any:
    """Return the tree that the parser makes of an expression.

    Raises:
        MalformedError: It is no JSONata.
    """
    try:
        return Jsonata(code).ast
    except JException as error:
        raise MalformedError(str(error).splitlines()[0].rstrip(".")) from None
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, AttributeError):
        # Its parser fails in its own ways on odd text.
        raise MalformedError("the parser of JSONata failed on the expression") from None


def _is_plain_path(node: Any) -> bool:
    kind = getattr(node, "type", None)
    if kind == "block":
        inner = node.expressions or []
        return len(inner) == 1 and _is_plain_path(inner[0])
    first = node.steps[0] if kind == "path" else node
    return getattr(first, "type", None) == "variable" and known_names(node)[1]


def is_small(node: Any) -> bool:
    """Return whether a node gives a number, a truth or a short text."""
    kind = getattr(node, "type", None)
    if kind == "function":
        return getattr(node.procedure, "value", None) in _SMALL
    if kind == "block":
        inner = node.expressions or []
        return bool(inner) and is_small(inner[-1])
    if kind == "binary":
        return node.value in _SMALL_OPERATORS
    return kind in {"string", "number", "value"}


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
    for stage in _stages(node):  # behind a block or a call
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
        if target is None:  # what it is made of is told here, what becomes of it is not followed
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
            walk.extra += _range_bytes(_number(node.lhs), _number(node.rhs))
        for child in _children(node):
            look_at_node(child, walk, looked_at=True)


def _range_bytes(first: float | None, last: float | None) -> int:
    """Return the bytes of the numbers of a range whose ends are literals."""
    if first is None or last is None or last < first:
        return 0
    longest = max(len(str(int(first))), len(str(int(last))))
    return min((int(last - first) + 1) * (longest + 1), _BEYOND_ANY)


def _number(node: Any) -> float | None:
    """Return the number of a literal; None for anything else."""
    value = getattr(node, "value", None)
    return value if getattr(node, "type", None) == "number" else None


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
    widths = [abs(one) for one in map(_number, arguments) if one is not None]
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
    """Look through a lambda; its first argument is an item of the list that it is used on."""
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
        target == (_STATES, ())
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
        for stage in _stages(step):
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
    location = _relative(node.rhs.pattern)
    if target is None or location is None:
        return
    above = place_below(target, location)
    if location:
        walk.note(above, looked_at=True)
    if node.rhs.pattern.type == "path" and not known_names(node.rhs.pattern)[1]:
        return  # it is further down: a wildcard, a filter
    for names in _bare(node.rhs.update):
        walk.note(place_below(above, names), looked_at=True)
    deleted = getattr(node.rhs, "delete", None)
    for one in [*(getattr(deleted, "expressions", None) or ()), deleted]:
        if getattr(one, "type", None) == "string":
            walk.note(place_below(above, (one.value,)), looked_at=True)


def _relative(node: Any) -> tuple[str | int, ...] | None:
    """Return the fixed names at the beginning of a path relative to the current value."""
    kind = getattr(node, "type", None)
    if kind == "variable" and node.value == "":
        return ()
    if kind != "path":
        return None
    first = getattr(node.steps[0], "type", None)
    names = known_names(node)[0]  # from behind the first step, which it takes for a root
    if first == "variable" and node.steps[0].value == "":
        return tuple(names)
    return (str(node.steps[0].value), *names) if first == "name" else None


def _bare(node: Any) -> Iterator[tuple[str | int, ...]]:
    """Yield the places that an update reads in the object that it changes."""
    names = _relative(node)
    if names is not None:
        if names:
            yield names
        return
    if getattr(node, "type", None) == "lambda":
        return
    for pair in getattr(node, "lhs_object", None) or ():
        for one in pair:
            yield from _bare(one)
    for child in _children(node):
        yield from _bare(child)


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
    elif is_lookup(node, walk):
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
    """Return the place of a block or `$lookup`, without the brackets behind it."""
    if node.type == "block":
        return _target(node.expressions[-1], walk) if node.expressions else None
    if not is_lookup(node, walk):
        return None
    above = _target(node.arguments[0], walk)
    return None if above is None else place_below(above, (node.arguments[1].value,))


def is_lookup(node: Any, walk: ExpressionWalk) -> bool:
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


def place_below(place: Place, names: Iterable[str | int]) -> Place:
    """Return a place below another; places in `$states` become separate roots."""
    root, path = place[0], (*place[1], *names)[:MAX_DEPTH]  # no state has more levels
    if root == _STATES and path and path[0] in _ROOTS:
        return _ROOTS[str(path[0])], path[1:]
    return root, path


def known_names(node: Any, after: int = 0) -> tuple[list[str | int], bool]:
    """Return the fixed names at the beginning of a path, and whether these are the whole path.

    Args:
        node: The path.
        after: How many steps to skip before the names.
    """
    steps = node.steps[after:] if node.type == "path" else [node]
    names: list[str | int] = []
    for position, step in enumerate(steps):
        if position:
            if getattr(step, "type", None) != "name":
                return names, False
            names.append(str(step.value))
        for stage in _stages(step):
            index = getattr(getattr(stage, "expr", None), "value", None)
            if isinstance(index, bool) or not isinstance(index, int) or index < 0:
                return names, False
            names.append(index)
    return names, getattr(node, "group", None) is None


def _stages(step: Any) -> list[Any]:
    """Look through the brackets behind a step."""
    return [*(getattr(step, "stages", None) or ()), *(getattr(step, "predicate", None) or ())]


def _children(node: Any) -> Iterator[Any]:
    for name in ("lhs", "rhs", "expression", "condition", "then", "body", "pattern", "update"):
        child = getattr(node, name, None)
        if hasattr(child, "type"):
            yield child
    for name in ("arguments", "expressions", "terms", "steps"):
        for child in getattr(node, name, None) or ():
            if hasattr(child, "type"):
                yield child
            elif hasattr(getattr(child, "expression", None), "type"):
                yield child.expression
