from statebag.store.memory import MemoryStore


def test_one_name_is_one_store():
    MemoryStore.named("tests/one").put("a", b"data")
    assert MemoryStore.named("tests/one").get("a") == b"data"
    assert MemoryStore.named("tests/one") is MemoryStore.named("tests/one")
    assert MemoryStore.named("tests/one").url == "memory://tests/one"
    assert MemoryStore.named("tests/two").head("a") is None


def test_stores_without_a_name_share_nothing():
    one, two = MemoryStore(), MemoryStore()
    one.put("a", b"data")
    assert two.head("a") is None
    assert one.url != two.url


def test_a_later_change_of_the_callers_buffer_changes_nothing():
    store = MemoryStore()
    data = bytearray(b"data")
    store.put("a", data)
    data[:] = b"xxxx"
    assert store.get("a") == b"data"


def test_a_list_is_of_the_moment_of_the_call():
    store = MemoryStore()
    store.put("a", b"1")
    store.put("b", b"2")
    listing = store.list()
    store.delete("b")
    assert [info.name for info in listing] == ["a", "b"]
