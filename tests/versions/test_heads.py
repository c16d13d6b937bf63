"""All heads of a scope: listed, copied and deleted together."""

import pytest

from statebag import ConfigurationError, Conflict, InvalidState, Statebag
from statebag.store.memory import MemoryStore
from tests.versions.threads import (
    client,
    everything,
    grown,
    head_of,
    state_at,
    with_each_fault,
)


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


def test_a_copy_that_broke_off_is_repeated(store):
    def copy(place):
        client(place).heads("agents/one").copy("agents/copy")

    whole = {f"step-{n}": state_at(n) for n in range(2)}
    for where, left, _ in with_each_fault(store, copy):
        found = client(left).heads("agents/copy")
        parts = found.names()
        assert parts in ([], ["sub/one"], ["main", "sub/one"]), where  # the first one comes last
        assert all(everything(found.head(name)) == whole for name in parts), where
        copy(left)
        assert found.names() == ["main", "sub/one"], where
        assert all(everything(found.head(name)) == whole for name in found.names()), where


def test_a_copy_writes_nothing_where_there_is_a_head(store):
    heads = client(store).heads("agents/one")
    theirs = grown(head_of(store, name="sub/one", scope="agents/theirs"), 1)
    for scope in ("agents/theirs", "agents/one"):
        with pytest.raises(Conflict, match="has a head") as caught:
            heads.copy(scope)
        assert "delete the heads there" in caught.value.hint
    assert client(store).heads("agents/theirs").names() == ["sub/one"]
    assert head_of(store, name="sub/one", scope="agents/theirs").read() == theirs
    copy = heads.copy("agents/copy")
    main = heads.head("main")
    grown(main, 1, after=main.read())
    with pytest.raises(Conflict):  # the original went on
        heads.copy("agents/copy")
    copy.delete()  # as the hint says
    assert everything(heads.copy("agents/copy").head("main")) == everything(main)


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
