"""What the core is given by the rooms above it, and that it needs nothing else of them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import statebag
from statebag.format.escape import is_lookalike
from statebag.format.stub import KEY
from statebag.manager.control_fields import CONTROL_FIELDS
from statebag.manager.legacy.pointer_format import as_pointer
from statebag.manager.merge import branches, execution_result
from statebag.manager.settings import ManagerSettings

SOURCE = Path(statebag.__file__).parent
NO_MANAGER = """
import sys
import statebag
from statebag import Policy, Statebag

state = {
    "status": "S", "type": "text", "data": {"type": "image", "data": "x"}, "s3_path": "s3://b/k",
    "scheduling_metadata": {"batches": ["y" * 900 for _ in range(99)]}, "compressed": True,
    "log": [{"n": n, "text": "z" * 200} for n in range(900)],
}
sb = Statebag(sys.argv[1], policy=Policy(carry_bytes=0), replicas=())
bag = sb.append(sb.seal(state, scope="m/r"), "log", [1], scope="m/r")
assert sb.open(bag) == {**state, "log": [*state["log"], 1]}
assert sb.get(bag, "$.log[3].n") == 3
handler = sb.step(lambda state, context: {**state, "more": 1}, scope="$.id")
assert sb.open(handler({"id": "m/r", **bag}))["more"] == 1
assert sb.differences(bag, bag) == []
assert not [name for name in sys.modules if name.startswith("statebag.manager")]
"""


def test_sealing_and_opening_load_nothing_of_the_manager(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", NO_MANAGER, str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


MEMBERS = {
    "type": ["s3_reference", "history_archive", "compressed", "other", 1, None],
    "s3_path": ["s3://b/k", 1, None],
    "data": ["eA==", {}, None],
    "__s3_offloaded": [True, False, 1, "true"],
    "__s3_path": ["s3://b/k", 5],
}


@given(
    st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in MEMBERS.items()}
    )
)
def test_every_older_pointer_has_a_tag_by_which_the_core_knows_to_ask(value):
    assert is_lookalike(value) == (as_pointer(value) is not None)


@pytest.mark.parametrize(
    "pointer",
    [
        {"type": "s3_reference", "s3_path": "s3://elsewhere/key"},
        {"type": "history_archive", "s3_path": "s3://elsewhere/key", "entry_count": 3},
        {"type": "compressed", "data": "H4sIAAAA"},
        {"__s3_offloaded": True, "__s3_path": "s3://elsewhere/key", "more": 1},
    ],
)
def test_data_that_looks_like_an_older_pointer_stays_data(pointer):
    state = {"a": pointer, "b": [pointer, {"c": pointer}]}
    sb = statebag.Statebag("memory://pointers-as-data")
    bag = sb.seal(state, scope="m/r")
    assert list(bag["a"]) == [KEY]
    assert sb.open(bag) == state
    assert sb.open(bag, legacy=True) == state


CORE = (
    *("client.py", "step.py", "default_client.py", "pickling.py", "environment.py", "keys.py"),
    *("policy.py", "errors.py", "sealing", "opening", "store", "format", "upkeep", "telemetry"),
    *("process", "sinks"),
)
NAMES = {
    *CONTROL_FIELDS,
    *(name for name in ManagerSettings.__struct_fields__ if name != "wire"),  # also a size
    *execution_result.MEANT - {"error"},  # a word of everybody
    *branches.MEANT - {"error"},
    *("scheduling_metadata", "scheduling_summary", "total_batches", "priority"),
    *("state_history", "last_append_id", "current_state", "pending_branches", "forked_branches"),
    *("failed_branches", "merge_conflicts", "last_execution_result", "state_data"),
    *("s3_reference", "history_archive", "compressed", "s3_path", "__s3_offloaded", "__s3_path"),
}
OF_OTHERS = {
    ("step.py", "$.execution_id"),  # the default of step(scope=...): the caller's to change
    ("store/object_storage_errors.py", "status "),  # of an answer over HTTP
    ("store/sdk_client.py", "status: "),  # the same
}


def literals(file):
    """The text of each string in a module, docstrings too."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def words(literal):
    """A literal's words, where it is code and not prose."""
    return set() if " " in literal.strip() else set(re.findall(r"\w+", literal))


def test_no_field_name_of_the_manager_stands_in_the_core():
    files = [
        file
        for room in CORE
        for file in ([SOURCE / room] if room.endswith(".py") else (SOURCE / room).rglob("*.py"))
    ]
    assert len(files) > 70
    found = {
        (str(file.relative_to(SOURCE)), literal)
        for file in files
        for literal in literals(file)
        if words(literal) & NAMES
    }
    assert found == OF_OTHERS


def test_a_name_of_the_manager_would_be_seen():
    for literal in ("status", "$.status", '"s3_path"', "$.current_state.x", "state_history[0]"):
        assert words(literal) & NAMES
    assert not words("A status of HTTP.") & NAMES


def test_the_core_imports_no_room_above_it():
    above = {"manager", "composition", "state_data_manager", "cli", "lint", "local", "history"}
    for room in CORE:
        place = SOURCE / room
        for file in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if isinstance(node, ast.ImportFrom):
                    modules = [f"{node.module}.{alias.name}" for alias in node.names]
                elif isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                else:
                    continue
                for module in modules:
                    first, _, rest = module.partition(".")
                    assert first != "statebag" or rest.partition(".")[0] not in above, file
