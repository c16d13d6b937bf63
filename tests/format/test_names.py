import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import InvalidState, InvalidStub
from statebag.format.names import (
    check_pack_name,
    encode_scope,
    is_scope_at_or_above,
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
