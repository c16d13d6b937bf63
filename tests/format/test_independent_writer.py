"""A writer that was written from docs/format.md alone makes what this library reads."""

import pytest

from statebag import NotPermitted, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.names import is_pack_of
from statebag.format.pack import read_index
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.upkeep.fsck import fsck
from tests.bags import blobs, forms, noise
from tests.format.independent_writer import Writer

SIGNING = ("k1", bytes(range(16)))
ENCRYPTION = bytes(range(32))
SCOPE = "machine/run 1"
TEXT = noise(20_000, 1)
CHUNKS = [[{"n": n, "text": noise(300, n)} for n in range(at, at + 20)] for at in (0, 20, 40)]
TAIL = [60, -0.0, 2**64, None]
HISTORY = [item for chunk in [*CHUNKS, TAIL] for item in chunk]
STATE = {
    "stored": TEXT,
    "inline": {"a": [1, 1.0, True]},
    "chunked": HISTORY,
    "delta": TEXT + " edited",
    "delta of chunks": [*HISTORY, "more"],
    "rest": {"é": "new", "n": 1e-7, "inside": [1]},
    "escaped": {KEY: {"v": 1}},
    "plain": [1, "two"],
}


def written(writer):
    """A bag with every form."""
    stored, chunked = writer.stored(TEXT), writer.chunked(CHUNKS, TAIL)
    rest = writer.stored({"é": None, "n": 1e-7, "inside": [1]})
    return writer.finished({
        "stored": {KEY: stored},
        "inline": {KEY: writer.inline(STATE["inline"])},
        "chunked": {KEY: chunked},
        "delta": {KEY: writer.delta(STATE["delta"], stored, TEXT)},
        "delta of chunks": {KEY: writer.delta(STATE["delta of chunks"], chunked, HISTORY)},
        "rest": {KEY: writer.rest(rest, ["é"]), "é": "new"},
        "escaped": {KEY: writer.escaped(STATE["escaped"])},
        "plain": STATE["plain"],
    })  # fmt: skip


def stored_in(name, kept):
    forget()
    store = MemoryStore()
    store.put(name, kept)
    return store


def test_this_library_opens_what_it_wrote():
    bag, name, kept, data = written(Writer(SCOPE))
    assert {"stored", "carried", "pieces", "patched", "rest of stored", "escaped", "index"} <= set(
        forms(bag)
    )
    store = stored_in(name, kept)
    state = Statebag(store, policy=Policy(), replicas=()).open(bag, scope=SCOPE)
    assert encode(state) == encode(STATE)
    assert is_pack_of(name, data)
    rows = {(row.sha256, row.offset) for row in read_index(data, name)}
    assert {(blob.sha256, blob.offset) for blob in blobs(bag, store)} <= rows


def test_this_library_takes_its_signatures_and_its_encryption():
    writer = Writer(SCOPE, signing=SIGNING, encryption_key=ENCRYPTION)
    bag, name, kept, _ = written(writer)
    policy = Policy(require_signatures=True, require_encryption=True)
    client = Statebag(
        stored_in(name, kept),
        policy=policy,
        replicas=(),
        signing_keys=dict([SIGNING]),
        encryption_keys=[ENCRYPTION],
    )
    assert encode(client.open(bag, scope=SCOPE)) == encode(STATE)
    assert fsck(client.store).whole
    with pytest.raises(NotPermitted):
        client.open(bag, scope="machine/other")


def test_what_this_library_seals_goes_on_from_it():
    """A state that was written elsewhere is sealed again, and appended to, like any other."""
    bag, name, kept, _ = written(Writer(SCOPE))
    client = Statebag(stored_in(name, kept), policy=Policy(), replicas=())
    bag = client.append(bag, "chunked", ["last"], scope=SCOPE)
    state = client.open(bag, scope=SCOPE)
    assert encode(state) == encode({**STATE, "chunked": [*HISTORY, "last"]})
    forget()
    again = client.seal(state, scope=SCOPE)
    assert encode(client.open(again, scope=SCOPE)) == encode(state)
