"""The agent's tools. Each answers the same for the same tree, whenever it is asked."""

from __future__ import annotations

import ast
import hashlib
import io
import re
import threading
import tokenize
import warnings
from pathlib import Path
from typing import Any

# Reviewed where a request names no folder: the functions' own source is wherever they run.
OWN_SOURCE = Path(__file__).parents[1]
# Third parties' code, caches and tests are not what a team ships as its own.
SKIPPED_FOLDERS = frozenset({"__pycache__", "site-packages", "idle_test", "test", "tests"})
_LINE_CHARACTERS = 200
_LITERALS = (str, bytes, int, float, complex)
_filters = threading.Lock()
"""A process has one set of warning filters; on one machine a Map's children share it."""


def list_files(folder: str | None, max_files: int | None = None) -> dict[str, Any]:
    """All Python files below a folder, by default the one that holds these functions.

    Returns:
        `{root, files}`; of each file its path below the root, its bytes and their SHA-256.
    """
    root = Path(folder or OWN_SOURCE).resolve()
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder that can be reviewed")
    names = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if path.is_file() and not any(map(_is_skipped, path.relative_to(root).parent.parts))
    )
    files = []
    for name in names[:max_files]:
        data = (root / name).read_bytes()
        files.append({"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return {"root": str(root), "files": files}


def _is_skipped(folder: str) -> bool:
    return folder in SKIPPED_FOLDERS or folder.startswith(".")


def read_file(root: str, path: str) -> str:
    """A file's text, decoded as Python decodes it; what is no text is shown as good as it goes."""
    data = Path(root, path).read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")


def outline(path: str, text: str) -> dict[str, Any]:
    """What a module consists of: lines, functions, classes, imports, docstrings."""
    tree = _parsed(text)
    found: dict[str, Any] = {
        "path": path,
        "lines": len(text.splitlines()),
        "parses": tree is not None,
    }
    functions: list[dict[str, Any]] = []
    classes: list[dict[str, Any]] = []
    imports: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                functions.append(_described(node))
            case ast.ClassDef():
                classes.append(_described(node))
            case ast.Import():
                imports.update(alias.name.partition(".")[0] for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                imports.add(module.partition(".")[0])
    found["documented"] = tree is not None and ast.get_docstring(tree, clean=False) is not None
    found["functions"] = sorted(functions, key=lambda one: one["line"])
    found["classes"] = sorted(classes, key=lambda one: one["line"])
    found["imports"] = sorted(imports)
    return found


def _described(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> dict[str, Any]:
    return {
        "name": node.name,
        "line": node.lineno,
        "lines": (node.end_lineno or node.lineno) - node.lineno + 1,
        "documented": ast.get_docstring(node, clean=False) is not None,
    }


def search(root: str, paths: list[str], pattern: str) -> list[dict[str, Any]]:
    """Every line of the files that a regular expression is found in."""
    expression = re.compile(pattern)
    return [
        {"path": path, "line": number, "text": line.strip()[:_LINE_CHARACTERS]}
        for path in paths
        for number, line in enumerate(read_file(root, path).split("\n"), 1)
        if expression.search(line)
    ]


def compile_file(root: str, path: str) -> dict[str, Any]:
    """Whether a file compiles, and what the compiler warns of."""
    with _filters, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile(read_file(root, path), path, "exec", dont_inherit=True)
            error = None
        except (SyntaxError, ValueError, RecursionError) as problem:
            error = type(problem).__name__
    said = [{"line": one.lineno, "says": str(one.message)} for one in caught]
    return {"path": path, "compiles": error is None, "error": error, "warnings": said}


def check_file(root: str, path: str) -> list[dict[str, Any]]:
    """What a linter would find in one file, by line: unused imports, names defined twice, ..."""
    tree = _parsed(read_file(root, path))
    if tree is None:
        return [{"path": path, "line": 0, "rule": "does-not-parse", "name": ""}]
    found = [*_unused_imports(tree, path), *_defined_twice(tree)]
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None):
                found.append(("bare-except", node.lineno, ""))
            case ast.Compare(ops=operators, comparators=others) if any(
                isinstance(operator, ast.Is | ast.IsNot)
                and isinstance(other, ast.Constant)
                and type(other.value) in _LITERALS
                for operator, other in zip(operators, others, strict=True)
            ):
                found.append(("is-with-literal", node.lineno, ""))
            case ast.Assert(test=ast.Tuple(elts=[_, *_])):
                found.append(("assert-on-tuple", node.lineno, ""))
            case ast.JoinedStr(values=parts) if not any(
                isinstance(part, ast.FormattedValue) for part in parts
            ):
                found.append(("empty-f-string", node.lineno, ""))
    return [
        {"path": path, "line": line, "rule": rule, "name": name}
        for rule, line, name in sorted(found, key=lambda one: (one[1], one[0], one[2]))
    ]


def _parsed(text: str) -> ast.Module | None:
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of somebody else's source
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return None


def _unused_imports(tree: ast.Module, path: str) -> list[tuple[str, int, str]]:
    if path.endswith("__init__.py"):
        return []  # a package imports what it offers
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # __all__, and annotations in quotes
    found = []
    for node in tree.body:
        if (
            isinstance(node, ast.Import | ast.ImportFrom)
            and getattr(node, "module", "") != "__future__"
        ):
            for alias in node.names:
                name = (alias.asname or alias.name).partition(".")[0]
                if name not in used and name != "*" and alias.asname != alias.name:
                    found.append(("unused-import", node.lineno, name))
    return found


def _defined_twice(tree: ast.Module) -> list[tuple[str, int, str]]:
    found = []
    for owner in ast.walk(tree):
        if not isinstance(owner, ast.Module | ast.ClassDef):
            continue
        seen: set[str] = set()
        for node in owner.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if node.name in seen and not node.decorator_list:
                    found.append(("defined-twice", node.lineno, node.name))
                seen.add(node.name)
    return found
