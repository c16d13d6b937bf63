"""A version keeps its bag and its note as they were given."""

import pytest

from statebag import InvalidState
from statebag.versions.version import record_of, version_of

VALUES = [None, {}, [1, 1.0, -0.0, True, 10**30], {"a": {"__statebag__": 1}}, "\u0000ä"]


@pytest.mark.parametrize("value", VALUES)
def test_a_version_is_what_its_record_says(value):
    record = record_of(value, number=3, label="x", note=[value], reads=("a/b",))
    version = version_of(record, "name")
    assert repr(version.bag) == repr(value)
    assert repr(version.note) == repr([value])
    assert (version.number, version.label, version.reads) == (3, "x", ("a/b",))
    assert version.written.tzinfo is not None
    assert version.id != version_of(record_of(value, number=3), "name").id


@pytest.mark.parametrize("wrong", [float("nan"), {1: 2}, {1, 2}, "\ud800", b"x"])
def test_what_json_cannot_hold_is_refused(wrong):
    for bag, note in ((wrong, None), ({}, wrong)):
        with pytest.raises(InvalidState):
            record_of(bag, number=1, note=note)
