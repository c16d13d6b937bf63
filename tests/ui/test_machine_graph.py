"""Drawings: everything has a place, and boxes do not overlap."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from statebag.ui.machine_graph import draw, draw_seen

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/statemachine*.asl.json"))


def overlap(one, two):
    return (
        one["x"] < two["x"] + two["width"]
        and two["x"] < one["x"] + one["width"]
        and one["y"] < two["y"] + two["height"]
        and two["y"] < one["y"] + one["height"]
    )


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_two_boxes_overlap(file):
    drawing = draw(json.loads(file.read_text("utf-8")))
    leaves = [box for box in drawing.boxes if not box["holds"]]
    assert len(leaves) > 3
    assert not [(a["name"], b["name"]) for a, b in combinations(leaves, 2) if overlap(a, b)]
    for box in drawing.boxes:
        assert 0 <= box["x"] <= box["x"] + box["width"] <= drawing.width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= drawing.height
    for line in drawing.lines:
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in line["points"])


def test_loops_lead_back_up_and_catches_are_told_apart():
    states = {
        "A": {"Type": "Task", "Next": "B", "Catch": [{"Next": "C"}]},
        "B": {"Type": "Choice", "Choices": [{"Next": "A"}], "Default": "C"},
        "C": {"Type": "Succeed"},
    }
    drawing = draw({"StartAt": "A", "States": states})
    y = {box["name"]: box["y"] for box in drawing.boxes}
    assert y["A"] < y["B"] < y["C"]
    assert {(one["from"], one["to"], one["kind"]) for one in drawing.lines} == {
        ("A", "B", "Next"),
        ("A", "C", "Catch"),
        ("B", "A", "Choices"),
        ("B", "C", "Default"),
    }


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"States": []},
        {"States": {"A": 1}},
        {"StartAt": 1, "States": {"A": {"Next": "A"}}},
        {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": {"States": {}}}}},
        {"StartAt": "A", "States": {"A": {"Next": "nowhere"}, "": {"Type": 3}}},
    ],
)
def test_a_malformed_definition_has_fewer_boxes(definition):
    draw(definition)


def test_a_machine_of_many_states_is_not_drawn():
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(500)}
    assert "500 states" in draw({"StartAt": "S0", "States": states}).left_out


def test_without_a_definition_what_was_entered_is_drawn(good):
    drawing = draw_seen(good.snapshot().made)
    assert [box["name"] for box in drawing.boxes] == ["Load", "Map", "Each", "Change"] or {
        box["name"] for box in drawing.boxes
    } == {"Load", "Map", "Each", "Change"}
    ways = {(one["from"], one["to"]) for one in drawing.lines}
    assert ways == {("Load", "Map"), ("Map", "Each"), ("Map", "Change")}
    assert draw_seen([]).left_out
