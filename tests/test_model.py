"""A long life of a bag, in any order of calls and processes, beside a plain dict."""

import copy
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from statebag import BlobMissing, Policy, Statebag, StoreUnavailable, Unopened
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Rest
from statebag.opening.process_memory import nothing_remembered
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import collect
from tests.bags import blobs, forms, noise, payload_bytes, travelled

SCOPE = "machine/run"
SMALL = {"attempts": 1, "max_bag_bytes": 4096}
POLICIES = [
    Policy(**SMALL, carry_bytes=0, field_limit=256, piece_bytes=1024, max_packs=3),
    Policy(**SMALL, carry_bytes=1200, field_limit=600, piece_bytes=1024, max_packs=2),
    Policy(**SMALL, carry_bytes=2400, field_limit=2000, piece_bytes=2048, look_into_depth=1),
    Policy(attempts=1, max_bag_bytes=2048, carry_bytes=700, field_limit=30_000),
    Policy(attempts=1, control=("current_state.phase",)),
    Policy(**SMALL, carry_bytes=1200, field_limit=600, piece_bytes=1024, cache_bytes=6000),
    Policy(**SMALL, carry_bytes=900, field_limit=600, cache_bytes=0, recheck_seconds=0),
]
FORMS = {
    "stored",
    "carried",
    "pieces",
    "escaped",
    "index",
    "stored tail",
    "carried tail",
    "pieces of an array",
    "pieces of an object",
    "rest of stored",
    "rest of carried",
    "rest of pieces",
    "single value",
    "patched",
}
seen = Counter()

