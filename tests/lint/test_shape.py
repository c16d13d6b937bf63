"""Bounds of values."""

import os
import subprocess
import sys
from random import Random

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.shape import (
    BoundedText,
    Members,
    clipped,
    holds_bags,
    is_absent,
    made_of,
    placed,
    size,
)
from statebag.lint.sources import REST, InBag, Source, SourcePart

CODE = """
from statebag.lint.shape import Members, clipped, made_of
from statebag.lint.sources import Source, SourcePart
parts = [(str(n), SourcePart(Source(f"s{n}", 90_000))) for n in range(6)]
print(made_of(clipped(Members(tuple(parts))), 10))
"""


def test_what_is_too_large_goes_on_cut_down_to_the_limit():
    shape = Members(
        (("a", SourcePart(Source("a", 200_000))), ("b", SourcePart(Source("b", 100_000))))
    )
    cut = clipped(shape)
    assert size(cut) == PAYLOAD_LIMIT
    assert dict(made_of(cut, 10))["b"] == 100_000


def test_two_runs_say_the_same():
    """Texts have other hashes in each run, and sources of one bound no order of their own."""
    said = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in range(1, 5)
    }
    assert len(said) == 1


def random_shape(random, depth=0):
    kind = random.randrange(3 if depth < 3 else 2)
    if kind == 0:
        return BoundedText(random.randrange(50))
    if kind == 1:
        bags = (InBag(of="s"),) if random.random() < 0.1 else ()
        path = tuple("ab"[: random.randrange(3)])
        return SourcePart(Source(f"s{random.randrange(4)}", 500), path, bags)
    keys = random.sample(["a", "b", "c", REST, 0, 1], random.randrange(1, 5))
    return Members({key: random_shape(random, depth + 1) for key in keys})


def copied(shape):
    """The same, with nothing computed."""
    if isinstance(shape, Members):
        return Members((key, copied(one)) for key, one in shape.members)
    return shape


def test_sums_that_are_kept_are_those_that_are_computed_anew():
    random = Random(7)
    for _ in range(300):
        shape = random_shape(random)
        for _ in range(6):
            size(shape)
            holds_bags(shape)
            path = tuple(random.choice(["a", "b", "n", 0]) for _ in range(random.randrange(1, 4)))
            shape = placed(shape, path, random_shape(random, 2))
            if random.random() < 0.2:
                shape = Members({"x": shape, "y": shape, "z": BoundedText(1)})
            fresh = copied(shape)
            assert size(shape) == size(fresh)
            assert sorted(made_of(shape, 1000)) == sorted(made_of(fresh, 1000))
            assert holds_bags(shape) == holds_bags(fresh)
            assert (shape, hash(shape)) == (fresh, hash(fresh))


def test_what_is_cut_down_is_cut_down_everywhere():
    wide = Members((f"k{n}", SourcePart(Source(f"s{n % 7}", 100_000))) for n in range(40))
    shape = Members({"a": wide, "b": Members({"c": wide})})
    cut = clipped(shape)
    assert size(cut) <= PAYLOAD_LIMIT
    assert size(cut) == size(copied(cut))


def test_a_field_below_one_that_is_not_known_leaves_the_others():
    entry = SourcePart(Source("input", 1_000))
    made = placed(entry, ("order", "count"), BoundedText(1))
    made = placed(made, ("order", "price"), BoundedText(1))
    assert not is_absent(made, ("order", "id"))
    assert is_absent(placed(BoundedText(2), ("order", "count"), BoundedText(1)), ("order", "id"))
    assert size(made) <= 1_000 + 60
