"""Which scopes may be read, and what is counted; what an open gives: tests/test_client.py."""

import pytest

from statebag import InvalidStub, LimitExceeded, NotPermitted, Policy, Statebag
from statebag.format.stub import Blob
from statebag.opening.opener import Confinement
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import forms, noise


def allowed(reader, owner, readable=()):
    blob = Blob("0" * 64, 9, f"{owner}/{'0' * 32}.pack", 8, 9)
    try:
        Confinement(reader, readable).check(blob, ("a", 0))
    except NotPermitted as error:
        assert (error.path, error.object_name) == ("$.a[0]", blob.at)  # noqa: PT017
        return False
    return True


@pytest.mark.parametrize(
    ("reader", "owner", "expected"),
    [
        ("m/run", "m/run", True),
        ("m/run/child", "m/run", True),
        ("m/run/child", "m", True),
        ("m/run", "m/run/child", False),
        ("m/run", "m/run2", False),
        ("m/run2", "m/run", False),
        ("m/run", "m/ru", False),
        ("m/run", "other", False),
        (None, "anything/at all", True),
    ],
)
def test_a_reader_sees_its_scope_and_what_is_above(reader, owner, expected):
    assert allowed(reader, owner) is expected


@pytest.mark.parametrize(
    ("readable", "owner", "expected"),
    [
        ("shared", "shared", True),
        ("shared", "shared/deep", False),
        ("shared/**", "shared", True),
        ("shared/**", "shared/deep/er", True),
        ("shared/**", "shared2", False),
        ("a b/**", "a%20b/c", True),
        ("a b", "a%20b", True),
    ],
)
def test_further_scopes(readable, owner, expected):
    assert allowed("m/run", owner, (readable,)) is expected


def patched(store):
    """A bag whose field is the difference to a stored value of about the same size."""
    forget()
    storing = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    client = Statebag(store, replicas=())
    client.open(storing.seal({"text": noise(60_000)}, scope="m/run"), scope="m/run")
    state = {"text": noise(60_000).replace("a", "b", 3)}
    bag = client.seal(state, scope="m/run")
    assert "patched" in set(forms(bag))
    return bag, state


@pytest.mark.parametrize(
    ("policy", "opens"),
    [
        # What the patch gives, what it starts from: each of 60,002 bytes.
        (Policy(max_open_bytes=120_004), True),
        (Policy(max_open_bytes=120_003), False),
        (Policy(max_open_bytes=60_002), False),
        (Policy(max_open_blobs=2), True),
        (Policy(max_open_blobs=1), False),
    ],
)
def test_what_a_patch_starts_from_counts_against_the_limits(policy, opens):
    store = MemoryStore()
    bag, state = patched(store)
    forget()
    client = Statebag(store, policy=policy, replicas=())
    if opens:
        assert client.open(bag) == state
    else:
        with pytest.raises(LimitExceeded):
            client.open(bag)


@pytest.mark.parametrize("cache_bytes", [0, 4000, 64 << 20])
def test_an_array_that_grew_unread_is_handed_on_as_it_lies_whatever_is_remembered(cache_bytes):
    """Its pieces are not those that the whole text would be cut into."""
    store = MemoryStore()
    forget()
    storing = {"carry_bytes": 0, "field_limit": 600, "piece_bytes": 1024}
    sb = Statebag(store, policy=Policy(**storing), replicas=())
    bag = sb.seal({"log": [noise(90, n) for n in range(60)]}, scope="m/run")
    for n in range(7):
        bag = sb.append(bag, "log", [noise(90, 100 + n), noise(90, 200 + n)], scope="m/run")
    forget()
    recording = RecordingStore(store)
    other = Statebag(recording, policy=Policy(**storing, cache_bytes=cache_bytes), replicas=())
    state = other.open(bag, scope="m/run")
    assert other.seal(state, scope="m/run") == bag
    assert recording.of("put") == []


@pytest.mark.parametrize("change", [{"count": 11}, {"count": 9}, {"kind": "object"}])
@pytest.mark.parametrize("carry_bytes", [0, 32_768])
def test_a_stub_must_say_what_its_value_is(carry_bytes, change):
    forget()
    policy = Policy(field_limit=300, carry_bytes=carry_bytes)
    sb = Statebag(MemoryStore(), policy=policy, replicas=())
    bag = sb.seal({"list": [noise(60, n) for n in range(10)]}, scope="m/run")
    (body,) = bag["list"].values()
    assert (body["kind"], body["count"]) == ("array", 10)
    body.update(change)
    with pytest.raises(InvalidStub):
        sb.open(bag)
