"""Payloads that attack other tools are data here: they go in and come out, and nothing runs."""

import base64
import os
import pickle

import pytest

from statebag import InvalidState, Policy, Statebag
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore

TOUCHED = "STATEBAG_TEST_TOUCHED"


class Payload:
    """Pickled, it sets a variable when it is loaded."""

    def __reduce__(self):
        return (os.putenv, (TOUCHED, "1"))


PICKLED = base64.b64encode(pickle.dumps(Payload())).decode()
ATTACKS = [
    PICKLED,
    {"py/object": "os.system", "py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["true"]}]},
    {"__reduce__": ["os.system", ["true"]]},
    {"__class__": "subprocess.Popen", "__init__": {"args": ["true"]}},
    {"__type__": "os.system", "__module__": "os"},
    {"lc": 1, "type": "constructor", "id": ["langchain", "llms", "OpenAI"], "kwargs": {}},
    {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["true"]},
    {"lc": 1, "type": "secret", "id": ["AWS_SECRET_ACCESS_KEY"]},
    "!!python/object/apply:os.system ['true']",
    "!!python/name:os.system",
    {"$ref": "file:///etc/passwd"},
    {"$ref": "http://169.254.169.254/latest/meta-data/"},
    {"$schema": "http://169.254.169.254/"},
    {"Fn::Include": "s3://other-bucket/x"},
    {"__proto__": {"polluted": True}, "constructor": {"prototype": {"polluted": True}}},
    "${jndi:ldap://169.254.169.254/a}",
    "{{7*7}}",
    "{% States.Format('{}') %}",
    "States.JsonToString($)",
    "{0.__class__.__mro__}",
    "%s%n%x",
    "'; DROP TABLE states; --",
    "<!ENTITY xxe SYSTEM 'file:///etc/passwd'>",
    "\u202eabc\u0000\u0007\x1b[2J",
    {KEY: {"v": 1, "at": "../../etc/passwd", "sha256": "0" * 64, "size": 1, "span": [0, 1]}},
    {KEY: {KEY: {KEY: {"v": 1, "escaped": {KEY: {"v": 1}}}}}},
    {"type": "s3_reference", "s3_path": "s3://other/secret.json", "size_kb": 1},
    {"__s3_offloaded": True, "__s3_path": "s3://other/secret.json", "__original_size_kb": 1},
    {"type": "compressed", "data": base64.b64encode(b"\x1f\x8b").decode(), "compressed_at": "now"},
]


def wrapped(value, depth, way):
    for _ in range(depth):
        value = {KEY: value} if way == "key" else {"a": [value]} if way == "deep" else {way: value}
    return value


@pytest.mark.parametrize("policy", ["plain", "stored", "carried"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack)[:40])
def test_an_attack_on_other_tools_is_data(attack, policy, monkeypatch):
    monkeypatch.delenv(TOUCHED, raising=False)
    forget()
    limits = {
        "plain": {},
        "stored": {"carry_bytes": 0, "field_limit": 256},
        "carried": {"field_limit": 256},
    }[policy]
    recording = RecordingStore(MemoryStore())
    client = Statebag(recording, policy=Policy(**limits), replicas=())
    state = {
        "attack": attack,
        "padded": [attack, "x" * 400],
        "s3_path": attack,
        "escaped": wrapped(attack, 4, "key"),
        "deep": wrapped(attack, 40, "deep"),
        "beside": wrapped(attack, 3, "escaped"),
    }
    bag = client.seal(state, scope="machine/run")
    forget()
    again = Statebag(recording, policy=client.policy, replicas=())
    for legacy in (False, True):
        assert again.open(bag, scope="machine/run", legacy=legacy) == state
    twice = again.seal({"bag": bag, "state": state}, scope="machine/run")
    assert again.open(twice, scope="machine/run")["state"] == state
    assert again.open(twice, scope="machine/run")["bag"] == bag
    assert TOUCHED not in os.environ
    assert {call.name.rpartition("/")[0] for call in recording.calls} <= {"machine/run"}


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("text", ["\ud800", "a\udc80b"])
def test_a_lone_surrogate_is_refused_and_its_place_named(text, key):
    forget()
    client = Statebag(MemoryStore(), replicas=())
    state = {"a": [{text: 1}]} if key else {"a": [text]}
    with pytest.raises(InvalidState) as caught:
        client.seal(state, scope="m/r")
    assert caught.value.path.startswith("$.a[0]")
