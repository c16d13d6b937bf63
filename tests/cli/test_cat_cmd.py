"""`statebag cat`: one value, read with what is on the way to it and no more."""

import json

import pytest

from statebag import Policy
from statebag.cli.cat_cmd import command
from statebag.format.json_text import encode
from statebag.telemetry import usage
from tests.cli.program import is_one_clear_line, run_examples, statebag


def test_the_examples_of_the_help(folder, state, bag_file, execution):
    entry, newest, report, past, last = run_examples(command, folder).values()
    assert json.loads(last.stdout)["n"] == 1500
    assert past.stdout == entry.stdout
    assert entry.stdout == encode(state["state_history"][3]) + b"\n"
    assert newest.stdout == b"[1498,1499]\n"
    assert report.stdout.decode() == state["current_state"]["report"] + "\n"


def test_a_value_has_its_exact_text(folder, state, bag_file):
    values = {
        "$": state,
        "$.status": state["status"],
        "$.state_history": state["state_history"],
        "$.state_history[0]": state["state_history"][0],
        "$.state_history[1499].n": 1499,
        "current_state.empty": {},
        "exact": state["exact"],
        "exact[1]": -0.0,
        "$['look-alike']": {"__statebag__": {"v": 9}},
        "$['look-alike'].__statebag__.v": 9,
    }
    for path, value in values.items():
        result = statebag("cat", bag_file, path)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout_bytes == encode(value) + b"\n", path


def test_paths_that_count_from_the_end_or_find_several_values(folder, state, bag_file):
    history = state["state_history"]
    values = {
        "$.state_history[-1]": history[-1],
        "$.state_history[-1].n": 1499,
        "$['state_history'][1:3]": history[1:3],
        "$.state_history[0,-1].n": [0, 1499],
        "$.state_history[?(@.n < 2)].n": [0, 1],
        "$.exact[*]": state["exact"],
        "$.current_state.*": [*state["current_state"].values()],
        "$..nowhere": [],
        "$.state_history[?(@.n == $.exact[7])]": [],
    }
    for path, value in values.items():
        result = statebag("cat", bag_file, path)
        assert (result.exit_code, result.stderr) == (0, ""), path
        assert result.stdout_bytes == encode(value) + b"\n", path


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("$.state_history[-1501]", 15, "array of 1500 items"),
        ("$.state_history[-1].nowhere", 15, "has nothing at $.state_history[-1].nowhere"),
        ("$.state_history[?(@.n =~ /1/)]", 20, "Compare with =="),
        ("$.state_history[?(@.n]", 20, "not a path"),
        ("$$.Execution[-1]", 20, "not a path"),
    ],
)
def test_paths_that_lead_nowhere(folder, bag_file, path, code, words):
    result = statebag("cat", bag_file, path)
    assert result.exit_code == code
    assert is_one_clear_line(result.stderr)
    assert words in result.stderr


def test_without_a_path_the_whole_state_from_the_standard_input(folder, state, bag_file):
    result = statebag("cat", "-", stdin=bag_file.read_bytes())
    assert result.stdout_bytes == encode(state) + b"\n"


def test_raw_takes_the_quotes_off_strings_alone(folder, bag_file):
    assert statebag("cat", bag_file, "current_state.note", "--raw").stdout == (
        'three "small" words\n'
    )
    assert statebag("cat", bag_file, "current_state.note").stdout == ('"three \\"small\\" words"\n')
    assert statebag("cat", bag_file, "current_state.empty", "--raw").stdout == "{}\n"


def test_an_item_of_a_long_array_costs_one_piece(folder, state, bag_file):
    with usage.measured() as used:
        statebag("cat", bag_file, "state_history[700].n")
    assert used.blobs_read <= 3  # at most two levels of index above the piece
    assert used.bytes_got < 4 * Policy().piece_bytes
    with usage.measured() as used:
        statebag("cat", bag_file, "state_history")
    assert used.blobs_read > 10


def test_a_plain_field_needs_no_store(folder, bag_file):
    with usage.measured() as used:
        result = statebag("cat", bag_file, "status", "--store", "./nowhere")
    assert result.stdout == '"CONTINUE"\n'
    assert used.gets == 0
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("nothing", "$ is an object with execution_id, status"),
        ("current_state.nothing.deeper", "$.current_state is an object with report, note, empty"),
        ("current_state.empty.x", "$.current_state.empty is an object with no fields"),
        ("state_history[5000]", "$.state_history is an array of 1500 items"),
        ("state_history[5].text.x", "$.state_history[5].text is a single value"),
    ],
)
def test_a_missing_path_names_the_fields_that_are_there_and_no_value(
    folder, state, bag_file, path, there
):
    result = statebag("cat", bag_file, path)
    assert (result.exit_code, result.stdout) == (15, "")
    assert is_one_clear_line(result.stderr)
    assert there in result.stderr
    assert state["state_history"][5]["text"][:20] not in result.stderr


def test_each_error_has_its_code(folder, bag_file):
    assert statebag("cat").exit_code == 2
    assert statebag("cat", "missing.json").exit_code == 2
    assert statebag("cat", bag_file, "a[?(@.b)]").exit_code == 20
    assert statebag("cat", bag_file, "exact", "--scope", "other/run").exit_code == 0
    refused = statebag("cat", bag_file, "state_history[0]", "--scope", "other/run")
    assert refused.exit_code == 18
    assert statebag("cat", bag_file, "state_history[0]", "--store", "./no").exit_code == 20
    stranger = json.dumps({"a": {"__statebag__": {"v": 2}}})
    assert statebag("cat", "-", "a", stdin=stranger).exit_code == 17
