"""The test vectors of docs/format.md, read by this library; another reader walks them too."""

import json
from pathlib import Path

import pytest
from msgspec import to_builtins

from statebag import Policy, Statebag, StatebagError
from statebag.format.head_record import HeadState, decode_record
from statebag.format.json_text import decode, encode
from statebag.format.names import encode_scope
from statebag.format.pack import read_index
from statebag.format.signature import Signatures
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.store.encrypted import EncryptedStore, Keys
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.golden.make_vectors import FOLDER, MANIFEST, add_missing, made
from tests.golden.vector_files import LISTS, Vectors

LISTED = json.loads((FOLDER / MANIFEST).read_bytes())


def each(name):
    """One test for each entry of a list."""
    return pytest.mark.parametrize("entry", LISTED[name], ids=lambda entry: entry["name"])


def content(path):
    return (FOLDER / path).read_bytes()


def compared(entry, read):
    """Compare what a call gives, or the code of what it raises, with what the manifest says."""
    expect = entry["expect"]
    if "error" in expect:
        with pytest.raises(StatebagError) as caught:
            read()
        assert caught.value.code == expect["error"]
        assert caught.value.retryable is False
    elif "state" in expect:
        assert encode(read()) == content(expect["state"])
    else:
        assert read() == expect.get("rows", expect.get("encoded"))


SUPERSEDED = {entry.get("instead_of") for entry in LISTED["bags"]} - {None}
BAGS = [entry for entry in LISTED["bags"] if entry["name"] not in SUPERSEDED]


def test_only_what_no_writer_derived_is_read_otherwise_than_once():
    """The members that stand in these two bags as derived are not what their sources give."""
    assert sorted(SUPERSEDED) == ["derived", "derived-rest"]


def test_every_bag_is_still_read():
    """A row replaces what is expected of a bag, and never the bag."""
    kept = {entry["bag"] for entry in BAGS}
    assert kept == {entry["bag"] for entry in LISTED["bags"]}
    by_name = {entry["name"]: entry for entry in LISTED["bags"]}
    for entry in BAGS:
        if "instead_of" in entry:
            assert entry["bag"] == by_name[entry["instead_of"]]["bag"]
    files = {path.relative_to(FOLDER).as_posix() for path in (FOLDER / "bags").iterdir()}
    assert files <= kept


@pytest.mark.parametrize("entry", BAGS, ids=lambda entry: entry["name"])
def test_a_bag_is_read_or_refused(entry):
    forget()
    store = FileStore(FOLDER / entry["store"], create=False) if "store" in entry else MemoryStore()
    policy = Policy(
        attempts=1,
        readable_scopes=tuple(entry.get("readable_scopes", ())),
        require_signatures=entry.get("require_signatures", False),
        require_encryption=entry.get("require_encryption", False),
        **entry.get("limits", {}),
    )
    client = Statebag(
        store,
        policy=policy,
        replicas=(),
        signing_keys={k: bytes.fromhex(v) for k, v in entry.get("signing_keys", {}).items()},
        encryption_keys=[bytes.fromhex(one) for one in entry.get("encryption_keys", ())],
    )
    bag = json.loads(content(entry["bag"]))
    compared(entry, lambda: client.open(bag, scope=entry.get("scope")))


@each("packs")
def test_the_index_of_a_pack_is_read_or_refused(entry):
    def read():
        found = read_index(content(entry["pack"]), "a.pack")
        return [[one.sha256, one.offset, one.length, one.size, one.kind] for one in found]

    compared(entry, read)


@each("archives")
def test_an_archive_is_read_or_refused(entry):
    forget()
    policy = Policy(**entry.get("limits", {}))
    client = Statebag(
        MemoryStore(), policy=policy, replicas=(), signing_keys={}, encryption_keys=()
    )

    def read():
        return client.open(client.unpack(content(entry["archive"]), "machine/run"))

    compared(entry, read)


@each("scopes")
def test_a_scope_is_encoded_or_refused(entry):
    compared(entry, lambda: encode_scope(entry["scope"]))


@each("texts")
def test_a_text_becomes_canonical(entry):
    assert encode(decode(content(entry["json"]))) == content(entry["canonical"])


