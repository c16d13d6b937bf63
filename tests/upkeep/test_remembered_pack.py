"""A lost pack is made again from memory, or not at all."""

import pytest

from statebag import Policy, Statebag
from statebag.format.codec import decompress
from statebag.format.pack import read_index
from statebag.store.memory import MemoryStore
from statebag.upkeep.remembered_pack import pack_from_memory
from tests.bags import noise

LEVEL = Policy().compression_level


@pytest.fixture
def pack():
    store = MemoryStore()
    state = {"text": noise(40_000, 1), "list": [noise(500, n) for n in range(1000)]}
    Statebag(store, policy=Policy(carry_bytes=0)).seal(state, scope="m/e")
    (name,) = (info.name for info in store.list())
    data = store.get(name)
    texts = {
        (row.offset, row.sha256): decompress(
            data[row.offset : row.offset + row.length], size=row.size, sha256=row.sha256, where=name
        )
        for row in read_index(data, name)
    }
    return name, data, texts


def test_all_blobs_give_the_same_bytes(pack):
    name, data, texts = pack
    assert any(row.kind == "index" for row in read_index(data, name))
    assert pack_from_memory(name, texts, LEVEL) == data
    assert pack_from_memory(name, dict(reversed(texts.items())), LEVEL) == data


def test_a_missing_or_wrong_blob_or_another_level_give_nothing(pack):
    name, _, texts = pack
    first, *others = texts
    assert pack_from_memory(name, {key: texts[key] for key in others}, LEVEL) is None
    assert pack_from_memory(name, {**texts, first: b"other"}, LEVEL) is None
    assert pack_from_memory(name, texts, 19) is None
    assert pack_from_memory(name, {}, LEVEL) is None
