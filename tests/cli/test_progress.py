"""What is shown while a workflow runs, on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from statebag.cli.progress import _Board, progress, state_path
from statebag.local.execution import LocalTransition


def transition(number, path="Machine/Step", error=None):
    return LocalTransition(
        number=number,
        state=path.rpartition("/")[2],
        kind="Task",
        path=path,
        seconds=1.25,
        input_bytes=1,
        output_bytes=0 if error else 1234,
        usage=None,
        error=error,
    )


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("Machine/Step", "Step"),
        ("Machine/Map[3]/Step", "Map/Step"),
        ("Machine/Map[3]/Both[1]/Step", "Map/Both/Step"),
    ],
)
def test_where_a_state_stands(path, where):
    assert state_path(path) == where


def test_elsewhere_each_state_has_a_line_and_a_frequent_one_only_some(tmp_path, capsys):
    with progress(tmp_path) as observer:
        for number in range(1, 121):
            observer.state_left(transition(number, f"Machine/Map[{number}]/Step"))
        observer.state_left(transition(121, "Machine/Map", error="Rejected"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "    1  Map/Step  1.25 s  1,234 bytes",
        "    2  Map/Step x2  1.25 s  1,234 bytes",
        "    3  Map/Step x3  1.25 s  1,234 bytes",
        "   10  Map/Step x10  1.25 s  1,234 bytes",
        "  100  Map/Step x100  1.25 s  1,234 bytes",
        "  121  Map  1.25 s  Rejected",
    ]


def test_what_ends_after_the_run_is_not_told(tmp_path, capsys):
    with progress(tmp_path) as observer:
        observer.state_left(transition(1))
    observer.state_left(transition(2, "Machine/Late", error="States.Aborted"))
    observer.waiting_for_token("token", "Ask")
    assert capsys.readouterr().err.splitlines() == ["    1  Step  1.25 s  1,234 bytes"]


def test_a_token_comes_with_commands_that_can_be_pasted(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    folder = tmp_path / "a folder"
    token = "t" * 200
    with progress(folder) as observer:
        observer.waiting_for_token(token, "Ask")
    assert capsys.readouterr().err.splitlines() == [
        "Ask waits for an answer. From another terminal:",
        f"  echo '{{}}' | statebag answer {token} --dir '{folder}' --output -",
        f"  statebag answer {token} --dir '{folder}' --error NAME --cause TEXT",
    ]


def test_on_a_terminal_the_states_that_were_busy_last_are_shown(tmp_path):
    screen = io.StringIO()
    console = Console(file=screen, width=100, force_terminal=True, color_system=None)
    board = _Board(console, tmp_path)
    for number in range(20):
        board.state_entered(f"S{number}", "Task", f"Machine/S{number}")
        board.state_left(transition(number, f"Machine/S{number}"))
    board.state_entered("Map", "Map", "Machine/Map")
    for index in range(3):
        board.state_entered("Step", "Task", f"Machine/Map[{index}]/Step")
    board.state_left(transition(21, "Machine/Map[0]/Step", error="Rejected"))
    console.print(board)
    lines = [line.split() for line in screen.getvalue().splitlines()]
    assert ["S0", "1", "done", "1,234", "bytes"] not in lines
    assert ["S19", "1", "done", "1,234", "bytes"] in lines
    assert ["Map", "running"] in lines
    assert ["Step", "2", "running", "1", "done", "1", "failed", "0", "bytes"] in lines
