import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import ConfigurationError
from statebag.format.paths import parse_path, render_path


@given(st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=80)), max_size=6).map(tuple))
def test_a_path_that_was_shown_can_be_read_back(path):
    text = render_path(path)
    assert parse_path(text) == path
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$", ()),
        ("", ()),
        ("$.a.b", ("a", "b")),
        ("a.b[0]", ("a", "b", 0)),
        ("$['a.b']", ("a.b",)),
        ('$["it\'s"][3].x', ("it's", 3, "x")),
        ("$['']", ("",)),
        ("$['a\\'b']", ("a'b",)),
        ("$.naïve", ("naïve",)),
        (("a", 0), ("a", 0)),
        (["a.b"], ("a.b",)),
    ],
)
def test_paths_in_their_forms(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["$.", "$.a.", "$..a", "$.*", "$[*]", "$[1:2]", "$[?(@.a)]", "$['a]", "$[-1]", "a]", "[x]"],
)
def test_what_is_no_path_of_names_and_indices(text):
    with pytest.raises(ConfigurationError) as caught:
        parse_path(text)
    assert caught.value.hint


@pytest.mark.parametrize("parts", [(None,), (True,), (1.5,), (("a",),)])
def test_parts_of_another_type(parts):
    with pytest.raises(ConfigurationError):
        parse_path(parts)


def test_long_names_are_cut_short():
    assert len(render_path(("x" * 10_000,))) < 100


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("주문", 0), "$.주문[0]"),
        (("주문 번호",), "$['주문 번호']"),
        (("naïve é",), "$['naïve é']"),
        (("a\u202eb",), "$['a\\u202eb']"),
        (("it's\\",), "$['it\\'s\\\\']"),
    ],
)
def test_names_are_shown_in_their_own_script(path, text):
    assert render_path(path) == text
    assert parse_path(text) == path
