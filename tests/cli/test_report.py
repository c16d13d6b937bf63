"""The report, from results that are made by hand."""

import json
from pathlib import Path

import pytest

from statebag.cli.report import LONG_RUN, as_dict, print_report
from statebag.local.execution import LocalExecution, LocalTransition
from statebag.telemetry.usage import Usage


def transition(number, state="Step", path=None, error=None, usage=None, size=1000):
    return LocalTransition(
        number=number,
        state=state,
        kind="Task",
        path=path or f"Machine/{state}",
        seconds=0.5 * number,
        input_bytes=10,
        output_bytes=size,
        usage=usage,
        error=error,
    )


def execution(transitions, output=None, **fields):
    defaults = {"status": "SUCCEEDED", "error": None, "cause": None}
    return LocalExecution(
        arn="arn",
        name="run-1",
        output=output,
        seconds=9.0,
        transitions=tuple(transitions),
        history=[],
        **{**defaults, **fields},
    )


@pytest.fixture
def printed(capsys):
    def lines(result, *, show_all=False, written=None):
        print_report(result, show_all=show_all, written=written)
        return capsys.readouterr().out.splitlines()

    return lines


def cells(lines, start):
    [line] = [line for line in lines if line.strip().startswith(start)]
    return line.split()


def test_a_row_holds_sizes_share_of_the_limit_blobs_requests_and_time(printed):
    usage = Usage(plain_bytes=1_048_576, blobs_stored=3, blobs_carried=2, puts=1, gets=4)
    lines = printed(execution([transition(1, usage=usage, size=26_214)]))
    row = ["Step", "1,048,576", "26,214", "10.0%", "3", "2", "1", "4", "0.50", "s"]
    assert cells(lines, "Step") == row
    assert cells(lines, "1 transition") == ["1", "transition", *row[1:-2], "9.00", "s"]
    assert any("262,144" in line for line in lines)


def test_a_state_without_a_function_has_no_requests(printed):
    assert cells(printed(execution([transition(1)])), "Step") == [
        "Step",
        "1,000",
        "0.4%",
        "0.50",
        "s",
    ]


def test_states_of_a_long_run_share_a_row_and_errors_have_their_own(printed):
    usage = Usage(puts=1, plain_bytes=7)
    many = [
        transition(n, path=f"Machine/Map[{n}]/Step", usage=usage, size=n)
        for n in range(1, LONG_RUN + 1)
    ]
    failed = transition(LONG_RUN + 1, path="Machine/Map[0]/Step", error="Rejected", size=0)
    lines = printed(execution([*many, failed]))
    row = cells(lines, f"Step x{LONG_RUN}")
    assert row[2:5] == ["7", str(LONG_RUN), "0.0%"]
    assert row[7] == str(LONG_RUN)
    assert row[-2:] == [f"{LONG_RUN / 2:.2f}", "s"]
    assert cells(lines, "Step [0]")[2] == "Rejected"
    each = printed(execution([*many, failed]), show_all=True)
    assert cells(each, "Step [17]")[2:4] == ["7", "17"]


def test_no_row_is_wider_than_the_screen(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(execution([transition(1, state="S" * 80)], {"key" * 50: "v" * 5000}))
    assert all(len(line) <= 100 for line in lines)


def test_on_a_narrow_screen_the_names_give_way_not_the_numbers(printed):
    usage = Usage(plain_bytes=1_048_576_000, blobs_stored=3_000, puts=1_000, gets=4_000)
    error = "States." + "DataLimitExceeded" * 3
    lines = printed(execution([transition(1, state="N" * 80, error=error, usage=usage)]))
    row = next(line.split() for line in lines if "1,048,576,000" in line)
    assert row[1:] == [
        "1,048,576,000",
        "1,000",
        "0.4%",
        "3,000",
        "0",
        "1,000",
        "4,000",
        "0.50",
        "s",
    ]


def test_a_failure_shows_error_cause_and_the_line_that_raised(printed):
    stack = [
        '  File "a.py", line 1, in handler\n    f()\n',
        '  File "b.py", line 7, in f\n    raise X\n',
    ]
    cause = json.dumps({"errorMessage": "no [red]good", "errorType": "X", "stackTrace": stack})
    lines = printed(execution([transition(1, error="X")], status="FAILED", error="X", cause=cause))
    end = lines[lines.index("error: X") :]
    assert end == ["error: X", "cause: no [red]good", '  File "b.py", line 7, in f', "    raise X"]
    assert not any(line.startswith("Output") for line in lines)


@pytest.mark.parametrize("cause", ["plain text", "[1]", '{"errorMessage": 3}', '{"errorMessage": '])
def test_a_cause_of_another_form_is_shown_as_it_is(printed, cause):
    assert f"cause: {cause}" in printed(execution([], status="FAILED", error="X", cause=cause))


def test_a_small_output_is_shown_whole(printed):
    lines = printed(execution([], {"a": ["é", "\ud800"]}))
    assert "\n".join(lines).endswith(
        'Output, 18 bytes:\n{\n  "a": [\n    "é",\n    "\\ud800"\n  ]\n}'
    )


def test_of_a_large_output_each_key_has_a_line_and_a_way_to_the_rest_is_named(printed):
    stub = {"__statebag__": {"v": 1, "sha256": "0", "size": 123_456, "at": "x", "span": [0, 1]}}
    output = {"sources": stub, "text": "t" * 5000, **{f"k{n}": n for n in range(60)}}
    lines = printed(execution([], output))
    assert cells(lines, "sources") == ["sources", "sealed:", "123,456", "bytes"]
    assert cells(lines, "text")[1].startswith('"ttt')
    assert cells(lines, "...") == ["...", "and", "22", "more", "keys"]
    assert lines[-1] == "The whole output: --output FILE, or --json."
    assert printed(execution([], output), written=Path("o.json"))[-1].endswith("is in o.json.")


@pytest.mark.parametrize("levels", [400, 498])
def test_a_deep_output_is_shown(printed, levels):
    deep = {"__statebag__": {"v": 1, "size": 5}}
    for level in range(levels):
        deep = [deep] if level % 2 else {"a": deep}
    assert printed(execution([], [deep]))[-1] == "The whole output: --output FILE, or --json."


def test_a_large_output_that_is_no_object_is_cut(printed):
    lines = printed(execution([], "t" * 5000))
    assert "... and 3,002 characters more." in lines


def test_the_result_for_programs():
    usage = Usage(puts=2, gets=1, plain_bytes=5000, blobs_stored=1, bytes_put=7)
    result = as_dict(execution([transition(1, usage=usage), transition(2, error="X")], {"a": 1}))
    assert json.loads(json.dumps(result)) == result
    assert result["output"] == {"a": 1}
    assert result["transitions"][0]["usage"]["puts"] == 2
    assert (result["transitions"][1]["usage"], result["transitions"][1]["error"]) == (None, "X")
    assert result["totals"] == {
        "transitions": 2,
        "largest_plain_bytes": 5000,
        "largest_output_bytes": 1000,
        "limit_bytes": 262_144,
        "blobs_stored": 1,
        "blobs_carried": 0,
        "puts": 2,
        "gets": 1,
        "bytes_put": 7,
        "bytes_got": 0,
        "seconds": 9.0,
    }
