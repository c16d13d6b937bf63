import base64
import json
import os
import pickle
import subprocess
import sys

import pytest

from statebag import ConfigurationError, NotPermitted, Policy, Statebag
from statebag.default_client import from_environment
from statebag.store.encrypted import Keys
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.store.object_storage import ObjectStorage
from statebag.testing.process import forget
from tests.bags import noise

KEY = bytes(range(32))


def again(thing):
    return pickle.loads(pickle.dumps(thing))


def in_a_new_process(thing, call, *arguments):
    """What a method gives in a process that has only the pickle."""
    program = """
import pickle, sys
thing, call, arguments = pickle.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(pickle.dumps(getattr(thing, call)(*arguments)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps((thing, call, arguments)),
        stdout=subprocess.PIPE,
        check=True,
        timeout=240,
    )
    return pickle.loads(done.stdout)


def test_a_client_of_a_folder_opens_in_another_process(tmp_path):
    client = Statebag(
        tmp_path,
        policy=Policy(carry_bytes=0, attempts=2),
        signing_keys={"a": KEY},
        encryption_keys=[KEY],
        replicas=[tmp_path / "replica"],
    )
    state = {"text": noise(50_000)}
    bag = client.seal(state, scope="m/e")
    assert in_a_new_process(client, "open", bag) == state
    copy = again(client)
    assert copy.policy == client.policy
    assert copy.store.url == client.store.url
    assert copy.seal(state, scope="m/e") == bag
    forget()
    with pytest.raises(NotPermitted, match="key"):
        Statebag(tmp_path, encryption_keys=[bytes(32)], signing_keys={}).get(bag, "text")


@pytest.mark.s3
def test_a_client_of_a_bucket_opens_in_another_process(s3_store_url, s3_server, monkeypatch):
    options = {"secret_access_key": s3_server.secret}
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    client = Statebag(s3_store_url, policy=Policy(carry_bytes=0), options=options)
    state = {"text": noise(50_000)}
    bag = client.seal(state, scope="m/e")
    assert in_a_new_process(client, "open", bag) == state


@pytest.mark.s3
def test_a_bucket_s_store(s3_store_url):
    store = ObjectStorage(s3_store_url)
    store.put("a", b"1")
    assert in_a_new_process(store, "get", "a") == b"1"


def test_a_folder_s_store(tmp_path):
    store = FileStore(tmp_path)
    store.put("a", b"1")
    assert in_a_new_process(store, "get", "a") == b"1"


def test_stores_in_memory():
    named = MemoryStore.named("test-pickling")
    assert again(named) is named
    assert again(Statebag("memory://test-pickling")).store.url == "memory://test-pickling"
    for alone in (MemoryStore(), Statebag(MemoryStore())):
        with pytest.raises(ConfigurationError, match="cannot be pickled") as caught:
            pickle.dumps(alone)
        assert "MemoryStore.named" in caught.value.hint


class Own(MemoryStore):
    def __reduce__(self):
        return Own, ()


def test_a_store_of_someone_s_own_is_pickled_if_it_can_be():
    assert isinstance(again(Statebag(Own())).store.inner._store, Own)
    own = Own()
    own.__class__ = type("Local", (MemoryStore,), {})
    with pytest.raises(ConfigurationError):
        pickle.dumps(Statebag(own))


def test_keys_by_a_function_are_pickled_as_the_function(tmp_path):
    copy = again(Statebag(tmp_path, encryption_keys=keys))
    bag = copy.seal({"text": noise(50_000)}, scope="m/e")
    assert Statebag(tmp_path, encryption_keys=[KEY]).open(bag) == {"text": noise(50_000)}
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(Statebag(tmp_path, encryption_keys=lambda: [KEY]))


def keys():
    return [KEY]


@pytest.mark.parametrize("variable", ["STATEBAG_SIGNING_KEYS", "STATEBAG_ENCRYPTION_KEYS"])
def test_keys_of_the_environment_stay_there_and_must_be_where_it_is_restored(
    tmp_path, monkeypatch, variable
):
    text = base64.b64encode(KEY).decode()
    monkeypatch.setenv(variable, f"a:{text}" if "SIGNING" in variable else text)
    pickled = pickle.dumps(Statebag(tmp_path))
    assert KEY not in pickled
    assert text.encode() not in pickled
    assert pickle.loads(pickled).store.url == Statebag(tmp_path).store.url
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        pickle.loads(pickled)
    assert f"Set {variable}" in caught.value.hint


def in_a_spawned_process(thing, **environment):
    """What a new process that has only the pickle, and these variables, does with it."""
    program = """
