"""What a state reads and makes, as an observer gets it."""

import pytest

from statebag.lint.reading import Reader, Scope, asked_for
from statebag.lint.shape import BoundedText, Members, literal, size
from statebag.lint.sources import InBag, Source, SourcePart

BAG = SourcePart(Source("the bag", 1000), (), (InBag(),))


def inside(part):
    """The path in the bag that it is in."""
    (place,) = part.bags
    return place.inside


class Seen:
    def __init__(self):
        self.told = []

    def reads(self, path, part, how):
        self.told.append((path, inside(part), how))

    def hands_on(self, path, what, made, entry):
        self.told.append((path, what))


@pytest.fixture
def reader():
    return Reader(Seen(), telling=True)


def scope(language="JSONPath"):
    return Scope(BAG, language, {}, BAG)


def test_a_path_gives_the_part_and_the_observer_hears_of_it(reader):
    part = reader.path("$.a.b", "$.States.A.InputPath", scope(), "pick")
    assert inside(part) == ("a", "b")
    assert reader.observer.told == [("$.States.A.InputPath", ("a", "b"), "pick")]


def test_nothing_is_told_before_the_last_visit(reader):
    reader.telling = False
    reader.path("$.a", "$", scope(), "pick")
    assert reader.observer.told == []


def test_a_template_makes_an_object_of_paths_and_literals(reader):
    made = reader.template({"a.$": "$.x", "b": [1, {"c.$": "$.y"}]}, "$.P", scope())
    assert isinstance(made, Members)
    assert [name for name, _ in made.members] == ["a", "b"]
    assert {told[1] for told in reader.observer.told} == {("x",), ("y",)}
    made = reader.template({"a.$": "$.x"}, "$.P", scope("JSONata"))
    assert made == Members((("a.$", literal("$.x")),))


def test_rules_are_read_to_any_depth(reader):
    rules = [
        {"Not": {"Variable": "$.a", "IsNull": True}},
        {"And": [{"Variable": "$.b", "StringEqualsPath": "$.c"}, "odd"]},
        {"Condition": "{% $states.input.d %}"},
    ]
    reader.rules(rules, "$.C", scope())
    assert [told[1] for told in reader.observer.told] == [("a",), ("b",), ("c",), ("d",)]


def test_a_path_that_every_way_lacks_is_absent(reader):
    known = Scope(Members((("a", BoundedText(5)),)), "JSONPath", {}, BAG)
    reader.path("$.a", "$.one", known, "pick")
    reader.path("$.b", "$.two", known, "pick")
    assert {path for (path, _), absent in reader.absent.items() if absent} == {"$.two"}


def test_an_assign_sets_variables_from_the_result(reader):
    inner = Scope(BAG, "JSONPath", {"$old": literal(1)}, BAG, result=literal({"n": 12}))
    made = reader.assigned({"Assign": {"new.$": "$.n"}}, "$.A", inner)
    assert made.keys() == {"$old", "$new"}
    assert size(made["$new"]) == 2
    assert reader.assigned({}, "$.A", inner) is inner.variables


def test_places_that_a_choice_asks_for():
    rules = [
        {"And": [{"Variable": "$.a.b", "IsPresent": True}, {"Variable": "$.c", "IsNull": True}]},
        {"Not": {"Variable": "$$.x", "IsPresent": False}},
    ]
    assert set(asked_for(rules)) == {("input", ("a", "b")), ("context", ("x",))}
