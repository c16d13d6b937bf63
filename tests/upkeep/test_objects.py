"""What an object is, by its name alone."""

import pytest

from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.upkeep.objects import can_be_asked_for, fits_its_name, kind_of, root_scope
from tests.bags import noise

DIGEST = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"machine/run/{DIGEST}.pack", "pack"),
        (f"machine/run/snapshots/pre_{DIGEST}.json", "snapshot"),
        (f"machine/run/snapshots/other_{DIGEST}.json", "other"),
        ("@gc/machine/run.json", "mark"),
        ("machine/run/map/SUCCEEDED_0.json", "other"),
        (f"machine/../{DIGEST}.pack", "other"),
        ("machine/run/line\nbreak.pack", "other"),
        ("", "other"),
    ],
)
def test_kinds(name, kind):
    assert kind_of(name) == kind


def test_names_that_no_store_can_be_asked_for():
    assert can_be_asked_for("machine/run/any thing")
    assert not can_be_asked_for("machine//run")
    assert not can_be_asked_for("machine/../run")


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        (f"machine/run/{DIGEST}.pack", "machine/run"),
        (f"machine/run/child/run-2/{DIGEST}.pack", "machine/run"),
        (f"unscoped/{DIGEST}.pack", "unscoped"),
    ],
)
def test_a_child_belongs_to_the_execution_at_the_root(name, scope):
    assert root_scope(name) == scope


def test_a_pack_fits_its_name_and_no_other_bytes_do():
    store = MemoryStore()
    Statebag(store, policy=Policy(carry_bytes=0)).seal({"text": noise(40_000, 1)}, scope="m/e")
    ((name, data),) = [(info.name, store.get(info.name)) for info in store.list()]
    assert fits_its_name(name, data)
    assert not fits_its_name(name, data[:-1])
    assert not fits_its_name(name, data[:-1] + b"!")
