"""The tree: what is shown, what is masked, and what is read."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.errors import InvalidState, LimitExceeded
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.ui.state_tree import PAGE, StateTree, describe
from tests.bags import noise
from tests.ui.conftest import HOSTILE, SECRET, state


@pytest.fixture(scope="module")
def sealed():
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=(), signing_keys={})
    return store, client, client.seal(state(), scope="m/r")


@pytest.fixture
def tree(sealed):
    return StateTree(sealed[1], sealed[2])


def test_the_first_level_needs_no_request(sealed):
    store, client, bag = sealed
    before = len(store.calls)
    members = StateTree(client, bag).members([], 0, PAGE, values=False)
    assert [one["key"] for one in members] == list(state())
    assert len(store.calls) == before


def test_values_are_masked_until_asked_for(tree):
    text = json.dumps(tree.members([], 0, PAGE, values=False))
    text += json.dumps(tree.members(["odd"], 0, PAGE, values=False))
    assert SECRET not in text
    assert "onerror" not in text
    flag = next(one for one in tree.members([], 0, PAGE, values=False) if one["key"] == "flag")
    assert flag == {"key": "flag", "kind": "boolean", "is_stub": False}, "its length would tell"
    shown = {one["key"]: one for one in tree.members([], 0, PAGE, values=True)}
    assert (shown["secret"]["value"], shown["flag"]["value"]) == (SECRET, "true")


def test_a_stub_says_its_size_kind_and_place(tree):
    node = tree.node(["history"], values=False)
    assert (node["kind"], node["count"], node["is_stub"]) == ("array", 1_500, True)
    assert node["size"] == len(json.dumps(state()["history"], separators=(",", ":")))
    assert node["packs"]


def test_pages_of_long_values(tree):
    whole = state()
    page = tree.members(["history"], 1_400, PAGE, values=False)
    assert [one["key"] for one in page] == list(range(1_400, 1_500))
    assert tree.at(["history", 1_499, "n"]) == 1_499
    names = tree.members(["names"], 200, 3, values=True)
    assert [one["key"] for one in names] == list(whole["names"])[200:203]
    assert tree.at(["names", "k777"]) == whole["names"]["k777"]
    assert tree.at(["small", "list", 2, "deep"]) == "needle"


@pytest.mark.parametrize("key", HOSTILE)
def test_odd_names_lead_to_their_values(tree, key):
    assert tree.at(["odd", key]) == HOSTILE[key]


@pytest.mark.parametrize(
    "path", [["nothing"], ["history", 1_500], ["names", "kx"], ["small", 0], ["secret", "x"]]
)
def test_a_path_to_nothing_is_said(tree, path):
    with pytest.raises(InvalidState, match="no value at this path"):
        tree.at(path)


def test_one_item_reads_few_bytes(sealed):
    store, client, bag = sealed
    forget()
    before = len(store.calls)
    StateTree(client, bag).members(["history"], 700, 10, values=True)
    read = sum(length for one in store.calls[before:] for _, length in one.spans)
    assert 0 < read < 100_000


def test_a_large_value_is_not_read_whole_unasked(tree):
    with pytest.raises(LimitExceeded, match=r"60,\d\d\d bytes"):
        tree.text(["report"], 0, 1_000)
    first = tree.text(["report"], 0, 100_000)
    rest = tree.text(["report"], len(first["text"]), 100_000)
    assert (first["text"] + rest["text"])[:8_000] == noise(60_000, 7)[:8_000]
    assert (first["length"], first["is_string"]) == (60_000, True)


def test_what_is_kept_in_memory_is_bounded(tree, monkeypatch):
    from statebag.ui import state_tree

    monkeypatch.setattr(state_tree, "_KEPT_BYTES", 100_000)
    for start in range(0, 1_500, 100):
        tree.pairs(["history"], start, 100)
    assert tree._kept <= 100_000 + 35_000
    assert len(tree._opened) < 5


def test_a_long_value_is_cut(tree):
    node = describe("a", "x" * 500, values=True)
    assert (len(node["value"]), node["is_cut"], node["length"]) == (120, True, 500)
    assert describe("a", 10**400, values=True)["is_cut"] is True


@pytest.mark.parametrize("preview", ["a, b, ...", "\u202e<b>", 7, None, {"x": 1}, "y" * 9_000])
def test_a_preview_is_shown_with_values_alone(preview):
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, preview_bytes=99), replicas=())
    bag = client.seal({"big": noise(90_000)}, "m/e")
    bag["big"]["__statebag__"]["preview"] = preview
    tree = StateTree(client, bag)
    assert "preview" not in tree.node(("big",), values=False)
    shown = tree.node(("big",), values=True).get("preview")
    assert shown == (preview[:120] if isinstance(preview, str) else None)
