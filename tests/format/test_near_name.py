import pytest

from statebag.format.near_name import near_name, near_path


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


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (("route",), ("rout",)),
        (("order", "total"), ("order", "totla")),
        (("ordr", "totla"), ("order", "totla")),
        (("번오",), ("번호",)),
        (("next", "route"), None),  # only its end is like one
        (("id",), ("state", "id")),
        (("value", "state", "id"), ("state", "id")),
        (("order", "items"), None),  # a field beside another one is not its misspelling
        (("items", 0), None),
        (("x",), None),
        (("tour",), None),
        ((), None),
    ],
)
def test_the_path_that_is_meant(path, meant):
    known = [("rout",), ("order", "totla"), ("번호",), ("state", "id"), ()]
    assert near_path(path, known) == meant


def test_a_path_is_not_near_to_itself():
    assert near_path(("route",), [("route",)]) is None
