"""An exported state comes back exactly, anywhere; a hostile archive writes nothing."""

import hashlib
from pathlib import Path

import pytest

from statebag import (
    BlobCorrupt,
    InvalidState,
    LimitExceeded,
    Policy,
    Statebag,
    StatebagError,
    UnsupportedFormat,
)
from statebag.format import json_text
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.archive import MAGIC
from tests.bags import noise

SCOPE = "machine/run"
GOLDEN = Path(__file__).parent.parent / "golden" / "archive1"
STATE = {
    "log": [{"n": n, "text": noise(300, n)} for n in range(300)],
    "text": noise(40_000, 1) + "CANARY",
    "looks": {"__statebag__": {"v": 1}},
    "numbers": [2**64, -0.0, 1, 1.0, True],
}


def exported():
    forget()
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=2000), replicas=())
    return client.export(client.seal(STATE, scope=SCOPE), scope=SCOPE)


def resealed(body):
    """An archive whose last bytes fit the rest."""
    return body + hashlib.sha256(body).digest()


def parts(archive):
    start = len(MAGIC) + 8
    length = int.from_bytes(archive[len(MAGIC) : start], "big")
    header = json_text.decode(archive[start : start + length])
    return header, archive[start + length : -32]


def built(header, packs):
    text = json_text.encode(header)
    return resealed(MAGIC + len(text).to_bytes(8, "big") + text + packs)


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"v": 2, "more": 1}, {"v": 1.0}, {"v": True}, {"v": "1"}, {"v": None}, {"v": 0}],
)
def test_the_version_of_a_header_is_looked_at_first(change):
    header, packs = parts(exported())
    client = Statebag(MemoryStore(), replicas=())
    with pytest.raises(UnsupportedFormat):
        client.unpack(built({**header, **change}, packs), SCOPE)
    later = {"v": 2, "other": []}
    with pytest.raises(UnsupportedFormat):
        client.unpack(built(later, packs), SCOPE)
    del header["v"]
    with pytest.raises(BlobCorrupt):
        client.unpack(built(header, packs), SCOPE)


def test_a_state_moves_to_another_store_and_scope():
    archive = exported()
    forget()
    client = Statebag(MemoryStore(), replicas=())
    bag = client.unpack(archive, "other/run-2")
    forget()
    opened = Statebag(client.store, replicas=()).open(bag, scope="other/run-2")
    assert json_text.encode(opened) == json_text.encode(STATE)
    assert exported() == archive


def test_a_state_outlives_its_store():
    forget()
    store = MemoryStore()
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    archive = client.export(client.seal(STATE, scope=SCOPE))
    for info in list(store.list()):
        store.delete(info.name)
    forget()
    again = Statebag(store, replicas=())
    assert again.open(again.unpack(archive, SCOPE)) == STATE


def refused(archive, kind, **policy):
    forget()
    recording = RecordingStore(MemoryStore())
    client = Statebag(recording, policy=Policy(**policy), replicas=())
    with pytest.raises(kind) as caught:
        client.unpack(archive, SCOPE)
    assert "CANARY" not in str(caught.value)
    assert recording.calls == []


def test_every_flipped_byte_and_every_length_is_refused():
    forget()
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, field_limit=256), replicas=())
    archive = client.export(client.seal({"a": noise(300, 1) + "CANARY"}, scope=SCOPE))
    for at in range(len(archive)):
        refused(archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1 :], StatebagError)
        refused(archive[:at], StatebagError)
    refused(archive + b"\0", BlobCorrupt)


def changed(header, **fields):
    return {**header, **fields}


HOSTILE = {
    "a path out": lambda h, p: (changed(h, packs=[["../../etc/passwd", len(p)]]), p),
    "another scope": lambda h, p: (
        changed(h, packs=[[h["packs"][0][0].replace("export/", "machine/run/"), len(p)]]),
        p,
    ),
    "a name twice": lambda h, p: (changed(h, packs=[*h["packs"], *h["packs"]]), p + p),
    "a size that lies": lambda h, p: (changed(h, packs=[[h["packs"][0][0], len(p) - 1]]), p),
    "a size below nothing": lambda h, p: (changed(h, packs=[[h["packs"][0][0], -1]]), p),
    "no pack": lambda h, p: (changed(h, packs=[]), p[:0]),
    "bytes at the end": lambda h, p: (h, p + b"more"),
    "another pack's bytes": lambda h, p: (h, bytes(len(p))),
    "rows that are none": lambda h, p: (changed(h, packs={"a": 1}), p),
    "a row of text": lambda h, p: (changed(h, packs=["export"]), p),
    "more in the header": lambda h, p: (changed(h, more=1), p),
    "no object": lambda h, p: ([h], p),
    "a later version": lambda h, p: (changed(h, v=2), p),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_forged_archive_is_refused_before_anything_is_written(kind):
    header, packs = parts(exported())
    refused(built(*HOSTILE[kind](header, packs)), StatebagError)


def test_a_header_longer_than_the_archive_and_other_magic():
    refused(resealed(MAGIC + (2**60).to_bytes(8, "big") + b"{}"), BlobCorrupt)
    refused(resealed(b"PK\x03\x04" + bytes(100)), BlobCorrupt)
    refused(b"", BlobCorrupt)
    refused(MAGIC[:5] + b"\x02\r\n" + bytes(60), UnsupportedFormat)


def test_a_bag_that_names_what_is_not_in_it_and_one_that_is_too_large():
    header, packs = parts(exported())
    other = {"v": 1, "sha256": "0" * 64, "size": 3, "at": header["packs"][0][0], "span": [8, 12]}
    refused(built(changed(header, bag={"__statebag__": other}), packs), BlobCorrupt)
    refused(exported(), LimitExceeded, max_open_bytes=1000)


def test_an_archive_needs_a_scope_to_go_to():
    with pytest.raises(InvalidState):
        Statebag(MemoryStore()).unpack(exported(), "")


def test_archives_of_version_1_stay_readable():
    expected = json_text.decode((GOLDEN / "state.json").read_bytes())
    forget()
    client = Statebag(MemoryStore(), replicas=())
    assert client.open(client.unpack((GOLDEN / "state.sbag").read_bytes(), SCOPE)) == expected
