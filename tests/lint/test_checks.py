"""From what an abstract run tells to findings and settings."""

import pytest

from statebag.asl.model import Definition
from statebag.errors import ConfigurationError
from statebag.lint.checks import Checks, control_paths, movable_paths
from statebag.lint.sources import InBag, Source, SourcePart

EMPTY = Definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
BAG = Source("$.States.A", 1000)


def part(*path):
    return SourcePart(BAG, path, (InBag(path),))


@pytest.fixture
def said():
    return []


@pytest.fixture
def checks(said):
    return Checks(
        EMPTY, control_paths(["$.kept"]), movable_paths(["$.moved"]), lambda *one: said.append(one)
    )


@pytest.mark.parametrize(
    ("how", "code", "wanted", "moved"),
    [
        ("value", "SB201", ["$.a.b"], []),
        ("items", "SB202", ["$.a.b"], []),
        ("write", "SB201", ["$.a.b"], []),
        ("pick", "SB203", [], ["$.a.b"]),
    ],
)
def test_a_field_inside_a_bag_becomes_a_finding_and_a_setting(
    checks, said, how, code, wanted, moved
):
    checks.reads("$.C", part("a", "b"), how)
    checks.reads("$.C", part("a", "b"), how)
    assert [one[1] for one in said] == [code]
    assert (list(checks.wanted), list(checks.moved)) == (wanted, moved)


def test_control_and_movable_paths_are_no_findings(checks, said):
    checks.reads("$.C", part("kept"), "value")
    checks.reads("$.C", part("kept", "deeper"), "value")
    checks.reads("$.C", part("moved"), "pick")
    checks.reads("$.C", SourcePart(BAG, ("a",)), "value")
    assert said == []
    checks.reads("$.C", part("moved"), "value")
    assert said[0][1] == "SB201"


def test_an_item_of_an_array_asks_for_the_array(checks):
    checks.reads("$.C", part("list", 0, "n"), "value")
    assert list(checks.wanted) == ["$.list"]


@pytest.mark.parametrize("read", [control_paths, movable_paths])
def test_a_setting_that_is_no_path(read):
    with pytest.raises(ConfigurationError):
        read(["$.a["])
