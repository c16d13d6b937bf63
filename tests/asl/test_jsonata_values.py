"""What an expression puts together, by the places that it is made of."""

import pytest

from statebag.asl.json_paths import MalformedError
from statebag.asl.jsonata_values import made_by
from statebag.asl.made_values import (
    MadeAt,
    MadeEither,
    MadeMerge,
    MadeObject,
    MadeOther,
    MadePlace,
)

INPUT = MadePlace("input", ())
RESULT = MadePlace("result", ("Payload",))


def of(**members):
    return MadeObject(tuple(members.items()))


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("$states.input", INPUT),
        ("$states.result.Payload", RESULT),
        ("($states.result.Payload)", RESULT),
        ("$s.a[0].b", MadePlace("$s", ("a", 0, "b"))),
        ("$lookup($s, 'a b').c", MadeAt(MadePlace("$s", ("a b",)), ("c",))),
        ("{'a': $states.input, 'b': {'c': $s}}", of(a=INPUT, b=of(c=MadePlace("$s", ())))),
        ("[$s, $states.input]", MadeObject(((0, MadePlace("$s", ())), (1, INPUT)))),
        ("$merge([$states.input, {'a': $s}])", MadeMerge((INPUT, of(a=MadePlace("$s", ()))))),
        ("$states.input ~> |$|{'a': $s}|", MadeMerge((INPUT, of(a=MadePlace("$s", ()))))),
        ("$x ? $states.input : $s", MadeEither((INPUT, MadePlace("$s", ())))),
        ("$x ? $states.input", MadeEither((INPUT,))),
        ("($b := $states.result.Payload; {'a': $b})", of(a=RESULT)),
        ("($b := {'c': $s}; $b.c.d)", MadeAt(of(c=MadePlace("$s", ())), ("c", "d"))),
        ("($b := $s; $b := $states.input; $b.n)", MadePlace("input", ("n",))),
        ("{'a': $s}.a", MadeAt(of(a=MadePlace("$s", ())), ("a",))),
        ("{}", MadeObject(())),
    ],
)
def test_what_is_put_together_is_followed(code, made):
    assert made_by(code).value == made


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("$merge($states.result)", [("result", ())]),
        ("$merge([$s], 1)", [("$s", ())]),
        ("($merge := function($x){ 1 }; $merge([$s]))", [("$s", ())]),
        ("{$s.key: $states.input}", [("$s", ("key",)), ("input", ())]),
        ("$states.input.rows[n > 1]", [("input", ("rows",))]),
        ("$s & $states.input.a", [("$s", ()), ("input", ("a",))]),
        ("$s ~> |rows|{'a': 1}|", [("$s", ())]),
        ("$map($s.rows, function($r) { $r.a })", [("$s", ("rows",))]),
        ("($b := $string($s); $b)", [("$s", ())]),
        ("$states", []),
        ("'text'", []),
    ],
)
def test_all_else_is_computed_of_the_places_that_it_names(code, places):
    made = made_by(code).value
    while isinstance(made, MadeAt):
        made = made.value
    assert isinstance(made, MadeOther)
    found = [(one.root, one.path) for one in made.looked.found]
    assert found[: len(places)] == places or set(found) >= set(places)
    assert 0 < made.own <= len(code.encode()) + 2


def test_what_is_no_jsonata():
    with pytest.raises(MalformedError):
        made_by("{'a': ")


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("$merge([$s.a, {'b': $s.b}, $t])", [("$s", ("a",)), ("$t", ())]),
        ("$append($s.rows, $states.input.more)", [("$s", ("rows",)), ("input", ("more",))]),
        ("{'n': $append($s.rows, {'a': $t})}", [("$s", ("rows",))]),
        ("$s.a ~> |$|{'b': $t}|", [("$s", ("a",))]),
        ("($x := $s.a; $merge([$x, $x]))", [("$s", ("a",))]),
        ("[$s.a, {'b': $s.b}]", []),
        ("($append := function($x, $y){ 1 }; $append($s.a, 1))", []),
    ],
)
def test_objects_and_arrays_that_are_taken_apart(code, places):
    assert [(one.root, one.path) for one in made_by(code).taken_apart] == places
