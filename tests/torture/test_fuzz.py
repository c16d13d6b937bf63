"""Random lives of bags for a minute; `make torture-fuzz` makes them for an hour."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from torture.fuzz.edits import NoPlaceError, apply, levels
from torture.fuzz.process import Companion
from torture.fuzz.shrink import shortest
from torture.fuzz.values import made, smaller
from torture.fuzz.world import World, WrongError

import statebag

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("STATEBAG_FUZZ_SECONDS", "60"))
SHARES = 4  # of the time, so that they can run side by side

# A client with a small cache that loses the newest item of a long log.
FORGETFUL = """
import runpy, sys
from statebag import Statebag
whole = Statebag.seal
def seal(self, state, *arguments, **named):
    log = state.get("log") if isinstance(state, dict) else None
    if self.policy.cache_bytes < 5000 and isinstance(log, list) and len(log) > 40:
        state = {**state, "log": log[:-1]}
    return whole(self, state, *arguments, **named)
Statebag.seal = seal
sys.argv = ["fuzz", *sys.argv[1:]]
runpy.run_module("torture.fuzz", run_name="__main__")
"""


def run(*command, tmp_path):
    source = str(Path(statebag.__file__).parents[1])
    path = os.pathsep.join([str(ROOT), source])
    return subprocess.run(
        [sys.executable, *map(str, command), "--out", tmp_path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 900)
@pytest.mark.parametrize("share", range(SHARES))
def test_no_life_ends_in_another_state(share, tmp_path):
    counts = tmp_path / "counts.json"
    seconds = SECONDS / SHARES
    done = run(
        "-m", "torture.fuzz", "--seconds", seconds, "--seed", 100 + share, "--json", counts,
        tmp_path=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    found = json.loads(counts.read_text())
    assert found["wrong"] == 0
    assert found["steps"] > 20  # of one life at least, which is as much as a busy machine makes


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_lost_edit_is_found_made_short_and_made_again(tmp_path):
    done = run(
        "-c", FORGETFUL, "--seconds", 500, "--seed", 1, "--no-faults", "--no-keys", "--shrink", 500,
        tmp_path=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"WRONG after \d+ steps, seed 1, life \d+: .*another state", done.stdout)
    file = tmp_path / "fuzz-1.json"
    assert f"--replay {file}" in done.stdout
    assert len(json.loads(file.read_text())["operations"]) < 12
    again = run("-c", FORGETFUL, "--replay", file, tmp_path=tmp_path)
    assert again.returncode == 1
    assert "another state" in again.stdout


@pytest.fixture
def world():
    companion = Companion()
    world = World(files=True, tenants=False, companion=companion, counts={})
    yield world
    world.close()
    companion.end()


def settings(**policy):
    return {"policy": policy, "signing": [], "encryption": []}


def begun(world):
    world.do({"do": "process", "clients": [settings(carry_bytes=0, field_limit=300)]})
    world.do({"do": "begin", "state": ["dict", {"log": ["records", 40, 90, 1]}]})
    return world


def test_a_state_that_is_not_the_model_s_is_wrong(world):
    begun(world).now.state["log"][3]["n"] = 3.0  # equal, and another text
    for operation in (
        {"do": "look"},
        {"do": "get", "path": ["log", 3]},
        {"do": "step", "request": {"scope": "machine/run"}},
        {"do": "step", "request": {"scope": "machine/run"}, "elsewhere": True},
        {"do": "append", "path": ["log"], "items": ["records", 1, 9, 1]},
    ):
        with pytest.raises(WrongError, match="another state"):
            world.do(operation)


def test_a_refusal_needs_a_reason(world):
    begun(world)
    name = next(world.store.list()).name
    data = world.store.get(name)
    world.store.delete(name)  # as nobody said
    with pytest.raises(WrongError, match="cannot open"):
        world.do({"do": "join", "which": 0})
    world.store.put(name, data)
    world.do({"do": "lose", "which": 0, "all_of_them": True})
    world.do({"do": "process", "clients": [settings()]})
    world.do({"do": "look"})
    assert world.counts["refused: BlobMissing"] == 1
    world.do({"do": "repair"})
    assert not world.damaged
    world.do({"do": "look"})
    assert world.counts["refused: BlobMissing"] == 1


def test_an_error_of_another_kind_is_wrong(world, monkeypatch):
    begun(world)
    monkeypatch.setattr(world.sb, "get", lambda *_: {}["a value"])
    with pytest.raises(WrongError, match="KeyError"):
        world.do({"do": "get", "path": ["log"]})


def test_what_has_no_place_is_left_out(world):
    begun(world)
    world.do({"do": "step", "request": {"edits": [["remove", ["nowhere", 3]]]}})
    assert world.counts["left out"] == 1


def test_edits_change_a_state_in_place():
    state = {"a": [1, {"t": "text"}], "b": 2}
    edits = [
        ["set", ["b"], ["odd", 1]],
        ["insert", ["a", 1], ["json", 7]],
        ["extend", ["a"], ["list", [["json", 8]]]],
        ["splice", ["a", 2, "t"], 1, 2, "E"],
        ["copy", ["a"], ["c"]],
        ["move", ["b"], ["a", 0]],
        ["remove", ["a", 1]],
        ["rotate", [], 1],
    ]
    assert apply(state, edits) is state
    assert json.dumps(state) == '{"c": [1, 7, {"t": "tEt"}, 8], "a": [1.0, 7, {"t": "tEt"}, 8]}'
    assert apply(state, [["wrap", "in", ["json", 1]], ["pick", ["in", "a"]]]) == state["a"]
    with pytest.raises(NoPlaceError):
        apply(state, [["set", ["a", 9], ["json", 1]]])
    assert levels(state) == 3


def test_a_recipe_makes_the_same_value_and_smaller_ones_are_others():
    for recipe in (
        ["noise", 30, 1], ["words", 30, 1], ["records", 3, 9, 1], ["fields", 3, 9, 1],
        ["nested", 5, ["json", 1]], ["list", [["odd", 3]]], ["dict", {"a": ["odd", 4]}],
    ):  # fmt: skip
        assert made(recipe) == made(recipe)
        assert smaller(recipe)
        assert recipe not in smaller(recipe)


def test_operations_are_left_out_while_it_still_fails():
    operations = [{"do": "x", "n": n} for n in range(20)]

    def fails(left):
        return any(one.get("n") == 7 for one in left) and any(one.get("n") == 13 for one in left)

    assert shortest(operations, fails, 10)[2:] == [{"do": "x", "n": 7}, {"do": "x", "n": 13}]
