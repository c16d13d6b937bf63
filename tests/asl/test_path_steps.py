import pytest

from statebag.asl.json_paths import WILDCARD, Slice, parse_json_path, read_json_path
from statebag.asl.path_steps import steps_at


@pytest.mark.parametrize("text", ["$.a", "$.a.b_1.c", "$$.Execution.Id", "$name.a.b", "$", "$$"])
def test_paths_of_plain_names_are_read_alike_with_and_without_the_grammar_of_steps(text):
    path = parse_json_path(text)
    steps, beginning, ends, end = steps_at(text, path.ends[0])
    assert (tuple(steps), tuple(beginning), end) == (path.steps, path.beginning, len(text))
    assert tuple(ends) == path.ends[1:]


@pytest.mark.parametrize("behind", [",", ")", " ", "\t, 1)"])
def test_a_plain_path_ends_where_an_argument_ends(behind):
    path, end = read_json_path(f"f($.a.b{behind}", 2)
    assert (path.text, path.steps, end) == ("$.a.b", ("a", "b"), 7)


@pytest.mark.parametrize("behind", ["-c", "[1:]", ".*", "\u00e9"])
def test_what_goes_on_is_read_on(behind):
    path = parse_json_path(f"$.a.b{behind}")
    assert path.text == f"$.a.b{behind}"
    assert path.steps != ("a", "b")


def test_steps_of_other_kinds():
    steps, beginning, _, _ = steps_at(".a[1:3].*", 0)
    assert steps == ["a", Slice(1, 3), WILDCARD]
    assert beginning == ["a"]
