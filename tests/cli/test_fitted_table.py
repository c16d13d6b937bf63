"""Tables at several widths: names stay whole, lines fit, and what is left out is named."""

import io
import re
import unicodedata

import pytest
from rich.console import Console

from statebag.cli import bag_tree, log_table, report
from statebag.cli.fitted_table import Column, FittedTable, Name, print_left_out
from statebag.cli.progress import _Board
from statebag.cli.styled_text import Text
from statebag.history.events import history_of
from statebag.history.log import log_of
from statebag.history.replay import transitions
from statebag.history.standing import standing
from statebag.opening.inspection import inspect
from statebag.telemetry.usage import Usage
from tests.cli.test_report import execution, transition
from tests.history.test_replay import ARN, events

WIDTHS = [120, 80, 60, 40]
NAMES = {
    "ascii": ["Load", "Summarize the findings", "Count"],
    "korean": ["주문 읽기", "고객별 결제 내역 합산과 검증", "보고서"],
    "long": ["N" * 80, "PrepareTheInvoicesOfTheCustomersWhoOrderedLastMonth", "a"],
    "emoji": ["🚀 launch", "📦📦📦 pack the parcels 📦📦📦📦📦📦", "✅"],
}


def cells(line):
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


@pytest.fixture(params=WIDTHS)
def width(request):
    return request.param


@pytest.fixture(params=NAMES)
def names(request):
    return NAMES[request.param]


@pytest.fixture
def screen(monkeypatch, width):
    """A terminal so wide; its lines, when asked for."""
    stream = io.StringIO()

    def console(**_):
        return Console(file=stream, width=width, force_terminal=True, color_system=None)

    for module in (report, log_table, bag_tree):
        monkeypatch.setattr(module, "console", console)
    return lambda: [line.rstrip() for line in stream.getvalue().splitlines()]


def table_of(lines):
    """The lines of the table: its head, and what is below the rule until a line of prose."""
    rule = next(i for i, line in enumerate(lines) if line.startswith("──"))
    end = next(i for i, line in enumerate(lines) if i > rule and is_prose(line))
    return lines[rule - 1], lines[rule + 1 : end]


def is_prose(line):
    return line.startswith(("Bytes of", "No room", "opened, bag", "p1", "state ", "plain state "))


def folded_names(rows):
    """The letters of the names, read from line to line; other columns are two spaces away."""
    parts = []
    for row in rows:
        named = re.sub(r"^\s*\d+  (\d\d:\d\d:\d\d  )?", "", row)  # the event, and its time
        named = named.lstrip(" │├└─…")
        parts.append(re.split(r"\s{2,}", named)[0])
    return unspaced("".join(parts))


def unspaced(name):
    return re.sub(r"[\s\d]", "", name)


def left_out_of(lines):
    text = " ".join(lines)
    found = re.search(r"No room for (.+?): ", text)
    return found[1].split(", ") if found else []


def test_a_run(screen, width, names):
    usage = Usage(plain_bytes=1_048_576, blobs_stored=3, blobs_carried=2, puts=1, gets=4)
    made = [transition(n, name, usage=usage, size=30_784) for n, name in enumerate(names, 1)]
    report.print_report(execution(made, {"a": 1}), show_all=False)
    lines = screen()
    head, rows = table_of(lines)
    assert all(cells(line) <= width for line in (head, *rows))
    for name in names:
        assert unspaced(name) in folded_names(rows)
    gone = left_out_of(lines)
    shown = [*head.split(), *gone]
    assert sorted(shown) == sorted(
        ["state", "plain", "bag", "limit", "stored", "carried", "PUT", "GET", "time"]
    )
    assert "state" in head
    assert "bag" in head
    assert sum("30,784" in row for row in rows) == 4  # the names, and the footer
    # The least important ones go first, the time after the counts of requests.
    order = ["carried", "stored", "GET", "PUT", "time", "plain", "limit"]
    assert set(gone) == set(order[: len(gone)])
    if width == 80:
        assert "time" in head
    if width == 120 and max(map(cells, names)) < 60:
        assert not gone


def test_a_plain_run_has_its_own_columns_only(screen, width, names):
    made = [transition(n, name, usage=Usage(), size=49_833) for n, name in enumerate(names, 1)]
    report.print_report(execution(made, {"a": 1}), show_all=False, plain=True)
    head, rows = table_of(screen())
    assert head.split() == ["state", "payload", "limit", "time"][: len(head.split())]
    assert not {"bag", "stored", "carried", "PUT", "GET", "plain"} & set(head.split())
    assert all(cells(line) <= width for line in (head, *rows))


