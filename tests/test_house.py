"""How the modules are named and laid out: what no import contract can say."""

import ast
from pathlib import Path

import statebag

SOURCE = Path(statebag.__file__).parent
MODULES = [one for one in SOURCE.rglob("*.py") if one.name not in {"__init__.py", "_version.py"}]

READS_VARIABLES = {
    "environment.py": "the one place that reads them",
    "process/memory_limit.py": "below environment.py: a default of Policy is computed from it",
    "store/companion.py": "gives a child process its variables",
    "local/handler_environment.py": "sets the variables of the functions that it runs",
}


def of_os(module):
    """What a module takes of the environment: the names of `os` that lead to it."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os":
            yield from {node.attr} & names
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from {alias.name for alias in node.names} & names


def test_variables_are_read_in_one_place():
    found = {str(one.relative_to(SOURCE).as_posix()) for one in MODULES if any(of_os(one))}
    assert found == set(READS_VARIABLES)
