"""Signed stubs: what a stranger writes is refused before any request, what moves still opens."""

import base64
import copy
import json

import pytest

from statebag import ConfigurationError, NotPermitted, Policy, Statebag
from statebag.environment import signing_keys_from_environment
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import forms, noise, payload_bytes
from tests.test_forged import SCOPE, every_form

KEYS = {"k1": b"0123456789abcdef0123456789abcdef"}
NEWER = {"k2": b"another key of enough bytes.....", **KEYS}
POLICY = Policy(
    carry_bytes=6000, field_limit=2000, piece_bytes=1024, max_bag_bytes=14_000, attempts=1
)


def signed_bag():
    """A store, and a bag with every form of stub, all signed; and its state."""
    store, _, unsigned = every_form()
    forget()
    client = Statebag(store, policy=POLICY, replicas=(), signing_keys={})
    opened = client.open(unsigned)
    forget()
    signing = Statebag(store, policy=POLICY, replicas=(), signing_keys=KEYS)
    return store, signing.seal(opened, scope=SCOPE), opened


def reader(store, keys):
    forget()
    recording = RecordingStore(store)
    return recording, Statebag(recording, policy=POLICY, replicas=(), signing_keys=keys)


def test_every_stub_is_signed_and_opens():
    store, bag, state = signed_bag()
    found = [at(bag, path)[KEY] for path in places(bag)]
    assert len(found) >= 4
    assert all("sig" in body for body in found)
    assert payload_bytes(bag) <= POLICY.max_bag_bytes
    for keys in (KEYS, NEWER, {}):  # a reader without keys ignores signatures
        assert reader(store, keys)[1].open(bag, scope=SCOPE) == state


def places(value, path=()):
    """The paths of all stubs' bodies that name or hold something."""
    if isinstance(value, dict):
        if KEY in value and isinstance(value[KEY], dict) and "escaped" not in value[KEY]:
            yield path
        for key, member in value.items():
            if key != KEY:
                yield from places(member, (*path, key))
    elif isinstance(value, list):
        for n, member in enumerate(value):
            yield from places(member, (*path, n))


def at(value, path):
    for part in path:
        value = value[part]
    return value


def is_beside_another(bag, path):
    """Whether a stub stands beside one that an open of nothing leaves as it is."""
    return any(KEY in above for n in range(1, len(path)) if (above := at(bag, path[:n])))


