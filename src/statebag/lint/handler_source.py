"""Find out from a module's source whether one of its functions was left without statebag."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["is_left_bare"]

_Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def is_left_bare(text: str, function: str, is_own: Callable[[str], bool]) -> bool:
    """Return whether a function surely neither is decorated nor uses statebag.

    Another function of the module may be decorated. Whatever cannot be known counts as use: another
    decorator, a name that is bound twice, a module of the application's own.

    Args:
        text: The source of the module.
        function: The name of the function.
        is_own: Tells whether a module is one of the application.
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    defined = [one for one in module.body if isinstance(one, _Defined) and one.name == function]
    if len(defined) != 1 or isinstance(defined[0], ast.ClassDef) or defined[0].decorator_list:
        return False
    others = [one for one in module.body if not isinstance(one, _Defined)]
    if any(function in _names(one) for one in others):
        return False  # `handler = step(handler)`, or a table of handlers
    using = _using(module, is_own)
    return using is not None and not using & set(_names(defined[0])) and function not in using


def _using(module: ast.Module, is_own: Callable[[str], bool]) -> set[str] | None:
    """Return the names of a module through which statebag is used; None if all may be."""
    using: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for named in node.names:
                if _counts(named.name, is_own):
                    using.add((named.asname or named.name).partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            names = {named.name: named.asname or named.name for named in node.names}
            if node.level or _counts(origin, is_own):
                if "*" in names:
                    return None
                using |= set(names.values())
            # A name that is imported from a package may be a module of it.
            using |= {its for name, its in names.items() if is_own(f"{origin}.{name}")}
    size = -1
    while size != len(using):  # what uses a name that uses it, and so on
        size = len(using)
        for part in module.body:
            if using.isdisjoint(_names(part)):
                continue
            if isinstance(part, _Defined):
                using.add(part.name)
                continue
            stored = (one for one in ast.walk(part) if isinstance(one, ast.Name))
            using |= {one.id for one in stored if isinstance(one.ctx, ast.Store)}
    return using


def _counts(name: str, is_own: Callable[[str], bool]) -> bool:
    return name.partition(".")[0] == "statebag" or is_own(name)


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a part of a module mentions, also those that it imports itself."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.alias):
            yield (one.asname or one.name).partition(".")[0]
