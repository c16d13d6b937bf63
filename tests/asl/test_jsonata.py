"""What JSONata expressions refer to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag.asl.json_paths import MalformedError
from statebag.asl.jsonata import Found, found_in


def places(code):
    """Root, path, and a star where the value is looked at."""
    found = found_in(code).found
    return [
        ".".join((one.root, *map(str, one.path))) + ("*" if one.looked_at else "") for one in found
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("$states.input.a.b[0].c", ["input.a.b.0.c"]),
        ("$states.errorOutput.Cause", ["error.Cause"]),
        ("$states.context.Map.Item.Value", ["context.Map.Item.Value"]),
        ("$state.`odd name`", ["$state.odd name"]),
        ("{'a': $states.result.Payload, 'b': [$x.y]}", ["result.Payload", "$x.y"]),
        ("$merge([$a.b, {'c': $d}])", ["$a.b", "$d"]),
        ("$append($a, $b)", ["$a", "$b"]),
        ("$a.ok ? $b : $c", ["$a.ok*", "$b", "$c"]),
        ("$count($a.b) > $c", ["$a.b*", "$c*"]),
        ("$a.b & 'x'", ["$a.b*"]),
        ("($t := $states.input.z; $t.k & 'x')", ["input.z.k*"]),
        ("($t := $sum($a.b); {'t': $t, 'c': $c})", ["$a.b*", "$c"]),
        ("($t := $append($a, $b); [$t, $t])", ["$a*", "$b*", "$a*", "$b*"]),
        ("($t := $append($a, $b); $t)", ["$a*", "$b*"]),
        ("($t := $count($a); [$t, $t])", ["$a*"]),
        ("($t := $append($a, 1); $t := 2; [$t, $t])", ["$a*"]),
        ("$string($a.b)", ["$a.b*", "$a.b*"]),
        ("$a.items[price > $most].name", ["$a.items*", "$most*"]),
        ("$states.input.messages[-1].content", ["input.messages*"]),
        ("$map($a.list, function($v, $i) { $v.id & $b.x })", ["$a.list*", "$a.list.id*", "$b.x*"]),
        ("$a.b.{ 'c': d, 'e': $f.g }", ["$a.b*", "$f.g*"]),
        ("$a.list^(>when)", ["$a.list*"]),
        ("$a{kind: $sum(n)}", ["$a*"]),
        ("$states.input.**.name", ["input*"]),
        ("$parse($a.body).x", ["$a.body*"]),
        ("'$states.input.a' & \"$b\"", []),
        ("/* $a.b */ 1", []),
        ("$uuid()", []),
        ("$states", []),
        ("$keys($states)", ["input*", "result*", "error*"]),
        ("$lookup($states, 'input').a", ["input.a"]),
        ("$lookup($a.b, 'c')[k = 1].d", ["$a.b.c*"]),
        ("$lookup($a, $b)", ["$a*", "$b*"]),
        ("($lookup := function($o, $n) { 1 }; $lookup($a, 'b'))", ["$a*"]),
        ("($s := $states; $s.input.a)", ["input.a"]),
        ("($s := $states; $t := $s.input; $lookup($t, 'x').y)", ["input.x.y"]),
        ("($states.input).a", ["input.a"]),
        ("($states.input.a)[0]", ["input.a.0"]),
        ("($a.b)[n = $c].d", ["$a.b*", "$c*"]),
        ("($a.b)[n = $c]", ["$c*", "$a.b*"]),
        ("($x := 1; $a.b)", ["$a.b"]),
        ("$append($a, $b)[n = $c]", ["$c*", "$a*", "$b*"]),
        ("$append($a, $b)[0]", ["$a", "$b"]),
        ("$states.*.a", ["input.a", "result.a", "error.a"]),
        ("$states.*", ["input*", "result*", "error*"]),
        ("($x := $sum($a.b); {'t': $x}).t", ["$a.b*"]),
        ("$states ~> |input|{'a': b}|", ["input*", "result*", "error*", "input*", "input.b*"]),
        ("$states.other.x", []),
    ],
)
def test_references(code, expected):
    assert places(code) == expected


@pytest.mark.parametrize(
    ("code", "alone", "small"),
    [
        ("$a.b", True, False),
        ("($a.b)", True, False),
        ("$a.b[0]", True, False),
        ("$a.b[-1]", False, False),
        ("$a.b[x=1]", False, False),
        ("$parse($a).x", False, False),
        ("{'a': $a}", False, False),
        ("$count($a)", False, True),
        ("$a > 3 and $b", False, True),
        ("'text'", False, True),
        ("$a & $b", False, False),
    ],
)
def test_kinds(code, alone, small):
    assert found_in(code)[1:3] == (alone, small)


@pytest.mark.parametrize("code", ["$a[", "{'a': }", "$f(", "1 +", "$a.b)", "", "'open"])
def test_what_is_no_jsonata(code):
    with pytest.raises(MalformedError):
        found_in(code)


TOKENS = st.sampled_from(
    """$ $a $states . input result [ ] ( ) { } : , 'x' 1 -1 0 + & = < and in ? ~> := ; ^ > function
    ** * % `n` $map $merge /r/ @ # .. null true |""".split()  # noqa: SIM905 (legible)
)


@given(st.lists(TOKENS, max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_gets_an_answer(code):
    try:
        found = found_in(code).found
    except MalformedError as error:
        assert str(error)  # noqa: PT017 (what it says matters)
        return
    assert all(isinstance(one, Found) for one in found)


def test_blocks_that_are_nested_without_an_end():
    with pytest.raises(MalformedError):
        found_in("(" * 5000)


def test_names_made_of_names_do_not_grow_without_end():
    steps = "; ".join(f"$n{i + 1} := [$n{i}, $n{i}, $n{i}]" for i in range(40))
    found = found_in(f"($n0 := $append($a, 1); {steps}; [$n40, $n40])").found
    assert 3 < len(found) < 5_000


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("$a.b", 0),
        ("[1..5]", 10),
        ("[-10..9]", 80),
        ("[5..1]", 0),
        ("[$a..$b]", 0),  # not known
        ("[0..9000000]", 1 << 20),
        ("$pad($a, 20)", 20),
        ("$pad($a, -20, 'ab')", 40),
        ("$a ~> $pad(5)", 5),
        ("$pad($a, $b)", 1 << 20),
    ],
)
def test_what_an_expression_makes_by_itself(code, extra):
    assert found_in(code).extra == extra


@pytest.mark.parametrize(
    ("code", "times"),
    [("$join($a)", 1), ("$join($a, ', ')", 1), ("$join($a, '------')", 3), ("$join($a, $b)", 1)],
)
def test_what_stands_between_items_grows_with_them(code, times):
    found = found_in(code).found
    assert [one.root for one in found].count("$a") == times
