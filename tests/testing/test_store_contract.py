"""The contract finds the mistakes that stores make."""

import subprocess
import sys

import pytest

from statebag.store.memory import MemoryStore
from statebag.testing.store_contract import StoreContract

TESTS = sorted(name for name in dir(StoreContract) if name.startswith("test_"))


class ByTextPrefix(MemoryStore):
    def list(self, prefix=""):
        return (info for info in super().list() if info.name.startswith(prefix))


class ShortAnswers(MemoryStore):
    def get_ranges(self, name, spans):
        data = self.get(name)
        return [data[max(offset, 0) :][: max(length, 0)] for offset, length in spans]


class SortedAnswers(MemoryStore):
    def get_ranges(self, name, spans):
        return super().get_ranges(name, sorted(spans))


class NothingForMissing(MemoryStore):
    def get(self, name):
        return super().get(name) if self.head(name) else b""


class FirstWriteWins(MemoryStore):
    def put(self, name, data):
        if self.head(name) is None:
            super().put(name, data)


class Cached(MemoryStore):
    def __init__(self):
        super().__init__()
        self.kept = {}

    def put(self, name, data):
        super().put(name, data)
        self.kept[name] = data

    def get(self, name):
        super().get(name)
        return self.kept[name]


class Unordered(MemoryStore):
    def list(self, prefix=""):
        return iter(list(super().list(prefix))[::-1])


class Decoding(MemoryStore):
    def put(self, name, data):
        super().put(name.replace("%2F", "/"), data)


class DeleteMustFind(MemoryStore):
    def delete(self, name):
        self.get(name)
        super().delete(name)


class Views(MemoryStore):
    def get(self, name):
        return memoryview(super().get(name))


def broken_by(store_class):
    class Contract(StoreContract):
        def make_store(self):
            return store_class()

        def put_raw(self, store, name, data):
            MemoryStore.put(store, name, data)

        def get_raw(self, store, name):
            return MemoryStore.get(store, name) if MemoryStore.head(store, name) else None

        def delete_raw(self, store, name):
            MemoryStore.delete(store, name)

    broken = set()
    for test in TESTS:
        try:
            getattr(Contract(), test)()
        except Exception:  # noqa: BLE001 (any failure of a test counts)
            broken.add(test)
    return broken


def test_a_right_store_passes():
    assert broken_by(MemoryStore) == set()


@pytest.mark.parametrize(
    ("store_class", "test"),
    [
        (ByTextPrefix, "test_a_prefix_is_a_path_and_not_a_text"),
        (ShortAnswers, "test_a_range_past_the_end_is_corruption"),
        (ShortAnswers, "test_a_span_that_nothing_has_is_corruption"),
        (SortedAnswers, "test_ranges_come_in_the_order_asked_for"),
        (NothingForMissing, "test_what_is_missing_is_named_as_missing"),
        (FirstWriteWins, "test_a_second_put_replaces_the_whole_object"),
        (FirstWriteWins, "test_damage_is_seen_and_a_put_mends_it"),
        (Cached, "test_damage_is_seen_and_a_put_mends_it"),
        (Unordered, "test_a_list_is_in_the_order_of_names"),
        (Decoding, "test_percent_encoded_parts_are_kept_as_they_are"),
        (DeleteMustFind, "test_a_delete_may_be_repeated"),
        (Views, "test_a_get_gives_plain_bytes"),
    ],
)
def test_a_wrong_store_fails(store_class, test):
    assert test in broken_by(store_class)


def test_no_test_runner_is_needed_to_import_it():
    program = (
        "import sys; sys.modules['pytest'] = None; "
        "import statebag.testing.store_contract, statebag.testing.faulty_store, "
        "statebag.testing.recording_store"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=240)
