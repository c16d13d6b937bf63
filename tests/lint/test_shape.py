"""Bounds of values."""

import subprocess
import sys

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.shape import Members, Source, SourcePart, clipped, made_of, size

CODE = """
from statebag.lint.shape import Members, SourcePart, Source, clipped, made_of
parts = [(str(n), SourcePart(Source(f"s{n}", 90_000))) for n in range(6)]
print(made_of(clipped(Members(tuple(parts)))))
"""


def test_what_is_too_large_goes_on_cut_down_to_the_limit():
    shape = Members(
        (("a", SourcePart(Source("a", 200_000))), ("b", SourcePart(Source("b", 100_000))))
    )
    cut = clipped(shape)
    assert size(cut) == PAYLOAD_LIMIT
    assert dict(made_of(cut))["b"] == 100_000


def test_two_runs_say_the_same():
    """Texts have other hashes in each run, and sources of one bound no order of their own."""
    said = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={"PYTHONHASHSEED": str(seed)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in range(1, 5)
    }
    assert len(said) == 1
