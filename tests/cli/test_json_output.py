"""JSON text to a file, exactly, or a clear refusal."""

import json

import pytest

from statebag.cli.json_output import check_output, json_of, write_text
from statebag.cli.unusable_file import UnusableFile
from statebag.errors import ConfigurationError


def test_a_file_gets_the_text_and_a_line_end(tmp_path):
    file = tmp_path / "out.json"
    write_text('{"a":"\u202e"}'.encode(), file)
    assert file.read_bytes() == '{"a":"\u202e"}\n'.encode()


def test_the_standard_output_gets_the_same(capsysbinary):
    write_text(b"[1]")
    assert capsysbinary.readouterr().out == b"[1]\n"


def test_a_folder_that_is_not_there_is_refused_before_any_work(tmp_path):
    check_output(None)
    check_output(tmp_path / "out.json")
    with pytest.raises(ConfigurationError, match="does not exist"):
        check_output(tmp_path / "nowhere" / "out.json")


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(UnusableFile, match="cannot write"):
        write_text(b"[1]", tmp_path)


def test_a_report_keeps_letters_of_every_script_and_lets_nothing_steer():
    found = {"주문 번호": "é", "steers": "\x1b[31m\u202e", "half": "\ud800"}
    text = json_of(found)
    assert '"주문 번호": "é"' in text
    assert not {"\x1b", "\u202e", "\ud800"} & set(text)
    assert json.loads(text) == found
