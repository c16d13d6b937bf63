"""Columns: every row comes back, and texts that repeat stand once."""

import json

from hypothesis import given
from hypothesis import strategies as st

from statebag.ui.packed_rows import packed

ROW = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["a", "b", "", None, "제목"]),
        "number": st.integers(),
        "mixed": st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
        "list": st.lists(st.integers(), max_size=2),
    }
)


def unpacked(table):
    """As the page's script does it."""
    for index in range(table["count"]):
        row = {}
        for name, words, column in zip(
            table["names"], table["words"], table["columns"], strict=True
        ):
            row[name] = column[index] if words is None else words[column[index]]
        yield row


@given(st.lists(ROW, max_size=40))
def test_every_row_comes_back(rows):
    assert list(unpacked(json.loads(json.dumps(packed(rows))))) == rows


def test_a_text_that_repeats_stands_once():
    rows = [{"type": "TaskStateEntered", "n": n} for n in range(1_000)]
    assert json.dumps(packed(rows)).count("TaskStateEntered") == 1
    assert packed([]) == {"count": 0, "names": [], "words": [], "columns": []}


def test_texts_that_differ_stand_as_they_are():
    table = packed([{"time": f"{n}"} for n in range(10)])
    assert table["words"] == [None]
