import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import InvalidState, InvalidStub
from statebag.format.names import (
    _is_shown,
    check_pack_name,
    encode_scope,
    is_scope_at_or_above,
    is_shown,
    pack_name,
    scope_of,
)
from statebag.store.confinement import confined_parts

DIGEST = "0123456789abcdef" * 4


@given(st.text(max_size=60))
def test_a_scope_is_refused_or_gives_names_that_every_store_takes(scope):
    try:
        encoded = encode_scope(scope)
    except InvalidState:
        return
    name = pack_name(encoded, DIGEST)
    assert check_pack_name(name, "$") == name
    assert scope_of(name) == encoded
    assert len(confined_parts(name)) == scope.count("/") + 2


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_scopes_never_share_a_name(one, other):
    try:
        same = encode_scope(one) == encode_scope(other)
    except InvalidState:
        return
    assert same is (one == other)


@pytest.mark.parametrize(
    ("scope", "encoded"),
    [
        ("machine/run", "machine/run"),
        ("machine/a run:7", "machine/a%20run%3A7"),
        ("é", "%C3%A9"),
        ("a%2Fb", "a%252Fb"),
        ("a~b-c_d.e", "a~b-c_d.e"),
    ],
)
def test_how_a_scope_is_spelled(scope, encoded):
    assert encode_scope(scope) == encoded


@pytest.mark.parametrize(
    "scope",
    ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a\x00b", "a\nb", "\ud800", "\x7f"],
)
def test_scopes_that_are_refused(scope):
    with pytest.raises(InvalidState):
        encode_scope(scope)


def categories(names):
    """The characters of some categories, by the Unicode version of this Python."""
    return [one for one in map(chr, range(0x110000)) if unicodedata.category(one) in names]


def test_what_is_not_shown_is_refused_in_every_version_of_unicode():
    hidden = categories({"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"})
    assert [one for one in hidden if _is_shown(one)] == [" "]
    noncharacters = [plane + last for plane in range(0, 0x110000, 0x10000)
                     for last in (0xFFFE, 0xFFFF)]  # fmt: skip
    assert not any(_is_shown(chr(one)) for one in (*noncharacters, *range(0xFDD0, 0xFDF0)))


def test_a_text_is_shown_if_each_of_its_characters_is():
    every = [chr(code) for code in range(0x110000)]
    assert [one for one in every if is_shown(one) is not _is_shown(one)] == []
    assert is_shown("")
    assert is_shown("a é")
    assert not is_shown("a\n")
    assert not is_shown("é\n")


def test_no_character_that_was_ever_shown_is_refused():
    """Each version of Python shows more; what one of them took has to stay a name."""
    assert [
        one for one in map(chr, range(0x110000)) if one.isprintable() and not _is_shown(one)
    ] == []


@pytest.mark.parametrize(
    "scope",
    [
        "machine/\u0378",  # in no version of Unicode up to 17
        "machine/\U0001fae9",  # since Unicode 16
        "machine/\U00016d40",  # since Unicode 16
        "machine/\U0003fffd",  # a plane without characters
        "machine/\U000e0100",  # a variation selector
    ],
)
def test_a_scope_does_not_depend_on_the_unicode_of_this_python(scope):
    encoded = encode_scope(scope)
    assert check_pack_name(pack_name(encoded, DIGEST), "$")


@pytest.mark.parametrize("code", [0x2065, 0xFFF0, 0xFFF8, 0xE0000, 0xE0002, 0xE00FF, 0xE01F0])
def test_code_points_kept_for_what_is_not_shown_are_refused(code):
    with pytest.raises(InvalidState):
        encode_scope(f"machine/{chr(code)}")


def test_lengths_at_their_limits():
    assert encode_scope("x" * 255)
    with pytest.raises(InvalidState):
        encode_scope("x" * 256)
    assert encode_scope("/".join(["x" * 239] * 4))
    with pytest.raises(InvalidState):
        encode_scope("/".join(["x" * 240] * 4))


def test_ancestors_are_whole_parts():
    assert is_scope_at_or_above("a", "a")
    assert is_scope_at_or_above("a", "a/b")
    assert not is_scope_at_or_above("a/b", "a")
    assert not is_scope_at_or_above("a", "ab")


def test_a_name_of_another_form_is_no_pack():
    with pytest.raises(InvalidStub) as caught:
        check_pack_name("machine/../x.pack", "$.a")
    assert caught.value.path == "$.a"
    assert "machine" not in str(caught.value)
