"""The summary beside scheduling metadata that left."""

from statebag.format.derived import summary_of, with_summary, without_derived
from statebag.format.stub import KEY

STUB = {KEY: {"v": 1, "sha256": "0" * 64}}
SUMMARY = {"total_batches": 3, "priority": "high"}


def test_a_summary_is_taken_off_again():
    bag = {"a": 1, "scheduling_metadata": STUB}
    marked = with_summary(bag, SUMMARY)
    assert marked["scheduling_summary"] == SUMMARY
    assert without_derived(marked) == (bag, SUMMARY)
    assert bag == {"a": 1, "scheduling_metadata": STUB}


def test_in_a_state_that_left_with_all_its_fields_the_mark_is_on_the_whole():
    bag = {KEY: {"v": 1, "rest": True}, "status": "S"}
    marked = with_summary(bag, SUMMARY)
    assert marked["scheduling_summary"] == SUMMARY
    assert without_derived(marked) == (bag, SUMMARY)


def test_metadata_that_stays_needs_no_summary():
    bag = {"scheduling_metadata": {"total_batches": 3}}
    assert with_summary(bag, SUMMARY) == bag


def test_a_field_of_ones_own_with_the_summarys_name_stays():
    bag = {"scheduling_metadata": STUB, "scheduling_summary": SUMMARY}
    assert without_derived(bag) == (bag, None)
    assert without_derived("text") == ("text", None)


def test_a_summary_is_bounded():
    assert summary_of({"total_batches": 3, "priority": "x" * 10_000}) == {
        "total_batches": 3,
        "priority": None,
    }
    assert summary_of([1]) is None
