"""`statebag gc`: what it deletes, and what it says before."""

import json
import os
from datetime import timedelta

import pytest

from tests.cli.damaged import SCOPE
from tests.cli.program import statebag


def test_gc_says_what_and_why_and_then_does_it(store, tmp_path):
    for info in store.list():
        then = (info.modified - timedelta(days=500)).timestamp()
        os.utime(tmp_path / "store" / info.name, (then, then))
    dry = statebag("gc", "--store", "./store")
    assert dry.exit_code == 0
    assert f"\nmark   {SCOPE}: its retention is over" in dry.stdout
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


def test_what_killed_writers_left_is_shown_and_goes(store, tmp_path):
    old, young = (
        tmp_path / "store" / SCOPE / f".statebag-{letter * 16}.tmp" for letter in ("a", "b")
    )
    for file in (old, young):
        file.write_bytes(b"y" * 1000)
    os.utime(old, (0, 0))
    dry = statebag("gc", "--store", "./store")
    assert f"delete {SCOPE}/{old.name}: left by a killed writer (1,000 bytes)" in dry.stdout
    assert f"wait   {SCOPE}/{young.name}: " in dry.stdout
    assert old.exists()
    done = json.loads(statebag("gc", "--store", "./store", "--delete", "--json").stdout)
    assert [(one["name"], one["action"]) for one in done["leftovers"]] == [
        (f"{SCOPE}/{old.name}", "delete"),
        (f"{SCOPE}/{young.name}", "wait"),
    ]
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("option", ["--retention-days", "--grace-days"])
@pytest.mark.parametrize("days", ["1e9", "1e300", "nan", "inf", "-1"])
def test_days_that_no_calendar_has_are_a_wrong_use(store, option, days):
    result = statebag("gc", "--store", "./store", option, days)
    assert result.exit_code in {2, 20}
    assert "bug in statebag" not in result.stderr


def test_a_very_long_retention_keeps_everything(store):
    result = statebag("gc", "--store", "./store", "--retention-days", "999999998")
    assert "\nkeep" in result.stdout
