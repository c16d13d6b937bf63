"""A thread whose messages grow, its versions, and stores in which one request goes wrong."""

from statebag import Policy, Statebag, StoreUnavailable
from statebag.store.contract import is_conditional
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.versions.condemned import forget_condemned
from tests.bags import noise

STORING = Policy(carry_bytes=0, field_limit=300, piece_bytes=1024, attempts=1)
RETRYING = Policy(carry_bytes=0, field_limit=300, piece_bytes=1024, attempts=3)


def client(store, policy=STORING):
    return Statebag(store, policy=policy, replicas=())


def head_of(store, name="main", scope="agents/one", policy=STORING):
    return client(store, policy).heads(scope).head(name)


def state_at(step, salt=0):
    return {"messages": [noise(200, n + 1000 * salt) for n in range(step + 1)], "step": step}


def grown(head, steps, *, after=None, salt=0):
    """Advance a head by some steps, and return the last version."""
    first = 0 if after is None else after.number
    for step in range(first, first + steps):
        bag = head.seal(state_at(step, salt), after)
        after = head.advance(bag, after, label=f"step-{step}", note={"step": step})
    return after


def everything(head):
    """All versions, opened without any memory."""
    forget()
    forget_condemned()
    return {one.label: head.open(one) for one in head.history()}


def copy_of(store):
    other = MemoryStore()
    for info in store.list():
        other.put(info.name, store.get(info.name))
    return other


def with_each_fault(store, work):
    """Yield a copy of a store for each request of some work, which went wrong there.

    Each request of the work is lost once before it has its effect and once after it, as when the
    process is killed there.
    """
    recording = RecordingStore(copy_of(store))
    work(recording)
    assert is_conditional(recording)
    numbers = {}
    for call in recording.calls:
        numbers[call.operation] = numbers.get(call.operation, 0) + 1
        for kind in ("before", "after"):
            other = copy_of(store)
            forget()
            forget_condemned()
            fault = Fault(call.operation, numbers[call.operation], kind)
            with FaultyStore(other, [fault]) as faulty:
                try:
                    work(faulty)
                except StoreUnavailable:
                    failed = True
                else:
                    failed = False
            forget()
            forget_condemned()
            yield f"{kind} {fault.call}. {call.operation}", other, failed


def labels(head):
    return [one.label for one in head.versions()]
