"""What a report has of a head: a thread's versions, their states, and what each changed."""

import json

import pytest

from statebag.errors import BlobMissing
from statebag.ui.recorded_head import record_head
from tests.ui.conftest import HEAD, SECRET
from tests.ui.test_packed_rows import unpacked


def test_versions_states_differences_and_forks(data):
    about, tables = record_head(data, HEAD, values=False)
    assert about["kind"] == "h"
    rows = list(unpacked(tables["versions"]))
    assert [one["number"] for one in rows] == [3, 2, 1]
    assert {one["event"] for one in about["states"]} == {1, 2, 3}
    assert [pair[:2] for pair in about["pairs"]] == [[1, 2], [2, 3]]
    asked = {json.loads(key)[0] for key in about["answers"]}
    assert asked == {"head", "forks", "state", "differences", "trail"}
    assert SECRET not in json.dumps([about, tables])


def test_notes_and_values_if_asked_for(data):
    about, tables = record_head(data, HEAD, values=True)
    assert SECRET in json.dumps(tables)
    assert SECRET in json.dumps(about)


def test_a_head_that_is_not_there(data):
    with pytest.raises(BlobMissing, match="does not exist"):
        record_head(data, "@heads/a/@nobody/@head", values=False)
