"""Data that a reader would take for one of its own forms, and data that it would not."""

import pytest

from statebag import Policy, Statebag
from statebag.format import escape as escaping
from statebag.format.escape import also_escape, escape, is_lookalike, may_need_escape
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened
from statebag.store.memory import MemoryStore
from tests.bags import noise


@pytest.fixture
def registered():
    """A further form for one test: objects that have `kind: ref`, and `to`."""
    before = escaping._foreign.copy(), escaping._marks, escaping.tag_names
    asked = []

    def load():
        asked.append(1)
        return lambda value: isinstance(value.get("to"), str)

    also_escape("a test's form", {"kind": ("ref",), "__gone": (True,)}, load)
    yield asked
    escaping._foreign.clear()
    escaping._foreign.update(before[0])
    escaping._marks, escaping.tag_names = before[1:]


def test_a_further_form_is_escaped_and_its_room_loaded_only_where_an_object_has_a_tag(registered):
    for plain in ({"kind": "other", "to": "x"}, {"to": "x"}, {"kind": ["ref"], "to": "x"}, {}):
        assert not is_lookalike(plain)
        assert escape([plain]) == [plain]
    assert registered == []
    like = {"kind": "ref", "to": "x"}
    assert is_lookalike(like)
    assert is_lookalike({"__gone": True, "to": "x"})
    assert not is_lookalike({"kind": "ref"})
    assert list(escape({"a": [like]})["a"][0]) == [KEY]
    assert escape({"a": like}, pointers=False) == {"a": like}
    assert may_need_escape(encode(like))
    assert may_need_escape(encode({"__gone": True}))
    assert not may_need_escape(encode({"kind": "re", "f": "x"}))
    assert {"kind", "__gone"} < escaping.tag_names


def test_the_reserved_key_needs_no_further_form():
    value = {"a": {KEY: 1}}
    assert is_lookalike(value["a"])
    assert may_need_escape(encode(value))
    assert list(escape(value)["a"]) == [KEY]
    assert value == {"a": {KEY: 1}}


LARGE = [noise(9_000, n) for n in range(9)]
TAGS = {"type": "s3_reference", "__s3_offloaded": True}


@pytest.mark.parametrize("name", ["type", "__s3_offloaded", "s3_path", "__s3_path", "data"])
@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("path", [(), ("outer",)])
def test_a_member_of_a_pointer_that_was_not_opened_is_passed_on(name, tag, path):
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    of_pointer = {tag: TAGS[tag], name: LARGE, "n": 1}
    state = {path[0]: of_pointer} if path else of_pointer
    bag = sb.seal(state, scope="m/e")
    opened = sb.open(bag, only=[(*path, "n")], scope="m/e")
    changed = opened[path[0]] if path else opened
    assert isinstance(changed[name], Unopened)
    changed["n"] = of_pointer["n"] = 2
    assert sb.open(sb.seal(opened, scope="m/e"), scope="m/e") == state
