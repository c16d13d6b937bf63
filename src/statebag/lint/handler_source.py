"""Find out from its source whether a handler itself uses statebag, not only the file that it is in.

A name of a module uses statebag if it is imported from statebag, or if its definition mentions a
name that does: a function by a decorator or in its body, a variable by its value. Imports between
the function's own modules are followed.

A handler may also reach a function through an object that holds it: a router, a list. If a
handler mentions such an object, it is not known whether it uses statebag.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statebag.asl.documents import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["handler_uses_statebag", "module_file"]

# Of a function that are read. Chosen: more than a function usually has of its own
_MOST_MODULES = 100
_LIBRARY = "statebag"
# Decorators of Powertools for AWS Lambda that keep no reference to what they decorate.
_WRAPPERS = frozenset(
    {"inject_lambda_context", "capture_lambda_handler", "capture_method", "log_metrics"}
)


def handler_uses_statebag(folder: Path, module: str, name: str) -> bool | None:
    """Return whether a handler uses statebag.

    Args:
        folder: The folder of the function's code.
        module: The handler's module.
        name: The handler's name in it.

    Returns:
        True also if the module defines no such name or cannot be parsed, but it or a module that it
        imports uses statebag. None if that is not known.
    """
    return _Sources(folder).handler(module, name)


def module_file(folder: Path, module: str) -> Path | None:
    """Return the file of a module in a function's own code."""
    stem = folder / module.replace(".", "/")
    files = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@dataclass(frozen=True, slots=True)
class _Module:
    """The known facts about a module.

    Attributes:
        uses: Whether each name uses statebag; None if it may, through an object that holds a
            function that does.
        reaches: Names whose definitions mention, also through others, a name of one of the
            function's own modules.
    """

    uses: dict[str, bool | None] = field(default_factory=dict)
    reaches: frozenset[str] = frozenset()


class _Sources:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, _Module | None] = {}
        self._named: set[str] = set()  # modules that cannot be parsed, and name statebag
        self._gives = False  # whether a module gives what uses statebag to an object of another

    def handler(self, module: str, name: str) -> bool | None:
        read = self._module(module)
        if read is None or name not in read.uses:
            return True if any(map(self._any, [*self._read])) else None
        found = read.uses[name]
        return None if found is False and self._gives and name in read.reaches else found

    def _module(self, module: str) -> _Module | None:
        if module in self._read:
            return self._read[module]
        file = module_file(self._folder, module)
        if file is None or len(self._read) >= _MOST_MODULES:
            return None
        self._read[module] = _Module()  # for modules that import each other
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        data = b""
        try:
            with file.open("rb") as opened:
                data = opened.read(MOST_BYTES + 1)
            is_whole = len(data) <= MOST_BYTES
            self._read[module] = self._analysed(ast.parse(data), package) if is_whole else None
        # The last two: an expression of too many levels.
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            self._read[module] = None
        # Python that is newer than this one does not parse: what it names is taken for used.
        if self._read[module] is None and _LIBRARY.encode() in data:
            self._named.add(module)
        return self._read[module]

    def _analysed(self, tree: ast.Module, package: str) -> _Module:
        known: dict[str, bool | None] = {}
        own: set[str] = set()  # names from modules of the function's own
        mentions: dict[str, set[str]] = {}
        reads: dict[str, set[str]] = {}  # as `mentions`, without decorators
        statements = list(_statements(tree.body))
        for node in statements:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = self._imported(node, package)
                known |= {name: uses for name, (uses, _) in imported.items()}
                own |= {name for name, (_, is_own) in imported.items() if is_own}
            for name in _defined(node):
                mentions.setdefault(name, set()).update(_mentioned(node))
                reads.setdefault(name, set()).update(_mentioned(node, decorators=False))
        using = _reaching({name for name, uses in known.items() if uses}, mentions)
        given = {
            name
            for node in statements
            for name in _given(node, using)
            if name not in using and (name in mentions or name in own)
        }
        # What holds or is held by an object that was given a function may hold it too.
        ahead = list(given)
        while ahead:
            more = (mentions.get(ahead.pop(), set()) & (mentions.keys() | own)) - using - given
            given |= more
            ahead.extend(more)
        self._gives = self._gives or bool(given & own)
        unsure = _reaching(given | {name for name, uses in known.items() if uses is None}, reads)
        uses: dict[str, bool | None] = {}
        for name in (*known, *mentions):
            uses[name] = True if name in using else None if name in unsure else False
        return _Module(uses, frozenset(_reaching(own, reads)))

    def _imported(
        self, node: ast.Import | ast.ImportFrom, package: str
    ) -> dict[str, tuple[bool | None, bool]]:
        """Return the names that an import binds: whether each uses statebag, and whose it is."""
        if isinstance(node, ast.Import):
            return {
                (one.asname or one.name.partition(".")[0]): (
                    self._any(one.name),
                    self._is_own(one.name),
                )
                for one in node.names
            }
        above = package.split(".") if package else []
        kept = above[: len(above) - node.level + 1] if node.level else []
        module = ".".join([*kept, *([node.module] if node.module else [])])
        found: dict[str, tuple[bool | None, bool]] = {}
        for one in node.names:
            read = self._module(module)
            names = {} if read is None else read.uses
            if one.name == "*":
                found |= {name: (uses, True) for name, uses in names.items()}
            elif module.partition(".")[0] == _LIBRARY:
                found[one.asname or one.name] = (True, False)
            else:
                whole = f"{module}.{one.name}" if module else one.name
                # What cannot be parsed may define any name.
                any_uses = self._any(whole) or module in self._named
                uses = True if any_uses else names.get(one.name, False)
                is_own = self._is_own(module) or self._is_own(whole)
                found[one.asname or one.name] = (uses, is_own)
        return found

    def _is_own(self, module: str) -> bool:
        return bool(module) and module_file(self._folder, module) is not None

    def _any(self, module: str) -> bool:
        """Return whether a module is statebag, or a name of it uses statebag."""
        if module.partition(".")[0] == _LIBRARY:
            return True
        read = self._module(module)
        return module in self._named if read is None else any(read.uses.values())


