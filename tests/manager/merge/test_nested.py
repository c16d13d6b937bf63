"""Lists within lists of results."""

import pytest

from statebag.manager.merge.nested import are_results, leaves

A, B, C = {"n": 1}, {"n": 2}, {"n": 3}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([[A, B], [C]], [A, B, C]),
        ([A, [B, [C]]], [A, B, C]),
        ([{"Payload": [A, B]}, C], [A, B, C]),
        ([{"Payload": {"Payload": [A]}}], [A]),
        ([A, {"Payload": B}], [A, {"Payload": B}]),  # a result stays as it came
        ([[1, 2], [A, "text"]], [[1, 2], [A, "text"]]),  # the data of two results
        ([[]], [[]]),
        ([], []),
    ],
)
def test_each_result_is_given_once_in_its_order(given, expected):
    assert list(leaves(given)) == expected


def test_lists_deeper_than_a_workflow_nests_them_are_data():
    value = [A]
    for _ in range(300):
        value = [value]
    assert not are_results(value)
    (deep,) = leaves(value)
    assert isinstance(deep, list)
