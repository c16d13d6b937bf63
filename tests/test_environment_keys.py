import pytest

from statebag import ConfigurationError
from statebag.environment_keys import check_mark, first_key_mark

KEY, OTHER = bytes(range(32)), bytes(32)


def test_the_key_that_came_first_must_be_there_first_or_later():
    mark = first_key_mark([KEY, OTHER])
    for keys in ([KEY], [OTHER, KEY]):
        check_mark(mark, keys, "VARIABLE")
    for keys, what in (((), "has none"), ([OTHER], "has other keys")):
        with pytest.raises(ConfigurationError, match=f"keys of VARIABLE.*{what}"):
            check_mark(mark, keys, "VARIABLE")


def test_no_key_asks_for_none():
    assert first_key_mark([]) == ""
    check_mark("", [], "VARIABLE")
    check_mark("", [KEY], "VARIABLE")


def test_a_mark_does_not_hold_the_key():
    assert KEY.hex()[:16] not in first_key_mark([KEY])
    assert first_key_mark([KEY]) == first_key_mark([bytearray(KEY)])
