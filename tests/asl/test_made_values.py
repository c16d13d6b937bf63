"""Values that an expression makes are told apart by what they are made of."""

from statebag.asl import made_values
from statebag.asl.made_values import MadeAt, MadeEither, MadeMerge, MadeObject, MadePlace

INPUT = MadePlace("input", ())


def test_values_of_the_same_places_are_equal_and_can_be_kept_in_a_set():
    members = (("a", INPUT), ("b", MadeAt(INPUT, ("c",))))
    assert MadeObject(members) == MadeObject(members)
    assert MadeObject(members) != MadeObject(members[:1])
    made = {MadeObject(members), MadeMerge((INPUT,)), MadeEither((INPUT,)), INPUT}
    assert {MadeMerge((INPUT,)), MadePlace("input", ())} <= made
    assert MadeEither((INPUT,)) != MadeMerge((INPUT,))


def test_all_that_is_public_is_there():
    assert all(hasattr(made_values, name) for name in made_values.__all__)
