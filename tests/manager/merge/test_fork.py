"""A fork: small pointers for a Map, whatever the branches hold."""

import pytest

from statebag.errors import InvalidState
from statebag.manager.merge.fork import FORKED, PENDING, branch_label, forked


def test_each_branch_has_a_pointer_and_the_list_stands_once():
    branches = [{"branch_id": "a", "text": "x" * 9}, {"other": 1}]
    state = forked({"status": "s"}, branches, "stored")
    assert (state["status"], state[FORKED]) == ("s", "stored")
    assert state[PENDING] == [
        {"branch_index": 0, "branch_id": "a", "total_branches": 2},
        {"branch_index": 1, "branch_id": "branch_1", "total_branches": 2},
    ]


@pytest.mark.parametrize(
    ("own", "label"),
    [
        ("a", "a"),
        (7, 7),
        ("", "branch_3"),
        ("x" * 201, "branch_3"),
        (2**60, "branch_3"),
        (True, "branch_3"),
        (None, "branch_3"),
        ({"a": 1}, "branch_3"),
    ],
)
def test_an_id_that_does_not_fit_a_pointer_is_replaced(own, label):
    assert branch_label({"branch_id": own}, 3) == label


def test_a_branch_is_an_object():
    with pytest.raises(InvalidState, match="the branch must be an object, not a number") as caught:
        forked({}, [{}, 1], None)
    assert caught.value.path == "$.branches[1]"
