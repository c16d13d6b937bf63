from __future__ import annotations

from itertools import pairwise

import pytest

from statebag.asl.payload import payload_size
from statebag.local.interpreter.item_batches import batched
from statebag.local.interpreter.json_value import JsonValue


def batches(items, *limits):
    return [(one.value, count) for one, count in batched(map(JsonValue, items), *limits)]


@pytest.mark.parametrize("most", [41, 42, 43, 60, 1000])
def test_a_batch_has_as_many_items_as_its_bytes_allow(most):
    items = [{"v": index} for index in range(30)]
    found = [batch for batch, _ in batches(items, None, most, {"k": 1})]
    assert [item for batch in found for item in batch["Items"]] == items
    for batch, following in pairwise(found):
        assert payload_size(batch) <= most
        more = {**batch, "Items": [*batch["Items"], following["Items"][0]]}
        assert payload_size(more) > most


def test_a_batch_has_at_most_so_many_items():
    assert batches([1, 2, 3], 2, None) == [({"Items": [1, 2]}, 2), ({"Items": [3]}, 1)]


def test_an_item_that_is_too_large_has_a_batch_for_itself():
    assert [count for _, count in batches(["x" * 50, 1, 2], None, 40)] == [1, 2]


def test_no_items_are_no_batches():
    assert batches([], 2, None) == []
