import gc
import threading
import weakref

import pytest

from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.stub import Blob, Carried, Entry, Pieces, Stored
from statebag.opening import known as known_module
from statebag.opening.known import Bases, Known
from statebag.opening.verified import Listed, Texts, verified
from tests.bags import noise


def blob(scope, n=0):
    return Blob(f"{n:064x}", 9, f"{scope}/{n:032x}.pack", 8, 9)


def in_pieces(*scopes):
    """A verified array of one item in a pack of each scope."""
    text = b"[1]"
    blobs = [Blob(sha256_hex(text), len(text), blob(scope).at, 8, 9) for scope in scopes]
    entries = tuple(Entry(one, 1, one.size) for one in blobs)
    whole = json_text.join_texts([text] * len(scopes), "array")
    stub = Pieces("array", len(scopes), len(whole), entries)
    return verified(stub, Texts(dict.fromkeys(blobs, text)), entries)


def test_what_is_known_is_found_from_its_scope_and_below():
    known = Known()
    stored = blob("m/run")
    known.add_value(verified(Stored(stored), Texts({stored: b"x" * 9})))
    known.add_blobs([stored])
    for scope in ("m/run", "m/run/child", "m/run/child/grandchild"):
        assert known.blob(scope, stored.sha256) == stored
        assert known.value(scope, stored.sha256).stub == Stored(stored)
    for scope in ("m", "m/run2", "m/ru", "other", "run"):
        assert known.blob(scope, stored.sha256) is None
        assert known.value(scope, stored.sha256) is None
    assert known.blob("m/run", "1" * 64) is None


def test_a_value_in_packs_of_several_scopes_is_found_where_all_can_be_read():
    known = Known()
    value = in_pieces("m", "m/run", "m/run/child")
    known.add_value(value)
    assert known.value("m/run/child", value.sha256).stub == value.stub
    assert known.value("m/run", value.sha256) is None
    beside = in_pieces("m/a", "m/b")
    known.add_value(beside)
    assert known.value("m/a", beside.sha256) is None
    assert known.value("m/b", beside.sha256) is None


def test_what_is_carried_is_not_remembered():
    known = Known()
    text = b'"some text"'
    known.add_value(verified(Carried(sha256_hex(text), len(text), compress(text)), Texts({})))
    assert known.value("m", sha256_hex(text)) is None


@pytest.mark.parametrize("adds_by_view", [True, False])
def test_a_view_and_what_it_is_of_know_the_same_sizes(monkeypatch, adds_by_view):
    monkeypatch.setattr(known_module, "_MAX_ITEMS", 2)
    known = Known(max_items=2)
    view = known.reading(("other",))
    adding = view if adds_by_view else known
    for n in range(20):
        adding.add_blobs([Blob(f"{n:064x}", 100 + n, f"other/{n:032x}.pack", 8, 9)])
        assert known.may_hold(100 + n)
        assert view.may_hold(100 + n)
    assert not view.may_hold(100)
    assert len(known._sizes) <= 5
    assert view.blob("m", f"{19:064x}") is not None
    assert known.blob("m", f"{19:064x}") is None


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
    known.add_blobs(blob("m", n) for n in range(3))
    assert known.blob("m", blob("m", 0).sha256)
    known.add_blobs([blob("m", 3)])
    assert known.blob("m", blob("m", 1).sha256) is None
    assert all(known.blob("m", blob("m", n).sha256) for n in (0, 2, 3))


def test_whatever_lies_in_a_lost_pack_or_leads_there_is_forgotten_and_nothing_else():
    known = Known()
    value, other = in_pieces("m", "m/run"), in_pieces("m/other")
    node = Entry(blob("m", 99), 3, 25, 1)
    known.add_value(value)
    known.add_value(other)
    known.add_node(node, value.pieces)
    known.add_blobs([blob("m/run"), blob("m/run", 1)])
    known.forget_packs({blob("m/run").at, node.blob.at})
    assert known.value("m/run", value.sha256) is None
    assert known.node("m/run", value.pieces) is None
    assert known.blob("m/run", blob("m/run").sha256) is None
    assert known.value("m/other", other.sha256).packs == {blob("m/other").at}
    assert known.blob("m/run", blob("m/run", 1).sha256) is not None


def test_packs_that_a_stub_names():
    tail = Stored(blob("m", 2), "array", 1)
    stub = Pieces("array", 2, 9, (Entry(blob("m", 1), 1, 9),), tail)
    assert stub.packs() == {blob("m", 1).at, blob("m", 2).at}
    assert Stored(blob("m")).packs() == {blob("m").at}
    assert Carried("0" * 64, 9, b"").packs() == set()


