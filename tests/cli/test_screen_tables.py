"""Lists on a screen: nothing is wider than it, wide characters count twice, names stay whole."""

import json
import re
import unicodedata

import pytest

from statebag import Statebag
from statebag.asl.arns import ACCOUNT
from statebag.cli.screen_tables import is_on_screen, moment_cell, object_cell
from statebag.format.names import encode_scope
from statebag.local.records import MapRunParent, Record
from statebag.state_data_manager import lambda_handler
from tests.cli.program import on_terminal, statebag

SCOPE = "주문-처리-기계/실행-2026-고객별-결제-내역-합산과-검증"
OTHER = "m" * 60 + "/" + "e" * 70
LABEL = "차례-하나"


def cells(line):
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


def shown_on(columns, *arguments):
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal(columns, *arguments))
    return text.replace("\r\n", "\n").splitlines()


def joined(lines):
    """All letters of the first column that has names: without spaces and line ends."""
    return "".join("".join(lines).split())


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", f"file://{tmp_path}/store")
    client = Statebag(f"file://{tmp_path}/store", replicas=(), signing_keys={})
    for scope in (SCOPE, OTHER):
        given = {"action": "create_snapshot", "snapshot_type": "pre", "execution_id": scope}
        lambda_handler({**given, "state_data": {"status": "one"}}, None)
    head = client.heads(SCOPE).head("갈래")
    version = None
    for n in range(2):
        bag = head.seal({"turn": n}, version)
        version = head.advance(bag, version, label=f"{LABEL}-{n}")
    before = client.seal({"보고서": "가" * 90_000, "n": 1}, scope=SCOPE)
    after = client.seal({"보고서": "나" * 90_000, "아주 긴 필드 " * 9: 1, "n": 1}, scope=SCOPE)
    for name, bag in (("before", before), ("after", after)):
        (tmp_path / f"{name}.json").write_text(json.dumps(bag), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_screen_and_names_stay_whole(place, columns):
    shown = {
        "snapshots": shown_on(columns, "snapshots"),
        "heads": shown_on(columns, "heads", "--versions"),
        "gc": shown_on(columns, "gc"),
        "doctor": shown_on(columns, "doctor"),
        "diff": shown_on(columns, "diff", f"{place}/before.json", f"{place}/after.json"),
    }
    for name, lines in shown.items():
        table = [line for line in lines if not line.startswith(("store: ", "nothing was"))]
        assert [line for line in table if cells(line) > columns] == [], name
    letters = {name: joined(lines) for name, lines in shown.items()}
    assert SCOPE[:8] in letters["snapshots"]
    assert f"{LABEL}-0" in letters["heads"]
    assert f"{LABEL}-1" in letters["heads"]
    assert "keep" in letters["gc"]
    assert "write:16,384bytes" in letters["doctor"]
    assert "~$.보고서270,002270,002" in letters["diff"]


def test_a_pipe_has_a_line_for_each_object_and_every_field(place):
    for command, count in ((("snapshots",), 2), (("heads", "--versions"), 2)):
        about, *lines = statebag(*command).stdout.splitlines()
        assert about.startswith("store: ")
        assert len(lines) == count
        assert all("─" not in line for line in lines)
    decided = statebag("gc").stdout.splitlines()
    assert any(line.startswith(f"keep   {SCOPE}: ") for line in decided)
    diff = statebag("diff", place / "before.json", place / "after.json").stdout.splitlines()
    assert diff[0] == "~ $.보고서  270,002 -> 270,002"


def test_the_least_important_column_goes_and_is_named(place):
    narrow, wide = shown_on(40, "snapshots"), shown_on(200, "snapshots")
    assert any("written" in line for line in wide[:2])
    assert "No room for" not in " ".join(wide)
    assert "No room for bytes" in " ".join(narrow)


def test_cells():
    assert moment_cell("2026-11-28T19:51:47+00:00") == "2026-11-28 19:51:47"
    assert object_cell("m/run-1").cells == 7
    assert object_cell("%EC%A3%BC").cells == 9, "what other commands take stands below"
    assert object_cell("a", "two words").cells == 9
    assert not is_on_screen()


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_executions_are_listed_by_the_names_that_log_takes(tmp_path, columns):
    machine, folder = "주문-처리-상태-기계", tmp_path / "histories"
    arns = {}
    for name in ("실행-하나-고객별-결제-내역", "run-2"):
        arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{machine}:{name}"
        parent = MapRunParent(arns["first"], "m") if arns else None
        arns.setdefault("first", arn)
        record = Record(
            folder / f"{encode_scope(f'{machine}/{name}')}.jsonl", arn, {}, parent=parent
        )
        record.add({"id": 1, "previousEventId": 0, "type": "ExecutionFailed", "timestamp": 1})
        record.close()
    place = ("--histories", str(folder))
    for more in ((), ("--children",)):
        lines = shown_on(columns, "log", *more, *place)
        assert [line for line in lines if cells(line) > columns] == []
        text = joined(lines)
        assert machine in text
        assert "FAILED" in text
        assert len(re.findall(r"\d\d:\d\d:\d\d", text)) == (2 if more else 1), "rows"
        assert ("1child(--children):1FAILED" in text) == (not more)
    assert statebag("log", *place).stdout.splitlines()[1].strip().startswith("1 child")
