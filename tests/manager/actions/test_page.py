"""The page on the state data manager: every event that it shows gives the answer that it shows."""

import json
import re
from pathlib import Path

import pytest

from statebag.format.stub import KEY
from statebag.manager.statuses import CLASSES, NEXT_ACTIONS, Statuses
from statebag.state_data_manager import ACTIONS, lambda_handler
from statebag.testing.process import forget
from tests.manager.actions import test_defects

PAGE = (Path(__file__).parents[3] / "docs" / "state-data-manager.md").read_text("utf-8")
BLOCKS = [
    json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
]


def comparable(value):
    """An answer without its time, and without what a codec's version decides in a stub."""
    if isinstance(value, dict):
        if KEY in value:
            return {name: value[KEY].get(name) for name in ("kind", "count", "size")}
        return {key: comparable(one) for key, one in value.items() if key != "last_optimization"}
    return [comparable(one) for one in value] if isinstance(value, list) else value


def test_every_event_gives_its_answer(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://example")
    forget()
    shown = set()
    blocks = iter(BLOCKS)
    for event in blocks:
        if "action" not in event:
            continue
        answer, expected = lambda_handler(event), next(blocks)
        assert comparable(answer) == comparable(expected), event["action"]
        shown.add(event["action"])
    assert shown == ACTIONS.keys() - {"sync_branch", "merge_async"}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_named(action):
    assert f"`{action}`" in PAGE


def rows(heading):
    """The cells of the table below a heading of the page, without its head."""
    section = PAGE.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_statuses_is_the_codes():
    shown = rows("### Statuses")
    assert {kind: tuple(re.findall(r"`(\w+)`", names)) for kind, names, _ in shown} == CLASSES
    for _, names, action in shown:
        for name in re.findall(r"`(\w+)`", names):
            following = name if action == "itself" or f"`{name}` stays itself" in action else None
            assert Statuses().by_status(name) == (following or re.match(r"`(\w+)`", action)[1])
    listed = PAGE.partition("`next_action` is one of ")[2].partition(". ")[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == NEXT_ACTIONS


def test_the_statuses_that_the_page_adds_can_be_added():
    added = re.findall(r"`STATEBAG_STATUSES=([^`]+)`", PAGE)[0].split(",")
    added += re.findall(r"`(ASLEEP=\w+)`", PAGE)
    table = Statuses(added, re.findall(r"`STATEBAG_NEXT_ACTIONS=(\w+)`", PAGE))
    assert (table.by_status("OK"), table.by_status("DRAFTED")) == ("COMPLETE", "CONTINUE")
    assert table.by_status("ASLEEP") == "PAUSED_FOR_ASYNC_LLM"
    assert table.by_name("ESCALATE") == "ESCALATE"


def test_every_defect_is_named_with_its_one_test():
    tests = {name for name in dir(test_defects) if name.startswith("test_defect_")}
    named = [
        re.findall(r"`(test_\w+)`", row[-1]) for row in rows("## Defects of the first version")
    ]
    assert all(len(names) == 1 for names in named)
    assert sorted(name for (name,) in named) == sorted(tests)


AUDIT = [
    ("P0", "100 failed chunks"),
    ("P0", "a load is not retried"),
    ("P1", "a failed load is `None`"),
    ("P1", "pointers grow"),
    ("P1", "a snapshot copies the whole state"),
    ("P2", "`decompress_data` fails"),
    ("P2", "results from outside"),
    ("", "callers share cached values"),
    ("", "a failed offload truncates"),
    ("", "keys with a time collide"),
    ("", "fields that nobody named are dropped"),
]
"""The findings of the audit, by their priority and the beginning of their row."""


@pytest.mark.parametrize(("priority", "defect"), AUDIT)
def test_every_finding_of_the_audit_is_a_row_with_a_test_that_there_is(priority, defect):
    found = [row for row in rows("## Defects of the first version") if row[1].startswith(defect)]
    ((said, _, instead, test),) = found
    assert said == priority
    assert instead
    assert callable(getattr(test_defects, test.strip("`")))
