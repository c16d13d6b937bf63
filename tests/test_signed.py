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
from tests.bags import noise, payload_bytes
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
