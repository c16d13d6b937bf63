"""`statebag seal`: the bag on the standard output, the summary on the standard error."""

import json

import pytest

from statebag import Statebag
from statebag.cli.seal_cmd import command
from statebag.format.json_text import encode
from statebag.testing.process import forget
from tests.cli.program import is_one_clear_line, run_examples, statebag


def opened(text, store=None):
    forget()
    return encode(Statebag(store).open(json.loads(text)))


def test_the_examples_of_the_help(folder, state):
    finished = run_examples(command, folder)
    sealed_to_file, sealed_to_output = finished.values()
    assert sealed_to_file.stdout == b""
    assert opened((folder / "bag.json").read_bytes()) == encode(state)
    assert sealed_to_output.stderr.startswith(b"state ")


@pytest.mark.parametrize("by_stdin", [False, True])
def test_a_bag_holds_the_state_exactly(folder, state, by_stdin):
    text = (folder / "state.json").read_bytes()
    result = (
        statebag("seal", stdin=text)
        if by_stdin
        else statebag("seal", "state.json", "--scope", "machine/run-1")
    )
    assert result.exit_code == 0
    assert opened(result.stdout) == encode(state)
    scope = ".statebag/store/unscoped" if by_stdin else ".statebag/store/machine/run-1"
    assert list((folder / scope).glob("*.pack"))


def test_the_summary_says_what_became_of_the_state(folder, state):
    said = statebag("seal", "state.json", "--json")
    figures = json.loads(said.stderr)
    packs = list((folder / ".statebag/store/unscoped").glob("*.pack"))
    assert figures["state_bytes"] == len(encode(state))
    assert figures["bag_bytes"] == len(said.stdout.rstrip("\n")) + _spaces(said.stdout)
    assert figures["blobs_stored"] > 10
    assert (figures["puts"], figures["bytes_put"]) == (1, packs[0].stat().st_size)

    line = statebag("seal", "state.json").stderr
    assert line.startswith(f"state {len(encode(state)):,} bytes -> bag {figures['bag_bytes']:,} ")
    assert line.endswith(f" 1 PUT, {figures['bytes_put']:,} bytes\n")
    assert statebag("seal", "state.json", "--quiet").stderr == ""


def _spaces(text):
    """What Python's own spaced JSON text has more; the bag is ASCII."""
    return len(json.dumps(json.loads(text))) - len(text.rstrip("\n"))


def test_what_did_not_change_since_the_parent_is_not_stored_again(folder, state, bag_file):
    changed = {**state, "status": "COMPLETE", "more": 1}
    alone = statebag("seal", "--json", stdin=json.dumps(changed))
    after = statebag("seal", "--json", "--parent", bag_file, stdin=json.dumps(changed))
    assert json.loads(alone.stderr)["puts"] == 1
    assert json.loads(after.stderr)["puts"] == 0
    assert "machine/run-1/" in after.stdout
    assert opened(after.stdout) == encode(changed)


def test_the_bound_of_one_bag(folder, state, monkeypatch):
    result = statebag("seal", "state.json", "--max-bag-bytes", 2048)
    assert len(json.dumps(json.loads(result.stdout))) <= 2048
    assert opened(result.stdout) == encode(state)
    too_small = statebag("seal", "state.json", "--max-bag-bytes", 1000)
    assert too_small.exit_code == 2
    monkeypatch.setenv("STATEBAG_CONTROL", "$.status")
    control = json.dumps({"status": "x" * 5000})
    result = statebag("seal", "--max-bag-bytes", 2048, stdin=control)
    assert (result.exit_code, result.stdout) == (14, "")
    assert is_one_clear_line(result.stderr)
    assert "status" in result.stderr


def test_the_store_is_that_of_the_option_or_of_the_environment(folder, state, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", (folder / "one").as_uri())
    statebag("seal", "state.json")
    statebag("seal", "state.json", "--store", "./two")
    assert list((folder / "one").rglob("*.pack"))
    assert list((folder / "two").rglob("*.pack"))
    assert not (folder / ".statebag").exists()


def test_sealing_that_is_switched_off_is_said(folder, state, monkeypatch):
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    result = statebag("seal", "state.json")
    assert result.stdout.encode() == encode(state) + b"\n"
    assert "is not sealed" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.json"], 2, "cannot read missing.json: No such file"),
        (["state.json", "--parent", "missing.json"], 2, "cannot read missing.json"),
        (["state.json", "--output", "no/bag.json"], 20, "the folder of no/bag.json does not exist"),
        (["state.json", "--store", "state.json"], 20, "--store"),
        (["state.json", "--store", "./state.json"], 20, "--store or STATEBAG_STORE"),
        (["state.json", "--store", "ftp://host/x"], 20, "no store for the scheme"),
        (["state.json", "--scope", "a//b"], 15, "scope"),
    ],
)
def test_wrong_use_is_one_line_with_the_way_out(folder, state, arguments, code, said):
    result = statebag("seal", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert is_one_clear_line(result.stderr)
    assert said in result.stderr


def test_two_things_cannot_be_the_standard_input(folder):
    result = statebag("seal", "--parent", "-", stdin="{}")
    assert result.exit_code == 2
    assert "standard input" in result.stderr


def test_a_file_that_cannot_be_written(folder, state):
    result = statebag("seal", "state.json", "--output", "/dev/full")
    assert result.exit_code == 2
    assert result.stderr == "error: cannot write /dev/full: No space left on device\n"
