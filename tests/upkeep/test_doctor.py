"""A fit store is found fit, and each way of being unfit is named."""

from datetime import timedelta

import pytest

from statebag import BlobMissing, NotPermitted, StoreUnavailable
from statebag.store.address import store_from_url
from statebag.store.contract import ObjectInfo
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.upkeep.doctor import examine


def statuses(store):
    return {one.what: one.status for one in examine(store)}


def bad(store):
    return {what: status for what, status in statuses(store).items() if status != "ok"}


def test_memory_and_files_are_fit_and_no_probe_is_left(tmp_path):
    for store in (MemoryStore(), FileStore(tmp_path / "store")):
        assert set(statuses(store)) >= {"write", "range reads", "listing", "clock", "delete"}
        assert bad(store) == {}
        assert list(store.list()) == []


@pytest.mark.s3
def test_s3_is_fit(s3_store_url):
    store = store_from_url(s3_store_url)
    assert bad(store) == {}
    assert list(store.list()) == []


REFUSED = NotPermitted("no")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("put", error=REFUSED), {"write": "fail"}),
        (Fault("get", error=REFUSED), {"read after write": "fail"}),
        (Fault("get", kind="truncate", keep_bytes=5), {"read after write": "fail"}),
        (Fault("get_ranges", error=StoreUnavailable("no")), {"range reads": "fail"}),
        (Fault("get_ranges", kind="truncate", keep_bytes=5), {"range reads": "fail"}),
        (Fault("get_ranges", call=2, error=REFUSED), {"a range past the end": "warn"}),
        (Fault("list", error=REFUSED), {"listing": "warn"}),
        (Fault("head", error=REFUSED), {"clock": "unknown"}),
        (Fault("put", call=2, error=REFUSED), {"replacing an object": "warn"}),
        (Fault("put", call=2, kind="truncate"), {"replacing an object": "fail"}),
        (Fault("delete", error=REFUSED), {"delete": "warn"}),
    ],
)
def test_what_a_store_refuses_or_does_wrong_is_named(fault, expected):
    with FaultyStore(MemoryStore(), [fault]) as store:
        findings = list(examine(store))
    assert {one.what: one.status for one in findings if one.status != "ok"} == expected
    assert all(one.advice for one in findings if one.status != "ok")


class Odd(MemoryStore):
    """A store with one habit that no other has."""

    def __init__(self, habit):
        super().__init__()
        self.habit = habit

    def get_ranges(self, name, spans):
        if self.habit == "pads":
            data = self.get(name)
            return [data[at : at + length].ljust(length, b"\0") for at, length in spans]
        return super().get_ranges(name, spans)

    def list(self, prefix=""):
        found = list(super().list(prefix))
        if self.habit == "shuffles":
            # The doctor writes one object, so the others are of this store.
            when = found[0].modified
            names = sorted([*(info.name for info in found), f"{prefix}/0", f"{prefix}/z"])
            return iter([ObjectInfo(name, 1, when) for name in reversed(names)])
        return iter([] if self.habit == "hides" else found)

    def put_if(self, name, data, version):
        if self.habit == "ignores":
            self.put(name, data)
            return super().get_version(name)[1]
        if self.habit == "refuses":
            raise NotPermitted("no")
        return super().put_if(name, data, version)

    def get_version(self, name):
        data, version = super().get_version(name)
        # After the refused writes, one more look.
        self.looks = getattr(self, "looks", 0) + 1
        return data, f"{version} " if self.habit == "renames" and self.looks == 2 else version

    def delete_if(self, name, version):
        if self.habit == "refuses to delete":
            raise NotPermitted("no")
        if self.habit == "deletes":
            return super().delete(name)
        return super().delete_if(name, version)

    def head(self, name):
        info = super().head(name)
        apart = {"slow": timedelta(minutes=6), "late": timedelta(minutes=20)}.get(self.habit)
        if apart is not None:
            return ObjectInfo(info.name, info.size, info.modified - apart)
        return None if self.habit == "forgets" else info

    def delete(self, name):
        if self.habit != "keeps":
            super().delete(name)


@pytest.mark.parametrize(
    ("habit", "expected"),
    [
        ("shuffles", {"listing": "warn"}),
        ("ignores", {"writes that depend on a version": "warn"}),
        (
            "refuses",
            {
                "writes that depend on a version": "warn",
                "deletes that depend on a version": "warn",
            },
        ),
        ("renames", {"writes that depend on a version": "warn"}),
        ("refuses to delete", {"deletes that depend on a version": "warn"}),
        ("deletes", {"deletes that depend on a version": "warn"}),
        ("pads", {"a range past the end": "fail"}),
        ("hides", {"listing": "fail"}),
        ("slow", {"clock": "warn"}),
        ("late", {"clock": "fail"}),
        ("forgets", {"clock": "fail"}),
        ("keeps", {"delete": "fail"}),
    ],
)
def test_habits_that_lose_states_are_named(habit, expected):
    assert bad(Odd(habit)) == expected


class Plain:
    """A store without versions."""

    url = "plain://store"

    def __init__(self):
        inner = MemoryStore()
        for name in ("put", "get", "get_ranges", "head", "list", "delete"):
            setattr(self, name, getattr(inner, name))


def test_a_store_without_versions_is_told():
    assert bad(Plain()) == {"writes that depend on a version": "warn"}


def test_the_probe_goes_also_where_a_check_breaks_off():
    class Breaking(MemoryStore):
        def list(self, prefix=""):
            raise KeyboardInterrupt

    store = Breaking()
    with pytest.raises(KeyboardInterrupt):
        list(examine(store))
    assert list(MemoryStore.list(store)) == []


def test_missing_is_not_the_same_as_refused():
    with FaultyStore(MemoryStore(), [Fault("get", error=BlobMissing("no"))]) as store:
        findings = {one.what: one for one in examine(store)}
    assert findings["read after write"].seen == "blob_missing"


def test_a_deleted_probe_that_cannot_be_asked_for_is_not_known_to_be_gone():
    with FaultyStore(MemoryStore(), [Fault("get", call=3, error=StoreUnavailable("no"))]) as store:
        assert bad(store) == {"delete": "unknown"}


@pytest.mark.s3
def test_a_missing_bucket_is_said_to_be_missing(s3_store_url):
    (outcome,) = examine(store_from_url("s3://no-such-bucket/p"))
    assert (outcome.what, outcome.status) == ("write", "fail")
    assert "no such bucket" in outcome.advice
