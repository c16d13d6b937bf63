"""`statebag fsck`, as an operator runs it on a store that was damaged."""

import base64
import json
import os
from pathlib import Path

import pytest

from statebag import Policy, Statebag
from tests.bags import noise
from tests.cli.damaged import SCOPE, damage
from tests.cli.program import statebag


def test_fsck_of_a_whole_store(store):
    result = statebag("fsck", "--store", "./store")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 packs" in result.stdout
    assert result.stdout.endswith("bags are not checked.\neverything is intact\n")
    report = json.loads(statebag("fsck", SCOPE, "--store", "./store", "--json").stdout)
    assert (report["whole"], report["objects"], report["blobs"]) == (True, {"pack": 2}, 2)


def test_fsck_says_what_is_damaged_and_repair_mends_it(store):
    first, _ = damage(store)
    result = statebag("fsck", "--store", "./store")
    assert result.exit_code == 13
    assert f"damaged: {first}" in result.stdout
    assert f"touches {SCOPE}" in result.stdout
    assert "CANARY" not in result.stdout
    report = json.loads(statebag("fsck", "--store", "./store", "--json").stdout)
    assert [fault["name"] for fault in report["faults"]] == [first]

    dry = statebag("repair", "--store", "./store", "--from", "./copy", "--dry-run")
    assert (dry.exit_code, f"\nwould repair: {first}" in dry.stdout) == (0, True)
    assert statebag("fsck", "--store", "./store").exit_code == 13
    done = statebag("repair", "--store", "./store", "--from", "./copy", "--json")
    assert done.exit_code == 0
    assert list(json.loads(done.stdout)["repaired"]) == [first]
    assert statebag("fsck", "--store", "./store").exit_code == 0
    again = statebag("repair", "--store", "./store", "--from", "./copy")
    assert (again.exit_code, again.stdout) == (0, f"store: {store.url}\neverything is intact\n")


def test_without_the_key_what_is_encrypted_is_counted_and_neither_whole_nor_damaged(
    store, monkeypatch
):
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=(), encryption_keys=[b"k" * 32])
    bag = client.seal({"text": noise(40_000, 1) + "CANARY"}, scope=SCOPE)
    Path("bag.json").write_text(json.dumps(bag), "utf-8")
    for command in ("fsck", "repair"):
        result = statebag(command, "--store", "./store", "--bag", "bag.json")
        assert result.exit_code == 18
        assert "encrypted: 1 object, not checked without the key" in result.stdout
        assert "STATEBAG_ENCRYPTION_KEYS" in result.stdout
        assert "damaged" not in result.stdout
        assert "everything is intact" not in result.stdout
    result = statebag("fsck", "--store", "./store", "--bag", "bag.json")
    assert "bag bag.json: not checked" in result.stdout
    as_json = json.loads(
        statebag("fsck", "--store", "./store", "--bag", "bag.json", "--json").stdout
    )
    (name,) = as_json["encrypted"]
    assert (as_json["whole"], as_json["faults"]) == (False, [])
    assert as_json["bags"] == {"bag.json": None}
    as_json = json.loads(statebag("repair", "--store", "./store", "--json").stdout)
    assert as_json["not_checked"] == [name]
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", base64.b64encode(b"k" * 32).decode())
    result = statebag("fsck", "--store", "./store", "--bag", "bag.json")
    assert (result.exit_code, "encrypted" in result.stdout) == (0, False)


def test_with_a_bag_fsck_and_repair_know_a_pack_that_nothing_else_names(store, tmp_path):
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    bag = client.seal({"text": noise(40_000, 1) + "CANARY"}, scope=SCOPE)
    Path("bag.json").write_text(json.dumps(bag), "utf-8")
    whole = statebag("fsck", "--store", "./store", "--bag", "bag.json")
    assert whole.exit_code == 0
    assert whole.stdout.endswith(
        "bag bag.json: everything it reads from is intact\neverything is intact\n"
    )
    (pack,) = {blob["pack"] for blob in _places("bag.json")}
    store.delete(pack)
    assert statebag("fsck", "--store", "./store").exit_code == 0
    result = statebag("fsck", "--store", "./store", "--bag", "bag.json")
    assert result.exit_code == 12
    assert f"missing: {pack}" in result.stdout
    assert "touches bag.json" in result.stdout
    assert "bag bag.json: NOT whole" in result.stdout
    as_json = statebag("fsck", "--store", "./store", "--bag", "bag.json", "--json").stdout
    report = json.loads(as_json)
    assert report["bags"] == {"bag.json": False}
    repaired = statebag("repair", "--store", "./store", "--from", "./copy", "--bag", "bag.json")
    assert (repaired.exit_code, repaired.stdout.count("repaired")) == (0, 1)
    assert statebag("open", "bag.json", "--store", "./store").exit_code == 0


def _places(bag):
    fields = json.loads(statebag("inspect", bag, "--json").stdout)["fields"]
    return [place for field in fields for place in field["places"] if place["pack"]]


@pytest.mark.parametrize(
    ("name", "told"), [(b"esc\x1b[31m\n", r"esc\x1b[31m\n"), (b"bad\xff", r"bad\udcff")]
)
def test_foreign_names_do_not_steer_the_terminal(store, tmp_path, name, told):
    folder = os.path.join(os.fsencode(tmp_path / "store" / SCOPE), name)  # noqa: PTH118
    Path(os.fsdecode(folder)).write_bytes(b"x")
    for command in ("fsck", "gc", "doctor", "snapshots"):
        for options in ((), ("--json",)):
            result = statebag(command, "--store", "./store", *options)
            assert result.exit_code == 0, result.stderr
            assert "\x1b" not in result.output
    lines = statebag("fsck", "--store", "./store").stdout.splitlines()
    assert f"not ours: machine/run/{told}" in lines
