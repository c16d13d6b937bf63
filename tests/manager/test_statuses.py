"""The one table of statuses, and what settings add to it."""

import pytest

from statebag import ConfigurationError, InvalidState
from statebag.manager.statuses import CLASSES, NEXT_ACTIONS, Statuses

TABLE = Statuses()
LISTED = [(status, kind) for kind, statuses in CLASSES.items() for status in statuses]
UNKNOWN = ["DONE", "", " FAILED", "FAILED ", "APPROVED", 5, True, {"a": 1}, ["FAILED"], None]


@pytest.mark.parametrize(("status", "kind"), LISTED)
@pytest.mark.parametrize("spelled", [str, str.lower, str.title])
def test_a_status_is_read_in_any_case(status, kind, spelled):
    assert TABLE.class_of(spelled(status)) == kind
    assert TABLE.by_status(spelled(status)) in NEXT_ACTIONS


def test_a_status_is_in_one_class():
    assert len({status for status, _ in LISTED}) == len(LISTED)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("Succeeded", "COMPLETE"),
        ("STARTED", "CONTINUE"),
        ("RUNNING", "CONTINUE"),
        ("PAUSE", "PAUSED_FOR_HITP"),
        ("PAUSED", "PAUSED_FOR_HITP"),
        ("PAUSED_FOR_ASYNC_LLM", "PAUSED_FOR_ASYNC_LLM"),
        ("SEQUENTIAL_BRANCH", "SEQUENTIAL_BRANCH"),
        ("SIGKILL", "FAILED"),
        ("HALTED", "FAILED"),
    ],
)
def test_what_comes_after_a_status(status, action):
    assert TABLE.by_status(status) == action


@pytest.mark.parametrize("status", UNKNOWN)
def test_another_status_is_refused_and_the_table_named(status):
    assert TABLE.class_of(status) is None
    with pytest.raises(InvalidState, match="PARTIAL_FAILURE, in any case") as refused:
        TABLE.by_status(status)
    assert refused.value.path == "$.status"
    assert "APPROVED" not in str(refused.value)
    TABLE.by_status("PARTIAL_FAILURE")  # as the hint says


def test_a_character_that_becomes_ascii_in_capitals_is_another_one():
    assert "\u017fuccess".upper() == "SUCCESS"
    assert TABLE.class_of("\u017fuccess") is None


@pytest.mark.parametrize("name", NEXT_ACTIONS)
def test_a_next_action_is_read_in_any_case_and_stays_itself(name):
    assert TABLE.by_name(name) == TABLE.by_name(name.lower()) == name


def test_the_name_of_a_status_means_what_the_status_means():
    assert TABLE.by_name("SIGKILL") == "FAILED"
    assert TABLE.by_name("pause") == "PAUSED_FOR_HITP"
    assert TABLE.by_name("SUCCESS") == "COMPLETE"


@pytest.mark.parametrize("name", UNKNOWN)
def test_another_next_action_is_refused_and_the_known_ones_are_listed(name):
    with pytest.raises(InvalidState) as refused:
        TABLE.by_name(name)
    assert refused.value.path == "$.next_action"
    assert all(one in refused.value.hint for one in NEXT_ACTIONS)


def test_settings_add_statuses_and_next_actions():
    table = Statuses(["ok=done", "Drafted = going on", "ASLEEP=PAUSED_FOR_ASYNC_LLM"], ["Escalate"])
    assert (table.class_of("OK"), table.by_status("ok")) == ("done", "COMPLETE")
    assert (table.class_of("DRAFTED"), table.by_status("drafted")) == ("going on", "CONTINUE")
    assert (table.class_of("asleep"), table.by_status("ASLEEP")) == (
        "waiting",
        "PAUSED_FOR_ASYNC_LLM",
    )
    assert table.by_name("ESCALATE") == "Escalate"
    assert "Escalate" in refusal(table.by_name, "WHAT").hint
    assert "DRAFTED" in refusal(table.by_status, "WHAT").hint
    assert TABLE.class_of("OK") is None


def refusal(call, name):
    with pytest.raises(InvalidState) as refused:
        call(name)
    return refused.value


@pytest.mark.parametrize("text", ["OK", "OK=", "=done", "OK=well", "", "OK=done=failed"])
def test_a_status_without_a_known_class_is_refused(text):
    with pytest.raises(ConfigurationError, match="NAME=class, not") as refused:
        Statuses([text])
    assert "done, going on, waiting, forked, failed" in refused.value.hint
    for kind in CLASSES:
        assert Statuses([f"OK={kind}"]).class_of("OK") == kind


def test_a_built_in_status_keeps_its_class():
    with pytest.raises(ConfigurationError, match="'ERROR' is built in") as refused:
        Statuses(["ERROR=done"])
    assert refused.value.hint == "Remove it from STATEBAG_STATUSES: its class is failed."
    assert Statuses(["error=failed"]).class_of("ERROR") == "failed"
    assert Statuses(["PAUSE=PAUSED_FOR_ASYNC_LLM"]).by_status("PAUSE") == "PAUSED_FOR_HITP"


def test_what_waits():
    table = Statuses(["ASLEEP=waiting"])
    assert all(table.waits(name) for name in (*CLASSES["waiting"], "paused", "asleep"))
    assert not any(table.waits(name) for name in ("COMPLETE", "PARALLEL_GROUP", "", None, 5, []))