def test_nested_states_fold_below_their_indent(screen, width):
    one = transition(1, "고객별 결제 내역 합산", path="M/가[3]/나[2]/고객별 결제 내역 합산")
    report.print_report(execution([one], {}), show_all=True)
    _, rows = table_of(screen())
    first, *rest = rows
    assert first.startswith("    고객별")
    assert "[3][2]" in " ".join(rows)
    assert all(line.startswith("    ") for line in rest if "내역" in line or "[3]" in line)


def test_inspect(screen, width, names):
    state = {name: "x" * (1000 * n) for n, name in enumerate(names, 1)}
    bag_tree.print_bag(inspect({"안": state}), bound=98_304, show_all=True)
    lines = screen()
    head, rows = table_of(lines)
    assert all(cells(line) <= width for line in (head, *rows))
    for name in names:
        assert unspaced(name) in folded_names(rows)
    assert "field" in head
    assert "size" in head
    assert sorted([*head.replace("in bag", "in-bag").split(), *left_out_of(lines)]) in (
        sorted(["field", "kind", "size", "in-bag", "form", "where"]),
        sorted(["field", "kind", "size", "in bag", "form", "where"]),
    )
    assert any("3,002" in row for row in rows)
    tree = [row for row in rows if row.startswith(("├", "└", "   ├", "   └", "   │"))]
    assert tree  # a folded name goes on below the line of the tree


def test_log(screen, width, names):
    told = []
    for name in names:
        told += [
            ("TaskStateEntered", {"name": name, "input": '{"a": 1}'}),
            ("TaskStateExited", {"name": name, "output": '{"a": 2, "이름": "값"}'}),
        ]
    history = history_of(ARN, "Main", events(("ExecutionStarted", {"input": "{}"}), *told))
    made = transitions(history)
    log_table.print_log(
        history, list(log_of(made)), standing(history, made), causes=False, left_out=0, all_of=3
    )
    lines = screen()
    head, rows = table_of(lines)
    assert all(cells(line) <= width for line in (head, *rows))
    for name in names:
        assert unspaced(name) in folded_names(rows)
    assert head.split()[0] == "event"
    assert {"bag", "limit"} <= set(head.split())
    assert "이름" in "".join(rows)
    order = ["opened", "time"]
    gone = left_out_of(lines)
    assert set(gone) == set(order[: len(gone)])


def test_a_run_that_goes_on(screen, width, names, tmp_path):
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    board = _Board(console, tmp_path)
    for name in names:
        board.state_entered(name, "Task", f"Machine/{name}")
        board.state_left(transition(1, name, path=f"Machine/{name}"))
    console.print(board)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert all(cells(line) <= width for line in lines)
    for name in names:
        assert unspaced(name) in folded_names(lines)


def test_the_outline_of_an_output(screen, width, names):
    output = dict.fromkeys(names, "값" * 2_000)
    report.print_report(execution([transition(1)], output), show_all=False)
    lines = screen()
    start = next(i for i, line in enumerate(lines) if line.startswith("Output"))
    rows = lines[start + 1 : lines.index("The whole output: --output FILE, or --json.")]
    assert all(cells(line) <= width for line in rows)
    for name in names:
        # The beginning of the value stands beside the first line of the name.
        assert unspaced(name) in folded_names(rows)
    assert all("값" in row for row in rows if '"' in row)


def test_a_file_has_every_column_and_no_spaces_at_its_ends(capsys):
    made = [transition(1, "고객별 결제 내역 " * 4)]
    report.print_report(execution(made, {}), show_all=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-1] == "time"
    assert "No room" not in "".join(lines)
    assert all(line == line.rstrip() for line in lines)


def test_a_screen_of_few_columns_still_shows_names():
    stream = io.StringIO()
    console = Console(file=stream, width=10, force_terminal=True, color_system=None)
    table = FittedTable((Column("a", leaves=1), Column("name"), Column("b", leaves=2)), names=1)
    table.add_row("1" * 8, Name(Text("abcdefgh"), lead="│  " * 20), "2" * 8)
    console.print(table)
    print_left_out(console, table, "a file has them")
    assert "abcdefgh" in re.sub(r"name|[^a-z]", "", stream.getvalue())
    assert "No room" in stream.getvalue()


def test_an_empty_table_has_its_head():
    stream = io.StringIO()
    console = Console(file=stream, width=40)
    console.print(FittedTable((Column("name"), Column("b", right=True))))
    assert stream.getvalue().split()[:2] == ["name", "b"]
