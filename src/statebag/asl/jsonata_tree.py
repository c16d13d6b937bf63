"""Parse a JSONata expression into a tree, and describe each of its nodes by itself.

The parser is that of jsonata-python. What depends on the variables of an expression is in
`jsonata`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from statebag.asl.json_paths import MalformedError
from statebag.format.json_depth import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "STATES",
    "Place",
    "children",
    "is_plain_path",
    "is_small",
    "known_names",
    "names_read_by",
    "number_of",
    "place_below",
    "relative_names",
    "stages",
    "tree_of",
]

_ROOTS = {"input": "input", "result": "result", "errorOutput": "error", "context": "context"}
STATES = "$states"
"""The root of a place that is `$states` itself, or none that it has."""
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

Place = tuple[str, tuple[str | int, ...]]


@lru_cache(maxsize=512)
def tree_of(code: str) -> Any:
    """Return the tree that the parser makes of an expression.

    Raises:
        MalformedError: The text is not JSONata.
    """
    try:
        return Jsonata(code).ast
    except JException as error:
        raise MalformedError(str(error).splitlines()[0].rstrip(".")) from None
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, AttributeError):
        # Its parser fails in its own ways on odd text.
        raise MalformedError("the parser of JSONata failed on the expression") from None


def is_plain_path(node: Any) -> bool:
    """Return whether a node is a path of fixed names from a variable."""
    kind = getattr(node, "type", None)
    if kind == "block":
        inner = node.expressions or []
        return len(inner) == 1 and is_plain_path(inner[0])
    first = node.steps[0] if kind == "path" else node
    return getattr(first, "type", None) == "variable" and known_names(node)[1]


def is_small(node: Any) -> bool:
    """Return whether a node gives a number, a boolean or a short text."""
    kind = getattr(node, "type", None)
    if kind == "function":
        return getattr(node.procedure, "value", None) in _SMALL
    if kind == "block":
        inner = node.expressions or []
        return bool(inner) and is_small(inner[-1])
    if kind == "binary":
        return node.value in _SMALL_OPERATORS
    return kind in {"string", "number", "value"}


def number_of(node: Any) -> float | None:
    """Return the number of a literal; None for anything else."""
    value = getattr(node, "value", None)
    return value if getattr(node, "type", None) == "number" else None


def relative_names(node: Any) -> tuple[str | int, ...] | None:
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


def names_read_by(node: Any) -> Iterator[tuple[str | int, ...]]:
    """Yield the places that an update reads in the object that it changes."""
    names = relative_names(node)
    if names is not None:
        if names:
            yield names
        return
    if getattr(node, "type", None) == "lambda":
        return
    for pair in getattr(node, "lhs_object", None) or ():
        for one in pair:
            yield from names_read_by(one)
    for child in children(node):
        yield from names_read_by(child)


def place_below(place: Place, names: Iterable[str | int]) -> Place:
    """Return a place below another; places in `$states` become separate roots."""
    root, path = place[0], (*place[1], *names)[:MAX_DEPTH]  # no state has more levels
    if root == STATES and path and path[0] in _ROOTS:
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
        for stage in stages(step):
            index = getattr(getattr(stage, "expr", None), "value", None)
            if isinstance(index, bool) or not isinstance(index, int) or index < 0:
                return names, False
            names.append(index)
    return names, getattr(node, "group", None) is None


def stages(step: Any) -> list[Any]:
    """Return the contents of the brackets after a step."""
    return [*(getattr(step, "stages", None) or ()), *(getattr(step, "predicate", None) or ())]


def children(node: Any) -> Iterator[Any]:
    """Yield the nodes below a node, whatever its kind."""
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
