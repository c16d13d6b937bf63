"""JSON from a user: read exactly, and refused with the place, never with the content."""

import pytest

from statebag import InvalidState
from statebag.cli.json_input import read_json
from statebag.cli.unusable_file import UnusableFile
from statebag.format.json_text import encode


def read(tmp_path, text):
    file = tmp_path / "input.json"
    file.write_bytes(text)
    return read_json(str(file))


@pytest.mark.parametrize(
    "text",
    [
        b'{"b":1,"a":[1.0,1,true,null]}',
        b"[12345678901234567890123,-9223372036854775809]",
        b"1" * 4300,
        b"[0.1,-0.0,1e16,5e-324,1.7976931348623157e308]",
        '["é","\N{GRINNING FACE}","\\u0000","\u2028"]'.encode(),
        b"[" * 500 + b"]" * 500,
        b'"only a string"',
    ],
)
def test_what_is_read_has_the_same_text(tmp_path, text):
    assert encode(read(tmp_path, text)) == text


def test_of_repeated_keys_the_last_counts(tmp_path):
    assert read(tmp_path, b'{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": 1,\n "b": secret}', "is not JSON: line 2, column 7"),
        (b"{'secret': 1}", "is not JSON: line 1, column 2"),
        (b'["secret",]', "is not JSON: line 1, column "),
        (b'{"a": [1, 2', "is not JSON: line 1, column 12"),
        (b'["secret"] secret', "is not JSON: line 1, column 12"),
        (b'"sec\nret"', "is not JSON: line 1, column 5"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"x": {"y": NaN}}', "NaN or infinite has no JSON form (at $.x.y)"),
        (b"[1, -Infinity]", "NaN or infinite has no JSON form (at $[1])"),
        (b"[1e400]", "NaN or infinite has no JSON form (at $[0])"),
        (b'{"a": "secret \\ud800"}', "lone surrogate has no UTF-8 form (at $.a)"),
        (b'{"a": %s}' % (b"1" * 4301), "more than 4300 digits"),
        (b"[" * 501 + b"]" * 501, "deeper than 500 levels"),
        (b"[" * 100_000, "nest deeper than 500 levels"),
        (b'\xef\xbb\xbf{"secret": 1}', "must be plain UTF-8, not UTF-8 with a byte order mark"),
        ('{"secret": 1}'.encode("utf-16"), "must be plain UTF-8, not UTF-16"),
        ('{"secret": 1}'.encode("utf-32"), "must be plain UTF-8, not UTF-32"),
        ('{"secret": 1}'.encode("utf-16-le"), "not UTF-16, UTF-32 or other bytes"),
        (b'[1,\n"secret\xff"]', "is not UTF-8 text: line 2, byte 11 of the whole"),
    ],
)
def test_what_is_refused_is_named_by_its_place_and_not_quoted(tmp_path, text, said):
    with pytest.raises(InvalidState) as caught:
        read(tmp_path, text)
    assert "input.json" in str(caught.value)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(UnusableFile, match=r"cannot read .*missing\.json: No such file"):
        read_json(str(tmp_path / "missing.json"))
    with pytest.raises(UnusableFile, match=r"cannot read .*: Is a directory"):
        read_json(str(tmp_path))
