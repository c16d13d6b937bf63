"""The tests that every store must pass, for your test class to inherit.

```python
class TestMyStore(StoreContract):
    def make_store(self): return MyStore(...)
    def put_raw(self, store, name, data): ...
    def get_raw(self, store, name): ...
    def delete_raw(self, store, name): ...
```

It works with any test runner that collects `test_` methods and makes an instance for each, such as
pytest, and imports none.
"""

# ruff: noqa: D102 (the name of a test says what it tests)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    Conflict,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.store.contract import ObjectInfo, Store, can_delete_if, is_conditional

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StoreContract"]

_THREADS = 8  # chosen: enough to overlap on any machine
# Clocks of a server and a client differ, and some stores count in seconds.
_CLOCK_TOLERANCE = timedelta(minutes=5)  # chosen: as `upkeep.doctor`


class StoreContract:
    """The promises of `statebag.store.contract.Store`, as tests.

    A subclass supplies `make_store`, and three methods that bypass the store, with which the tests
    look at the objects and damage them.
    """

    def make_store(self) -> Store:
        """Return an empty store: a new folder, prefix or bucket."""
        raise NotImplementedError

    def put_raw(self, store: Store, name: str, data: bytes) -> None:
        """Write an object below the store's root without the store's own code."""
        raise NotImplementedError

    def get_raw(self, store: Store, name: str) -> bytes | None:
        """Read an object without the store's own code; None if it does not exist."""
        raise NotImplementedError

    def delete_raw(self, store: Store, name: str) -> None:
        """Delete an object without the store's own code."""
        raise NotImplementedError

    def test_is_a_store_with_an_address(self) -> None:
        store = self.make_store()
        assert isinstance(store, Store)
        assert "://" in store.url
        assert store.url == store.url.split("?")[0], "an address without parameters"

    def test_what_is_put_is_what_is_there(self) -> None:
        store = self.make_store()
        store.put("scope/a.pack", b"\x00\xffsome bytes")
        assert store.get("scope/a.pack") == b"\x00\xffsome bytes"
        assert self.get_raw(store, "scope/a.pack") == b"\x00\xffsome bytes"

    def test_a_get_gives_plain_bytes(self) -> None:
        store = self.make_store()
        store.put("a", b"data")
        assert type(store.get("a")) is bytes
        assert [type(data) for data in store.get_ranges("a", [(0, 2), (1, 0)])] == [bytes, bytes]

    def test_an_empty_object_is_an_object(self) -> None:
        store = self.make_store()
        store.put("scope/empty", b"")
        assert store.get("scope/empty") == b""
        assert store.get_ranges("scope/empty", [(0, 0)]) == [b""]
        info = store.head("scope/empty")
        assert info is not None
        assert info.size == 0
        assert [found.name for found in store.list()] == ["scope/empty"]

    def test_five_megabytes_come_back_whole(self) -> None:
        store = self.make_store()
        data = b"".join(number.to_bytes(4, "big") for number in range(5 * 1024 * 1024 // 4))
        store.put("scope/large.pack", data)
        assert store.get("scope/large.pack") == data
        far = len(data) - 5
        assert store.get_ranges("scope/large.pack", [(far, 5), (0, 5)]) == [data[-5:], data[:5]]

    def test_a_second_put_replaces_the_whole_object(self) -> None:
        store = self.make_store()
        store.put("a", b"a long first version")
        store.put("a", b"short")
        assert store.get("a") == b"short"
        info = store.head("a")
        assert info is not None
        assert info.size == 5

    def test_ranges_come_in_the_order_asked_for(self) -> None:
        store = self.make_store()
        store.put("a", b"0123456789")
        assert store.get_ranges("a", [(7, 3), (0, 2), (4, 1)]) == [b"789", b"01", b"4"]

    def test_ranges_may_be_empty_touch_overlap_and_repeat(self) -> None:
        store = self.make_store()
        store.put("a", b"0123456789")
        assert store.get_ranges("a", []) == []
        assert store.get_ranges("a", [(3, 0), (10, 0), (50, 0)]) == [b"", b"", b""]
        assert store.get_ranges("a", [(0, 3), (3, 3), (6, 4)]) == [b"012", b"345", b"6789"]
        assert store.get_ranges("a", [(2, 5), (0, 10), (4, 4)]) == [
            b"23456",
            b"0123456789",
            b"4567",
        ]
        assert store.get_ranges("a", [(5, 2), (2, 0), (5, 2)]) == [b"56", b"", b"56"]

    def test_many_ranges_near_and_far(self) -> None:
        store = self.make_store()
        data = b"".join(number.to_bytes(4, "big") for number in range(3 * 1024 * 1024 // 4))
        store.put("a", data)
        spans = [(number * 7919 * 523 % (len(data) - 300), 1 + number) for number in range(200)]
        assert store.get_ranges("a", spans) == [data[at : at + length] for at, length in spans]

    def test_a_range_past_the_end_is_corruption(self) -> None:
        store = self.make_store()
        store.put("a", b"0123456789")
        for spans in (
            [(8, 3)],
            [(0, 11)],
            [(10, 1)],
            [(12, 5)],
            [(0, 3), (12, 5)],
            [(0, 3), (8, 4), (1, 1)],
            [(5_000_000, 10), (0, 1)],
            [(0, 2**62)],
            [(2**63, 1)],
        ):
            with _raised(BlobCorrupt, f"get_ranges of {spans} in 10 bytes"):
                store.get_ranges("a", spans)

    def test_a_span_that_nothing_has_is_corruption(self) -> None:
        store = self.make_store()
        store.put("a", b"0123456789")
        for spans in ([(-1, 2)], [(3, -1)], [(0, 2), (-5, 5)]):
            with _raised(BlobCorrupt, f"get_ranges of {spans}"):
                store.get_ranges("a", spans)

    def test_what_is_missing_is_named_as_missing(self) -> None:
        store = self.make_store()
        store.put("scope/there", b"data")
        for name in ("missing", "scope/missing", "scope", "scope/there/below", "other/scope/there"):
            with _raised(BlobMissing, f"get of {name}") as error:
                store.get(name)
            assert error[0].object_name == name
            with _raised(BlobMissing, f"get_ranges of {name}"):
                store.get_ranges(name, [(0, 1)])
            with _raised(BlobMissing, f"get_ranges of nothing in {name}"):
                store.get_ranges(name, [(0, 0)])
            assert store.head(name) is None

    def test_head_tells_size_and_time(self) -> None:
        store = self.make_store()
        store.put("scope/a", b"12345")
        info = store.head("scope/a")
        assert info is not None
        assert (info.name, info.size) == ("scope/a", 5)
        assert info.modified.tzinfo is not None
        assert abs(info.modified - datetime.now(UTC)) < _CLOCK_TOLERANCE

    def test_a_list_is_in_the_order_of_names(self) -> None:
        store = self.make_store()
        names = ["b", "a/2", "a/1", "a%20x/1", "a-b/c/d", "a.b", "A/1", "a/1.pack", "a/10/x", "a/~"]
        for name in names:
            store.put(name, name.encode())
        listed = list(store.list())
        assert [info.name for info in listed] == sorted(names)
        assert all(type(info) is ObjectInfo for info in listed)
        assert all(info.size == len(info.name) for info in listed)
        assert all(info.modified.tzinfo is not None for info in listed)

    def test_a_prefix_is_a_path_and_not_a_text(self) -> None:
        store = self.make_store()
        for name in ("a/b/1", "a/b/c/2", "a/bc/3", "a/b.pack", "a/b%2F/4", "x/a/b/5", "ab"):
            store.put(name, b"")
        assert [info.name for info in store.list("a/b")] == ["a/b/1", "a/b/c/2"]
        assert [info.name for info in store.list("a/b.pack")] == ["a/b.pack"]
        assert [info.name for info in store.list("a/b.p")] == []
        assert [info.name for info in store.list("nothing/here")] == []

    def test_an_empty_store_lists_nothing(self) -> None:
        assert list(self.make_store().list()) == []

    def test_a_list_of_many(self) -> None:
        store = self.make_store()
        names = [f"scope/{number % 3}/{number:04}" for number in range(60)]
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(lambda name: store.put(name, b"x"), names))
        assert [info.name for info in store.list("scope")] == sorted(names)

    def test_a_delete_may_be_repeated(self) -> None:
        store = self.make_store()
        store.put("scope/a", b"data")
        store.put("scope/b", b"stays")
        store.delete("scope/a")
        store.delete("scope/a")
        store.delete("never/was")
        assert store.head("scope/a") is None
        assert self.get_raw(store, "scope/a") is None
        assert [info.name for info in store.list()] == ["scope/b"]
        store.put("scope/a", b"again")
        assert store.get("scope/a") == b"again"

    def test_percent_encoded_parts_are_kept_as_they_are(self) -> None:
        store = self.make_store()
        names = ["machine%2Fone/run%20%C3%BC/a.pack", "machine/one/run%2520/a.pack", "%25/~_-.x"]
        for name in names:
            store.put(name, name.encode())
        for name in names:
            assert store.get(name) == name.encode()
            assert self.get_raw(store, name) == name.encode()
        assert [info.name for info in store.list()] == sorted(names)
        assert [info.name for info in store.list("machine%2Fone")] == [names[0]]

    def test_no_name_leaves_the_root(self) -> None:
        store = self.make_store()
        store.put("a/b", b"data")
        for name in (
            "",
            "/a/b",
            "../a",
            "a/../b",
            "a/./b",
            "a//b",
            "a/b/",
            "..",
            "a\\..\\b",
            "a\0b",
        ):
            for call in (
                lambda name=name: store.put(name, b"x"),
                lambda name=name: store.get(name),
                lambda name=name: store.get_ranges(name, [(0, 1)]),
                lambda name=name: store.head(name),
                lambda name=name: store.delete(name),
            ):
                with _raised(NotPermitted, f"the name {name!r}"):
                    call()
        assert [info.name for info in store.list()] == ["a/b"]

    def test_no_prefix_leaves_the_root(self) -> None:
        store = self.make_store()
        store.put("a/b", b"data")
        for prefix in ("/", "..", "a/..", "a//"):
            with _raised(NotPermitted, f"the prefix {prefix!r}"):
                list(store.list(prefix))

    def test_concurrent_puts_of_one_name_leave_one_of_them_whole(self) -> None:
        store = self.make_store()
        versions = [bytes([number]) * 200_000 for number in range(_THREADS)]
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(lambda data: store.put("scope/a", data), versions))
        assert store.get("scope/a") in versions
        assert [info.name for info in store.list()] == ["scope/a"]

    def test_a_reader_sees_the_old_or_the_new_bytes(self) -> None:
        store = self.make_store()
        versions = [bytes([number]) * (100_000 + number) for number in range(_THREADS)]
        store.put("scope/a", versions[0])
        with ThreadPoolExecutor(_THREADS) as threads:
            writes = [threads.submit(store.put, "scope/a", data) for data in versions]
            seen = [threads.submit(store.get, "scope/a") for _ in range(4 * _THREADS)]
        for write in writes:
            write.result()
        assert all(read.result() in versions for read in seen)

    def test_damage_is_seen_and_a_put_mends_it(self) -> None:
        store = self.make_store()
        store.put("scope/a", b"0123456789")
        self.put_raw(store, "scope/a", b"012x")
        assert store.get("scope/a") == b"012x"
        with _raised(BlobCorrupt, "a range of what was cut off"):
            store.get_ranges("scope/a", [(2, 6)])
        store.put("scope/a", b"0123456789")
        assert store.get_ranges("scope/a", [(2, 6)]) == [b"234567"]

    def test_loss_is_seen_and_a_put_mends_it(self) -> None:
        store = self.make_store()
        store.put("scope/a", b"0123456789")
        self.delete_raw(store, "scope/a")
        with _raised(BlobMissing, "a get of what was deleted"):
            store.get("scope/a")
        assert store.head("scope/a") is None
        store.put("scope/a", b"0123456789")
        assert self.get_raw(store, "scope/a") == b"0123456789"

    def test_a_conditional_write_needs_the_version_that_was_read(self) -> None:
        store: Any = self.make_store()
        if not is_conditional(store):
            return
        first = store.put_if("scope/head", b"1", None)
        with _raised(Conflict, "a write of a new object over one that is there"):
            store.put_if("scope/head", b"2", None)
        assert store.get_version("scope/head") == (b"1", first)
        second = store.put_if("scope/head", b"2", first)
        with _raised(Conflict, "a write of a version that was replaced"):
            store.put_if("scope/head", b"3", first)
        assert store.get_version("scope/head") == (b"2", second)
        assert store.get("scope/head") == b"2"
        store.delete("scope/head")
        with _raised(Conflict, "a write of a version that was deleted"):
            store.put_if("scope/head", b"3", second)
        with _raised(BlobMissing, "a version of what was deleted"):
            store.get_version("scope/head")
        assert store.head("scope/head") is None

    def test_a_conditional_delete_needs_the_version_that_was_read(self) -> None:
        store: Any = self.make_store()
        if not can_delete_if(store):
            return
        first = store.put_if("scope/head", b"1", None)
        second = store.put_if("scope/head", b"2", first)
        with _raised(Conflict, "a delete of a version that was replaced"):
            store.delete_if("scope/head", first)
        assert store.get_version("scope/head") == (b"2", second)
        store.delete_if("scope/head", second)
        assert store.head("scope/head") is None
        with _raised(Conflict, "a delete of a version that was deleted"):
            store.delete_if("scope/head", second)

    def test_of_deletes_and_writes_of_one_version_one_succeeds(self) -> None:
        store: Any = self.make_store()
        if not can_delete_if(store):
            return
        version = store.put_if("scope/head", b"0", None)

        def change(number: int) -> int | None:
            for _ in range(_THREADS):
                try:
                    if number % 2:
                        store.delete_if("scope/head", version)
                    else:
                        store.put_if("scope/head", b"%d" % number, version)
                except Conflict:
                    return None
                except StoreUnavailable:
                    continue
                return number
            return None

        with ThreadPoolExecutor(_THREADS) as threads:
            numbers = list(threads.map(change, range(1, _THREADS + 1)))
        (winner,) = (number for number in numbers if number is not None)
        is_there = store.head("scope/head") is not None
        assert is_there == (winner % 2 == 0)

    def test_of_writers_that_read_one_version_one_succeeds(self) -> None:
        store: Any = self.make_store()
        if not is_conditional(store):
            return
        version = store.put_if("scope/head", b"0", None)

        def write(number: int) -> int | None:
            for _ in range(_THREADS):  # of a write under way, a store may say to try again
                try:
                    store.put_if("scope/head", b"%d" % number, version)
                except Conflict:
                    return None
                except StoreUnavailable:
                    continue
                return number
            return None

        with ThreadPoolExecutor(_THREADS) as threads:
            numbers = list(threads.map(write, range(1, _THREADS + 1)))
        (winner,) = (number for number in numbers if number is not None)
        assert store.get("scope/head") == b"%d" % winner


@contextmanager
def _raised(kind: type[StatebagError], what: str) -> Iterator[list[StatebagError]]:
    """Fail unless the code inside raises this class; yield a list that gets the error."""
    caught: list[StatebagError] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
        return
    raise AssertionError(f"{what} did not raise {kind.__name__}")