@each("signatures")
def test_a_stub_is_signed(entry):
    wire = json.loads(content(entry["stub"]))
    key = bytes.fromhex(entry["key"])
    signatures = Signatures({entry["key_name"]: key}, scoped=entry["scope"] is not None)
    signer = signatures.signer(entry["scope"] or "machine/run")
    assert signer.signed(parse_stub(wire, "$"), wire[KEY])["sig"] == entry["sig"]


@each("encrypted")
def test_an_object_is_encrypted_and_decrypted(entry):
    keys = Keys([bytes.fromhex(entry["key"])], misuse_resistant=entry["version"] == 2)
    plain, kept = content(entry["plain"]), content(entry["encrypted"])
    assert keys.encrypted(entry["object"], plain) == kept
    store = MemoryStore()
    store.put(entry["object"], kept)
    assert EncryptedStore(store, keys).get(entry["object"]) == plain


@each("heads")
def test_an_object_of_a_head_is_read_or_refused(entry):
    compared(entry, lambda: text_of_record(decode_record(content(entry["head"]), "a head")))


def text_of_record(record):
    """What the text of a record says, as the page shows it."""
    body = to_builtins(record)
    return {"v": 1, **(body if isinstance(record, HeadState) else {"version": body})}


def test_the_manifest_is_what_the_page_says():
    assert tuple(LISTED) == LISTS
    for entries in LISTED.values():
        names = [entry["name"] for entry in entries]
        assert len(set(names)) == len(names)
    used = {MANIFEST, ".gitattributes"}
    for entries in LISTED.values():
        for entry in entries:
            used |= {Path(one).as_posix() for one in paths_in(entry)}
    stores = {one for one in used if (FOLDER / one).is_dir()}
    for path in FOLDER.rglob("*"):
        name = path.relative_to(FOLDER).as_posix()
        if path.is_file() and name not in used:
            assert any(name.startswith(f"{store}/") for store in stores), name


def paths_in(entry):
    """The files and folders that an entry names, as they are written there."""
    fields = (
        "bag",
        "store",
        "pack",
        "archive",
        "json",
        "canonical",
        "stub",
        "plain",
        "encrypted",
        "head",
    )
    found = [entry[field] for field in fields if field in entry]
    if "state" in entry.get("expect", {}):
        found.append(entry["expect"]["state"])
    assert all((FOLDER / one).exists() for one in found), entry["name"]
    return found


@pytest.fixture(scope="module")
def vectors():
    return made()


def test_the_generator_knows_every_vector_and_adds_nothing(vectors):
    assert add_missing(vectors, FOLDER) == []
    for name, entries in vectors.lists.items():
        assert [settled(one) for one in entries] == [settled(one) for one in LISTED[name]]


def settled(entry):
    """An entry without what depends on zstd's version."""
    expect = {key: one for key, one in entry.get("expect", {}).items() if key != "rows"}
    return {**entry, "sig": None, "expect": expect}


def test_the_generator_makes_the_same_files_each_time(vectors):
    again = made()
    for name, entries in vectors.lists.items():
        for entry in entries:
            files = vectors.files_of(name, entry["name"])
            assert files == again.files_of(name, entry["name"])


def vectors_of(text, canonical=b"[1]"):
    found = Vectors()
    files = {"texts/one.json": text, "texts/one.canonical": canonical}
    found.add("texts", "one", files, json="texts/one.json", canonical="texts/one.canonical")
    return found


def test_the_generator_adds_what_is_missing_and_changes_nothing(tmp_path):
    first = vectors_of(b"[ 1 ]")
    assert add_missing(first, tmp_path) == ["texts/one"]
    assert (tmp_path / "texts" / "one.json").read_bytes() == b"[ 1 ]"
    first.add("scopes", "two", {}, scope="a", expect={"encoded": "a"})
    assert add_missing(first, tmp_path) == ["scopes/two"]
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    # Another zstd gives other bytes for a vector that is there: it stays as it is.
    other = vectors_of(b"[1 ]")
    assert add_missing(other, tmp_path) == []
    more = vectors_of(b"[1  ]")
    more.lists["texts"][0]["name"] = "three"
    more._files["texts", "three"] = more.files_of("texts", "one")
    with pytest.raises(SystemExit, match=r"texts/one\.json is there with other bytes"):
        add_missing(more, tmp_path)
    assert written == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
