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


def check(printed, steps):
    assert "killed (exit code -9)" in printed
    assert f"resumed: {2 * steps + 2} messages, the last one: Done." in printed
    total, same = map(
        int, re.search(r"past step: (\d+) messages, (\d+) the same", printed).groups()
    )
    assert same == total - 1
    (times,) = re.findall(r"sqlite takes (\d+) times", printed)
    return int(times)


def test_a_made_up_run(capsys):
    demo().main([])
    assert check(capsys.readouterr().out, 40) >= 3


@pytest.mark.parametrize("file", parameters("agent-trajectories/large.traj.json"))
def test_a_recorded_run(capsys, file):
    module = demo()
    module.main(["--run", str(file), "--repeat", "3"])
    assert check(capsys.readouterr().out, len(module.recorded(file, 3))) >= 5
