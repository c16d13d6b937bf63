"""The hints of heads: each is what a failing call says, and the call that follows it works."""

import pytest

from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.upkeep.condemned_packs import write_condemned
from statebag.versions.condemned import forget_condemned, packs_named
from tests.bags import noise
from tests.hints.trial import Trial, check_trial

OLD = {"text": noise(40_000, 1)}


def head(store=None, scope="agents/one"):
    client = Statebag(store or MemoryStore(), policy=Policy(carry_bytes=0), replicas=())
    return client.heads(scope).head("main")


def advanced(**named):
    one = head()
    return one.advance(one.seal({}), None, **named)


def copied(scope):
    store = MemoryStore()
    head(store).advance({}, None)
    head(store, "agents/two").advance({}, None)
    heads = Statebag(store, replicas=()).heads("agents/one")
    assert heads.copy(scope).names() == ["main"]


class Plain:
    """A store without conditional writes."""

    def __init__(self):
        inner = MemoryStore()
        for name in ("put", "get", "get_ranges", "head", "list", "delete"):
            setattr(self, name, getattr(inner, name))
        self.url = inner.url


def overtaken(*, reads_again):
    store = MemoryStore()
    one, two = head(store), head(store)
    first = one.advance({"n": 1}, None)
    two.advance({"n": 2}, first)
    return one.advance({"n": 3}, one.read() if reads_again else first)


def attached(*, reads_again):
    one = head()
    one.attached.put("v", "k", {"n": 1})
    present = one.attached.get("v", "k") if reads_again else None
    return one.attached.put("v", "k", {"n": 2}, replaces=present)


def condemned(**named):
    one = head()
    first = one.advance(one.seal(OLD), None)
    second = one.advance(one.seal({}), first)
    one.drop([first.number])
    write_condemned(one._client.store, "agents/one", packs_named(first.bag))
    forget_condemned()
    return one.advance(one.seal(OLD, **named), second)


def dropped(numbers):
    one = head()
    one.advance(one.seal({}), None)
    one.drop(numbers)


def of_another_scope(*, sealed_again):
    store = MemoryStore()
    one, other = head(store), head(store, "agents/two")
    bag = other.seal(OLD)
    return one.advance(one.seal(OLD) if sealed_again else bag, None)


def forked(scope):
    store = MemoryStore()
    origin = head(store, scope)
    origin.advance({}, None)
    return origin.fork(head(store, "agents/copy"))


def retained(**named):
    one = head()
    one.advance({}, None)
    return one.retain(**named)


def gone(one):
    one.advance({}, None)
    one.delete()
    assert one.read() is None


TRIALS = (
    Trial("Use other names for scopes.", lambda _: forked("a/**"), lambda _: forked("a/b")),
    Trial("Pass [version.number, ...].", lambda _: dropped([1.0]), lambda _: dropped([1])),
    Trial(
        "Seal the state with head.seal.",
        lambda _: of_another_scope(sealed_again=False),
        lambda _: of_another_scope(sealed_again=True),
    ),
    Trial(
        "Read the head again, and decide again.",
        lambda _: overtaken(reads_again=False),
        lambda _: overtaken(reads_again=True),
    ),
    Trial(
        "Use a shorter id; longer text can go into the note.",
        lambda _: advanced(label="x" * 250),
        lambda _: advanced(label="x", note="x" * 300),
    ),
    Trial(
        "Use an id, such as 'step-7'.",
        lambda _: advanced(label="a/b"),
        lambda _: advanced(label="step-7"),
    ),
    Trial(
        "Read the attachment again, and decide again.",
        lambda _: attached(reads_again=False),
        lambda _: attached(reads_again=True),
    ),
    Trial(
        "Seal the state again with heal=True.",
        lambda _: condemned(),
        lambda _: condemned(heal=True),
    ),
    Trial(
        "Policy.readable_scopes takes those.",
        lambda _: Statebag(MemoryStore(), replicas=()).with_readable("a/**"),
        lambda _: Policy(readable_scopes=("a/**",)),
    ),
    Trial(
        "Use S3, Google Cloud Storage, Azure, a folder (not on Windows) or memory; "
        "`statebag doctor` says what a store can do.",
        lambda _: head(Plain()),
        lambda _: head(MemoryStore()),
    ),
    Trial(
        "Copy into another scope, or delete the heads there first.",
        lambda _: copied("agents/two"),
        lambda _: copied("agents/three"),
    ),
    Trial(
        "Head.delete() deletes all versions.",
        lambda _: retained(keep=0),
        lambda _: gone(head()),
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.hint)
def test_what_the_hint_says_helps(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
