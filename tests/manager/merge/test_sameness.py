import pytest

from statebag import Policy, Statebag
from statebag.format.codec import sha256_hex
from statebag.format.unopened import holds_unopened
from statebag.manager.merge.sameness import MISSING, digest_of, same
from statebag.store import MemoryStore


def unopened(*texts):
    """Values that were not opened, of a state with these texts."""
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    state = {f"f{n}": text for n, text in enumerate(texts)}
    bag = client.seal(state, scope="m/r")
    return list(client.open(bag, only=[]).values())


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (1, 1.0, False),
        (1, True, False),
        ([1, 2], [2, 1], False),
        ("a", "a", True),
        ("1", 1, False),
        (2**70, 2**70, True),
        (0, False, False),
        (None, None, True),
        (0.0, -0.0, False),
        ("a", ["a"], False),
        (MISSING, MISSING, True),
        (MISSING, None, False),
    ],
)
def test_values_are_the_same_where_their_json_is(one, other, expected):
    assert same(one, other) is expected
    assert same(other, one) is expected


def test_a_digest_is_that_of_the_text_opened_or_not():
    (left,) = unopened("x" * 50_000)
    assert holds_unopened([{"a": left}])
    assert digest_of(left) == digest_of("x" * 50_000) == sha256_hex(b'"' + b"x" * 50_000 + b'"')
    assert digest_of(MISSING) is None
    assert digest_of([left]) is None
