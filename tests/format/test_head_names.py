"""Names of heads' objects: each means one thing, and no other object has such a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import InvalidState
from statebag.format.head_names import (
    HeadObject,
    attached_folder,
    encode_label,
    head_name,
    parse_head_object,
    version_name,
)
from statebag.format.names import encode_scope

PARTS = st.text(st.sampled_from("a@~./%é1"), min_size=1, max_size=6).filter(
    lambda part: part not in {".", ".."}
)
SCOPES = st.lists(PARTS.filter(lambda part: "/" not in part), min_size=1, max_size=3).map("/".join)
LABELS = st.text(st.sampled_from("a@~.%é1"), max_size=6).filter(lambda one: one not in {".", ".."})


@given(SCOPES, SCOPES, LABELS, st.integers(1, 10**9))
def test_each_name_gives_its_parts_again(scope, name, label, number):
    scope, name = encode_scope(scope), encode_scope(name)
    life = "0123456789abcdef"
    assert parse_head_object(head_name(scope, name)) == HeadObject("head", scope, name)
    version = version_name(scope, name, life, number, label)
    encoded = encode_label(label)
    assert parse_head_object(version) == HeadObject("version", scope, name, life, number, encoded)
    if label:
        attached = f"{attached_folder(scope, name, label)}/key"
        assert parse_head_object(attached) == HeadObject(
            "attached", scope, name, label=encoded, key="key"
        )


@pytest.mark.parametrize(
    "name",
    [
        "m/e/" + "0" * 32 + ".pack",
        "@heads/a/@b",
        "@heads/@b/@head",
        "@heads/a/b/@head",
        "@heads/a/@b/@0123456789abcdef/1~x",
        "@heads/a/@b/@0123/0000000001~x",
        "@heads/a/@b/@at/x",
        "@heads/a/@b/@at/x/y/z",
        "@heads/a/@b/@head/x",
    ],
)
def test_other_names_are_not_taken_for_one(name):
    assert parse_head_object(name) is None


def test_versions_sort_as_their_numbers():
    names = [version_name("a", "b", "0" * 16, n, "x") for n in (1, 9, 10, 99, 100, 12345)]
    assert names == sorted(names)


@pytest.mark.parametrize("label", ["a/b", "\n", ".", "..", "x" * 241, 7, None])
def test_a_label_that_is_no_name_is_refused(label):
    with pytest.raises(InvalidState):
        encode_label(label)
