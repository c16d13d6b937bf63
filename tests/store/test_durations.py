"""Durations in the client's words."""

import pytest

from statebag.store.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20s", 20), ("1m 30s", 90), ("250ms", 0.25), ("2 weeks", 1_209_600), ("1hr", 3600)],
)
def test_words_that_are_known(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "20", "soon", "3 fortnights", "1month"])
def test_other_words(text):
    assert seconds_of(text) is None
