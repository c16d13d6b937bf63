"""What a check finds is repaired from proven copies, and from nothing else."""

import pytest

from statebag import Statebag, StoreUnavailable
from statebag.store.memory import MemoryStore
from statebag.store.recovery import Recovery
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.upkeep.fsck import fsck
from statebag.upkeep.repair import repair
from tests.upkeep.test_fsck import SCOPE, STORING, filled, flipped, names


def copy_of(store):
    copy = MemoryStore()
    for info in store.list():
        copy.put(info.name, store.get(info.name))
    return copy


@pytest.fixture
def damaged():
    """A store with one damaged and one missing pack, its bag, and a whole copy."""
    store = MemoryStore()
    client, bag = filled(store)
    client.append(bag, "log", [{"n": n} for n in range(900)], scope=SCOPE)
    copy = copy_of(store)
    broken = [name for name in names(store) if "another" in name or "child" in name]
    for name in broken:
        store.put(name, flipped(store.get(name), 60))
    needed = {call for fault in fsck(store).faults for call in fault.touches}
    assert needed
    return store, bag, copy, broken


def test_all_is_whole_after_a_repair(damaged):
    store, bag, copy, broken = damaged
    done = repair(store, Recovery(store, [copy]), fsck(store))
    assert (sorted(done.repaired), done.lost) == (sorted(broken), [])
    assert fsck(store).whole
    forget()
    assert len(Statebag(store, policy=STORING, replicas=()).open(bag)["log"]) == 400


def test_a_dry_run_says_the_same_and_writes_nothing(damaged):
    store, _, copy, broken = damaged
    before = {info.name: store.get(info.name) for info in store.list()}
    done = repair(store, Recovery(store, [copy]), fsck(store), dry_run=True)
    assert sorted(done.repaired) == sorted(broken)
    assert {info.name: store.get(info.name) for info in store.list()} == before


def test_what_no_place_has_whole_is_lost_and_left_as_it_is(damaged):
    store, _, copy, broken = damaged
    copy.put(broken[0], b"lies")
    copy.delete(broken[1])
    before = store.get(broken[0])
    done = repair(store, Recovery(store, [copy]), fsck(store))
    assert sorted(done.lost) == sorted(broken)
    assert store.get(broken[0]) == before


def test_a_repair_that_broke_off_is_gone_on_with(damaged):
    store, _, copy, broken = damaged
    with (
        FaultyStore(store, [Fault("put", call=2)]) as faulty,
        pytest.raises(StoreUnavailable),
    ):
        repair(faulty, Recovery(faulty, [copy]), fsck(store))
    assert len(fsck(store).faults) == len(broken) - 1
    repair(store, Recovery(store, [copy]), fsck(store))
    assert fsck(store).whole


def test_a_pack_that_only_a_bag_knows_is_written_anew(damaged):
    store, bag, copy, _ = damaged
    client = Statebag(store, policy=STORING, replicas=())
    state = client.open(bag)
    for name in [name for name in names(store) if name.startswith(f"{SCOPE}/")]:
        store.delete(name)
    assert not repair(store, Recovery(store, [copy]), fsck(store, SCOPE)).repaired
    done = repair(store, Recovery(store, [copy]), fsck(store, SCOPE, bags={"bag": bag}))
    assert (len(done.repaired), done.lost) == (1, [])
    forget()
    assert Statebag(store, policy=STORING, replicas=()).open(bag) == state
