"""What passes a seal unread: nothing that the next reader refuses, or that nobody vouched for."""

import json

import pytest

from statebag import NotPermitted, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import noise, travelled

ONE, TWO = "machine/one", "machine/two"
STATE = {
    "stored": noise(9_000),
    "rows": [noise(300, n) for n in range(90)],
    "nested": {"a": [1, {"b": noise(8_000, 7)}]},
}
KEYS = {"k": b"0123456789abcdef0123456789abcdef"}
OLDER = {"older": b"another key of enough bytes....."}
STORING = Policy(carry_bytes=0, field_limit=2_000, piece_bytes=4_096)


@pytest.fixture
def store():
    forget()
    return MemoryStore()


def client(store, *, keys=None, policy=STORING):
    return Statebag(store, policy=policy, replicas=(), signing_keys=keys or {})


def unread(sb, bag, scope=None):
    return sb.open(travelled(bag), only=[], scope=scope)


@pytest.mark.parametrize("name", STATE)
@pytest.mark.parametrize("place", ["field", "list", "grown"])
def test_a_value_of_a_foreign_scope_is_refused_where_it_comes_in(store, name, place):
    sb = client(store)
    value = unread(sb, sb.seal(STATE, scope=ONE))[name]
    state = {"in": value} if place == "field" else {"in": [0, {"x": value}]}
    where = r"\$\.in" if place == "field" else r"\$\.in\[1\]\.x"
    options = {}
    if place == "grown":
        if name != "rows":
            return
        state, where = {"in": value}, r"\$\.in"
        options = {"append": {"$.in": ["more"]}}
    with pytest.raises(NotPermitted, match=where) as caught:
        sb.seal(state, scope=TWO, **options)
    assert caught.value.object_name.startswith(ONE)
    assert caught.value.retryable is False
    # Both ways out that the hint names.
    opened = sb.open(state)
    sealed = sb.seal(opened, scope=TWO, **options)
    forget()
    expected = {"in": [*opened["in"], "more"]} if options else opened
    assert client(store).open(sealed, scope=TWO) == expected
    readable = client(store, policy=Policy(carry_bytes=0, readable_scopes=(ONE,)))
    passed = readable.seal(state, scope=TWO, **options)
    assert readable.open(passed, scope=TWO)["in"] is not None


def test_what_its_readers_may_read_passes(store):
    sb = client(store)
    state = unread(sb, sb.seal(STATE, scope=ONE))
    for scope in (ONE, f"{ONE}/child", None):
        assert sb.open(sb.seal(state, scope=scope), scope=scope) == STATE
    # A scope that is taken from the parent is a place to write to; its readers are not known.
    assert sb.open(sb.seal({**state, "more": 1}, parent=sb.seal(STATE, scope=TWO)))["more"] == 1
    below = sb.seal({"x": noise(9_000, 3)}, scope=f"{ONE}/child")
    with pytest.raises(NotPermitted):
        sb.seal(unread(sb, below), scope=ONE)


def test_every_object_of_a_value_is_looked_at(store):
    """Also those of what stands beside a stub, of a tail, and of the base of a delta."""
    sb = client(store)
    small = {f"f{n}": noise(40, n) for n in range(200)}
    bag = sb.seal({"a": 1, "big": noise(50_000), **small}, scope=ONE, budget=2_000)
    assert bag[KEY]["rest"] is True
    outer = unread(sb, {"in": bag, "b": 2})
    with pytest.raises(NotPermitted):
        sb.seal({"x": outer["in"]}, scope=TWO)
    delta = client(store, policy=Policy(field_limit=2_000))
    long = noise(40_000)
    base = delta.seal({"a": long}, scope=ONE, heal=True)
    state = delta.open(base)
    edited = delta.seal({"a": state["a"].replace(long[50:60], "changed", 1)}, scope=ONE)
    value = unread(delta, edited)["a"]
    if value.stub.base is not None:
        with pytest.raises(NotPermitted):
            delta.seal({"a": value}, scope=TWO)