import json, pickle, sys
from statebag import StatebagError
try:
    thing = pickle.loads(sys.stdin.buffer.read())
    bag = thing.seal({"text": "x" * 100_000}, scope="m/e")
    print(json.dumps({"bag": bag}))
except StatebagError as error:
    print(json.dumps({"error": error.code, "message": str(error)}))
"""
    inherited = {name: value for name, value in os.environ.items() if "_KEYS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=thing,
        stdout=subprocess.PIPE,
        env={**inherited, **environment},
        check=True,
        timeout=240,
    )
    return json.loads(done.stdout)


SIGNING, ENCRYPTION = "STATEBAG_SIGNING_KEYS", "STATEBAG_ENCRYPTION_KEYS"
BASE64, OTHER = (base64.b64encode(key).decode() for key in (KEY, KEY[::-1]))
MADE = {
    "Statebag()": Statebag,
    "the client of @step": from_environment,
    "a client of a client's store": lambda: Statebag(from_environment().store),
    "the store of a client": lambda: from_environment().store,
}


@pytest.mark.parametrize("variable", [SIGNING, ENCRYPTION])
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("when", ["as it was made", "after the variable is gone"])
def test_no_pickle_holds_keys_of_the_environment_or_is_restored_without_them(
    tmp_path, monkeypatch, variable, make, when
):
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path))
    monkeypatch.setenv(variable, {SIGNING: f"a:{BASE64}", ENCRYPTION: BASE64}[variable])
    client = make()
    is_client = isinstance(client, Statebag)
    if not is_client and variable == SIGNING:
        pytest.skip("a store signs nothing")
    if when != "as it was made":
        monkeypatch.delenv(variable)
    pickled = pickle.dumps(client)
    assert KEY not in pickled
    assert BASE64.encode() not in pickled
    others = {SIGNING: f"b:{OTHER}", ENCRYPTION: OTHER}[variable]
    for found, keys in (("none", {}), ("other keys", {variable: others})):
        said = in_a_spawned_process(pickled, **keys)
        assert said["error"] == "configuration_error"
        assert variable in said["message"]
        assert f"this process has {found}" in said["message"]
        assert BASE64 not in said["message"]
    if is_client:
        # A key that was replaced since stays behind the new one.
        both = {SIGNING: f"b:{OTHER},a:{BASE64}", ENCRYPTION: f"{OTHER},{BASE64}"}[variable]
        bag = in_a_spawned_process(pickled, **{variable: both})["bag"]
        assert ('"sig"' in json.dumps(bag)) == (variable == SIGNING)


def test_a_client_without_keys_of_the_environment_asks_for_none(tmp_path, monkeypatch):
    monkeypatch.setenv(SIGNING, f"a:{BASE64}")
    monkeypatch.setenv(ENCRYPTION, BASE64)
    pickled = pickle.dumps(Statebag(tmp_path, signing_keys={}, encryption_keys=[]))
    assert "bag" in in_a_spawned_process(pickled)


@pytest.mark.parametrize("forms", [2, 3])
def test_keys_write_the_same_form_after_a_pickle(forms):
    one = Keys([KEY], misuse_resistant=forms == 3)
    assert again(one).magic == one.magic
    assert again(again(one)).magic == one.magic
