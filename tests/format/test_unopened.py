"""Values that were not opened."""

import copy
import json
import operator
import pickle

import pytest

from statebag import InvalidState, Policy, Statebag
from statebag.format.stub import Blob, Carried, Escaped, Rest, Stored
from statebag.format.unopened import Unopened, equal
from statebag.store.memory import MemoryStore
from tests.bags import noise


def test_what_stands_for_a_value_says_its_size_and_kind():
    blob = Blob("0" * 64, 7, "m/" + "0" * 32 + ".pack", 8, 9)
    for stub, told in (
        (Stored(blob, "array", 3), ("array", 3, 7)),
        (Stored(blob), (None, 0, 7)),
        (Carried("0" * 64, 9, b"", "object", 1), ("object", 1, 9)),
        (Rest(Stored(blob, "object", 4), (), {}), ("object", 0, 7)),
        (Escaped({}), ("object", 0, 2)),
    ):
        unopened = Unopened({}, stub)
        assert (unopened.kind, unopened.count, unopened.size) == told


USES = {
    "an item": lambda value: value[0],
    "a field": lambda value: value["a"],
    "its length": len,
    "its truth": bool,
    "a loop": list,
    "a member": lambda value: "a" in value,
    "an item that is set": lambda value: value.__setitem__(0, 1),
    "a method of an object": lambda value: value.get("a"),
    "a method of an array": lambda value: value.append(1),
    "a method of a text": lambda value: value.strip(),
    "spread": lambda value: [*value],
    "spread as fields": lambda value: {**value},
    "a text": str,
    "an f-string": lambda value: f"Summarize: {value}",
    "an f-string with a form": lambda value: f"{value:>10}",
    "format": "{}".format,
    "a %s": lambda value: "%s" % value,  # noqa: UP031
    "print": print,
    "bytes": bytes,
    "equality": lambda value: value == "done",
    "inequality": lambda value: value != "done",
    "equality, the other way around": lambda value: operator.eq({"a": 1}, value),
    "equality with null": lambda value: value == None,  # noqa: E711
    "equality in a list": ["done"].count,
    "equality in a state": lambda value: {"a": value} == {"a": [1]},
    "an index": ["a"].index,
    "order": lambda value: value < 3,
    "sorting": lambda value: sorted([value, 1]),
    "a sum": lambda value: [*[1], 2] + value,  # noqa: RUF005
    "a sum of texts": lambda value: "a" + value,
    "a merge": lambda value: {"a": 1} | value,
    "json with str": lambda value: json.dumps({"a": value}, default=str),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_value_that_was_not_opened_is_not_read_as_data(use):
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    rows = [noise(200, n) for n in range(400)]
    bag = client.seal({"orders": {"rows": rows, "n": 1}}, scope="m/e")
    state = client.open(bag, only=["$.orders.n"])
    value = state["orders"]["rows"]
    with pytest.raises(InvalidState, match="was not opened") as caught:
        use(value)
    assert caught.value.path == "$.orders.rows"
    assert "only=" in caught.value.hint
    assert client.open(value) == rows
    assert list(client.open(bag, only=["$.orders.rows"])["orders"]["rows"]) == rows


def test_what_is_no_data_is_as_with_any_object():
    blob = Blob("0" * 64, 7, "m/" + "0" * 32 + ".pack", 8, 9)
    value = Unopened({"a": 1}, Stored(blob, "array", 3))
    assert value == copy.copy(value) == copy.deepcopy(value)
    assert pickle.loads(pickle.dumps(value)) == value
    assert value != Unopened({"a": 2}, value.stub)
    assert {"a": [value]} == {"a": [copy.copy(value)]}
    assert [value].count(value) == 1
    assert value is not None
    assert repr([value]) == f"[{value!r}]" == "[Unopened(array, 7 bytes)]"
    assert "%r" % value == repr(value)  # noqa: UP031
    assert equal([value], [copy.copy(value)])
    assert not equal([value], [1])
    assert not equal({"a": 1}, value)
    assert equal({"a": 1}, {"a": 1.0})
    assert not hasattr(value, "bogus")
    assert not hasattr(value, "__fspath__")
    with pytest.raises(TypeError):
        json.dumps(value)