def test_a_step_refuses_a_foreign_value_that_it_passes_on(store):
    sb = client(store)
    foreign = sb.seal({"big": noise(50_000)}, scope=ONE)["big"]

    @sb.step(only=["$.n"], scope="$.execution_id")
    def handler(state, _context):
        return {**state, "n": 2}

    with pytest.raises(NotPermitted, match=r"\$\.big"):
        handler({"execution_id": TWO, "n": 1, "big": foreign}, None)
    assert handler({"execution_id": ONE, "n": 1, "big": foreign}, None)["n"] == 2


@pytest.mark.parametrize("scope", [ONE, None])
def test_a_client_that_signs_vouches_for_nothing_that_it_did_not_verify(store, scope):
    plain, signing = client(store), client(store, keys=KEYS)
    state = unread(plain, plain.seal(STATE, scope=ONE))
    for name in STATE:
        with pytest.raises(NotPermitted, match="not signed"):
            signing.seal({"in": [state[name]]}, scope=scope)
    with pytest.raises(NotPermitted, match="not signed"):
        signing.seal(state, scope=scope, append={"$.rows": ["more"]})
    # The way out: whoever read it opens it, and the client seals what is a value then.
    sealed = signing.seal(plain.open(state), scope=scope)
    assert signing.open(sealed, scope=scope) == STATE


def test_neither_for_what_stands_beside_a_stub_nor_for_what_was_changed(store):
    plain, signing = client(store), client(store, keys=KEYS)
    small = {f"f{n}": noise(40, n) for n in range(200)}
    bag = signing.seal({"a": 1, "big": noise(50_000), **small}, scope=ONE, budget=2_000)
    assert bag[KEY]["rest"] is True
    whole = unread(plain, {"in": bag})["in"]
    assert signing.open(signing.seal({"x": whole}, scope=ONE), scope=ONE)["x"]["a"] == 1
    forged = json.loads(json.dumps(bag))
    del forged["big"][KEY]["sig"]
    inside = unread(plain, {"in": forged})["in"]
    with pytest.raises(NotPermitted, match=r"\$\.x\.big"):
        signing.seal({"x": inside}, scope=ONE)
    moved = json.loads(json.dumps(signing.seal(STATE, scope=ONE)))
    moved["stored"][KEY]["size"] += 1
    with pytest.raises(NotPermitted, match="not signed"):
        signing.seal(unread(plain, moved), scope=ONE)


def test_bytes_that_were_signed_for_another_scope_are_not_signed_for_this_one(store):
    signing = client(store, keys=KEYS, policy=Policy())
    bag = signing.seal({"in": noise(40_000)}, scope=ONE)
    value = unread(client(store), bag)
    assert "data" in value["in"].wire[KEY]
    with pytest.raises(NotPermitted, match="another scope"):
        signing.seal({"x": value["in"]}, scope=TWO)
    assert signing.seal({"x": value["in"]}, scope=f"{ONE}/child")


def test_what_this_process_made_itself_needs_no_signature(store):
    signing = client(store, keys=KEYS)
    writer = signing.array_writer(ONE)
    for n in range(2_000):
        writer.add(n, encode({"n": n}))
    made = writer.finish()
    assert signing.open({"rows": made}, scope=ONE)["rows"][-1] == {"n": 1999}
    sealed = travelled(signing.seal({"rows": made, "a": 1}, scope=ONE))
    grown = signing.seal({"rows": made}, scope=ONE, append={"$.rows": ["more"]})
    small = {f"f{n}": noise(40, n) for n in range(200)}
    tight = signing.seal({"rows": made, **small}, scope=ONE, budget=2_000)
    forget()
    assert signing.open(sealed, scope=ONE)["rows"][7] == {"n": 7}
    assert signing.open(grown, scope=ONE)["rows"][-1] == "more"
    assert signing.open(tight, scope=ONE)["rows"][-1] == {"n": 1999}


def test_a_retired_key_still_vouches(store):
    older = client(store, keys=OLDER)
    bag = older.seal(STATE, scope=ONE)
    both = client(store, keys={**KEYS, **OLDER})
    sealed = both.seal(unread(client(store), bag), scope=ONE)
    assert client(store, keys=KEYS).open(sealed, scope=ONE) == STATE
