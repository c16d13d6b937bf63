"""Members of JSON files are changed at their places, in the form of the file."""

import json

import pytest

from statebag.lint.json_edits import JsonText

VALUE = {
    "StartAt": "A",
    "States": {"A": {"Type": "Pass", "x": {"é": [1, {"y": "\u2028"}]}, "empty": {}, "End": True}},
}


def edited(tmp_path, text, edit):
    file = tmp_path / "m.json"
    file.write_bytes(text.encode())
    read = JsonText.read(file)
    edit(read)
    assert read.write()
    return file.read_bytes().decode()


def all_edits(text):
    text.replace_member("$.States.A.Type", "Kind", {"a": [1]})
    text.put_first("$.States.A.x", "first", 1)
    text.put_first("$.States.A.empty", "only", [2])
    text.put_before("$.States.A.x.é[0]", 0)
    text.put_last("$.States.A.x.é[1]", {"z": None})
    text.put_after("$.States.A.End", "last", {"b": 2})


AFTER = {
    "StartAt": "A",
    "States": {
        "A": {
            "Kind": {"a": [1]},
            "x": {"first": 1, "é": [0, 1, {"y": "\u2028"}, {"z": None}]},
            "empty": {"only": [2]},
            "End": True,
            "last": {"b": 2},
        }
    },
}


@pytest.mark.parametrize("indent", [2, 4, 1, "\t"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_an_indented_file_stays_as_json_writes_it(tmp_path, indent, end):
    text = json.dumps(VALUE, indent=indent, ensure_ascii=False) + end
    after = json.dumps(AFTER, indent=indent, ensure_ascii=False) + end
    assert edited(tmp_path, text, all_edits) == after


def test_line_ends_stay(tmp_path):
    text = json.dumps(VALUE, indent=2, ensure_ascii=False).replace("\n", "\r\n")
    after = json.dumps(AFTER, indent=2, ensure_ascii=False).replace("\n", "\r\n")
    assert edited(tmp_path, text, all_edits) == after


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_file_of_one_line(tmp_path, separators):
    text = json.dumps(VALUE, separators=separators)
    after = edited(tmp_path, text, all_edits)
    assert json.loads(after) == AFTER
    assert "\n" not in after


def test_what_is_not_edited_keeps_its_form(tmp_path):
    text = '{ "StartAt" : "A",\n   "States":{"A" :{ "n":1.50e3 ,"s":"\\u00e9", "End":true } } }'
    after = edited(tmp_path, text, lambda one: one.put_after("$.States.A.s", "t", 2))
    assert after == text.replace('"\\u00e9"', '"\\u00e9","t": 2')


@pytest.mark.parametrize(
    "text",
    [
        "StartAt: A\nStates: {}\n",
        '{"Resources": {}}',
        '{"StartAt": "A", "States": {"A": {"Seconds": ${Seconds}}}}',
        "[]",
        "",
        "[" * 100_000,
        '\ufeff{"StartAt": "A", "States": {}}',
    ],
)
def test_what_is_no_definition_in_json(tmp_path, text):
    file = tmp_path / "m.json"
    file.write_bytes(text.encode())
    assert JsonText.read(file) is None


def test_bytes_that_are_no_text(tmp_path):
    file = tmp_path / "m.json"
    file.write_bytes(b'{"StartAt": "\xff", "States": {}}')
    assert JsonText.read(file) is None
    assert JsonText.read(tmp_path / "none.json") is None


def test_nothing_to_write(tmp_path):
    file = tmp_path / "m.json"
    file.write_text(json.dumps(VALUE))
    assert not JsonText.read(file).write()
