"""The blobs to which a bag and an index node refer."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.errors import BlobCorrupt, InvalidStub
from statebag.format.codec import decompress
from statebag.format.pack import read_index
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.upkeep.references import (
    older_fault,
    referred_by_bag,
    referred_by_node,
    referred_by_value,
)
from tests.bags import noise


@pytest.fixture
def sealed():
    store = MemoryStore()
    state = {"text": noise(40_000, 1), "list": [noise(500, n) for n in range(1000)]}
    return store, Statebag(store, policy=Policy(carry_bytes=0)).seal(state, scope="m/e")


def test_a_bag_names_the_pack_of_each_stub(sealed):
    store, bag = sealed
    (pack,) = (info.name for info in store.list())
    blobs = referred_by_value(bag)
    assert {blob.at for blob in blobs} == {pack}
    assert referred_by_bag(json.dumps(bag).encode(), "snapshot") == blobs
    assert referred_by_value({"plain": [1]}) == []


def test_a_node_lists_blobs_that_the_bag_does_not_name(sealed):
    store, bag = sealed
    (pack,) = (info.name for info in store.list())
    data = store.get(pack)
    row = next(row for row in read_index(data, pack) if row.kind == "index")
    frame = data[row.offset : row.offset + row.length]
    text = decompress(frame, size=row.size, sha256=row.sha256, where=pack)
    listed = {blob.sha256 for blob in referred_by_node(text, pack)}
    assert len(listed) > 1
    assert not listed & {blob.sha256 for blob in referred_by_value(bag)}


def test_what_is_no_bag_and_no_node():
    with pytest.raises(BlobCorrupt, match="the snapshot is not a bag"):
        referred_by_bag(b"{", "snapshot")
    with pytest.raises(BlobCorrupt, match="the index node is malformed"):
        referred_by_node(b"[]", "pack")
    with pytest.raises(InvalidStub):
        referred_by_value({"__statebag__": {"v": 1, "at": "nowhere"}})


def test_a_legacy_pointer_to_nothing_is_a_fault_and_data_is_not(tmp_path):
    store = FileStore(tmp_path)
    pointer = {"type": "s3_reference", "s3_path": f"{store.url}/workflow-state/a/b.json"}
    assert isinstance(older_fault(store, {"current_state": pointer}), Exception)
    outside = {"type": "s3_reference", "s3_path": "s3://other/bucket.json"}
    assert older_fault(store, {"current_state": outside}) is None
    assert older_fault(store, {"n": 1}) is None
