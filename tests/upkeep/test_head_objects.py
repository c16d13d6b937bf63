"""Which objects of heads are there, and which of them are left over."""

import msgspec

from statebag.format.head_names import head_name
from statebag.format.head_record import encode_record
from statebag.store.memory import MemoryStore
from statebag.upkeep.head_objects import bags_of_object, head_objects, is_over, state_of
from tests.versions.threads import grown, head_of, state_at


def test_every_object_of_a_head_gives_its_bag():
    store = MemoryStore()
    head = head_of(store)
    grown(head, 3)
    head.attached.put("step-1", "k", {"attached": 1})
    found = list(head_objects(store))
    kinds = sorted(one.kind for _, one in found)  # a life has a random name
    assert kinds == ["attached", "head", "version", "version"]
    bags = [bag for info, _ in found for bag in bags_of_object(store.get(info.name), info.name)]
    assert {"attached": 1} in bags
    assert len(bags) == 4
    assert head.read().bag in bags
    assert list(head_objects(store, "agents/two")) == []
    head.delete()
    assert [bags_of_object(store.get(info.name), info.name) for info, _ in head_objects(store)] == [
        []
    ]
    assert state_of(store, head_name("agents/one", "main")).newest is None
    assert state_of(store, head_name("agents/two", "main")) is None


def test_what_belongs_to_no_version_is_over():
    store = MemoryStore()
    head = head_of(store)
    grown(head, 3)
    state = state_of(store, head_name("agents/one", "main"))
    objects = {one.kind: one for _, one in head_objects(store)}
    version, own = objects["version"], objects["head"]
    attached = msgspec.structs.replace(own, kind="attached", label="step-1", key="k")
    assert not is_over(own, None, set())
    assert not is_over(version, state, set())
    assert is_over(version, None, set())
    assert is_over(msgspec.structs.replace(version, life="0" * 16), state, set())
    assert is_over(msgspec.structs.replace(version, number=4), state, set())
    assert is_over(version, msgspec.structs.replace(state, dropped=((1, 2),)), set())
    assert is_over(attached, state, {"step-2"})
    assert not is_over(attached, state, {"step-1"})
    assert encode_record(state)
    assert head.open(head.read()) == state_at(2)
