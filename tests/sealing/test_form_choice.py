"""In which form a value leaves."""

from statebag import Policy, Statebag
from statebag.format.codec import make_patch, sha256_hex
from statebag.format.json_text import encode
from statebag.format.stub import Blob, Stored
from statebag.opening.known import Bases, Known
from statebag.opening.verified import Texts, verified
from statebag.sealing.kept import Kept
from statebag.sealing.plan import Planner
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import forms, noise

POLICY = Policy(field_limit=1000, piece_bytes=1024, control=("status",))
BLOB = Blob("0" * 64, 5000, f"m/{'0' * 32}.pack", 8, 900)


def test_what_is_known_is_kept():
    value = noise(3000)
    known = Known()
    text = encode(value)
    stub = Stored(Blob(sha256_hex(text), len(text), BLOB.at, BLOB.offset, BLOB.length))
    known.add_value(verified(stub, Texts({stub.blob: text})))
    part = Planner(POLICY, "m/run", known, Bases(0)).part({"a": value}, ())
    assert isinstance(part.children["a"], Kept)
    assert part.children["a"].stub == stub


def after_an_edit(length):
    """How large the difference to a stored text is after an edit, and what stands for it."""
    before = noise(40_000)
    text = before[:-length] + noise(length, 1)
    store = MemoryStore()
    forget()
    storing = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    client = Statebag(store, replicas=())
    client.open(storing.seal({"text": before}, scope="m/run"), scope="m/run")
    bag = client.seal({"text": text}, scope="m/run")
    patch = make_patch(encode(text), encode(before))
    return len(patch), len(encode(text)), set(forms(bag))


def test_a_difference_of_a_twelfth_of_the_text_is_the_largest_that_travels():
    fitting, too_large = [], []
    for length in range(5800, 7400, 100):
        patch, size, found = after_an_edit(length)
        assert ("patched" in found) is (patch * 12 <= size), (length, patch, size)
        (fitting if patch * 12 <= size else too_large).append(patch)
    # Between a thirteenth and an eleventh, so that the share is no other one.
    assert max(fitting) * 13 > size
    assert min(too_large) * 11 < size


def test_what_is_carried_unchanged_keeps_the_bytes_that_came():
    """Whatever made them: this process would make others."""
    forget()
    store = MemoryStore()
    value = [noise(30, n % 7) + str(n) for n in range(300)]
    best, quick = (
        Statebag(store, policy=Policy(field_limit=600, compression_level=level), replicas=())
        for level in (19, -7)
    )
    bag = best.seal({"value": value, "other": 1}, scope="m/run")
    assert quick.seal({"value": value}, scope="m/run")["value"] != bag["value"]
    forget()
    quick = Statebag(store, policy=quick.policy, replicas=())
    state = quick.open(bag, scope="m/run")
    assert quick.seal({**state, "other": 2}, scope="m/run")["value"] == bag["value"]
