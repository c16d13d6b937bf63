"""The store of a command: named in the output, never made, and right or refused."""

import json
from pathlib import Path

import pytest

from tests.cli.damaged import SCOPE
from tests.cli.program import statebag


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