NOISE = st.builds(noise, st.sampled_from([10, 300, 900, 3000, 9000]), st.integers(0, 40))
ENTRIES = st.lists(st.builds(lambda text, n: {"n": n, "text": text}, NOISE, st.integers()))
ODD = st.sampled_from(
    [{KEY: 1}, {KEY: {"v": 1, "escaped": {}}, "x": [2**60, -0.0]}, [[{KEY: None}]], -0.0, 2**64]
)
KEYS_BY_HUNDREDS = st.builds(
    lambda count, text: {f"key {i}": [i, text] for i in range(count)},
    st.sampled_from([3, 100, 700]),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
VALUES = st.one_of(
    st.none(), st.integers(), st.text(max_size=20), NOISE, ENTRIES, ODD, KEYS_BY_HUNDREDS
)
FIELDS = st.sampled_from(["a", "b", "c d", "current_state", 'q"[0]', ""])
INNER = st.sampled_from(["phase", "x", "y"])


class Life(RuleBasedStateMachine):
    """`state` is what the bag must open to; the store remembers every call."""

    remembers = True

    @initialize(policy=st.sampled_from(POLICIES))
    def begin(self, policy):
        forget()
        self.policy = policy
        self.memory = MemoryStore()
        self.recording = RecordingStore(self.memory)
        self.state = {"status": "RUNNING", "log": [], "current_state": {"phase": "one"}}
        self.bag = None
        self.snapshots = []
        self.new_process()
        self.seal()

    @rule()
    def new_process(self):
        forget()
        self.sb = Statebag(self.recording, policy=self.policy)

    @rule(key=FIELDS, value=VALUES)
    def set_field(self, key, value):
        self.state[key] = value
        self.seal()

    @rule(key=INNER, value=VALUES)
    def set_inner_field(self, key, value):
        inner = self.state["current_state"] = dict(self.inner() or {})
        inner[key] = "two" if key == "phase" else value
        self.seal()

    @rule(many=KEYS_BY_HUNDREDS, at_top=st.booleans())
    def set_many_fields(self, many, at_top):
        if at_top:
            self.state.update(many)
        else:
            self.state["current_state"] = {"phase": "three", **(self.inner() or {}), **many}
        self.seal()

    @rule()
    def remove_many_fields(self):
        self.state = {key: one for key, one in self.state.items() if not key.startswith("key ")}
        self.seal()

    def inner(self):
        inner = self.state.get("current_state")
        return inner if isinstance(inner, dict) and KEY not in inner else None

    @rule(key=FIELDS)
    def remove_field(self, key):
        self.state.pop(key, None)
        self.seal()

    @rule(at=st.integers(0, 1000), text=NOISE)
    @precondition(lambda self: self.state["log"])
    def edit_the_log(self, at, text):
        log = self.state["log"] = list(self.state["log"])
        log[at % len(log)] = {"edited": text}
        self.seal()

    @rule(entries=ENTRIES, times=st.sampled_from([1, 1, 30]))
    def append(self, entries, times):
        items = [{**entry, "at": i} for i in range(times) for entry in entries]
        before = copy.deepcopy(self.bag)
        self.recording.forget()
        bag = self.sb.append(self.bag, "log", items, scope=SCOPE)
        assert self.bag == before, "append changed its argument"
        self.state["log"] = self.state["log"] + items
        self.bag = bag

    @rule(heal=st.booleans(), with_parent=st.booleans())
    def seal(self, heal=False, with_parent=False):
        text = encode(self.state)
        self.recording.forget()
        arguments = {"parent": self.bag} if with_parent else {"scope": SCOPE}
        self.bag = self.sb.seal(self.state, heal=heal, **arguments)
        assert encode(self.state) == text, "seal changed its argument"
        assert len(self.recording.of("put")) <= 1

    @rule(budget=st.sampled_from([1500, 2000, 3000]))
    def seal_for_a_share_of_the_limit(self, budget):
        budget = min(budget, self.policy.max_bag_bytes)
        bag = self.sb.seal(self.state, scope=SCOPE, budget=budget)
        assert payload_bytes(bag) <= budget
        self.bag = bag

    @rule()
    def seal_again_what_is_known(self):
        before = self.sb.seal(self.state, scope=SCOPE)
        self.sb.open(before)
        self.recording.forget()
        again = self.sb.seal(self.state, scope=SCOPE)
        if self.remembers:
            assert [call for call in self.recording.calls if call.operation != "head"] == []
        assert encode(self.sb.open(again)) == encode(self.state)

    @rule()
    def open_and_seal(self):
        self.state = self.sb.open(travelled(self.bag), scope=SCOPE)
        self.seal()

    @rule(only=st.lists(st.one_of(FIELDS, st.just("log")), max_size=3), with_list=st.booleans())
    def pass_through(self, only, with_list):
        part = self.sb.open(self.bag, only=[(name,) for name in only], scope=SCOPE)
        assert list(part) == list(self.state)
        for name in only:
            if name in self.state:
                assert encode(part[name]) == encode(self.state[name])
        for name, value in part.items():
            if isinstance(value, Unopened) and not isinstance(value.stub, Rest):
                assert value.size == len(encode(self.state[name]))
        self.bag = self.sb.seal(part, scope=SCOPE)

    @rule(kind=st.sampled_from(["before", "after"]), key=FIELDS, value=VALUES)
    def the_store_fails(self, kind, key, value):
        state = {**self.state, key: value, "fresh": noise(2000, len(encode(self.state)))}
        failing = FaultyStore(self.memory, [Fault("put", 1, kind)])
        sb = Statebag(failing, policy=self.policy)
        try:
            sealed = sb.seal(state, scope=SCOPE)
        except StoreUnavailable:
            return  # the state stays what it was; what was not stored must not be referred to
        self.state, self.bag = state, sealed

    @rule()
    def keep_a_snapshot(self):
        self.snapshots = [*self.snapshots[-4:], (self.bag, copy.deepcopy(self.state))]

    @precondition(lambda self: self.snapshots)
    @rule(which=st.integers(0, 4))
    def restore_a_snapshot(self, which):
        bag, state = self.snapshots[which % len(self.snapshots)]
        self.bag, self.state = copy.deepcopy(bag), copy.deepcopy(state)

    @rule()
    def check_the_store(self):
        report = fsck(self.memory, bags={"now": self.bag})
        assert (report.faults, report.others, report.bags) == ([], [], {"now": True})

    @rule()
    def collect(self):
        """Nothing of an execution that may be running is over."""
        before = [info.name for info in self.memory.list()]
        collect(self.memory, dry_run=False)
        assert [info.name for info in self.memory.list()] == before

    @precondition(lambda self: list(self.memory.list()))
    @rule(which=st.integers(0, 1000))
    def lose_a_pack_and_heal_it(self, which):
        names = [info.name for info in self.memory.list()]
        name = names[which % len(names)]
        replica = MemoryStore()
        for one in names:
            replica.put(one, self.memory.get(one))
        self.memory.delete(name)
        if not fsck(self.memory, bags={"now": self.bag}).bags["now"]:
            forget()
            with pytest.raises(BlobMissing):
                Statebag(self.memory, policy=self.policy, replicas=()).open(self.bag, scope=SCOPE)
        forget()
        healer = Statebag(self.memory, policy=self.policy, replicas=[replica])
        assert encode(healer.open(self.bag, scope=SCOPE)) == encode(self.state)
        healer.repair(self.bag, scope=SCOPE)
        forget()
        assert encode(self.sb.open(self.bag, scope=SCOPE)) == encode(self.state)
        self.memory.put(name, replica.get(name))  # snapshots may need it
        self.new_process()

    @invariant()
    def the_bag_is_bounded_durable_and_exact(self):
        assert payload_bytes(self.bag) <= self.policy.max_bag_bytes
        blobs(self.bag, self.memory)
        seen.update(forms(self.bag))
        assert encode(self.sb.open(self.bag, scope=SCOPE)) == encode(self.state)


def meet_every_form(policy):
    """A short life in which the rarer forms occur, however the long ones went."""
    life = Life()
    life.begin(policy)
    many = {f"key {i}": [i, ""] for i in range(100)}
    steps = (
        lambda: life.set_many_fields(many, at_top=False),
        lambda: life.seal_for_a_share_of_the_limit(1500),
        lambda: life.append([{"n": n, "text": noise(300, n)} for n in range(9)], 9),
        lambda: life.edit_the_log(7, "changed"),
        lambda: life.set_many_fields({**many, "key 7": noise(9000)}, at_top=True),
        lambda: life.set_field("a", {KEY: 1}),
        lambda: life.pass_through(["log"], with_list=False),
        lambda: life.set_inner_field("x", noise(3000)),
        lambda: life.seal(heal=True),
    )
    for step in steps:
        step()
        life.the_bag_is_bounded_durable_and_exact()


LONG = os.environ.get("STATEBAG_MODEL")  # `make torture-model`: hours, so without a timeout
SHARES = 4  # of the lives, so that they can run side by side


@pytest.mark.slow
@pytest.mark.timeout(0 if LONG else 3600)
@pytest.mark.parametrize("share", range(SHARES))
def test_a_bag_is_what_a_dict_is(share):
    forget()
    lives, steps = map(int, (LONG or "200x75").split("x"))
    run_state_machine_as_test(
        # By its name: where the seed is fixed, as in CI, it follows from that.
        type(f"{Life.__name__}{share}", (Life,), {}),
        settings=settings(
            max_examples=lives // SHARES,
            stateful_step_count=steps,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for policy in POLICIES:
        meet_every_form(policy)
    assert FORMS - set(seen) == set(), "a form never occurred"


class LifeWithoutMemory(Life):
    """Each call begins with an empty memory, so that more is read, and the same comes of it."""

    remembers = False


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_bag_is_what_a_dict_is_with_nothing_remembered():
    with nothing_remembered():
        run_state_machine_as_test(
            LifeWithoutMemory,
            settings=settings(
                max_examples=30,
                stateful_step_count=60,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
