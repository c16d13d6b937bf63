"""The mark of packs that wait for their deletion."""

from statebag.store.memory import MemoryStore
from statebag.upkeep.condemned_packs import (
    condemned_name,
    marked_roots,
    read_condemned,
    write_condemned,
)


def test_a_mark_comes_back_with_the_stores_time():
    store = MemoryStore()
    assert read_condemned(store, "m/e")[0] is None
    write_condemned(store, "m/e", {"m/e/b", "m/e/a"})
    mark, name = read_condemned(store, "m/e")
    assert mark.packs == {"m/e/a", "m/e/b"}
    assert mark.made == store.head(name).modified
    assert name == condemned_name("m/e")
    write_condemned(store, "m/e", ())
    write_condemned(store, "m/e", ())
    assert list(store.list()) == []


def test_packs_that_are_gone_are_named_too():
    store = MemoryStore()
    write_condemned(store, "m/e", {"m/e/a"}, {"m/e/c", "m/e/b"})
    write_condemned(store, "m/f", (), {"m/f/c"})
    assert read_condemned(store, "m/e")[0].gone == {"m/e/b", "m/e/c"}
    assert read_condemned(store, "m/f")[0].packs == frozenset()
    assert marked_roots(store) == {"m/e", "m/f"}
    store.put(condemned_name("m/f"), b'{"v": 1, "packs": ["m/f/c"]}')  # of an earlier release
    assert read_condemned(store, "m/f")[0].gone == frozenset()


def test_a_mark_that_cannot_be_read_counts_as_missing():
    store = MemoryStore()
    for text in (
        b"",
        b"[]",
        b"{}",
        b'{"v": 1}',
        b'{"v": 2, "packs": []}',
        b'{"v": 1, "packs": [7]}',
        b'{"v": 1, "packs": [], "gone": 7}',
        b'{"v": 1, "packs": [], "gone": [7]}',
    ):
        store.put(condemned_name("m/e"), text)
        assert read_condemned(store, "m/e")[0] is None
