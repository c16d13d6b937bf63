"""Nothing that a payload or a store says is ever run: no such call is in the source at all."""

import ast
from pathlib import Path

import pytest
import yaml

import statebag
from statebag.asl import documents

SOURCE = Path(statebag.__file__).parent
FORBIDDEN_MODULES = {
    "cPickle", "cloudpickle", "dill", "jsonpickle", "marshal", "pickle", "shelve", "code", "codeop",
}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_YAML = {"load", "load_all", "full_load", "unsafe_load", "unsafe_load_all"}

# Modules are imported by a name that is not in the source text of the import: from a table of
# this program, or from a template that its own user runs on this machine.
IMPORTS_BY_NAME = {
    "cli/group.py": "commands, from the table in cli/__init__.py",
    "lint/integrations.py": "botocore.session, if it is installed: lint needs no extra for AWS",
    "local/functions.py": "handlers that the template being run names",
    "process/lazy_front.py": "the public names of a room, from the table in its __init__.py",
}
# A loader of its own below yaml.SafeLoader, for the short tags of templates.
SAFE_LOADERS = {"asl/documents.py"}


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_deserializer_that_runs_code(file):
    tree = ast.parse(file.read_text("utf-8"))
    assert not FORBIDDEN_MODULES & set(modules(tree))
    for node, name in calls(tree):
        assert name not in FORBIDDEN_CALLS, f"{name} in line {node.lineno}"
        first, _, last = name.rpartition(".")
        if first == "yaml" and str(file.relative_to(SOURCE)) not in SAFE_LOADERS:
            assert last not in UNSAFE_YAML, f"{name} in line {node.lineno}"
    imports = [name for _, name in calls(tree) if name.endswith("import_module")]
    relative = str(file.relative_to(SOURCE))
    assert not imports or relative in IMPORTS_BY_NAME, f"{relative} imports by name"


def test_the_ban_sees_what_it_bans():
    tree = ast.parse("import pickle\nfrom marshal import loads\neval('1')\nyaml.load(x)\n")
    assert FORBIDDEN_MODULES & set(modules(tree)) == {"pickle", "marshal"}
    assert [name for _, name in calls(tree)] == ["eval", "yaml.load"]


def test_every_exception_is_still_needed():
    assert {"asl/documents.py"} == SAFE_LOADERS
    assert issubclass(documents._Loader, yaml.constructor.SafeConstructor)
    assert not issubclass(documents._Loader, yaml.constructor.FullConstructor)
    assert "yaml.load(text, _Loader)" in (SOURCE / "asl/documents.py").read_text("utf-8")
    for relative in IMPORTS_BY_NAME:
        assert "import_module" in (SOURCE / relative).read_text("utf-8"), relative
