"""`statebag inspect`: a tree that tells sizes and places, and asks the store for nothing."""

import json
import re
import unicodedata

import pytest

from statebag import Policy, Statebag
from statebag.cli.inspect_cmd import command
from statebag.format.json_text import encode, wire_size
from statebag.telemetry import usage
from tests.cli.program import is_one_clear_line, on_terminal, run_examples, statebag
from tests.sealing.test_overlays import layered


def lines_by_name(text):
    """The tree's lines by field name, each without its guide, in columns."""
    lines = (re.sub(r"^[│├└─ ]+", "", line) for line in text.splitlines())
    return {line.split()[0]: re.split(r" {2,}", line) for line in lines if line}


def test_the_examples_of_the_help(folder, bag_file):
    tree, deep = run_examples(command, folder).values()
    assert b"state_history" in tree.stdout
    assert json.loads(deep.stdout)["unread_indexes"] == 0


def test_each_field_has_a_line_with_its_size_form_and_place(folder, state, bag_file):
    with usage.measured() as used:
        result = statebag("inspect", bag_file, "--store", "./nowhere")
    assert (result.exit_code, result.stderr, used.gets) == (0, "", 0)
    lines = lines_by_name(result.stdout)
    assert lines["status"] == ["status", "string", "10", "10", "plain"]
    report = lines["report"]
    assert report[1:3] == ["scalar", f"{len(encode(state['current_state']['report'])):,}"]
    assert report[4] == "stored"
    assert re.fullmatch(r"p1 \d+\+\d+", report[5])
    history = lines["state_history"]
    assert history[1] == "array 1,500"
    assert history[2] == f"{len(encode(state['state_history'])):,}"
    assert "tail" in history[4]
    assert lines["exact"][4:] == ["carried", "bag"]
    assert lines["look-alike"][4] == "escaped"
    assert "execution_id" in lines
    assert "machine/run-1/" in result.stdout
    size = wire_size(json.loads(bag_file.read_text()))
    assert f"state {len(encode(state)):,} bytes, bag {size:,} bytes" in result.stdout
    assert f"{size / 98_304:.1%} of its bound 98,304" in result.stdout
    assert f"{size / 262_144:.1%} of the payload limit 262,144" in result.stdout
    assert not any(line != line.rstrip() for line in result.stdout.splitlines())


def test_values_are_never_shown(folder, state, bag_file):
    for form in ("--all", "--json"):
        text = statebag("inspect", bag_file, form).stdout
        assert "CONTINUE" not in text
        assert state["current_state"]["note"] not in text


def test_the_json_form_has_every_place(folder, state, bag_file):
    told = json.loads(statebag("inspect", bag_file, "--json", "--deep").stdout)
    assert told["state_bytes"] == len(encode(state))
    assert told["max_bag_bytes"] == 98_304
    fields = {one["path"]: one for one in told["fields"]}
    assert list(fields)[:2] == ["$", "$.execution_id"]
    history = fields["$.state_history"]
    items = [place for place in history["places"] if place["part"] in {"piece", "tail"}]
    assert sum(place["count"] for place in items) == history["count"] == 1500
    pack = told["packs"][0]
    data = (folder / ".statebag/store" / pack["name"]).read_bytes()
    zstd = b"\x28\xb5\x2f\xfd"
    for field in told["fields"]:
        for place in field["places"]:
            if place["pack"] is not None:
                assert data[place["offset"] :].startswith(zstd)


def test_indexes_are_read_only_where_that_is_asked_for(folder, bag_file):
    shallow = json.loads(statebag("inspect", bag_file, "--json").stdout)
    assert shallow["unread_indexes"] > 0
    note = f"{shallow['unread_indexes']} index"
    assert note in statebag("inspect", bag_file).stdout
    with usage.measured() as used:
        deep = statebag("inspect", bag_file, "--deep")
    assert "index blobs list further" not in deep.stdout
    assert 1 <= used.gets <= 2
    assert used.blobs_read == shallow["unread_indexes"]
    gone = statebag("inspect", bag_file, "--deep", "--store", "./nowhere")
    assert (gone.exit_code, gone.stdout) == (20, "")
    assert is_one_clear_line(gone.stderr)


