"""JSON and YAML files: short tags, and what is refused."""

import json
from pathlib import Path

import pytest
import yaml

from statebag.asl.documents import (
    MOST_BYTES,
    MOST_LEVELS,
    MOST_YAML_CHARACTERS,
    parse_document,
    read_text,
)
from statebag.errors import ConfigurationError
from tests.calls import calls_of


@pytest.mark.parametrize(
    ("tagged", "long_form"),
    [
        ("!Ref Fn", {"Ref": "Fn"}),
        ("!GetAtt Fn.Arn", {"Fn::GetAtt": ["Fn", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!Sub '${Fn}-x'", {"Fn::Sub": "${Fn}-x"}),
        ("!Join [':', [a, !Ref B]]", {"Fn::Join": [":", ["a", {"Ref": "B"}]]}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!If [C, 1, 2]", {"Fn::If": ["C", 1, 2]}),
    ],
)
def test_a_short_tag_is_its_long_form(tagged, long_form):
    assert parse_document(f"x: {tagged}", "t.yaml") == {"x": long_form}


def test_a_date_stays_the_text_that_it_is_in_json():
    assert parse_document("Version: 2010-09-09", "t.yaml") == {"Version": "2010-09-09"}


def test_a_json_text_may_have_tabs_and_no_json_name():
    assert parse_document('\t{\n\t"a": [1]}', "machine.asl") == {"a": [1]}


def test_a_yaml_flow_mapping_is_not_mistaken_for_broken_json():
    assert parse_document("{a: 1}", "t.yaml") == {"a": 1}


def test_keys_are_text_as_in_json():
    assert parse_document("200: {1.5: x}", "t.yaml") == {"200": {"1.5": "x"}}


def test_merged_anchors_are_allowed():
    text = "base: &b {x: 1}\nother:\n  <<: *b\n  y: 2\n"
    assert parse_document(text, "t.yaml")["other"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('{"a": }', "m.json", "m.json is not JSON: line 1, column 7"),
        ("a: ]", "t.yaml", "t.yaml is neither JSON nor YAML: line 1"),
        ("a: 1\nb: 2\na: 3", "t.yaml", "line 3, column 1: the key 'a' stands twice"),
        ('{"a": 1,\n "a": 2}', "m.json", "m.json cannot be read: line 2, column 2: the key 'a' st"),
        ('{"s": {"A": 1, "A": 1}}', "m.asl", "line 1, column 16: the key 'A' stands twice"),
        (
            '[{\n\t"a": 1,\n\t"a": 2}]',
            "m.json",
            "m.json cannot be read: line 3, column 2: the key 'a' st",
        ),
        (
            f'{{"{"k" * 2000}": 1, "a": 1, "a": 2}}',
            "m.json",
            "m.json cannot be read: the key 'a' stands twice",
        ),
        (
            "States:\n  No: {Type: Pass}",
            "t.yaml",
            "line 2, column 3: YAML does not read the key 'No'",
        ),
        ("StartAt: A", "m.json", "m.json is not JSON"),
        ("[" * 100_000, "m.json", "nest deeper than 500 levels"),
        ("a: !!python/object/apply:os.getcwd []", "t.yaml", "could not determine a constructor"),
    ],
)
def test_what_cannot_be_read_says_where(text, place, says):
    with pytest.raises(ConfigurationError) as caught:
        parse_document(text, place)
    assert says in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    file = tmp_path / "t.json"
    file.write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(file) == "{}"


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin").write_bytes(b"\xe9")
    for name, says in [("none", "there is no file"), ("", "cannot be read"), ("latin", "UTF-8")]:
        with pytest.raises(ConfigurationError, match=says):
            read_text(tmp_path / name)


def test_levels_are_counted_also_in_yaml():
    def flow(levels):
        return "x: " + "[" * (levels - 1) + "]" * (levels - 1)

    def block(levels):
        return "".join(f"{' ' * n}a:\n" for n in range(levels))

    for text in (flow(499), block(499)):
        assert parse_document(text, "t.yaml") is not None
    for text in (flow(501), flow(5_000), block(501), "- " * 501 + "a"):
        with pytest.raises(ConfigurationError, match="nest"):
            parse_document(text, "t.yaml")


def test_the_last_level_of_json_is_read():
    assert parse_document("[" * 500 + "]" * 500, "m.json") is not None
    with pytest.raises(ConfigurationError, match=r"line 2, column 501: .* deeper than 500 levels"):
        parse_document("\n" + "[" * 501 + "]" * 501, "m.json")


def bomb(first, levels, width):
    """A few lines that stand for `width ** levels` times the first value."""
    lines = [
        f"z{level}: &z{level} [{', '.join([f'*z{level - 1}'] * width)}]"
        for level in range(1, levels + 1)
    ]
    return "\n".join([f"z0: &z0 {first}", *lines])


BOMBS = {
    "values": (bomb("[x, x]", 9, 9), "line 7: it has too many values"),
    "text": (bomb(f'"{"x" * 100_000}"', 3, 9), "line 4: it has too much text"),
    "levels by aliases": (bomb("x", 600, 1), "line 500: it nests deeper than 500 levels"),
    "levels": ("a:\n " + "[" * 100_000, "line 2: it nests deeper than 500 levels"),
    "levels of JSON": (
        '{"a":\n' + "[" * 5_000 + "]" * 5_000 + "}",
        "than 500 levels",
    ),
    "levels of mappings": (
        "".join(f"{' ' * n}a:\n" for n in range(600)),
        "line 500: it nests deeper",
    ),
    "itself": ("a: &a\n- *a", "line 2: an alias stands inside of the value that it repeats"),
    "merged": (
        "z0: &z0 {a: 1, b: 2}\n"
        + "\n".join(f"z{n}: &z{n} {{<<: [{', '.join([f'*z{n - 1}'] * 9)}]}}" for n in range(1, 9)),
        "it has too many values",
    ),
    "under short tags": (
        bomb("[x, x]", 9, 9).replace("[*", "!Join [*"),
        "line 7: it has too many values",
    ),
    "digits": (f"a:\n  - {'9' * 5_000}", "line 2: a number has 5,000 characters"),
    "digits by sixties": (f"a: 1{':1' * 100_000}", "line 1: a number has 200,001 characters"),
    "digits of JSON": ('{"a": ' + "9" * 5_000 + "}", "a number has"),
    "values of JSON": ("[" + "1," * 600_000 + "1]", "it has too many values"),
    "bytes": (" " * (MOST_BYTES + 1), "has 4,000,001 characters"),
}


MOST_CALLS = 3_000_000
"""Three times what the largest of these texts takes (values written out would be billions)."""


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("place", ["m.asl.yaml", "m.asl.json"])
def test_a_text_that_stands_for_too_much_is_refused_at_once(name, place):
    text, says = BOMBS[name]
    if place.endswith(".json") and not name.endswith(" of JSON"):
        pytest.skip("it is YAML")
    with pytest.raises(ConfigurationError) as caught:
        calls_of(lambda: parse_document(text, place), most=MOST_CALLS)
    assert f"{place}" in str(caught.value)
    assert says in str(caught.value)


def test_a_text_that_stands_for_more_takes_no_more_calls():
    def calls(levels):
        text = bomb("[x, x]", levels, 9)

        def refused():
            with pytest.raises(ConfigurationError, match="line 7: it has too many values"):
                parse_document(text, "m.asl.yaml")

        return calls_of(refused, most=MOST_CALLS)

    calls(9)  # what is imported and compiled counts once
    assert calls(200) < calls(9) * 1.1


@pytest.mark.timeout(300)  # hours, where every quote is read up to the end
def test_quotes_without_an_end_take_no_time():
    text = '{"a": "' + '\\"' * 1_900_000
    with pytest.raises(ConfigurationError, match="Unterminated string"):
        parse_document(text, "m.json")


def test_what_the_limits_leave_room_for():
    deep: object = "x"
    for _ in range(MOST_LEVELS - 2):
        deep = [deep]
    assert parse_document(json.dumps({"a": deep}), "m.json") == {"a": deep}
    brackets = {"a": "[" * 1_000 + '"{'}
    assert parse_document(json.dumps(brackets), "m.json") == brackets
    shared = parse_document("a: &a [1, 2]\nb: [*a, *a]\nc: {d: *a}", "t.yaml")
    assert shared == {"a": [1, 2], "b": [[1, 2], [1, 2]], "c": {"d": [1, 2]}}


@pytest.mark.parametrize("tag", ["!!binary aA==", "!!set {a}", "!!omap [a: 1]", "!!pairs [a: 1]"])
def test_what_json_has_no_form_for_is_refused(tag):
    with pytest.raises(ConfigurationError, match="could not determine a constructor"):
        parse_document(f"a: {tag}", "t.yaml")


def test_yaml_of_more_characters_is_refused():
    line = "- some text\n"
    text = line * (MOST_YAML_CHARACTERS // len(line))
    with pytest.raises(ConfigurationError, match=r"YAML: it has 1,500,0.. characters"):
        parse_document(text + line * 2, "t.yaml")
    with pytest.raises(ConfigurationError, match="YAML: line 1, column 2: Expecting property"):
        parse_document("{" + text, "t.asl")
    assert len(parse_document(json.dumps([text, text]), "t.yaml")) == 2


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no parser in C here")
def test_characters_of_yaml_are_not_read_by_python():
    """A call for each character or word of a file would take a minute for a large one."""
    words = " ".join(["word"] * 200)

    def calls(lines):
        text = f"a: >\n{lines * f'  {words}{chr(10)}'}b: 1\n"
        return calls_of(lambda: parse_document(text, "t.yaml"), most=MOST_CALLS)

    calls(1)
    assert calls(1_000) == calls(1)


def test_a_file_is_read_up_to_a_limit(tmp_path):
    file = tmp_path / "m.asl.yaml"
    file.write_bytes("é".encode() * (MOST_BYTES // 2) + b"x")
    with pytest.raises(ConfigurationError, match="more than 4,000,000 bytes"):
        read_text(file)
    with pytest.raises(ConfigurationError, match="more than 4,000,000 bytes"):
        read_text(Path("/dev/zero"))
