"""Bags and packs that an earlier release wrote; every later one reads them exactly."""

import json
import shutil

import pytest

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.pack import read_index
from statebag.format.stub import Blob
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import forms, verified
from tests.golden.make_wire1 import CASES, FOLDER, SCOPE, sealed

NAMES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def case(name, tmp_path):
    """The state's text, the bag, and a copy of its store."""
    folder = FOLDER / name
    store = tmp_path / "store"
    if (folder / "store").exists():
        shutil.copytree(folder / "store", store)
    else:
        store.mkdir()
    bag = json.loads((folder / "bag.json").read_text("utf-8"))
    return (folder / "state.json").read_bytes(), bag, store


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_opens_exactly(name, tmp_path):
    text, bag, store = case(name, tmp_path)
    forget()
    sb = Statebag(store.as_uri(), policy=Policy())
    state = sb.open(bag, scope=SCOPE)
    assert encode(state) == text
    for key in state:
        forget()
        cold = Statebag(store.as_uri(), policy=Policy())
        assert encode(cold.open(bag, only=[(key,)])[key]) == encode(state[key])
        assert encode(cold.get(bag, (key,))) == encode(state[key])


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_passed_on_and_sealed_anew(name, tmp_path):
    text, bag, store = case(name, tmp_path)
    forget()
    sb = Statebag(store.as_uri(), policy=Policy())
    passed = sb.seal(sb.open(bag, only=[]), scope=SCOPE)
    healed = sb.seal(sb.open(bag), scope=SCOPE, heal=True)
    forget()
    for one in (passed, healed):
        assert encode(Statebag(store.as_uri(), policy=Policy()).open(one)) == text


@pytest.mark.parametrize("name", NAMES)
def test_every_pack_says_what_it_holds(name, tmp_path):
    _, _, store = case(name, tmp_path)
    files = FileStore(store)
    for info in files.list():
        rows = read_index(files.get(info.name), info.name)
        assert rows
        for row in rows:
            verified(Blob(row.sha256, row.size, info.name, row.offset, row.length), files)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_writer_of_today_writes_the_same_form(name):
    _, state = CASES[name]
    forget()
    today = sealed(name, f"memory://golden-{name}")
    then = json.loads((FOLDER / name / "bag.json").read_text("utf-8"))
    assert set(forms(today)) == set(forms(then))
    assert (FOLDER / name / "state.json").read_bytes() == encode(state)


def test_every_form_is_among_them():
    seen = set()
    for name in NAMES:
        seen |= set(forms(json.loads((FOLDER / name / "bag.json").read_text("utf-8"))))
    assert seen >= {
        "stored",
        "carried",
        "pieces of an array",
        "pieces of an object",
        "patched",
        "index",
        "carried tail",
        "stored tail",
        "escaped",
        "rest of stored",
    }
