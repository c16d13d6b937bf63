"""`statebag open`: the state's exact text, or a clear word why not."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.cli.open_cmd import command
from statebag.format.json_text import encode
from statebag.telemetry import usage
from tests.cli.program import is_one_clear_line, run_examples, statebag


def test_the_examples_of_the_help(folder, state, bag_file):
    whole, part = run_examples(command, folder).values()
    assert whole.stdout == b""
    assert (folder / "state.json").read_bytes() == encode(state) + b"\n"
    assert json.loads(part.stdout) == {"current_state": state["current_state"]}
    assert b'\n  "current_state": {\n' in part.stdout


@pytest.mark.parametrize("by_stdin", [False, True])
def test_the_text_is_exact(folder, state, bag_file, by_stdin):
    result = (
        statebag("open", stdin=bag_file.read_bytes()) if by_stdin else statebag("open", bag_file)
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout_bytes == encode(state) + b"\n"


def test_pretty_text_keeps_every_number_as_it_is(folder, state, bag_file):
    text = statebag("open", bag_file, "--pretty").stdout
    numbers = text.partition('"exact": [')[2].partition("]")[0].split()
    assert numbers == ["12345678901234567890123,", "-0.0,", "1e16,", "1.0,", "1"]
    assert encode(json.loads(text)) == encode(state)


def test_what_only_leaves_closed_is_a_stub_and_opens_later(folder, state, bag_file):
    with usage.measured() as used:
        first = statebag(
            "open", bag_file, "--bag", "--only", "current_state.report", "--only", "$.exact"
        )
    assert used.gets == 1
    partly = json.loads(first.stdout)
    assert partly["current_state"]["report"] == state["current_state"]["report"]
    assert partly["exact"] == state["exact"]
    assert partly["state_history"]["__statebag__"]["count"] == 1500
    assert statebag("open", stdin=first.stdout).stdout_bytes == encode(state) + b"\n"


def test_only_what_was_asked_for_is_printed_and_never_what_is_behind_a_stub(
    folder, state, bag_file
):
    paths = ["current_state.note", "$.state_history[-2:]", "look-alike", "$.state_history[3].n"]
    result = statebag("open", bag_file, *(f"--only={path}" for path in paths))
    history = state["state_history"]
    assert json.loads(result.stdout) == {
        "state_history": [{"n": 3}, *history[-2:]],
        "current_state": {"note": state["current_state"]["note"]},
        "look-alike": state["look-alike"],
    }
    whole = statebag("open", bag_file, "--only", "$.state_history[?(@.n > 1497)]")
    assert json.loads(whole.stdout) == {"state_history": history}
    strict = Statebag(policy=Policy(strict=True)).seal(state, scope="machine/run-2")
    sealed = statebag("open", "--only", "status", stdin=json.dumps(strict))
    assert json.loads(sealed.stdout) == {"status": "CONTINUE"}


def test_a_name_that_was_never_there_is_an_error_that_names_the_nearest(folder, bag_file):
    result = statebag("open", bag_file, "--only", "state_histroy")
    assert (result.exit_code, result.stdout) == (15, "")
    assert "Did you mean $.state_history?" in result.stderr
    needs = statebag("open", bag_file, "--bag")
    assert (needs.exit_code, needs.stdout) == (2, "")
    assert "--bag needs --only" in needs.stderr


def test_a_store_is_needed_only_for_what_is_in_it(folder):
    bag = Statebag("memory://elsewhere").seal({"a": "x" * 40_000, "b": -0.0})
    text = json.dumps(bag)
    assert "data" in text
    result = statebag("open", "--store", "./nowhere", stdin=text)
    assert json.loads(result.stdout)["a"] == "x" * 40_000
    assert not (folder / "nowhere").exists()


def test_a_store_that_is_not_there(folder, bag_file):
    result = statebag("open", bag_file, "--store", "./nowhere")
    assert (result.exit_code, result.stdout) == (20, "")
    assert is_one_clear_line(result.stderr)
    assert f"{folder}/nowhere does not exist" in result.stderr
    assert "--store or STATEBAG_STORE" in result.stderr
    assert not (folder / "nowhere").exists()


def test_a_pack_that_is_not_there(folder, bag_file):
    (folder / "other").mkdir()
    result = statebag("open", bag_file, "--store", "./other")
    assert (result.exit_code, result.stdout) == (12, "")
    assert is_one_clear_line(result.stderr)
    assert "object machine/run-1/" in result.stderr
    assert "--store" in result.stderr


def test_a_pack_that_is_damaged(folder, bag_file):
    (pack,) = (folder / ".statebag/store/machine/run-1").iterdir()
    data = bytearray(pack.read_bytes())
    data[20] ^= 255
    pack.write_bytes(data)
    result = statebag("open", bag_file)
    assert (result.exit_code, result.stdout) == (13, "")
    assert is_one_clear_line(result.stderr)


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        ([], '{"a": {"__statebag__": {"v": 2}}}', 17),
        ([], '{"a": {"__statebag__": {"v": 1}}}', 16),
        ([], '{"a": {"__statebag__": "text"}}', 16),
        ([], "{", 15),
        (["--only", "a[*]"], "{}", 20),
        (["bag.json", "--scope", "machine/run-2"], None, 18),
        (["bag.json", "--output", "no/state.json"], None, 20),
        (["missing.json"], None, 2),
    ],
)
def test_each_error_has_its_code_and_one_line(folder, bag_file, arguments, stdin, code):
    result = statebag("open", *arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (code, "")
    assert is_one_clear_line(result.stderr)


def test_older_pointers_are_followed_where_that_is_asked_for(folder):
    root = folder / "store"
    root.mkdir()
    (root / "value.json").write_text('{"deep": [1]}')
    pointer = {"type": "s3_reference", "s3_path": f"{root.as_uri()}/value.json"}
    text = json.dumps({"big": {**pointer, "size_kb": 1, "stored_at": "2024-01-01"}})
    followed = statebag("open", "--legacy", "--store", "./store", stdin=text)
    assert json.loads(followed.stdout) == {"big": {"deep": [1]}}
    left = statebag("open", "--store", "./store", stdin=text)
    assert json.loads(left.stdout) == json.loads(text)
    missing = statebag("open", "--legacy", "--store", "./nowhere", stdin=text)
    assert missing.exit_code == 20
    assert not (folder / "nowhere").exists()
