import threading

from statebag.format.stub import Blob, Carried, Entry, Pieces, Stored
from statebag.sealing.known import Known, packs_of


def blob(scope, n=0):
    return Blob(f"{n:064x}", 9, f"{scope}/{n:032x}.pack", 8, 9)


def test_what_is_known_is_found_from_its_scope_and_below():
    known = Known()
    stored = blob("m/run")
    known.add_blob(stored)
    known.add_value("digest", Stored(stored))
    for scope in ("m/run", "m/run/child", "m/run/child/grandchild"):
        assert known.blob(scope, stored.sha256) == stored
        assert known.value(scope, "digest") == Stored(stored)
    for scope in ("m", "m/run2", "m/ru", "other", "run"):
        assert known.blob(scope, stored.sha256) is None
        assert known.value(scope, "digest") is None
    assert known.blob("m/run", "1" * 64) is None


def test_a_value_in_packs_of_several_scopes_is_found_where_all_can_be_read():
    known = Known()
    entries = tuple(Entry(blob(scope), 1, 9) for scope in ("m", "m/run", "m/run/child"))
    value = Pieces("array", 3, 25, entries)
    known.add_value("digest", value)
    assert known.value("m/run/child", "digest") == value
    assert known.value("m/run", "digest") is None
    beside = Pieces("array", 2, 17, (Entry(blob("m/a"), 1, 9), Entry(blob("m/b"), 1, 9)))
    known.add_value("beside", beside)
    assert known.value("m/a", "beside") is None
    assert known.value("m/b", "beside") is None


def test_what_is_carried_is_not_remembered():
    known = Known()
    known.add_value("digest", Carried("0" * 64, 9, b""))
    assert known.value("m", "digest") is None


def test_a_node_is_found_by_exactly_what_it_lists():
    known = Known()
    entries = tuple(Entry(blob("m", n), 1, 9) for n in range(3))
    node = Entry(blob("m", 99), 3, 25, 1)
    known.add_node(node, entries)
    assert known.node("m/run", entries) == node
    assert known.node("m/run", entries[:2]) is None
    assert known.node("m/run", entries[::-1]) is None
    moved = Entry(Blob(entries[0].blob.sha256, 9, "m/" + "9" * 32 + ".pack", 8, 9), 1, 9)
    assert known.node("m/run", (moved, *entries[1:])) is None


def test_what_was_not_asked_for_longest_is_forgotten():
    known = Known(max_items=3)
    for n in range(3):
        known.add_blob(blob("m", n))
    assert known.blob("m", blob("m", 0).sha256)
    known.add_blob(blob("m", 3))
    assert known.blob("m", blob("m", 1).sha256) is None
    assert all(known.blob("m", blob("m", n).sha256) for n in (0, 2, 3))


def test_packs_that_a_stub_names():
    tail = Stored(blob("m", 2), "array", 1)
    stub = Pieces("array", 2, 9, (Entry(blob("m", 1), 1, 9),), tail)
    assert packs_of(stub) == {blob("m", 1).at, blob("m", 2).at}
    assert packs_of(Stored(blob("m"))) == {blob("m").at}
    assert packs_of(Carried("0" * 64, 9, b"")) == set()


def test_threads_share_it():
    known = Known(max_items=50)

    def work(start):
        for n in range(start, start + 2000):
            known.add_blob(blob("m", n))
            known.blob("m", blob("m", n - 7).sha256)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 500, 10_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [n for n in range(13_000) if known.blob("m", blob("m", n).sha256)]
    assert len(found) == 50


def test_sizes_are_remembered_and_those_of_what_was_forgotten_go(monkeypatch):
    monkeypatch.setattr("statebag.sealing.known._MAX_ITEMS", 10)
    known = Known(max_items=4)
    for size in range(100, 200):
        known.add_blob(Blob(f"{size:064d}", size, f"m/{'0' * 32}.pack", 8, 9))
    assert known.may_hold(199)
    assert known.blob("m", f"{199:064d}") is not None
    assert not known.may_hold(100)
    assert len(known._sizes) <= 22