def test_threads_share_it():
    known = Known(max_items=50)

    def work(start):
        for n in range(start, start + 2000):
            known.add_blobs([blob("m", n)])
            known.blob("m", blob("m", n - 7).sha256)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 500, 10_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [n for n in range(13_000) if known.blob("m", blob("m", n).sha256)]
    assert len(found) == 50


def test_sizes_are_remembered_and_those_of_what_was_forgotten_go(monkeypatch):
    monkeypatch.setattr("statebag.opening.known._MAX_ITEMS", 10)
    known = Known(max_items=4)
    for size in range(100, 200):
        one = Blob(f"{size:064d}", size, f"m/{'0' * 32}.pack", 8, 9)
        known.add_blobs([one])
    assert known.may_hold(199)
    assert known.blob("m", f"{199:064d}") is not None
    assert not known.may_hold(100)
    assert len(known._sizes) <= 22


class TestBases:
    """What a delta starts from, by the path of its field."""

    def kept(self, *paths, bases=None, size=100):
        bases = bases or Bases(10**6)
        for n, path in enumerate(paths):
            text = json_text.encode("x" * size + str(n))
            one = Blob(sha256_hex(text), len(text), f"m/{n:032x}.pack", 8, 50)
            assert bases.add(path, verified(Stored(one), Texts({one: text})))
        return bases

    def found(self, bases, path, scope="m"):
        one = bases.find(scope, path)
        return None if one is None else int(one.stub.blob.at[2:34], 16)

    def test_fields_of_one_name_are_told_apart(self):
        bases = self.kept(("nodes", "a", "output"), ("nodes", "b", "output"))
        assert self.found(bases, ("nodes", "a", "output")) == 0
        assert self.found(bases, ("nodes", "b", "output")) == 1

    def test_a_field_that_moved_is_found_by_how_its_path_ends(self):
        bases = self.kept(("nodes", "a", "output"), ("nodes", "b", "output"))
        assert self.found(bases, ("event", "state", "nodes", "a", "output")) == 0
        assert self.found(bases, ("a", "output")) == 0
        assert self.found(bases, ("output",)) == 1, "the latest"
        assert self.found(bases, ("nodes", "a")) is None

    def test_of_paths_that_end_equally_alike_the_latest_is_found(self):
        bases = self.kept(("a", "x"), ("b", "x"))
        self.kept(("c", "y"), ("c", "y"), ("a", "x"), bases=bases)
        assert self.found(bases, ("elsewhere", "x")) == 2

    def test_what_is_kept_and_what_is_named_stays_within_bounds(self):
        bases = Bases(20_000)
        for n in range(3000):
            self.kept(("nodes", n, f"field {n % 1500}"), bases=bases, size=200)
        assert len(bases._items) <= 100
        assert sum(map(len, bases._named.values())) <= 2 * len(bases._items) + 256
        assert self.found(bases, ("nodes", 2999, "field 1499")) == 0
        assert self.found(bases, ("nodes", 1, "field 1")) is None

    def test_a_text_that_was_read_is_found_and_another_one_is_not_looked_for(self, monkeypatch):
        bases = self.kept(("nodes", "a", "output"), ("nodes", "b", "output"))
        text = json_text.encode("x" * 100 + "1")
        assert bases.same("m", ("elsewhere", "output"), text).text == text
        assert bases.same("m", ("output",), text[:-2] + b'2"') is None
        view = bases.reading(("other",))
        self.kept(("y",), bases=bases, size=7)
        assert view.same("m", ("y",), json_text.encode("x" * 7 + "0")) is not None
        monkeypatch.setattr(Bases, "_fields", lambda *_: pytest.fail("no text has this size"))
        assert bases.same("m", ("output",), b'"short"') is None

    def test_sizes_of_texts_that_were_forgotten_go(self):
        bases = Bases(20_000)
        for size in range(100, 3000):
            self.kept(("x",), bases=bases, size=size)
        assert len(bases._sizes) <= 2 * len(bases._items) + 257
        assert bases.same("m", ("x",), json_text.encode("x" * 2999 + "0")) is not None

    def cut(self, bases, path, text, n=0):
        """Keep an array of one chunk."""
        one = Blob(sha256_hex(text), len(text), f"m/{n:032x}.pack", 8, 50)
        entries = (Entry(one, 1, one.size),)
        value = verified(Pieces("array", 1, len(text), entries), Texts({one: text}), entries)
        assert bases.add(path, value)
        return value

    def test_a_text_that_was_forgotten_is_told_by_its_chunks(self):
        bases = Bases(10_000)
        text = json_text.encode(["x" * 4000])
        value = self.cut(bases, ("a",), text)
        assert bases.index("m", ("a",)) is None
        for n in range(1, 4):
            self.cut(bases, ("b", n), json_text.encode(["y" * 3000 + str(n)]), n)
        assert bases.index("m", ("a",)) == value.listed
        assert bases.find("m", ("a",)) is None
        assert bases.pieces("m/child", ("a",)) == (value.pieces, b"")
        assert bases.reading(("m",)).index("other", ("a",)) == value.listed
        assert bases.index("other", ("a",)) is None
        assert bases.may_hold(len(text))
        assert bases.same("m", ("a",), bytes(bytearray(text))) == value
        assert bases.same("m", ("a",), text.replace(b"x", b"z", 1)) is None
        assert bases.same("m", ("other",), text) is None
        self.cut(bases, ("a",), json_text.encode(["z" * 4000]), 9)
        assert bases.index("m", ("a",)) is None, "it is kept again"
        assert bases.same("m", ("a",), text) is None

    def test_what_nobody_holds_is_freed_without_the_garbage_collector(self):
        bases = self.kept(("a",), ("b",))
        left = weakref.ref(bases)
        gc.disable()
        try:
            del bases
            assert left() is None
        finally:
            gc.enable()

    def test_the_chunks_of_a_later_value_stay(self):
        bases = Bases(10_000)
        earlier = self.cut(bases, ("a",), json_text.encode(["x" * 4000]))
        text = json_text.encode(["y" * 6000])
        one = Blob(sha256_hex(text), len(text), f"m/{7:032x}.pack", 8, 50)
        entries = (Entry(one, 1, one.size),)
        later = verified(Pieces("array", 1, len(text), entries), Texts({one: text}), entries)
        assert not bases.add(("a",), later), "there is no room for it"
        assert bases.find("m", ("a",)) == earlier
        for n in range(1, 4):
            self.cut(bases, ("b", n), json_text.encode(["z" * 3000 + str(n)]), n)
        assert bases.find("m", ("a",)) is None
        assert bases.index("m", ("a",)) == later.listed
        assert bases.same("m", ("a",), text) == later

    def test_the_chunks_of_a_lost_pack_are_forgotten_with_it(self):
        bases = Bases(10_000)
        for n in range(4):
            self.cut(bases, ("a", n), json_text.encode(["x" * 4000 + str(n)]), n)
        gone = bases.index("m", ("a", 0))
        assert gone is not None
        bases.forget_packs(gone.packs)
        assert bases.index("m", ("a", 0)) is None
        assert bases.index("m", ("a", 1)) is not None

    def test_sizes_of_texts_whose_chunks_are_kept_stay(self):
        bases = Bases(10_000)
        text = json_text.encode(["x" * 4000])
        self.cut(bases, ("a",), text)
        for size in range(100, 2000):
            self.kept(("x",), bases=bases, size=size)
        assert bases.same("m", ("a",), text) is not None
        assert len(bases._sizes) <= 2 * len(bases._items) + 258

    def test_inline_tails_count_as_the_memory_that_they_take(self):
        bases = Bases(100_000)
        frame = compress(json_text.encode([noise(8000, 1)]), 3)
        for n in range(8000):
            text = json_text.encode(["y" * 3000 + str(n)])
            one = Blob(sha256_hex(text), len(text), f"m/{n:032x}.pack", 8, 50)
            tail = Carried(f"{n:064x}", 8004, frame, "array", 1)
            entries = (Entry(one, 1, one.size),)
            stub = Pieces("array", 2, len(text) + 8003, entries, tail)
            bases.add_index(("v", n), Listed(stub, entries, frozenset([one.at])))
        kept = bases._indexes
        assert bases.index("m", ("v", 7999)) is not None
        assert 1000 < len(kept) < 8000
        assert sum(len(one.stub.simple.frame) for one in kept.values()) < 27_000_000

    def test_only_from_its_scope_and_below(self):
        bases = self.kept(("x",))
        assert self.found(bases, ("x",), "m/child") == 0
        assert self.found(bases, ("x",), "other") is None


def test_a_blob_is_confirmed_in_its_very_place():
    known = Known()
    one = blob("m/run", 1)
    elsewhere = Blob(one.sha256, one.size, blob("m/run", 2).at, 8, 9)
    known.add_blobs([one])
    assert known.is_confirmed(one)
    assert not known.is_confirmed(elsewhere)
    known.confirm([elsewhere])
    assert known.is_confirmed(elsewhere)
    assert known.blob("m/run", one.sha256) == one  # it is not found by its digest
    known.forget_packs([elsewhere.at])
    assert not known.is_confirmed(elsewhere)
    assert known.is_confirmed(one)
