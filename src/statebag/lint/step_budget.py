"""Read from a handler's source the `budget=` of its decorator, which bounds its answer."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING

from statebag.asl.documents import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["step_budget"]

# What the advice of lint and docs/fan-in.md write: a quotient, and what stands beside it.
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
_LARGEST = 1 << 40  # chosen: no bag is as large, and no arithmetic below it takes long


def step_budget(file: Path, name: str) -> int | None:
    """Return the bytes that a handler's decorator names as `budget`.

    Args:
        file: The handler's module.
        name: The handler's name in it.

    Returns:
        None if it names none, or one that is not computed from whole numbers and from constants of
        the same module.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        tree = ast.parse(data) if len(data) <= MOST_BYTES else ast.Module([], [])
    # The last two: an expression of too many levels.
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    constants: dict[str, ast.expr | None] = {}
    found: ast.FunctionDef | ast.AsyncFunctionDef | None = None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            found = node
        for target, value in _assigned(node):
            constants[target] = None if target in constants else value
    for decorator in [] if found is None else found.decorator_list:
        if isinstance(decorator, ast.Call) and _name(decorator.func) == "step":
            for keyword in decorator.keywords:
                if keyword.arg == "budget":
                    return _computed(keyword.value, constants, 0)
    return None


def _name(node: ast.expr) -> str:
    """Return `step` of `step`, and of `statebag.step`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _assigned(node: ast.stmt) -> list[tuple[str, ast.expr | None]]:
    """Return the names that a statement assigns to, each with its value if there is just one."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        (target,) = node.targets
        if isinstance(target, ast.Name):
            return [(target.id, node.value)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [(node.target.id, node.value)]
    stored = (one for one in ast.walk(node) if isinstance(one, ast.Name))
    return [(one.id, None) for one in stored if isinstance(one.ctx, ast.Store)]


def _computed(node: ast.expr, constants: Mapping[str, ast.expr | None], depth: int) -> int | None:
    if depth > 20:
        return None
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int and 0 < node.value < _LARGEST else None
    if isinstance(node, ast.Name):
        known = constants.get(node.id)
        return None if known is None else _computed(known, constants, depth + 1)
    if isinstance(node, ast.BinOp) and (operate := _OPERATORS.get(type(node.op))) is not None:
        left = _computed(node.left, constants, depth + 1)
        right = _computed(node.right, constants, depth + 1)
        if left is None or right is None:
            return None
        result = operate(left, right)
        return result if 0 < result < _LARGEST else None
    return None
