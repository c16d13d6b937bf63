import pytest

from statebag.format.json_text import encode
from statebag.sealing.member_texts import MemberTexts


@pytest.mark.parametrize(
    "value",
    [{}, {"a": 1}, {"a": [1, 2], "": {}, 'q"\\': "ä"}, {"a": {"b": None}, "c": "x" * 10_000}],
    ids=["empty", "one", "names", "long"],
)
def test_the_length_and_the_text_are_those_of_the_whole_object(value):
    found = MemberTexts((encode(name), encode(one)) for name, one in value.items())
    assert len(found) == len(encode(value))
    assert bytes(found) == encode(value)


def test_the_text_is_joined_once_and_only_if_it_is_asked_for():
    found = MemberTexts([(b'"a"', b"1")])
    assert (len(found), found._whole) == (7, None)
    first = bytes(found)
    assert bytes(found) is first
