"""Search by path and by value, within a budget."""

import json

import pytest

from statebag.ui.state_search import search
from statebag.ui.state_tree import StateTree
from tests.ui.conftest import SECRET


@pytest.fixture
def tree(good, ran):
    return StateTree(ran.client, good.bag(good.payload_event()))


def paths(found):
    return [one["path"] for one in found["hits"]]


def test_by_path(tree):
    assert paths(search(tree, "HISTORY", "path", values=False)) == ["$.history"]
    assert paths(search(tree, "deep", "path", values=False)) == ["$.small.list[2].deep"]
    assert paths(search(tree, "$.small.list[2]", "path", values=False)) == ["$.small.list[2]"]


def test_by_value_in_what_is_plain_and_what_is_stored(tree):
    assert paths(search(tree, "needle", "value", values=False)) == ["$.small.list[2].deep"]
    found = search(tree, "one more", "value", values=False)
    assert paths(found) == ["$.history[1500].text"]
    assert found["read"] > 400_000
    assert not found["skipped"]


def test_the_budget_holds_and_what_was_left_is_said(tree):
    found = search(tree, "one more", "value", values=False, budget=100_000)
    assert found["hits"] == []
    assert found["read"] <= 100_000
    assert {one["path"] for one in found["skipped"]} == {"$.history", "$.names"}
    # A name at the top is found without reading anything.
    assert paths(search(tree, "history", "path", values=False, budget=0)) == ["$.history"]


def test_hits_are_masked_and_bounded(tree):
    found = search(tree, SECRET.lower(), "value", values=False)
    assert paths(found) == ["$.secret"]
    assert SECRET not in json.dumps(found)
    assert search(tree, SECRET, "value", values=True)["hits"][0]["value"] == SECRET
    many = search(tree, "k", "path", values=False)
    assert (len(many["hits"]), many["is_cut"]) == (200, True)
