"""One limit of levels for all JSON, whatever the interpreter, the stack and the text."""

import gc
import json
import re
import subprocess
import sys
import textwrap
import threading

import pytest
from hypothesis import given

from statebag import BlobCorrupt
from statebag.format import json_depth, json_text
from statebag.format.json_check import check_json
from statebag.format.json_depth import loads, offset_beyond, text_is_deeper, value_is_deeper
from tests.strategies import VALUES


def arrays(levels, inner=b""):
    return b"[" * levels + inner + b"]" * levels


def objects(levels, inner=b"{}"):
    return b'{"a":' * (levels - 1) + inner + b"}" * (levels - 1)


def mixed(levels, inner=b"0"):
    pairs, odd = divmod(levels, 2)
    return b'{"a":[' * pairs + arrays(odd, inner) + b"]}" * pairs


LOOKALIKES = [
    [{"text": text, "n": [n]} for n in range(600)]
    for text in ('[[[{"' * 300, "\\" * 7 + '"[' * 9, '\n"\\\n[[', "]" * 600, '\\"' * 50 + "{")
]


@pytest.mark.parametrize("form", [arrays, objects, mixed])
@pytest.mark.parametrize("before", [b"", b'"[[[{{{\\\\",', b"[[[],{}]]," * 600])
def test_the_last_level_is_read_and_one_more_is_not(form, before):
    def text(levels):
        return b"[%b%b]" % (before, form(levels - 1))

    assert not text_is_deeper(text(500))
    assert offset_beyond(text(500)) is None
    value = json_text.decode(text(500))
    check_json(value)
    assert json_text.decode(json_text.encode(value)) == value
    for levels in (501, 502, 600, 900):
        assert text_is_deeper(text(levels))
        with pytest.raises(BlobCorrupt, match="deeper than 500 levels, from byte") as caught:
            json_text.decode(text(levels), "m/e/x.pack")
        assert caught.value.object_name == "m/e/x.pack"
        deepest = text(levels)[: offset_beyond(text(levels))]
        assert loads(deepest + b"0" + closing(deepest)) is not None  # 500 levels up to there


def closing(text):
    """What closes all that is open at the end of a text."""
    open_ones = []
    for token in re.finditer(json_depth._TOKEN, text):
        if token[0] in (b"[", b"{"):
            open_ones.append(token[0])
        elif not token[0].startswith(b'"'):
            open_ones.pop()
    return b"".join(b"]" if one == b"[" else b"}" for one in reversed(open_ones))


@pytest.mark.parametrize("levels", [5_000, 5_000_000])
@pytest.mark.parametrize("form", [arrays, objects, mixed])
def test_a_text_of_any_depth_is_refused(form, levels):
    text = form(levels)
    for one in (text, text[: len(text) // 2], text[:-1]):
        with pytest.raises(BlobCorrupt):
            json_text.decode(one)
    with pytest.raises(json.JSONDecodeError, match="deeper than 500 levels"):
        loads(text)


@pytest.mark.parametrize("form", [arrays, objects, mixed])
def test_a_value_is_measured_as_its_text_is(form):
    for levels in (1, 2, 99, 100, 101):
        value = json.loads(form(levels))
        for leaf in ([], [value], [0, value], {"a": 1, "b": value}, [{"a": 1}, value]):
            text = json_text.encode(leaf)
            for limit in (99, 100, 101, 102):
                exact = text_is_deeper(text, limit)
                assert value_is_deeper(json_text.decode(text), limit) is exact
                assert json_text.nests_deeper(leaf, text, limit) is exact


@pytest.mark.parametrize("collected", [False, True])
def test_objects_that_the_collector_no_longer_tracks_count(collected):
    values = [json.loads(objects(n, inner)) for n in (500, 501) for inner in (b"{}", b'{"b":1}')]
    if collected:
        gc.collect()
    assert [value_is_deeper(value) for value in values] == [False, False, True, True]


@given(VALUES)
def test_no_usual_value_is_deep(value):
    text = json_text.encode([value, *([[]] * 600)])
    assert not text_is_deeper(text)
    assert loads(text) == [value, *([[]] * 600)]


@pytest.mark.parametrize("value", LOOKALIKES)
def test_brackets_in_strings_are_no_levels(value):
    for text in (json_text.encode(value), json.dumps(value, indent=1).encode()):
        assert not text_is_deeper(text)
        assert json_text.decode(text) == value


def test_a_place_is_counted_in_characters():
    text = '["é", ' + "[" * 500 + "]" * 500 + "]"
    with pytest.raises(json.JSONDecodeError) as caught:
        loads(text)
    assert caught.value.pos == 6 + 499
    assert text[caught.value.pos] == "["


def test_small_stacks_and_raised_limits_are_looked_after(monkeypatch):
    read = []
    monkeypatch.setattr(json_text, "text_is_deeper", lambda *_: read.append(1) or False)
    before, many = sys.getrecursionlimit(), b"[%b0]" % (b"[]," * 600)
    size = threading.stack_size()
    try:
        threading.stack_size(256 * 1024)
        json_text.decode(many)
        assert read == ([] if sys.version_info >= (3, 14) else [1])
        threading.stack_size(size)
        sys.setrecursionlimit(30_000)
        json_text.decode(many)
        assert len(read) == (2 if sys.version_info < (3, 12) else len(read))
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(before)


_LOW = """
    import sys
    from statebag import Statebag, StatebagError
    from statebag.manager.merge.sameness import same
    from statebag.sealing.sealer import plain
    from statebag.testing.process import forget

    def nested(levels, kind):
        value = kind()
        for _ in range(levels - 1):
            value = [value] if kind is list else {"a": value}
        return value

    def outcome(call):
        try:
            return call()
        except StatebagError as error:
            assert error.hint or "500" in error.message, error
            return type(error).__name__

    roomy = sys.getrecursionlimit()
    sb = Statebag("memory://low")
    for kind in (list, dict):
        for levels in (150, 400, 500, 501, 5000, 100_000):
            state = nested(levels, kind)
            big = {"x": [state, "x" * 200_000]}
            bags = [outcome(lambda: sb.seal(one, scope="m/e")) for one in (state, big)]
            sys.setrecursionlimit(200)
            try:
                for one, bag in zip((state, big), bags):
                    forget()
                    for heal in (False, True):
                        outcome(lambda: sb.seal(one, scope="m/e", heal=heal))
                    outcome(lambda: plain(one, None))
                    outcome(lambda: sb.open(one))
                    if levels <= 500:
                        outcome(lambda: same(one, one))
                    if not isinstance(bag, str):
                        for call in (sb.open, sb.export, sb.heal, lambda bag: sb.get(bag, "$")):
                            outcome(lambda: call(bag))
                        outcome(lambda: sb.differences(bag, sb.seal({"y": 1}, scope="m/e")))
            finally:
                sys.setrecursionlimit(roomy)
    print("done")
"""


def test_a_low_recursion_limit_gives_typed_errors():
    script = textwrap.dedent(_LOW)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
