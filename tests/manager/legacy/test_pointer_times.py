"""Times leave a bag's legacy pointers, and nothing else."""

from statebag.format.stub import KEY
from statebag.manager.legacy.pointer_format import field_pointer, history_pointer, whole_pointer
from statebag.manager.legacy.pointer_times import with_times, without_times

PLACE = "s3://bucket/workflow-state/k/a.json"
TEXT = b"[1]"
FIELD, ARCHIVE = field_pointer(PLACE, TEXT), history_pointer(PLACE, TEXT, 3)
WHOLE = whole_pointer(PLACE, TEXT, {})
NO_TIME = {name: one for name, one in FIELD.items() if name != "stored_at"}
NO_TIME_OF_ARCHIVE = {name: one for name, one in ARCHIVE.items() if name != "archived_at"}


def test_pointers_where_a_reader_follows_them_lose_their_times():
    bag = {
        "current_state": {"doc": FIELD, "inner": {"deep": FIELD}},
        "state_history": [ARCHIVE, {"stored_at": "mine"}],
        "doc": FIELD,
        "whole": {**WHOLE, "beside": FIELD},
        "stored_at": "mine",
    }
    assert without_times(bag) == {
        "current_state": {"doc": NO_TIME, "inner": {"deep": NO_TIME}},
        "state_history": [NO_TIME_OF_ARCHIVE, {"stored_at": "mine"}],
        "doc": NO_TIME,
        "whole": {**WHOLE, "beside": NO_TIME},
        "stored_at": "mine",
    }


def test_data_keeps_what_looks_like_a_time():
    for data in (
        {"a": {"b": {"c": {"d": FIELD}}}},
        [1, FIELD],
        [[FIELD]],
        {KEY: {"escaped": FIELD}},
        {"type": "s3_reference", "stored_at": "mine"},
        {"archived_at": "mine", "items": []},
        "text",
        None,
        [],
    ):
        assert without_times(data) == with_times(data) == data


def test_a_pointer_without_a_time_gets_one_and_the_others_keep_theirs():
    bag = {"a": NO_TIME, "b": {**FIELD, "stored_at": "then"}, "h": [NO_TIME_OF_ARCHIVE, 1]}
    after = with_times(bag)
    assert after["b"]["stored_at"] == "then"
    assert len(after["a"]["stored_at"]) == len(FIELD["stored_at"])
    assert len(after["h"][0]["archived_at"]) == len(FIELD["stored_at"])
    assert without_times(after) == without_times(bag)
