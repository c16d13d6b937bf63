"""The outline of a module: its functions, classes, imports, and how they are written."""

from __future__ import annotations

import ast
import hashlib
import threading
import warnings
from typing import TYPE_CHECKING, Any

from audit.tree import count_lines, module_name

if TYPE_CHECKING:
    from collections.abc import Iterator

# Shorter bodies repeat by nature: a property, a delegation, a `raise NotImplementedError`.
DUPLICATE_LINES = 8

_warnings_lock = threading.Lock()


def parse(text: str) -> ast.Module:
    """The syntax tree of a module; what Python would warn of, it does not say here.

    Raises:
        SyntaxError, ValueError, RecursionError: this Python cannot read the text.
    """
    # The filters belong to the whole process, so threads take turns with them.
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def outline(path: str, text: str) -> dict[str, Any]:
    """What one module consists of.

    A function's complexity is McCabe's: one, and one more for each `if`, `elif`, `for`,
    `while`, `except`, `case`, conditional expression, `and` and `or` in it. What a nested
    function decides counts for the nested one. `decisions` is the sum over the module.
    """
    found: dict[str, Any] = {
        "path": path,
        "module": module_name(path),
        "lines": count_lines(text),
        "documented": False,
        "decisions": 0,
        "functions": [],
        "classes": [],
        "imports": [],
        "deferred_imports": [],
    }
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        found["unparsed"] = type(error).__name__
        return found
    found["documented"] = _is_documented(tree)
    _Walk(found, text.split("\n")).run(tree)
    return found


class _Walk:
    """One pass over a tree. A stack of its own: long expressions nest deeper than Python calls."""

    def __init__(self, found: dict[str, Any], lines: list[str]) -> None:
        self.found = found
        self.lines = lines
        self.immediate: set[str] = set()
        self.deferred: set[str] = set()

    def run(self, tree: ast.Module) -> None:
        # What stands in no function runs at import, but for `if __name__ == "__main__":` and such.
        stack: list[tuple[ast.AST, dict[str, Any] | None, tuple[str, ...], bool]]
        stack = [(tree, None, (), False)]
        while stack:
            node, owner, scope, is_later = stack.pop()
            decisions = _decisions(node)
            if decisions:
                self.found["decisions"] += decisions
                if owner is not None:
                    owner["complexity"] += decisions
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    function = self._function(node, owner, scope)
                    self.found["functions"].append(function)
                    inner = (*scope, node.name)
                    stack.extend((child, function, inner, True) for child in node.body)
                    # Decorators, defaults and annotations run where the function is defined.
                    stack.extend((child, owner, scope, is_later) for child in _header(node))
                    continue
                case ast.ClassDef():
                    scope = (*scope, node.name)
                    self.found["classes"].append(self._class(node, owner, scope))
                case ast.Import() | ast.ImportFrom():
                    (self.deferred if is_later else self.immediate).update(self._imports(node))
                case ast.If() if _is_never_true_on_import(node.test):
                    stack.extend((child, owner, scope, True) for child in [node.test, *node.body])
                    stack.extend((child, owner, scope, is_later) for child in node.orelse)
                    continue
            stack.extend((child, owner, scope, is_later) for child in ast.iter_child_nodes(node))
        self.found["functions"].sort(key=lambda function: function["line"])
        self.found["classes"].sort(key=lambda class_: class_["line"])
        self.found["imports"] = sorted(self.immediate)
        self.found["deferred_imports"] = sorted(self.deferred - self.immediate)

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        owner: dict[str, Any] | None,
        scope: tuple[str, ...],
    ) -> dict[str, Any]:
        return {
            "name": ".".join((*scope, node.name)),
            "line": node.lineno,
            "lines": _end(node) - node.lineno + 1,
            "complexity": 1,
            "arguments": _argument_count(node.args),
            "documented": _is_documented(node),
            "public": owner is None and _is_public((*scope, node.name)),
            # A nested function is part of the text of the outer one.
            "fingerprint": None if owner is not None else self._fingerprint(node),
        }

    def _class(
        self, node: ast.ClassDef, owner: dict[str, Any] | None, scope: tuple[str, ...]
    ) -> dict[str, Any]:
        return {
            "name": ".".join(scope),
            "line": node.lineno,
            "lines": _end(node) - node.lineno + 1,
            "documented": _is_documented(node),
            "public": owner is None and _is_public(scope),
        }

    def _fingerprint(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
        """A digest of the body without docstring, comments, blank lines and indentation."""
        body = node.body[1:] if _is_documented(node) else node.body
        if not body:
            return None
        code = [line.strip() for line in self.lines[body[0].lineno - 1 : _end(node)]]
        code = [line for line in code if line and not line.startswith("#")]
        if len(code) < DUPLICATE_LINES:
            return None
        return hashlib.sha256("\n".join(code).encode()).hexdigest()[:16]

    def _imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        """`import a.b` → `a.b`; `from a import b` → `a:b`; relative ones as absolute."""
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = node.module or ""
        if node.level:
            package = self.found["module"].split(".")
            is_package = self.found["path"].endswith("__init__.py")
            keep = len(package) - node.level + is_package
            base = ".".join([*package[: max(keep, 0)], *filter(None, [node.module])])
        yield from (f"{base}:{alias.name}" for alias in node.names)


def _decisions(node: ast.AST) -> int:
    match node:
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While():
            return 1
        case ast.ExceptHandler():
            return 1
        case ast.comprehension(ifs=conditions):
            return 1 + len(conditions)
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.match_case(guard=guard):
            return 1 if guard is None else 2
    return 0


def _is_never_true_on_import(test: ast.expr) -> bool:
    """`__name__ == "__main__"`, `TYPE_CHECKING` and `typing.TYPE_CHECKING`."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False


def _header(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    yield from node.decorator_list
    yield node.args
    if node.returns is not None:
        yield node.returns
    yield from getattr(node, "type_params", ())  # Python 3.12 and newer


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _argument_count(arguments: ast.arguments) -> int:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len(named) + (arguments.vararg is not None) + (arguments.kwarg is not None)


def _is_documented(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def _is_public(names: tuple[str, ...]) -> bool:
    return not any(name.startswith("_") for name in names)
