"""Items at the end of arrays of a state; where there is no array, a typed error says so."""

import pytest

from statebag import ConfigurationError, InvalidState, Statebag
from statebag.sealing.appending import with_appended
from statebag.store.memory import MemoryStore


def test_the_state_that_came_is_not_changed_and_a_missing_last_field_is_made():
    state = {"a": {"log": [1]}, "b": [[2]]}
    assert with_appended(state, ("a", "log"), [3])["a"]["log"] == [1, 3]
    assert with_appended(state, ("b", 0), [3])["b"] == [[2, 3]]
    assert with_appended(state, ("a", "new"), [3])["a"] == {"log": [1], "new": [3]}
    assert state == {"a": {"log": [1]}, "b": [[2]]}


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (("nowhere", "log"), "$"),  # a missing field on the way
        (("b", 7, "log"), "$.b"),  # a missing item
        (("b", 7), "$.b"),
        (("b", "log"), "$.b"),  # a field of an array
        (("a", 0), "$.a"),  # an item of an object
        (("a",), "$.a"),  # what is no array
        (("text", "log"), "$.text"),
        (("text",), "$.text"),
    ],
)
def test_where_there_is_no_array_it_is_said(path, where):
    state = {"a": {"log": [1]}, "b": [[2]], "text": "secret"}
    with pytest.raises(InvalidState) as caught:
        with_appended(state, path, [3])
    assert caught.value.path.startswith(where)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("entries", [{"role": "user"}, "text", b"text", None, 5])
def test_one_entry_is_not_taken_for_several(entries):
    client = Statebag(MemoryStore())
    bag = client.seal({"messages": []}, scope="m/e")
    with pytest.raises(ConfigurationError, match="entries must be a list") as caught:
        client.append(bag, "messages", entries)
    assert (caught.value.path, caught.value.hint) == ("$.messages", "Pass [entry].")
    with pytest.raises(ConfigurationError, match="entries must be a list"):
        client.seal({"messages": []}, scope="m/e", append={"messages": entries})
    whole = client.open(client.append(bag, "messages", [{"role": "user"}, "text"]))
    assert whole["messages"] == [{"role": "user"}, "text"]
