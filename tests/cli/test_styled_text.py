"""Styles reach a terminal; characters that steer it do not, however they came in."""

import io
import sys

import pytest
from rich.text import Text as RichText

from statebag.cli.styled_text import Text, console

EVIL = "\x1b[31mred\u202e"


def test_a_text_is_harmless_when_it_is_made_and_when_it_grows():
    text = Text(EVIL).append(EVIL)
    assert "\x1b" not in text.plain
    assert text.plain == r"\x1b[31mred\u202e" * 2
    assert text.cell_len == len(text.plain)


@pytest.mark.parametrize("stderr", [False, True])
def test_a_console_escapes_what_was_made_elsewhere(monkeypatch, stderr):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr" if stderr else "stdout", stream)
    console(stderr=stderr, file_width=80).print(RichText(EVIL, style="bold"))
    assert stream.getvalue() == r"\x1b[31mred\u202e" + "\n"


def test_a_file_has_the_width_that_is_asked_for(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    console(file_width=30).print(Text("word " * 20))
    assert max(map(len, stream.getvalue().splitlines())) <= 30
    assert console(file_width=123).width == 123
