"""The scope that a bag's stubs tell."""

import pytest

from statebag import Policy, Statebag
from statebag.opening.bag_scope import deepest_scope
from tests.bags import noise

STORING = Policy(carry_bytes=0)


@pytest.mark.parametrize("bag", [None, 1, "text", [], {"a": [{"b": 1}]}])
def test_what_holds_no_stubs_names_none(bag):
    assert deepest_scope(bag) is None


def test_what_travels_names_none():
    bag = Statebag("memory://bag-scope").seal({"a": "x" * 40_000}, scope="machine/run")
    assert bag["a"] != "x" * 40_000
    assert deepest_scope(bag) is None


def test_the_deepest_of_several_decoded():
    sb = Statebag("memory://bag-scope", policy=STORING)
    scopes = ("machine/run 1/child", "machine", "machine/run 1")
    bags = [
        sb.seal({"a": noise(40_000, n), "b": list(range(20_000))}, scope=scope)
        for n, scope in enumerate(scopes)
    ]
    assert [deepest_scope(bag) for bag in bags] == list(scopes)
    assert deepest_scope({"before": bags}) == scopes[0]
