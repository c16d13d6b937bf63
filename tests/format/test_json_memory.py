import json

import pytest

from statebag import LimitExceeded
from statebag.format import json_text
from statebag.format.json_memory import LIGHT, OpenedValues, check_memory, memory_taken

MB = 2**20
VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
COUNT = 10_000

# What a value of one kind takes: the growth of a process that decodes two million of them.
MEASURED = {
    "{}": 72,
    "[]": 72,
    "[1]": 104,
    "[1000,2000]": 172,
    '{"":0}': 201,
    '{"a":1}': 201,
    '{"a":{}}': 268,
    '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}': 282,
    "1000": 40,
    "1.5": 40,
    "7": 8,
    "true": 8,
    '"a"': 72,
    '"ab"': 72,
    '"é"': 93,
    '"😀0123456789"': 157,
}


def array_of(text, count=COUNT):
    return b"[" + b",".join([text.encode()] * count) + b"]"


@pytest.mark.parametrize("text", MEASURED)
def test_it_is_near_what_was_measured(text):
    taken = memory_taken(array_of(text), limit=0) / COUNT
    assert 0.4 < taken / MEASURED[text] < 1.8


def test_marks_in_strings_are_no_values():
    rows = ",".join(["1,2"] * 1000)
    text = json_text.encode({"text": rows, "quoted": '\\",{["' * 1000})
    assert memory_taken(text, limit=0) < len(text) + 500
    assert memory_taken(text, limit=10**9) > memory_taken(text, limit=0)


def test_what_takes_more_than_there_is_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setenv(VARIABLE, "128")
    text = array_of("{}", 2_000_000)
    for refuse in (lambda: check_memory(text, "a/name"), lambda: json_text.decode(text, "a/name")):
        with pytest.raises(LimitExceeded, match=f"values of {len(text)} bytes") as caught:
            refuse()
        assert str(128 * MB) in caught.value.message
        assert caught.value.object_name == "a/name"
        assert "more memory" in caught.value.hint
    monkeypatch.setenv(VARIABLE, "512")
    check_memory(text)
    assert len(json_text.decode(text)) == 2_000_000


def test_no_light_text_could_be_too_much(monkeypatch):
    monkeypatch.setenv(VARIABLE, "128")
    assert memory_taken(b"[" * LIGHT, limit=10**12) < 128 * MB
    check_memory(b"{" * (LIGHT - 1))


@pytest.mark.parametrize("text", [json.dumps("1,2,3," * 3_000_000), "[" + "1," * 7_000_000 + "1]"])
def test_many_marks_that_take_little_are_not_refused(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, "128")
    check_memory(text.encode())


def test_the_texts_of_an_open_are_counted_together(monkeypatch):
    monkeypatch.setenv(VARIABLE, "128")
    text = array_of("{}", 400_000)
    values = OpenedValues(1)
    for _ in range(3):
        values.reckon(text)
    with pytest.raises(LimitExceeded, match="the opened values") as caught:
        values.reckon(text, "a/name")
    assert caught.value.object_name == "a/name"
    assert "STATEBAG_MAX_OPEN_BYTES" in caught.value.hint
    more = OpenedValues(64 * MB)
    for _ in range(10):
        more.reckon(text)
