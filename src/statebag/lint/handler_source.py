"""Find out from its source whether a handler uses statebag, and not only the file that it is in.

A name of a module uses statebag if it is imported from statebag, or if its definition mentions a
name that does: a function by a decorator or in its body, a variable by its value. Imports between
the function's own modules are followed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statebag.asl.documents import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["handler_uses_statebag", "module_file"]

# Of a function that are read. Chosen: more than a function usually has of its own
_MOST_MODULES = 100
_LIBRARY = "statebag"


def handler_uses_statebag(folder: Path, module: str, name: str) -> bool | None:
    """Return whether a handler uses statebag.

    Args:
        folder: The folder of the function's code.
        module: The handler's module.
        name: The handler's name in it.

    Returns:
        None if the module defines no such name, or is not Python that can be parsed.
    """
    return _Sources(folder).uses(module, name)


def module_file(folder: Path, module: str) -> Path | None:
    """Return the file of a module in a function's own code."""
    stem = folder / module.replace(".", "/")
    files = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((file for file in files if file.is_file()), None)


class _Sources:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, dict[str, bool] | None] = {}

    def uses(self, module: str, name: str) -> bool | None:
        names = self._names(module)
        return None if names is None else names.get(name)

    def _names(self, module: str) -> dict[str, bool] | None:
        """Return the names that a module defines, and whether each uses statebag."""
        if module in self._read:
            return self._read[module]
        file = module_file(self._folder, module)
        if file is None or len(self._read) >= _MOST_MODULES:
            return None
        self._read[module] = {}  # for modules that import each other
        try:
            tree = ast.parse(read_text(file))
        except (SyntaxError, ValueError, RecursionError):
            self._read[module] = None
            return None
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        known: dict[str, bool] = {}
        mentions: dict[str, set[str]] = {}
        for node in _statements(tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                known |= self._imported(node, package)
            for name in _defined(node):
                mentions.setdefault(name, set()).update(_mentioned(node))
        using = {name for name, uses in known.items() if uses}
        while more := {one for one, named in mentions.items() if named & using} - using:
            using |= more
        found = {name: name in using for name in (*known, *mentions)}
        self._read[module] = found
        return found

    def _imported(self, node: ast.Import | ast.ImportFrom, package: str) -> dict[str, bool]:
        """Return the names that an import binds, and whether each uses statebag."""
        if isinstance(node, ast.Import):
            return {
                (one.asname or one.name.partition(".")[0]): self._any(one.name)
                for one in node.names
            }
        above = package.split(".") if package else []
        kept = above[: len(above) - node.level + 1] if node.level else []
        module = ".".join([*kept, *([node.module] if node.module else [])])
        found: dict[str, bool] = {}
        for one in node.names:
            if one.name == "*":
                found |= self._names(module) or {}
            elif module.partition(".")[0] == _LIBRARY:
                found[one.asname or one.name] = True
            else:
                uses = self.uses(module, one.name)
                whole = self._any(f"{module}.{one.name}" if module else one.name)
                found[one.asname or one.name] = bool(uses) or whole
        return found

    def _any(self, module: str) -> bool:
        """Return whether a module is statebag, or a name of it uses statebag."""
        if module.partition(".")[0] == _LIBRARY:
            return True
        return any((self._names(module) or {}).values())


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, also those below `if` and `try`, and imports anywhere."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (
                one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)
            )


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    return [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]


def _mentioned(node: ast.stmt) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
