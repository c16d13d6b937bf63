"""Differences, by the bags and inside of what is stored."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.errors import LimitExceeded
from statebag.ui.state_tree import StateTree
from statebag.ui.two_states import differences_by_bags, differences_inside
from tests.bags import noise
from tests.ui.conftest import SECRET


@pytest.fixture
def pair(good, ran):
    change = good.snapshot().made[-1]
    bags = good.bag(change.entered), good.bag(change.left)
    return bags, tuple(StateTree(ran.client, bag) for bag in bags)


def test_by_the_bags(pair):
    found = differences_by_bags(*pair, values=True)
    assert [(one["path"], one["kind"]) for one in found["changes"]] == [
        ("$.status", "changed"),
        ("$.history", "changed"),
    ]
    status = found["changes"][0]
    assert (status["old"]["value"], status["new"]["value"]) == ("CONTINUE", "DONE")
    assert found["changes"][1]["old"] is None, "it is stored"
    masked = differences_by_bags(*pair, values=False)
    assert "CONTINUE" not in json.dumps(masked)


def test_inside_side_by_side(pair, ran):
    found = differences_inside(ran.client, pair[1], ["history"], values=True)
    one = found["changes"][0]
    assert (one["path"], one["kind"], one["old"]) == ("$.history[1500]", "added", None)
    assert one["new"]["count"] == 2
    masked = differences_inside(ran.client, pair[1], [], values=False)
    assert "CONTINUE" not in json.dumps(masked)
    assert SECRET not in json.dumps(masked)


def test_the_budget_is_that_of_the_policy():
    client = Statebag("memory://budget", policy=Policy(carry_bytes=0))
    bags = [client.seal({"a": noise(60_000, seed)}, scope="m/r") for seed in (1, 2)]
    trees = tuple(StateTree(client, bag) for bag in bags)
    with pytest.raises(LimitExceeded):
        differences_inside(client, trees, [], values=True, budget=10_000)
    assert len(differences_inside(client, trees, [], values=True)["changes"]) == 1


def test_the_same_state_has_none(pair):
    same = (pair[0][0], pair[0][0]), (pair[1][0], pair[1][0])
    assert differences_by_bags(*same, values=True) == {"changes": [], "left_out": 0}
