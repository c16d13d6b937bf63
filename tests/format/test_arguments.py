from pathlib import Path

import pytest

from statebag import ConfigurationError
from statebag.format.arguments import (
    check_callable,
    check_each_text,
    check_file,
    check_has,
    check_iterable,
    check_kind,
    check_number,
    check_optional,
    check_text,
    is_huge,
)
from statebag.format.paths import LONGEST_INDEX


def test_what_is_right_passes():
    check_kind("policy", 5, (int, str), "a number")
    check_number("count", 0, 0)
    check_number("count", LONGEST_INDEX - 1, 0)
    assert list(check_iterable("bags", iter([1]), "a list")) == [1]
    assert check_each_text("scopes", ["a", "b"]) == ("a", "b")
    check_file("root", Path("x"))
    check_file("root", "x")
    check_has("sb", [], "append", "a list")
    check_callable("note", dict, "a function")
    check_callable("note", len, "a function")
    check_optional({"seed": None, "other": 1}, int, "an int")
    check_text("region", "ü🙂")
    assert is_huge(10**18)
    assert is_huge(-(10**5000))
    assert not is_huge(10**18 - 1)
    assert not is_huge("x" * 50)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: check_kind("policy", "x", int, "a Policy"), "policy must be a Policy, not str"),
        (lambda: check_number("count", "5", 0), "count must be an int, not str"),
        (lambda: check_number("count", True, 0), "not bool"),
        (lambda: check_number("count", -1, 0), "count must be 0 or more, not -1"),
        (lambda: check_number("count", 10**5000, 0), "not a number of more than 18 digits"),
        (lambda: check_number("count", -(10**5000), 0), "not a number of more than 18 digits"),
        (lambda: check_iterable("bags", "secret", "a list of bags"), "a list of bags, not str"),
        (lambda: check_iterable("bags", {"a": 1}, "a list"), "not dict"),
        (lambda: check_iterable("bags", 5, "a list"), "not int"),
        (lambda: check_file("root", 5), "root must be a path, not int"),
        (lambda: check_file("root", b"secret"), "root must be a path, not bytes"),
        (lambda: check_file("root", "secret\ud800"), "lone surrogate"),
        (lambda: check_file("root", "secret\0"), "not str with a NUL"),
        (lambda: check_has("sb", 5, "seal", "a Statebag"), "sb must be a Statebag, not int"),
        (lambda: check_has("sb", list, "append", "a list"), "a list, not type"),
        (lambda: check_callable("note", "secret", "a function"), "a function, not str"),
        (lambda: check_optional({"seed": "secret"}, int, "an int"), "seed must be an int, not str"),
        (lambda: check_text("region", 5), "region must be a str, not int"),
        (lambda: check_text("region", "secret\udfff"), "not 7 characters with a surrogate"),
        (lambda: check_text("region", "secret\0"), "not 7 characters with a NUL"),
        (lambda: check_each_text("scopes", ["a", b"secret"]), "of str, not of bytes"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(call, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        call()
    assert "secret" not in str(caught.value)
