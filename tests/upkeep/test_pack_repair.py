"""A pack is repaired from the first copy that proves itself."""

import pytest

from statebag import Policy, Statebag
from statebag.errors import BlobCorrupt, BlobMissing
from statebag.store.file import FileStore
from statebag.store.recovery import Recovery
from statebag.testing.process import forget
from statebag.upkeep.pack_repair import find_whole, repair_pack
from tests.bags import noise


@pytest.fixture
def stores(tmp_path):
    store, copy = FileStore(tmp_path / "one"), FileStore(tmp_path / "two")
    Statebag(store, policy=Policy(carry_bytes=0)).seal({"t": noise(40_000, 1)}, scope="m/e")
    (name,) = (info.name for info in store.list())
    copy.put(name, store.get(name))
    forget()
    return store, copy, name


def test_a_whole_pack_is_left_as_it_is(stores):
    store, copy, name = stores
    assert repair_pack(store, Recovery(store, [copy]), name) is None


@pytest.mark.parametrize("lost", [True, False])
def test_a_pack_comes_from_a_copy_or_from_memory(stores, lost):
    store, copy, name = stores
    whole = store.get(name)
    for remembered, place in ((None, copy.url), (whole, "what this process has in memory")):
        if lost:
            store.delete(name)
        else:
            store.put(name, whole[:-1])
        found = repair_pack(store, Recovery(store, [copy]), name, lambda _, r=remembered: r)
        assert (found, store.get(name)) == (place, whole)


def test_a_copy_with_other_bytes_proves_nothing(stores):
    store, copy, name = stores
    copy.put(name, store.get(name)[:-1] + b"!")
    store.delete(name)
    with pytest.raises(BlobCorrupt):
        repair_pack(store, Recovery(store, [copy]), name)
    copy.delete(name)
    with pytest.raises(BlobMissing):
        repair_pack(store, Recovery(store, [copy]), name)
    with pytest.raises(BlobCorrupt):
        find_whole(Recovery(store, [copy]), name, present=True)
