"""The example of an agent on LangGraph: it is killed, resumed and forked, and loses nothing."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

pytest.importorskip("langgraph.graph", reason="langgraph is not installed")
pytest.importorskip(
    "langgraph.checkpoint.sqlite", reason="langgraph-checkpoint-sqlite is not installed"
)

from tests.shared_data import parameters

DEMO = Path(__file__).parents[2] / "examples" / "langgraph_agent" / "demo.py"

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]


def demo():
    spec = importlib.util.spec_from_file_location("langgraph_agent_demo", DEMO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(printed, turns):
    assert printed.count("killed (exit code -9)") == 2
    kept = [int(found) for found in re.findall(r"with (\d+) messages kept", printed)]
    # Each process was killed in the model's node, with all that was answered before in the store.
    assert kept == [1 + 2 * (turns // 3), 1 + 2 * (2 * turns // 3)]
    whole = 2 * turns + 2
    assert f"resumed: {whole} messages, the last one: Done." in printed
    total, same = map(
        int, re.search(r"past step: (\d+) messages, (\d+) the same", printed).groups()
    )
    assert turns - 5 <= total <= turns + 5
    assert same == total - 1
    assert f"{whole} of {whole} are the same" in printed
    (times,) = re.findall(r"sqlite takes (\d+) times", printed)
    return int(times)


@pytest.mark.timeout(1500)
def test_several_hundred_turns_with_real_tools(capsys):
    demo().main([])
    assert check(capsys.readouterr().out, 300) >= 15


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("folder", parameters("agent-trajectories"))
def test_recorded_runs_one_after_another(capsys, folder):
    module = demo()
    files = sorted(folder.glob("*.traj.json"))
    module.main([part for file in files for part in ("--run", str(file))])
    turns = module.Replay(files).turns
    assert turns > 90
    assert check(capsys.readouterr().out, turns) >= 5


def test_a_reader_decides_by_what_its_tools_answered():
    reader = demo().Reader(20)
    assert reader.decide(20, []) is None
    assert reader.list_files().splitlines()[0].startswith("asl/")
    assert len(reader.read_lines("format/stub.py", 1).splitlines()) == 60
    assert reader.read_lines("format/stub.py", 10**6) == ""
    assert "store/retrying.py" in reader.search("class RetryingStore:")
