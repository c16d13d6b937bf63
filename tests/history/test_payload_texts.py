"""Texts of payloads that stay in a file until they are read."""

import gc

import pytest

from statebag.history.payload_texts import CARRIERS, LaterText, TextSpool

LONG = "\u00e9\ud800 " * 1_000


def event(**details):
    return {"id": 1, "type": "PassStateEntered", "stateEnteredEventDetails": details}


@pytest.mark.parametrize("field", CARRIERS)
def test_a_long_text_is_kept_and_read_again(field):
    spool = TextSpool()
    given = event(name="A", **{field: LONG})
    left = spool.without_texts(given)["stateEnteredEventDetails"]
    assert left["name"] == "A"
    assert isinstance(left[field], LaterText)
    assert left[field].read() == LONG
    assert given["stateEnteredEventDetails"][field] == LONG  # what was given is unchanged


def test_several_texts_one_after_another():
    spool = TextSpool()
    kept = [spool.keep(f"{number}{LONG}", "input") for number in range(5)]
    assert [one.read() for one in reversed(kept)] == [f"{n}{LONG}" for n in (4, 3, 2, 1, 0)]


def test_short_texts_causes_and_what_is_no_event_stay():
    spool = TextSpool()
    for given in (event(input="{}"), event(cause=LONG), event(input=7), [LONG], None):
        assert spool.without_texts(given) == given


def test_the_file_is_closed_with_the_last_text():
    kept = TextSpool().keep(LONG, "input")
    opened = kept.source._file._opened
    assert kept.read() == LONG
    assert not opened.closed
    del kept
    gc.collect()
    assert opened.closed
