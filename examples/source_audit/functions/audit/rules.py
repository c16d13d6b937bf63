"""The rules of the audit: what each one looks for, how grave it is, and where it was found."""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.outline import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SEVERITIES = ("high", "medium", "low")
MAX_ARGUMENTS = 9
SNIPPET_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the audit looks for."""

    name: str
    category: str
    severity: str
    says: str


RULES = {
    rule.name: rule
    for rule in (
        Rule("eval-or-exec", "security", "high", "runs text as code"),
        Rule("shell-command", "security", "high", "hands a command to a shell"),
        Rule("mktemp", "security", "high", "names a temporary file that another may create first"),
        Rule("unsafe-load", "security", "medium", "loads data that can run code"),
        Rule("weak-hash", "security", "low", "hashes with MD5 or SHA-1"),
        Rule("bare-except", "correctness", "medium", "catches even KeyboardInterrupt"),
        Rule("silent-except", "correctness", "medium", "drops every error without a word"),
        Rule("mutable-default", "correctness", "medium", "a default that all calls share"),
        Rule("assert-on-tuple", "correctness", "high", "an assertion that cannot fail"),
        Rule("is-with-literal", "correctness", "medium", "compares a literal by identity"),
        Rule("unreachable-code", "correctness", "low", "code that no run can reach"),
        Rule("star-import", "maintainability", "low", "imports names that nobody listed"),
        Rule("global-statement", "maintainability", "low", "a function that rebinds a global"),
        Rule("many-arguments", "maintainability", "low", f"more than {MAX_ARGUMENTS} arguments"),
    )
}

_SHELL_CALLS = frozenset({"os.system", "os.popen", "subprocess.getoutput"})
_UNSAFE_LOADS = frozenset(
    {"pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads"}
)
_WEAK_HASHES = frozenset({"hashlib.md5", "hashlib.sha1"})
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def inspect(path: str, text: str) -> list[dict[str, Any]]:
    """Every place in one module that breaks a rule, by line; none where it does not parse."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    lines = text.split("\n")
    findings = [
        {
            "rule": name,
            "category": RULES[name].category,
            "severity": RULES[name].severity,
            "path": path,
            "line": line,
            "snippet": lines[line - 1].strip()[:SNIPPET_CHARACTERS],
        }
        for node in ast.walk(tree)
        for name, line in _broken(node)
    ]
    return sorted(findings, key=lambda finding: (finding["line"], finding["rule"]))


def _broken(node: ast.AST) -> Iterator[tuple[str, int]]:
    match node:
        case ast.Call():
            yield from ((name, node.lineno) for name in _call(node))
        case ast.ExceptHandler():
            if node.type is None:
                yield "bare-except", node.lineno
            if _is_silent(node):
                yield "silent-except", node.lineno
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _signature(node.args, node.lineno)
        case ast.Lambda():
            yield from (
                (name, line)
                for name, line in _signature(node.args, node.lineno)
                if name == "mutable-default"
            )
        case ast.Assert(test=ast.Tuple(elts=[_, *_])):
            yield "assert-on-tuple", node.lineno
        case ast.Compare():
            if _is_identity_of_literal(node):
                yield "is-with-literal", node.lineno
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            yield "star-import", node.lineno
        case ast.Global():
            yield "global-statement", node.lineno
    for block in ("body", "orelse", "finalbody"):
        statements = getattr(node, block, None)
        if isinstance(statements, list):  # the body of a lambda is one expression
            for statement, after in itertools.pairwise(statements):
                if isinstance(statement, _LEAVES):
                    yield "unreachable-code", after.lineno


def _call(node: ast.Call) -> Iterator[str]:
    called = _dotted(node.func)
    keywords = {word.arg: word.value for word in node.keywords}
    if called in {"eval", "exec", "builtins.eval", "builtins.exec"}:
        yield "eval-or-exec"
    if called in _SHELL_CALLS or _is_constant(keywords.get("shell"), value=True):
        yield "shell-command"
    if called == "tempfile.mktemp":
        yield "mktemp"
    if called in _UNSAFE_LOADS:
        yield "unsafe-load"
    if called in _WEAK_HASHES and not _is_constant(keywords.get("usedforsecurity"), value=False):
        yield "weak-hash"


def _signature(arguments: ast.arguments, line: int) -> Iterator[tuple[str, int]]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if len(named) > MAX_ARGUMENTS:
        yield "many-arguments", line
    for default in [*arguments.defaults, *arguments.kw_defaults]:
        match default:
            case ast.List() | ast.Dict() | ast.Set():
                yield "mutable-default", default.lineno
            case ast.Call(func=ast.Name(id="list" | "dict" | "set" | "bytearray")):
                yield "mutable-default", default.lineno


def _is_silent(node: ast.ExceptHandler) -> bool:
    """`except:`, `except Exception:` or `except BaseException:` with nothing but `pass`."""
    everything = node.type is None or _dotted(node.type) in {"Exception", "BaseException"}
    return everything and all(isinstance(statement, ast.Pass) for statement in node.body)


def _is_identity_of_literal(node: ast.Compare) -> bool:
    sides = [node.left, *node.comparators]
    for position, operator in enumerate(node.ops):
        if isinstance(operator, ast.Is | ast.IsNot):
            for side in sides[position : position + 2]:
                if isinstance(side, ast.Constant) and type(side.value) in {int, float, str, bytes}:
                    return True
    return False


def _is_constant(node: ast.AST | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _dotted(node: ast.AST) -> str:
    """`os.path.join` of such an expression; an empty text of any other."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