def _reaching(names: Iterable[str], mentions: dict[str, set[str]]) -> set[str]:
    """Return names, and those whose definitions mention one of them, also through others."""
    found = set(names)
    while more := {one for one, named in mentions.items() if named & found} - found:
        found |= more
    return found


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, also those below others, and imports anywhere."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (
                one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)
            )
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, name, []))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            yield from _statements(part.body)


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module binds, or whose value it changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Match):
        parts = [one for case in node.cases for one in ast.walk(case.pattern)]
        named = [getattr(one, "name", None) or getattr(one, "rest", None) for one in parts]
        return [name for name in named if isinstance(name, str)]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For):
        targets = [node.target]
    elif isinstance(node, ast.With):
        targets = [one.optional_vars for one in node.items if one.optional_vars is not None]
    return [name for target in targets for name in _bound(target)]


def _bound(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from _bound(one)
    elif isinstance(target, ast.Starred | ast.Attribute | ast.Subscript):
        yield from _bound(target.value)


def _mentioned(node: ast.stmt, *, decorators: bool = True) -> set[str]:
    """Return the names that a statement mentions, without the statements below a `for`."""
    parts: list[ast.AST] = [node]
    if isinstance(node, ast.For):
        parts = [node.iter]
    elif isinstance(node, ast.With):
        parts = [one.context_expr for one in node.items]
    elif isinstance(node, ast.Match):
        parts = [node.subject]
    elif not decorators and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        parts = [one for one in ast.iter_child_nodes(node) if one not in node.decorator_list]
    return {one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}


def _given(node: ast.stmt, using: set[str]) -> set[str]:
    """Return the names of objects that a statement may give a function that uses statebag."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        if node.name not in using:
            return set()
        return {name for one in node.decorator_list for name in _of_decorator(one)}
    if isinstance(node, ast.Expr):
        named = _mentioned(node)
        return named if named & using else set()
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        called = node.value.func
        if isinstance(called, ast.Attribute) and _mentioned(node) & using:
            return set(_bound(called))
    return set()


def _of_decorator(node: ast.expr) -> set[str]:
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute) and called.attr in _WRAPPERS:
        return set()
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
