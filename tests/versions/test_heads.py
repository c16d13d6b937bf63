"""All heads of a scope: listed, copied and deleted together."""

import pytest

from statebag import ConfigurationError, Conflict, InvalidState, Statebag
from statebag.store.memory import MemoryStore
from tests.versions.threads import client, everything, grown, head_of, state_at


@pytest.fixture
def store():
    store = MemoryStore()
    for name in ("main", "sub/one", "gone"):
        grown(head_of(store, name=name), 2)
    grown(head_of(store, name="other", scope="agents/one/below"), 1)
    grown(head_of(store, scope="agents/one-more"), 1)
    head_of(store, name="gone").delete()
    return store


def test_the_names_of_a_scope(store):
    assert client(store).heads("agents/one").names() == ["main", "sub/one"]
    assert client(store).heads("agents/one/below").names() == ["other"]
    assert client(store).heads("agents").names() == []
    below = client(store).heads("agents").below()
    assert sorted((one.scope, one.name) for one in below) == [
        ("agents/one", "main"),
        ("agents/one", "sub/one"),
        ("agents/one-more", "main"),
        ("agents/one/below", "other"),
    ]


def test_a_copy_has_every_head_and_goes_on_alone(store):
    heads = client(store).heads("agents/one")
    copy = heads.copy("agents/copy", note=lambda note: [note])
    assert copy.head("main").read().note == [{"step": 1}]
    assert heads.head("main").read().note == {"step": 1}
    assert copy.names() == heads.names()
    assert everything(copy.head("sub/one")) == {f"step-{n}": state_at(n) for n in range(2)}
    heads.delete()
    assert heads.names() == []
    assert client(store).heads("agents/one/below").names() == ["other"]
    assert everything(copy.head("main")) == {f"step-{n}": state_at(n) for n in range(2)}
    with pytest.raises(Conflict):
        copy.copy("agents/one-more")


def test_odd_scopes(store):
    for scope in ("", "a//b", "..", "x" * 300):
        with pytest.raises(InvalidState):
            client(store).heads(scope)
    with pytest.raises(InvalidState):
        client(store).heads("agents/one").head("")
    odd = head_of(store, name="ä @head/50%", scope="agents/@heads")
    grown(odd, 2)
    assert client(store).heads("agents/@heads").names() == ["ä @head/50%"]
    assert set(everything(odd)) == {"step-0", "step-1"}


def test_a_fork_never_grants_all_scopes_below_one(store):
    tree = head_of(store, scope="agents/**")
    grown(tree, 1)
    with pytest.raises(InvalidState, match="must not end in"):
        tree.fork(head_of(store, scope="agents/x"))
    with pytest.raises(ConfigurationError, match="not all scopes below"):
        Statebag(store, replicas=()).with_readable("agents/**")
