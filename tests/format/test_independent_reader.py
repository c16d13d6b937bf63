"""A reader written from docs/format.md alone reads every vector and refuses every forged one."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import BagTooLarge, Policy, Statebag, StatebagError
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Rest
from statebag.store.encrypted import EncryptedStore, Keys
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import travelled
from tests.format import independent_reader
from tests.format.independent_objects import Cipher, Refused, Store
from tests.format.independent_reader import Reader
from tests.format.independent_reader import Vectors as Walk
from tests.golden.make_vectors import FOLDER, MANIFEST
from tests.golden.vector_stubs import carried
from tests.strategies import STATES
from tests.test_forged import ANYTHING, BAG, IN_STUBS, STORE, every_form
from tests.test_properties import POLICIES

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(Path(__file__).parent.glob("independent_*.py"))
WALK = Walk(FOLDER / MANIFEST)
ENTRIES = [pytest.param(*one, id=f"{one[0]}/{one[1]['name']}") for one in WALK.all()]


@pytest.mark.parametrize(("list_name", "entry"), ENTRIES)
def test_a_vector_is_read_or_refused(list_name, entry):
    assert WALK.verdict(list_name, entry) is None


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_it_imports_nothing_of_this_library(module):
    names = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module)
    own = {name for name in names if name.startswith("tests.format.independent_")}
    others = {name.partition(".")[0] for name in names - own}
    zstd = {"backports", "compression"}
    assert others - sys.stdlib_module_names - zstd - {"cryptography"} == set()
    assert "statebag" not in others


def test_it_is_a_program_that_runs_without_this_library():
    """In a process that cannot import it."""
    code = (
        "import runpy, sys; sys.modules['statebag'] = None; sys.argv[0] = 'reader'; "
        "runpy.run_module('tests.format.independent_reader', run_name='__main__')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.stderr == ""
    assert ran.stdout == f"{len(ENTRIES)} passed, 0 failed\n"
    assert ran.returncode == 0


def test_a_vector_that_it_reads_otherwise_is_printed(tmp_path, capsys):
    manifest = {name: [] for name in WALK.manifest}
    manifest["scopes"] = [
        {"name": "right", "scope": "a b", "expect": {"encoded": "a%20b"}},
        {"name": "other", "scope": "a b", "expect": {"encoded": "a+b"}},
        {"name": "taken", "scope": "a b", "expect": {"error": "invalid_state"}},
        {"name": "refused", "scope": "", "expect": {"encoded": ""}},
    ]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert independent_reader.main([str(tmp_path / MANIFEST)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "scopes/other", "scopes/taken", "scopes/refused", "1 passed, 3 failed",
    ]  # fmt: skip


@pytest.mark.parametrize("forms", [1, 2, 3])
@pytest.mark.parametrize("encrypted", [False, True])
def test_it_reads_what_this_release_seals(forms, encrypted, tmp_path):
    """Not only what was sealed once."""
    source, _, bag = every_form()
    state = Statebag(source, policy=Policy(), replicas=()).open(bag)
    forget()
    key, signing = bytes(range(32)), {"k": bytes(range(16))}
    policy = Policy(
        carry_bytes=6000, field_limit=2000, piece_bytes=1024, max_bag_bytes=12_000, forms=forms
    )
    client = Statebag(
        FileStore(tmp_path),
        policy=policy,
        replicas=(),
        signing_keys=signing,
        encryption_keys=[key] if encrypted else (),
    )
    state = client.open(client.seal(state, scope="machine/run"), scope="machine/run")
    state["patched"] = state["patched"].replace("changed", "once more")
    sealed = client.seal(state, scope="machine/run")

    def read(name):
        path = tmp_path / name
        return path.read_bytes() if path.is_file() else None

    keys = [key] if encrypted else []
    settings = {"scope": "machine/run", "signing_keys": {"k": signing["k"].hex()}}
    settings["require_signatures"] = forms == 3
    reader = Reader(Store(read, keys, required=encrypted), settings)
    assert independent_reader.encode(reader.open(sealed)) == encode(state)


def test_what_it_encrypts_this_library_reads(tmp_path):
    store = FileStore(tmp_path)
    key = bytes(range(32))
    for version in (1, 2):
        store.put("a/b", Cipher(key, version).encrypt("a/b", b"x" * 10_000))
        assert EncryptedStore(store, Keys([key])).get_ranges("a/b", [(4000, 200)]) == [b"x" * 200]


def objects_of(store):
    """What reads the objects of a store in memory."""
    names = {info.name for info in store.list()}
    return Store(lambda name: store.get(name) if name in names else None)


@settings(max_examples=60)
@given(STATES, POLICIES)
def test_it_reads_every_state_that_is_sealed(state, policy):
    forget()
    store = MemoryStore()
    client = Statebag(store, policy=policy, replicas=())
    try:
        bag = travelled(client.seal(state, scope="machine/run"))
    except BagTooLarge:
        return
    reader = Reader(objects_of(store), {"scope": "machine/run"})
    assert independent_reader.encode(reader.open(bag)) == encode(state)


def outcome(read):
    """The text of what is read, or the code of what refuses it."""
    try:
        return read()
    except StatebagError as error:
        return error.code
    except Refused as refused:
        return refused.code


@settings(max_examples=200)
@given(st.sampled_from(IN_STUBS), ANYTHING)
def test_it_refuses_what_this_library_refuses(way, value):
    """One place of a bag with every form is replaced."""
    forget()
    bag = json.loads(json.dumps(BAG))
    place = bag
    for key in way[:-1]:
        place = place[key]
    place[way[-1]] = value
    policy = Policy(attempts=1, max_open_bytes=2**28)
    client = Statebag(STORE, policy=policy, replicas=())
    settings = {"scope": "machine/run", "limits": {"max_open_bytes": policy.max_open_bytes}}
    reader = Reader(objects_of(STORE), settings)
    theirs = outcome(lambda: independent_reader.encode(reader.open(bag)))
    assert theirs == outcome(lambda: encode(client.open(bag, scope="machine/run", embedded=False)))


NAMES = st.lists(
    st.sampled_from(["scheduling_summary", "scheduling_metadata", "other", "short", KEY, "", 1]),
    max_size=3,
)
MARKS = st.none() | NAMES | st.sampled_from([1, "short", {"short": 1}])


@settings(max_examples=200)
@given(MARKS, MARKS, MARKS, st.booleans())
def test_they_agree_on_which_members_were_derived(of_whole, of_full, of_other, in_rest):
    def marked(body, mark):
        return {KEY: body if mark is None else {**body, "derived": mark}}

    bag = {"scheduling_summary": 1, "short": 2, "own": {"short": 3}}
    bag["scheduling_metadata"] = marked(carried([1]).to_wire(), of_full)
    bag["other"] = marked(carried([2]).to_wire(), of_other)
    if in_rest:
        bag |= marked(Rest(carried({"short": 0, "n": 1}), (), {}).to_wire(), of_whole)
    reader = Reader(objects_of(STORE), {})
    ours = outcome(lambda: encode(Statebag(STORE, replicas=()).open(bag)))
    assert outcome(lambda: independent_reader.encode(reader.open(bag))) == ours
