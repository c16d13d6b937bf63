"""What the core is given by the rooms above it, and that it needs nothing else of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import statebag
from statebag.format.escape import is_lookalike
from statebag.format.stub import KEY
from statebag.manager.legacy.pointer_format import as_pointer

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
        timeout=120,
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