def test_of_very_many_fields_the_largest_are_shown(folder):
    fields = {f"f{i}": "x" * i for i in range(3000)}
    text = json.dumps({"status": "x", "inner": {"more": fields, "seal": -0.0}})
    short = statebag("inspect", stdin=text)
    # A header of two lines, the root, its two fields, two lines of totals: what is plain below is
    # one line.
    assert len(short.stdout.splitlines()) == 7
    whole = statebag("inspect", "--all", stdin=text)
    assert len(whole.stdout.splitlines()) > 3000
    assert "--all" not in whole.stdout

    wide = json.dumps({f"a{i}": {f"b{j}": "x" * i for j in range(20)} for i in range(3000)})
    text = statebag("inspect", stdin=wide).stdout
    assert "a2999" in text
    assert "a5 " not in text
    assert f"... {3000 - 30:,} smaller" in text


def test_names_cannot_steer_the_terminal(folder):
    text = statebag("inspect", stdin='{"a\\u001b[2Jb": 1, "": 2, "new\\nline": 3}').stdout
    assert "\x1b" not in text
    assert r"'a\x1b[2Jb'" in text
    assert r"'new\nline'" in text


@pytest.mark.parametrize(
    ("stdin", "code"),
    [
        ("{", 15),
        ('{"a": {"__statebag__": {"v": 2}}}', 17),
        ('{"a": {"__statebag__": {}}}', 16),
    ],
)
def test_each_error_has_its_code_and_one_line(folder, stdin, code):
    result = statebag("inspect", stdin=stdin)
    assert (result.exit_code, result.stdout) == (code, "")
    assert is_one_clear_line(result.stderr)


@pytest.mark.parametrize("columns", [100, 60])
def test_on_a_terminal_lines_fit_and_names_and_sizes_stay_whole(folder, state, columns):
    long = "a_field_with_a_very_long_name_" * 4
    state = {**state, long: {"and_one_in_it" * 9: "y" * 40_000}}
    bag = Statebag().seal(state, scope="machine/run-1")
    (folder / "bag.json").write_text(json.dumps(bag))
    text = on_terminal(columns, "inspect", "bag.json")
    assert "\x1b[" in text
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    tree = lines[: next(i for i, line in enumerate(lines) if line.startswith("p1 "))]
    assert all(width(line) <= columns for line in tree)
    names = (re.split(r"\s{2,}", line.lstrip(" │├└─"))[0] for line in tree)
    letters = "".join(names)
    assert long in letters
    (history,) = [line for line in tree if "state_history" in line]
    assert f" {len(encode(state['state_history'])):,} " in history
    assert ("kind" in tree[0]) is (columns == 100)


def width(line):
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line.rstrip())


def test_a_patched_value_names_its_form(folder):
    storing = Statebag("./store", policy=Policy(carry_bytes=0))
    state = storing.open(storing.seal({"text": "word " * 9000, "n": 1}, scope="machine/run"))
    state["text"] += "edited"
    bag = Statebag("./store").seal(state, scope="machine/run")
    (folder / "patched.json").write_text(json.dumps(bag))
    result = statebag("inspect", "patched.json", "--all")
    assert result.exit_code == 0, result.stderr
    text = lines_by_name(result.stdout)["text"]
    assert text[4] == "patched"
    assert text[5].endswith("bag")


@pytest.mark.parametrize(
    ("characters", "share"),
    [
        (1_000, "0.4% of the payload limit 262,144\n"),
        (400_000, "152.6% of the payload limit 262,144. A function"),
        (2_621_430, "10.0 times the payload limit 262,144. A function that seals it"),
    ],
)
def test_a_plain_state_is_not_measured_as_a_bag(folder, characters, share):
    file = folder / "plain.json"
    file.write_text(json.dumps({"a": "x" * characters}))
    printed = statebag("inspect", file).stdout
    assert f"plain state {characters + 8:,} bytes, none of it in a store" in printed
    assert share in printed
    assert "of its bound" not in printed


def test_a_bag_with_stored_deltas(tmp_path):
    folder = (tmp_path / "store").as_uri()
    bag, state = layered(folder)
    file = tmp_path / "bag.json"
    file.write_text(json.dumps(bag))
    assert "layered: " in statebag("inspect", file, "--store", folder).stdout
    assert json.loads(statebag("open", file, "--store", folder).stdout) == state
