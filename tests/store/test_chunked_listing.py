"""Listings that never end or come to the same objects again: typed errors, and no more requests."""

import asyncio
import gc
import itertools
import time
import weakref

import pytest
from obstore.store import MemoryStore

from statebag.errors import StatebagError, StoreUnavailable
from statebag.store import chunked_listing
from statebag.store.retrying import RetryingStore, deadline
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import collect
from tests.store.listing_server import names

ENDLESS = {
    "empty pages": lambda number, _: ([], f"t{number}"),
    "empty pages of one token": lambda *_: ([], "t"),
    "pages of one new object": lambda number, _: (time.sleep(0.01), (names(number), f"t{number}"))[
        1
    ],
}


@pytest.mark.parametrize("page", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("bound", ["deadline", "own"])
def test_pages_without_end_are_bounded_and_no_request_goes_on(listed, page, bound, monkeypatch):
    store, asked = listed(page)
    if bound == "own":  # as for gc and fsck, which have no deadline
        monkeypatch.setattr(chunked_listing, "_LONGEST_SECONDS", 1.0)
        # Where each object is new, a chunk comes to its end: that only a deadline bounds.
        monkeypatch.setattr(chunked_listing, "_CHUNK", 1_000_000)
    with deadline(1.0 if bound == "deadline" else float("inf")), pytest.raises(StoreUnavailable):
        list(store.list())
    count, until = -1, time.monotonic() + 60
    while count < len(asked):  # requests that were under way may still come
        assert time.monotonic() < until, "requests go on"
        count = len(asked)
        time.sleep(1)


REPEATING = {
    "a page for ever": lambda *_: (names(1, 2, 3), "t"),
    "a page, always another token": lambda number, _: (names(1, 2, 3), f"t{number}"),
    "one object": lambda *_: (names(1), "t"),
    "pages in turn": lambda number, _: (
        names(1, 2) if number % 2 else names(3, 4, 5),
        f"t{number}",
    ),
}


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("page", REPEATING.values(), ids=REPEATING)
def test_a_listing_that_repeats_itself_is_an_error(listed, page, in_order, monkeypatch):
    monkeypatch.setattr(chunked_listing, "_CHUNK", 50)
    store, asked = listed(page, in_order=in_order)
    with pytest.raises(StoreUnavailable, match="repeats objects") as caught:
        list(store.list())
    assert "check the endpoint" in caught.value.hint
    # A chunk of 50 objects, of one on a page, and another that shows that nothing is new.
    assert len(asked) <= 100


def test_a_name_at_the_end_of_a_page_and_the_beginning_of_the_next_is_given_once(listed):
    def page(_, token):
        first = names(*range(1000))
        return (first, "t") if token is None else ([first[-1], *names(1000)], None)

    for in_order in (True, False):
        store, asked = listed(page, in_order=in_order)
        found = [info.name for info in store.list()]
        assert found == [name.removeprefix("p/") for name in names(*range(1001))]
        assert len(asked) == 2


def test_gc_and_fsck_end(listed, monkeypatch):
    monkeypatch.setattr(chunked_listing, "_LONGEST_SECONDS", 0.5)
    for page in (ENDLESS["empty pages"], REPEATING["a page for ever"]):
        store, _ = listed(page)
        for look in (
            lambda store: collect(store, dry_run=False),
            fsck,
        ):
            with pytest.raises(StatebagError):
                look(RetryingStore(store, attempts=1))


def test_many_pages_are_one_listing(listed):
    def page(_, token):
        start = int(token or 0)
        return names(*range(start, start + 7)), str(start + 7) if start < 2_000 else None

    store, _ = listed(page, in_order=True)
    found = [info.name for info in itertools.islice(store.list(), 1500)]
    assert found == [name.removeprefix("p/") for name in names(*range(1500))]


def test_code_of_an_event_loop_lists_as_well(listed):
    store, _ = listed(lambda *_: (names(1), None))

    async def work():
        return [info.name for info in store.list()]

    assert asyncio.run(work()) == ["m/000001"]


def test_whatever_holds_a_listing_holds_its_client_which_a_forked_child_must_not_free(monkeypatch):
    held, following = [], chunked_listing._next

    def noted(stream):
        held.append(stream)  # as the frames of asyncio hold it until a garbage collection
        return following(stream)

    monkeypatch.setattr(chunked_listing, "_next", noted)
    monkeypatch.setattr(chunked_listing, "_CHUNK", 1)
    clients = [MemoryStore()]
    for name in ("a", "b"):
        clients[0].put(name, b"")
    client = weakref.ref(clients[0])
    with deadline(60):
        chunks = chunked_listing.listed_chunks(
            lambda: clients[-1], "", lambda call: call(), url="memory:", in_order=True
        )
        assert [one["path"] for one in next(chunks)] == ["a"]
        clients.clear()
        gc.collect()
        assert client() is not None
        assert [one["path"] for one in next(chunks)] == ["b"]
        assert next(chunks, None) is None
    del chunks
    gc.collect()
    assert client() is not None
    held.clear()
    gc.collect()
    assert client() is None
