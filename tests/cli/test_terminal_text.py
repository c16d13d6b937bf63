"""Text made fit for a terminal: which characters, and in which form."""

import json
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from statebag.cli.terminal_text import harmless, json_escaped, printable

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_the_characters_are_those_of_unicode():
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        steers = unicodedata.category(character) in STEERING and character not in "\n\t"
        if steers:
            assert harmless(character) != character, hex(code)
        elif unicodedata.category(character) != "Cn":  # some of a later Unicode are known already
            assert harmless(character) == character, hex(code)


def test_their_forms():
    text = "a\x1b[31m\x9b\u202eb\u2028\ud800\U000e0041\tc\nd"
    assert harmless(text) == "a\\x1b[31m\\x9b\\u202eb\\u2028\\ud800\\U000e0041\tc\nd"
    assert printable(text) == "a\\x1b[31m\\x9b\\u202eb\\u2028\\ud800\\U000e0041\\tc\\nd"
    assert printable("ab\x07cd", 3) == "ab\\x07..."
    assert printable("é 한 👍 \u00a0") == "é 한 👍 \u00a0"


@given(st.text())
def test_json_stays_json_of_the_same_value(text):
    written = json.dumps({text: [text]}, ensure_ascii=False)
    escaped = json_escaped(written)
    assert json.loads(escaped) == {text: [text]}
    assert harmless(escaped) == escaped
