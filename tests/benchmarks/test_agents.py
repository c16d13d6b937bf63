"""The benchmark of savers counts what each of them writes, and says whether goals are met."""

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="langgraph-checkpoint-sqlite is missing")
pytest.importorskip("langgraph.checkpoint.postgres", reason="its saver of Postgres is missing")

from benchmarks.agents import Messages, Result, goals, measure, table

from benchmarks import agents

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def test_statebag_writes_what_a_turn_adds_and_sqlite_the_whole_state():
    found = {}
    for name, place in (("sqlite", agents._of_sqlite), ("statebag", agents._of_statebag)):
        with place() as one:
            found[name] = measure(name, one, Messages, turns=12, size=20_000)
    assert found["statebag"].last < 60
    assert found["sqlite"].last > 500
    assert "| sqlite |" in table(list(found.values()))


def test_goals_are_those_for_the_end_of_a_thread():
    results = [
        Result("statebag", 40, 50, 11),
        Result("sqlite", 1000, 1001, None),
        Result("Postgres", 1000, 999, None),
        Result("sqlite, DeltaChannel", 40, 49, None),
        Result("statebag, DeltaChannel", 20, 30, 1),
    ]
    assert [met for _, met in goals(results)] == [False, True, False]
