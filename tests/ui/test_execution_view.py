"""Heads, steps, timelines and drawings as the page gets them."""

import json

from statebag.ui.execution_view import graph_of, overview, step_page, timeline_of
from tests.ui.conftest import SECRET


def test_the_head(good, bad):
    head = overview(good)
    assert (head["machine"], head["events"], head["transitions"]) == ("Main", 37, 6)
    assert head["stands"]["status"] == "SUCCEEDED"
    failed = overview(bad)
    assert failed["stands"]["state"] == "Main/Fail"
    assert "statebag cat" in failed["stands"]["advice"]


def test_causes_that_quote_values_are_masked(bad):
    assert SECRET not in json.dumps([overview(bad), step_page(bad, 0, 10)])
    assert overview(bad)["stands"]["has_cause"] is True
    assert SECRET in overview(bad, causes=True)["stands"]["cause"]
    assert SECRET in json.dumps(step_page(bad, 0, 10, causes=True))


def test_steps_by_page_and_by_choice(good, bad):
    page = step_page(good, 2, 2)
    assert (page["total"], [one["number"] for one in page["steps"]]) == (6, [3, 4])
    assert [one["state"] for one in step_page(bad, 0, 9, only="errors")["steps"]] == ["Fail"]
    assert step_page(good, 0, 9, text="MAP[1]")["total"] == 1
    assert step_page(good, 0, 9, only="open")["total"] == 0
    assert len(step_page(good, 0, 10**9)["steps"]) == 6


def test_the_timeline_joins_points_and_comes_to_know_sizes(good):
    found = timeline_of(good, 3)
    assert (found["width"], found["first"]) == (2, [1, 3, 5])
    while not found["is_measured"]:
        found = timeline_of(good, 3)
    assert max(found["opened"]) > 800_000
    assert max(found["sealed"]) < 20_000
    assert timeline_of(good, 0)["first"] == [1]


def test_the_drawing_says_what_each_state_did(good, bad):
    did = {box["name"]: box["did"] for box in graph_of(good)["boxes"]}
    assert (did["Each"]["entered"], did["Load"]["left"]) == (3, 1)
    assert {box["name"]: box["did"] for box in graph_of(bad)["boxes"]}["Fail"]["failed"] == 1
