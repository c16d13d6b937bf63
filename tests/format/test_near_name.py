import pytest

from statebag.format.near_name import near_name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mesages", "messages"),
        ("번오", "번호"),
        ("고객이르", "고객이름"),
        ("cafe", "café"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_name_that_is_meant(name, meant):
    assert near_name(name, ["messages", "번호", "고객이름", "café", "x"]) == meant


def test_very_many_names_are_not_all_compared():
    assert near_name("mesages", iter([*["x"] * 5_000, "messages"])) is None
