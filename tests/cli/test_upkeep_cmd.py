"""`statebag fsck`, `repair` and `gc`, as an operator runs them on a store that was damaged."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from statebag import Policy, Statebag
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import noise
from tests.cli.program import on_terminal, statebag

SCOPE = "machine/run"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATEBAG_REPLICAS", raising=False)
    forget()
    store = FileStore(tmp_path / "store")
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    client.seal({"text": noise(40_000, 1) + "CANARY"}, scope=SCOPE)
    client.seal({"text": noise(40_000, 2)}, scope=SCOPE)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    return store


def damage(store, *, everything=False):
    names = [info.name for info in store.list()]
    first, second = names * 2 if everything else names
    data = store.get(first)
    store.put(first, data[:100] + b"!" + data[101:])
    return first, second


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


def test_on_a_terminal_fsck_shows_how_far_it_is(store):
    text = on_terminal(100, "fsck", "--store", "./store")
    assert "checking" in text
    assert "all is whole" in text


def test_fsck_of_a_whole_store(store):
    result = statebag("fsck", "--store", "./store")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 packs" in result.stdout
    assert result.stdout.endswith("would not be missed\nall is whole\n")
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
    assert (again.exit_code, again.stdout) == (0, f"store: {store.url}\nall is whole\n")


def test_repair_without_a_copy_says_what_is_lost(store):
    first, _ = damage(store)
    result = statebag("repair", "--store", "./store")
    assert result.exit_code == 12
    assert result.stdout == f"store: {store.url}\nlost: {first}: no store has it whole\n"


def test_with_a_bag_fsck_and_repair_know_a_pack_that_nothing_else_names(store, tmp_path):
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    bag = client.seal({"text": noise(40_000, 1) + "CANARY"}, scope=SCOPE)
    Path("bag.json").write_text(json.dumps(bag), "utf-8")
    whole = statebag("fsck", "--store", "./store", "--bag", "bag.json")
    assert whole.exit_code == 0
    assert whole.stdout.endswith("bag bag.json: all it reads from is whole\nall is whole\n")
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


def test_gc_says_what_and_why_and_then_does_it(store, tmp_path):
    for info in store.list():
        then = (info.modified - timedelta(days=500)).timestamp()
        os.utime(tmp_path / "store" / info.name, (then, then))
    dry = statebag("gc", "--store", "./store")
    assert dry.exit_code == 0
    assert f"\nmark   {SCOPE}: its time is over" in dry.stdout
    assert "dry run" in dry.stdout
    assert not (tmp_path / "store" / "@gc").exists()
    assert statebag("gc", "--store", "./store", "--delete").exit_code == 0
    for mark in (tmp_path / "store" / "@gc").rglob("*.json"):
        os.utime(mark, (0, 0))
    kept = statebag("gc", "--store", "./store", "--delete", "--keep", SCOPE, "--json")
    assert json.loads(kept.stdout)["decisions"][0]["why"] == "it was named to be kept"
    statebag("gc", "--store", "./store", "--delete")
    for mark in (tmp_path / "store" / "@gc").rglob("*.json"):
        os.utime(mark, (0, 0))
    done = json.loads(statebag("gc", "--store", "./store", "--delete", "--json").stdout)
    assert (done["deleted_objects"], done["decisions"][0]["action"]) == (2, "delete")
    assert list(store.list()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("fsck", "--store", "./nowhere"),
        ("gc", "--store", "./nowhere"),
        ("repair", "--store", "./nowhere"),
        ("repair", "--store", "./nowhere", "--from", "./copy"),
        ("snapshots", "--store", "./nowhere"),
        ("fsck", "machine/ru", "--store", "./store"),
        ("fsck", "machin", "--store", "./store", "--json"),
        ("repair", "machine/run/1", "--store", "./store"),
        ("snapshots", "machine/none", "--store", "./store"),
        ("gc", "--store", "./store", "--keep", "machine/ruN"),
        ("repair", "--store", "./store", "--encrypt"),
        ("gc", "--store", "./store", "--grace-days", "0"),
        ("gc", "--store", "./store", "--executions", "123456789012"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_its_code(store, arguments):
    result = statebag(*arguments)
    assert result.exit_code == 20
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert not Path("nowhere").exists(), "a store is not made by looking at it"


def test_every_command_names_the_store_that_it_looked_at(store, monkeypatch):
    commands = (["fsck"], ["repair"], ["gc"], ["snapshots"], ["fsck", SCOPE], ["repair", SCOPE])
    for how in ("option", "variable"):
        named = ["--store", "./store"] if how == "option" else []
        if how == "variable":
            monkeypatch.setenv("STATEBAG_STORE", "./store")
        for command in commands:
            result = statebag(*command, *named)
            assert result.exit_code == 0
            assert result.stdout.splitlines()[0] == f"store: {store.url}"
        for command in (["fsck"], ["repair"], ["gc"]):
            told = json.loads(statebag(*command, *named, "--json").stdout)
            assert told["store"] == store.url


def test_what_killed_writers_left_is_shown_and_goes(store, tmp_path):
    old, young = (
        tmp_path / "store" / SCOPE / f".statebag-{letter * 16}.tmp" for letter in ("a", "b")
    )
    for file in (old, young):
        file.write_bytes(b"y" * 1000)
    os.utime(old, (0, 0))
    dry = statebag("gc", "--store", "./store")
    assert f"delete {SCOPE}/{old.name}: what a killed writer left (1,000 bytes)" in dry.stdout
    assert f"wait   {SCOPE}/{young.name}: " in dry.stdout
    assert old.exists()
    done = json.loads(statebag("gc", "--store", "./store", "--delete", "--json").stdout)
    assert [(one["name"], one["action"]) for one in done["leftovers"]] == [
        (f"{SCOPE}/{old.name}", "delete"),
        (f"{SCOPE}/{young.name}", "wait"),
    ]
    assert (old.exists(), young.exists()) == (False, True)


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


def test_doctor_says_what_it_saw_and_leaves_nothing(store, tmp_path):
    before = sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file())
    result = statebag("doctor", "--store", "./store")
    assert (result.exit_code, result.stderr) == (0, "")
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())
    findings = json.loads(statebag("doctor", "--store", "./store", "--json").stdout)
    assert {one["what"] for one in findings} >= {"write", "clock", "delete"}
    assert sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file()) == before
    assert statebag("doctor", "--store", "./nowhere").exit_code == 20


@pytest.mark.s3
def test_doctor_of_a_bucket_whose_settings_are_not_all_known(s3_store_url, folder):
    result = statebag("doctor", "--store", s3_store_url)
    assert result.exit_code == 0
    assert "versions" in result.stdout


@pytest.mark.parametrize("option", ["--retention-days", "--grace-days"])
@pytest.mark.parametrize("days", ["1e9", "1e300", "nan", "inf", "-1"])
def test_days_that_no_calendar_has_are_a_wrong_use(store, option, days):
    result = statebag("gc", "--store", "./store", option, days)
    assert result.exit_code in {2, 20}
    assert "fault of the program" not in result.stderr


def test_a_very_long_retention_keeps_everything(store):
    result = statebag("gc", "--store", "./store", "--retention-days", "999999998")
    assert "\nkeep" in result.stdout


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
