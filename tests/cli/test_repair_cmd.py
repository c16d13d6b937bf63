"""`statebag repair`: what it restores, encrypts, and has to give up."""

import json
import shutil

from statebag import Policy, Statebag
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import noise
from tests.cli.damaged import SCOPE, damage
from tests.cli.program import statebag


def test_repair_of_an_encrypted_store(store, tmp_path, monkeypatch):
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", "A" * 43)
    forget()
    client = Statebag(FileStore(tmp_path / "kept"), policy=Policy(carry_bytes=0))
    state = {"text": noise(40_000, 3)}
    bag = client.seal(state, scope=SCOPE)
    shutil.copytree(tmp_path / "kept", tmp_path / "kept-copy")
    damage(FileStore(tmp_path / "kept"), everything=True)
    assert statebag("fsck", "--store", "./kept").exit_code == 13
    repaired = statebag("repair", "--store", "./kept", "--from", "./kept-copy")
    assert (repaired.exit_code, repaired.stdout.count("repaired")) == (0, 1)
    assert statebag("fsck", "--store", "./kept").exit_code == 0
    forget()
    assert Statebag(FileStore(tmp_path / "kept")).open(bag) == state


def test_repair_without_a_copy_says_what_is_lost(store):
    first, _ = damage(store)
    result = statebag("repair", "--store", "./store")
    assert result.exit_code == 12
    assert result.stdout == f"store: {store.url}\nlost: {first}: no store has an intact copy\n"


def test_a_plain_store_is_encrypted_once_there_are_keys(store, monkeypatch):
    before = [info.name for info in store.list()]
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", "A" * 43)
    monkeypatch.setenv("STATEBAG_REQUIRE_ENCRYPTION", "1")
    assert statebag("fsck", "--store", "./store").exit_code == 11  # plain: not to be read
    dry = statebag("repair", "--store", "./store", "--encrypt", "--dry-run")
    assert dry.stdout.count("would encrypt") == 2
    assert {store.get(name)[:4] for name in before} == {b"SBAG"}
    done = statebag("repair", "--store", "./store", "--encrypt", "--json")
    assert (done.exit_code, json.loads(done.stdout)["encrypted"]) == (0, before)
    assert {store.get(name)[:6] for name in before} == {b"SBENC\x02"}
    assert statebag("fsck", "--store", "./store").exit_code == 0
    again = statebag("repair", "--store", "./store", "--encrypt", "--json")
    assert json.loads(again.stdout)["encrypted"] == []


def test_objects_of_the_older_form_are_encrypted_anew_and_damage_and_others_are_left(
    store, monkeypatch
):
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", "A" * 43)
    older = Statebag(store, policy=Policy(carry_bytes=0, forms=2), replicas=())
    damaged, whole = damage(store)
    forget()
    older.seal({"text": noise(40_000, 5)}, scope="machine/older")
    (second,) = (info.name for info in store.list("machine/older"))
    store.put("machine/run/map/SUCCEEDED_0.json", b"[]")
    done = json.loads(statebag("repair", "--store", "./store", "--encrypt", "--json").stdout)
    assert (done["encrypted"], done["lost"]) == ([second, whole], [damaged])
    assert store.get("machine/run/map/SUCCEEDED_0.json") == b"[]"