CHANGES = {
    "no signature": lambda body: body.pop("sig"),
    "an empty one": lambda body: body.update(sig=""),
    "not text": lambda body: body.update(sig=7),
    "another key's name": lambda body: body.update(sig="k9." + body["sig"].partition(".")[2]),
    "half of it": lambda body: body.update(sig=body["sig"][:20]),
    "not ASCII": lambda body: body.update(sig=body["sig"] + "é"),
    "another digest": lambda body: (
        body.update(sha256="0" * 64)
        if "sha256" in body
        else body["pieces"][0].__setitem__(2, "0" * 64)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_stub_is_refused_without_a_request(change):
    store, bag, _ = signed_bag()
    for path in places(bag):
        forged = copy.deepcopy(bag)
        CHANGES[change](at(forged, path)[KEY])
        recording, client = reader(store, KEYS)
        with pytest.raises(NotPermitted) as caught:
            client.open(forged, scope=SCOPE)
        assert caught.value.path is not None
        if not is_beside_another(bag, path):
            with pytest.raises(NotPermitted):
                client.open(forged, only=[], scope=SCOPE)
        assert recording.calls == []


def test_an_unsigned_bag_is_refused_and_so_is_one_of_an_unknown_key():
    store, bag, _ = signed_bag()
    plain = Statebag(store, policy=Policy(carry_bytes=0), replicas=(), signing_keys={})
    unsigned = plain.seal({"a": noise(40_000)}, scope=SCOPE)
    recording, client = reader(store, KEYS)
    with pytest.raises(NotPermitted):
        client.open(unsigned, scope=SCOPE)
    recording, client = reader(store, {"k2": NEWER["k2"]})
    with pytest.raises(NotPermitted):
        client.open(bag, scope=SCOPE)
    assert recording.calls == []


def test_a_signed_stub_may_move_and_an_engine_may_reorder_and_widen_its_numbers():
    store, bag, state = signed_bag()

    def as_an_engine(value):
        if isinstance(value, dict):
            return {key: as_an_engine(value[key]) for key in reversed(value)}
        if isinstance(value, list):
            return [as_an_engine(one) for one in value]
        return float(value) if type(value) is int and abs(value) < 2**53 else value

    moved = {"picked": [as_an_engine(bag["log"])], "other": as_an_engine(bag["stored"])}
    _, client = reader(store, KEYS)
    opened = client.open(json.loads(json.dumps(moved)), scope=SCOPE)
    assert opened == {"picked": [state["log"]], "other": state["stored"]}


def test_keys_rotate_and_what_passes_unread_gets_the_newer_one():
    store, bag, state = signed_bag()
    _, client = reader(store, NEWER)
    passed = client.seal(client.open(bag, only=[], scope=SCOPE), scope=SCOPE)
    for path in places(passed):
        # What was not looked at was not checked either, and is not vouched for.
        signer = "k1" if is_beside_another(passed, path) else "k2"
        assert at(passed, path)[KEY]["sig"].startswith(f"{signer}.")
    assert reader(store, NEWER)[1].open(passed, scope=SCOPE) == state
    anew = client.seal(client.open(passed, scope=SCOPE), scope=SCOPE)
    assert reader(store, {"k2": NEWER["k2"]})[1].open(anew, scope=SCOPE) == state
    grown = client.append(bag, "log", [{"n": 60}], scope=SCOPE)
    assert reader(store, NEWER)[1].open(grown, scope=SCOPE)["log"][-1] == {"n": 60}


def test_data_that_looks_signed_stays_data():
    forget()
    client = Statebag(MemoryStore(), policy=POLICY, replicas=(), signing_keys=KEYS)
    state = {"a": {KEY: {"v": 1, "sig": "k1.x", "at": "m/r"}}, "b": noise(5000)}
    assert client.open(client.seal(state, scope=SCOPE), scope=SCOPE) == state


def test_a_bag_of_signed_stubs_keeps_every_bound():
    forget()
    store = MemoryStore()
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=(), signing_keys=KEYS)
    state = {f"field {n}": noise(2000, n) for n in range(60)}
    for budget in (2000, 4096, 9000, 20_000, 60_000):
        bag = client.seal(state, scope=SCOPE, budget=budget)
        assert payload_bytes(bag) <= budget
        assert client.open(bag, scope=SCOPE) == state


def test_keys_come_from_the_environment():
    text = ",".join(
        f"{name}:{base64.urlsafe_b64encode(key).decode().rstrip('=')}"
        for name, key in NEWER.items()
    )
    assert signing_keys_from_environment({"STATEBAG_SIGNING_KEYS": text}) == NEWER
    assert list(signing_keys_from_environment({"STATEBAG_SIGNING_KEYS": text})) == ["k2", "k1"]
    assert signing_keys_from_environment({}) == {}
    with pytest.raises(ConfigurationError) as caught:
        signing_keys_from_environment({"STATEBAG_SIGNING_KEYS": "k1:abcde"})
    assert "abcde" not in str(caught.value)


@pytest.mark.parametrize("keys", [{"k": b"short"}, {"a b": b"x" * 32}, {"": b"x" * 32}])
def test_keys_that_are_none(keys):
    with pytest.raises(ConfigurationError):
        Statebag(MemoryStore(), signing_keys=keys)


@pytest.mark.parametrize("other", [bytes, bytearray])
def test_one_key_under_two_names_is_refused(other, monkeypatch):
    """Who takes one name out of the setting would believe that its key is retired."""
    key = KEYS["k1"]
    twice = {"k1": key, "k2": NEWER["k2"], "k3": other(key)}
    with pytest.raises(ConfigurationError, match="k1 and k3 are the same key") as caught:
        Statebag(MemoryStore(), signing_keys=twice)
    assert key.decode() not in str(caught.value)
    assert "leave one name out" in caught.value.hint
    del twice["k3"]
    assert Statebag(MemoryStore(), signing_keys=twice)
    text = base64.b64encode(key).decode()
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", f"k1:{text},k2:{text}")
    with pytest.raises(ConfigurationError, match="k1 and k2 are the same key") as caught:
        Statebag(MemoryStore())
    assert text not in str(caught.value)
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", f"k2:{text}")
    assert Statebag(MemoryStore())


def test_looking_up_one_value_asks_for_a_signature_too():
    store, bag, state = signed_bag()
    _, client = reader(store, KEYS)
    for path in ("$.log[3].n", "$.stored", "$.current_state.phase", "$.current_state['key 7']"):
        first, *rest = path.removeprefix("$.").replace("['", ".").replace("']", "").split(".")
        assert client.get(bag, path, scope=SCOPE) is not None, (first, rest)
    assert client.get(bag, "$.log[3]", scope=SCOPE) == state["log"][3]
    forged = copy.deepcopy(bag)
    for name in ("log", "stored"):
        forged[name][KEY].pop("sig")
    recording, client = reader(store, KEYS)
    for path in ("$.log[3]", "$.stored"):
        with pytest.raises(NotPermitted):
            client.get(forged, path, scope=SCOPE)
    assert recording.calls == []


# What a signature covers: the scope too.

CARRYING = Policy(field_limit=300, max_bag_bytes=60_000, attempts=1)
STRICT = Policy(field_limit=300, max_bag_bytes=60_000, attempts=1, require_signatures=True)
OLDER = Policy(field_limit=300, max_bag_bytes=60_000, attempts=1, forms=2)


def signer(policy=CARRYING, store=None, keys=KEYS):
    forget()
    return Statebag(store or MemoryStore(), policy=policy, replicas=(), signing_keys=keys)


def carried_bag(scope="machine/a", policy=CARRYING):
    state = {"text": noise(1000), "log": [{"n": n, "text": noise(50, n)} for n in range(40)]}
    bag = signer(policy).seal(state, scope=scope)
    assert set(forms(bag)) == {"carried", "single value"}
    return bag, state


@pytest.mark.parametrize("part", ["text", "log"])
def test_a_carried_value_of_another_execution_is_refused(part):
    bag, state = carried_bag()
    smuggled = {"own": 1, "field": bag[part]}
    for only in (None, []):
        with pytest.raises(NotPermitted, match="another scope") as caught:
            signer().open(smuggled, only, scope="machine/b")
        assert caught.value.path == "$.field"
    with pytest.raises(NotPermitted, match="another scope"):
        signer().get(smuggled, "$.field[0].n" if part == "log" else "$.field", scope="machine/b")
    assert signer().open(smuggled, scope="machine/a") == {"own": 1, "field": state[part]}
    assert signer().open(smuggled) == {"own": 1, "field": state[part]}  # a reader of all


@pytest.mark.parametrize(
    ("sealed", "reader", "readable", "opens"),
    [
        ("machine/a", "machine/a", (), True),
        ("machine/a", "machine/a/child/1", (), True),
        ("machine/a/child/1", "machine/a", (), False),
        ("machine/a", "machine/ab", (), False),
        ("machine/ab", "machine/a", (), False),
        ("machine/a", "machine/b", ("machine/a",), True),
        ("machine/a/child", "machine/b", ("machine/a",), False),
        ("machine/a/child", "machine/b", ("machine/a/**",), True),
        ("my machine/ä.b", "my machine/ä.b", (), True),
        ("my machine/ä.b", "my machine/ä", (), False),
        (None, "machine/a", (), False),
    ],
)
@pytest.mark.parametrize("carry_bytes", [0, 32_000])
def test_carried_and_stored_values_follow_one_rule(sealed, reader, readable, opens, carry_bytes):
    store = MemoryStore()
    state = {"text": noise(1000)}
    policy = Policy(field_limit=300, carry_bytes=carry_bytes, readable_scopes=readable)
    bag = signer(policy, store).seal(state, scope=sealed)
    assert set(forms(bag)) == {"carried" if carry_bytes else "stored", "single value"}
    if opens:
        assert signer(policy, store).open(bag, scope=reader) == state
    else:
        with pytest.raises(NotPermitted):
            signer(policy, store).open(bag, scope=reader)


@pytest.mark.parametrize("form", ["patched", "pieces", "rest"])
def test_bytes_beside_stored_objects_are_of_a_scope_too(form):
    """The objects are of a parent that both may read; the bytes in the bag are the child's."""
    store = MemoryStore()
    policy = Policy(field_limit=300, carry_bytes=0, piece_bytes=1024)
    log = [{"n": n, "text": noise(200, n)} for n in range(60)]
    parent = signer(policy, store).seal({"log": log, "text": noise(9000)}, scope="m/parent")
    carrying = Policy(field_limit=300, piece_bytes=1024)
    if form == "rest":
        many = {"many": {f"key {n}": n for n in range(300)}, "status": "x"}
        child = signer(carrying, store).seal(many, scope="m/parent/one", budget=2500)
        expected = many
    else:
        sb = signer(carrying, store)
        opened = sb.open(parent, scope="m/parent/one")
        if form == "patched":
            opened["text"] = "secret of one" + opened["text"]
        else:
            opened["log"].append({"n": 60, "text": "secret of one"})
        child = sb.seal(opened, scope="m/parent/one")
        expected = opened
    assert any(form in one or "carried" in one for one in forms(child))
    assert signer(carrying, store).open(child, scope="m/parent/one") == expected
    with pytest.raises(NotPermitted, match="another scope"):
        signer(carrying, store).open(child, scope="m/parent/two")


CUTS = {
    "the scope left out": lambda sig: sig.rpartition(".")[0],
    "another scope": lambda sig: sig.rpartition(".")[0] + ".machine/b",
    "an empty scope": lambda sig: sig.rpartition(".")[0] + ".",
    "the scope above": lambda sig: sig.rpartition(".")[0] + ".machine",
    "a scope that is not ASCII": lambda sig: sig.rpartition("/")[0] + "/ä",
    "more": lambda sig: sig + ".x",
}


@pytest.mark.parametrize("cut", CUTS)
def test_the_scope_in_a_signature_cannot_be_changed(cut):
    bag, _ = carried_bag("machine/a")
    bag["text"][KEY]["sig"] = CUTS[cut](bag["text"][KEY]["sig"])
    for scope in ("machine/a", "machine/b", None):
        with pytest.raises(NotPermitted):
            signer().open(bag, scope=scope)


def test_older_signatures_are_read_but_for_carried_values_where_signatures_are_required():
    store = MemoryStore()
    older, state = carried_bag("machine/a", OLDER)
    assert all(at(older, path)[KEY]["sig"].count(".") == 1 for path in places(older))
    assert signer().open(older, scope="machine/a") == state
    with pytest.raises(NotPermitted, match="older form") as caught:
        signer(STRICT).open(older, scope="machine/a")
    assert "STATEBAG" not in caught.value.message
    # The way out that the hint names: a client that does not require it seals it again.
    again = signer().seal(signer().open(older, scope="machine/a"), scope="machine/a")
    assert signer(STRICT).open(again, scope="machine/a") == state
    # And unread.
    passed = signer().seal(signer().open(older, only=[], scope="machine/a"), scope="machine/a")
    assert signer(STRICT).open(passed, scope="machine/a") == state
    # A stub that only names objects has its scope in their names: there is one form of it.
    storing = Policy(field_limit=300, carry_bytes=0, forms=2)
    stored = signer(storing, store).seal(state, scope="machine/a")
    assert signer(STRICT, store).open(stored, scope="machine/a") == state


def test_a_writer_held_at_the_older_forms_is_read_by_an_older_reader():
    """Its signatures are of the older form also where it passes newer ones on."""
    newer, state = carried_bag("machine/a")
    held = signer(OLDER)
    passed = held.seal(held.open(newer, only=[], scope="machine/a"), scope="machine/a")
    assert all(at(passed, path)[KEY]["sig"].count(".") == 1 for path in places(passed))
    assert signer().open(passed, scope="machine/a") == state


def test_a_bag_that_moves_to_a_child_execution_is_signed_for_it():
    bag, state = carried_bag("machine/a")
    child = signer()
    inner = child.seal(child.open(bag, only=[], scope="machine/a/child"), scope="machine/a/child")
    assert signer(STRICT).open(inner, scope="machine/a/child") == state
    with pytest.raises(NotPermitted, match="another scope"):
        signer(STRICT).open(inner, scope="machine/a")
    readable = Policy(field_limit=300, readable_scopes=("machine/a/**",))
    assert signer(readable).open(inner, scope="machine/a") == state


def test_a_client_that_requires_signatures_needs_keys(monkeypatch):
    for keys in (None, {}):
        with pytest.raises(ConfigurationError, match="require_signatures") as caught:
            signer(STRICT, keys=keys)
        assert "STATEBAG_SIGNING_KEYS" in caught.value.hint
    with pytest.raises(ConfigurationError, match=r"Policy\.forms"):
        signer(Policy(require_signatures=True, forms=2))
    with monkeypatch.context() as patch:
        patch.setenv("STATEBAG_PLAIN", "1")
        with pytest.raises(ConfigurationError, match="STATEBAG_PLAIN"):
            signer(STRICT)
    for wrong in ("", b"", [("k1", b"x" * 32)], "k1:key"):
        with pytest.raises(ConfigurationError):
            signer(keys=wrong)


def test_what_needs_no_key_works_where_signatures_are_required():
    store = MemoryStore()
    client = signer(STRICT, store)
    state = {"log": [noise(100, n) for n in range(30)], "text": noise(3000)}
    bag = client.seal(state, scope="machine/a")
    archive = client.export(bag, scope="machine/a")
    unpacked = client.unpack(archive, scope="machine/b")
    assert signer(STRICT, store).open(unpacked, scope="machine/b") == state
    grown = client.append(bag, "log", ["more"], scope="machine/a")
    assert signer(STRICT, store).open(grown, scope="machine/a")["log"] == [*state["log"], "more"]
    assert client.repair(grown, scope="machine/a") is not None
    writer = client.array_writer("machine/a")
    for n in range(50):
        writer.add(n, b'"%s"' % noise(300, n).encode())
    sealed = client.seal({"all": writer.finish()}, scope="machine/a")
    assert len(signer(STRICT, store).open(sealed, scope="machine/a")["all"]) == 50


@pytest.mark.parametrize("scope", ["m/e", f"{'machine' * 11}/{'ä' * 25}/child/17"])
def test_signatures_with_a_scope_keep_every_bound(scope):
    state = {f"field {n}": noise(700, n) for n in range(40)}
    for budget in (3000, 6000, 12_000, 24_000):
        store = MemoryStore()
        bag = signer(CARRYING, store).seal(state, scope=scope, budget=budget)
        assert payload_bytes(bag) <= budget
        assert signer(STRICT, store).open(bag, scope=scope) == state
