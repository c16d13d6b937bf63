"""What importing costs, and what works without the extras."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

# Of this library and its two dependencies, what an import loads is in some 130 modules; each
# of the packages below would add hundreds of milliseconds to a Lambda's start.
MOST_MODULES = 150
NEVER = {
    "boto3",
    "botocore",
    "moto",
    "cryptography",
    "aws_lambda_powertools",
    "opentelemetry",
    "click",
    "rich",
    "yaml",
    "jsonata",
    "pydantic",
    "asyncio",
    "concurrent.futures.process",
    "multiprocessing",
    "http.client",
    "xml",
    "unittest",
    "logging",
    "email",
}
# What a step may load, where it needs it, and an import does not.
NOT_AT_IMPORT = {
    "pathlib",
    "urllib",
    "queue",
    "tempfile",
    "subprocess",
    "hmac",
    "copy",
    "concurrent.futures",
    # Of this library, what few calls need.
    "statebag.environment_keys",
    "statebag.environment_places",
    "statebag.pickling",
    "statebag.store.checked",
    "statebag.store.encrypted",
    "statebag.store.file",
    "statebag.store.object_storage",
    "statebag.format.json_check",
    "statebag.upkeep",
    "statebag.local",
    "statebag.cli",
}
EXTRAS = (
    "click",
    "rich",
    "moto",
    "boto3",
    "botocore",
    "yaml",
    "jsonata",
    "cryptography",
    "aws_lambda_powertools",
    "opentelemetry",
)
BLOCK = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run(code, *arguments, block=True):
    """A new process that runs code, without the extras."""
    return subprocess.run(
        [sys.executable, "-c", (BLOCK if block else "") + code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def loaded(code):
    """The modules that a process loads for code, beyond those of any start."""
    program = "import sys; before = set(sys.modules)\n" + code + "\n"
    answer = run(program + "print(*sorted(set(sys.modules) - before))", block=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_an_import_is_small():
    modules = loaded("import statebag")
    assert {*NEVER, *NOT_AT_IMPORT}.isdisjoint(modules)
    assert len(modules) <= MOST_MODULES


def test_settings_and_their_defaults_load_no_paths():
    modules = loaded("import statebag; statebag.Policy(); statebag.Statebag('memory://import')")
    assert {*NEVER, "pathlib", "queue", "statebag.pickling"}.isdisjoint(modules)


def test_a_step_on_a_folder_loads_no_object_storage(tmp_path):
    modules = loaded(
        f"import statebag; sb = statebag.Statebag({tmp_path.as_uri()!r})\n"
        "assert sb.open(sb.seal({'a': 'x' * 50_000})) == {'a': 'x' * 50_000}"
    )
    assert {*NEVER, "obstore"}.isdisjoint(modules)


# What a plain seal or open never needs. `secrets` and what it loads took 3 ms of CPU (measured).
NOT_FOR_A_SEAL = {
    "random",
    "secrets",
    "hmac",
    "base64",
    "statebag.sealing.parent",
    "statebag.sealing.previews",
}


def test_a_first_seal_and_open_load_what_they_need():
    modules = loaded(
        "import statebag; from statebag.store.memory import MemoryStore\n"
        "sb = statebag.Statebag(MemoryStore())\n"
        "for state in ({'a': 1}, {'a': [f'{i} {i}' for i in range(80_000)]}):\n"
        "    assert sb.open(sb.seal(state, scope='a/b'), scope='a/b') == state\n"
    )
    assert {*NEVER, *NOT_FOR_A_SEAL}.isdisjoint(modules)


def test_an_import_starts_nothing_and_needs_no_store():
    answer = run(
        "import threading, statebag\n"
        "@statebag.step\ndef handler(state, context): return state\n"
        "assert threading.active_count() == 1"
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_seal_open_and_step_work_without_any_extra(tmp_path):
    answer = run(
        "import os, statebag\n"
        "from statebag import Policy, Statebag\n"
        f"sb = Statebag({tmp_path.as_uri()!r}, policy=Policy(carry_bytes=0))\n"
        "state = {'text': 'x' * 50_000, 'log': []}\n"
        "bag = sb.append(sb.seal(state, scope='m/r'), 'log', [1], scope='m/r')\n"
        "assert sb.open(bag) == {**state, 'log': [1]}\n"
        "handler = sb.step(lambda state, context: state, scope='$.id')\n"
        "assert sb.open(handler({'id': 'm/r', 'bag': bag}))['bag'] == {**state, 'log': [1]}\n"
        "from statebag.testing.process import forget\n"
        "from statebag.store.object_storage import ObjectStorage\n"
        f"assert not set({EXTRAS!r}) & set(sys.modules)"
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_command_line_says_which_extra_it_needs():
    answer = run("from statebag.cli import main; sys.argv = ['statebag', '--help']; main()")
    assert answer.returncode != 0
    assert "statebag[cli]" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_local_engine_says_which_extra_it_needs(tmp_path):
    workflow = tmp_path / "workflow.json"
    workflow.write_text('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    only_local = BLOCK.replace('"click", "rich", ', "").replace("'click', 'rich', ", "")
    answer = run(
        only_local
        + "from statebag.cli import main\n"
        + f"sys.argv = ['statebag', 'run', {str(workflow)!r}]; main()",
        block=False,
    )
    assert answer.returncode != 0
    assert "statebag[local]" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["lint", "workflow.json"],
        ["init", "workflow.json", "--force"],
        ["log"],
        ["inspect", "bag.json"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_reads_needs_neither_moto_nor_boto3(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    definition = {"StartAt": "A", "QueryLanguage": "JSONata", "States": {}}
    definition["States"]["A"] = {"Type": "Pass", "Output": "{% $states.input.a %}", "End": True}
    (tmp_path / "workflow.json").write_text(json.dumps(definition))
    (tmp_path / "bag.json").write_text('{"a": 1}')
    engine = ("moto", "boto3", "botocore", "jsonpath_ng")
    answer = run(
        BLOCK.replace(repr(EXTRAS), repr(engine))
        + "from statebag.cli import main\n"
        + f"sys.argv = ['statebag', *{arguments!r}]; main()",
        block=False,
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", ["statebag.cli", "statebag.store.address", "statebag.testing"])
def test_rooms_that_need_no_extra_to_be_imported(name):
    answer = run(f"import {name}")
    assert (answer.returncode, answer.stderr) == (0, "")


FRONTS = {
    "statebag.history": ["history_of", "transitions"],
    "statebag.lint": ["Options", "lint"],
    "statebag.opening": ["read_map_results"],
    "statebag.store": ["FileStore", "MemoryStore", "ObjectInfo", "Store", "store_from_url"],
    "statebag.testing": ["FaultyStore", "RecordingStore", "StoreContract", "forget"],
    "statebag.upkeep": ["Rules", "collect"],
}


@pytest.mark.parametrize("front", FRONTS)
class TestFronts:
    def test_its_names_are_what_it_lists_and_those_that_a_type_checker_sees(self, front):
        module = importlib.import_module(front)
        assert module.__all__ == FRONTS[front]
        seen = [
            (alias.name, statement.module)
            for node in ast.parse(Path(module.__file__).read_text("utf-8")).body
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for statement in node.body
            if isinstance(statement, ast.ImportFrom)
            for alias in statement.names
        ]
        assert sorted(name for name, _ in seen) == sorted(FRONTS[front])
        for name, home in seen:
            assert getattr(module, name) is getattr(importlib.import_module(home), name)

    def test_its_names_come_in_either_order_in_a_fresh_process(self, front):
        for names in (FRONTS[front], FRONTS[front][::-1]):
            program = "".join(f"from {front} import {name}; {name}.__name__\n" for name in names)
            answer = run(program, block=False)
            assert (answer.returncode, answer.stderr) == (0, "")

    def test_a_name_that_is_not_there_is_an_error_that_names_it(self, front):
        with pytest.raises(AttributeError, match=rf"{front}.*'nothing_of_this_name'"):
            _ = importlib.import_module(front).nothing_of_this_name

    def test_importing_it_loads_none_of_its_modules(self, front):
        before = set(loaded("import statebag"))
        assert set(loaded(f"import {front}")) - before <= {front, "statebag.process.lazy_front"}


@pytest.mark.parametrize(
    ("module", "not_loaded"),
    [
        ("statebag.store.contract", {"statebag.store.memory", "statebag.store.file"}),
        ("statebag.upkeep.places", {"statebag.upkeep.gc"}),
        ("statebag.history.events", {"statebag.history.replay"}),
        ("statebag.lint.finding", {"statebag.lint.linter"}),
    ],
)
def test_importing_a_module_loads_nothing_of_its_front(module, not_loaded):
    assert not_loaded.isdisjoint(loaded(f"import {module}"))


def test_the_public_names_are_all_there_and_no_others():
    import statebag

    assert len(set(statebag.__all__)) == len(statebag.__all__)
    # pytest adds names with @ to modules whose asserts it rewrites, as those of a plugin's package.
    public = {name for name in vars(statebag) if name[0] not in "_@"}
    rooms = {name for name in public if f"statebag.{name}" in sys.modules}
    assert {*statebag.__all__} - {"__version__"} == public - rooms | {"step"}
    assert statebag.__version__
