"""Parts of long values, and what is read for them."""

import pytest

from statebag import Policy, Statebag
from statebag.errors import InvalidState, InvalidStub
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise

ITEMS = [{"n": n, "text": noise(300, n)} for n in range(6_000)]
STATE = {
    "items": ITEMS,
    "names": {f"k{n}": noise(200, n) for n in range(6_000)},
    "small": [1, {"a": 2}],
    "look-alike": {"__statebag__": {"v": 9}},
    "text": "x",
}


@pytest.fixture(scope="module")
def sealed():
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    return store, client, client.seal(STATE, scope="m/r")


@pytest.mark.parametrize("start", [0, 1, 199, 3_000, 5_990, 5_999, 6_000, 9_999])
def test_items_of_a_long_array(sealed, start):
    _, client, bag = sealed
    wanted = list(enumerate(ITEMS))[start : start + 20]
    assert client.members(bag, "$.items", start, 20) == wanted


@pytest.mark.parametrize("start", [0, 7, 3_000, 5_995])
def test_members_of_a_long_object_in_their_order(sealed, start):
    _, client, bag = sealed
    wanted = list(STATE["names"].items())[start : start + 20]
    assert client.members(bag, "$.names", start, 20) == wanted


def test_all_pages_together_are_the_value(sealed):
    _, client, bag = sealed
    for name in ("items", "names"):
        pages = [client.members(bag, [name], start, 700) for start in range(0, 6_000, 700)]
        members = [one for page in pages for one in page]
        value = [one for _, one in members] if name == "items" else dict(members)
        assert value == STATE[name]


def test_a_page_reads_its_chunks_only(sealed):
    store, client, bag = sealed
    forget()
    before = len(store.calls)
    client.members(bag, "$.items", 3_000, 5)
    read = sum(length for one in store.calls[before:] for _, length in one.spans)
    assert 0 < read < 200_000, "the array has 2 MB"


def test_plain_values_and_what_looks_like_a_stub(sealed):
    _, client, bag = sealed
    assert client.members(bag, "$.small") == [(0, 1), (1, {"a": 2})]
    assert client.members(bag, "$.small[1]") == [("a", 2)]
    assert client.members(bag, "$['look-alike']") == [("__statebag__", {"v": 9})]
    assert client.members(bag, "$.items[3]") == list(ITEMS[3].items())
    assert [name for name, _ in client.members(bag)] == list(STATE)


def test_a_single_value_has_no_members(sealed):
    _, client, bag = sealed
    with pytest.raises(InvalidState, match="must be an array or object, not a string"):
        client.members(bag, "$.text")
    with pytest.raises(InvalidState, match="no value at this path"):
        client.members(bag, "$.nothing")


def test_a_forged_stub_is_refused():
    client = Statebag("memory://forged")
    with pytest.raises(InvalidStub):
        client.members({"a": {"__statebag__": {"v": 1}}}, "$.a")
