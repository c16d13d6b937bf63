"""Test vectors: corners of the page, where two readers could differ."""

import base64
import hashlib

from msgspec.structs import replace

from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.json_text import encode
from statebag.format.signature import Signatures
from statebag.format.stub import KEY, Patched, Stored
from statebag.store.encrypted import Keys
from statebag.upkeep.archive import MAGIC as ARCHIVE_MAGIC
from tests.golden.vector_encrypted import FOREIGN_KEY
from tests.golden.vector_files import Objects, wired
from tests.golden.vector_signed import HEX_KEYS, SIGNING
from tests.golden.vector_stubs import (
    ARRAY,
    CHUNKS,
    HISTORY,
    OBJECT,
    RUN,
    TAIL,
    carried,
    chunked,
    stored,
)

FOREIGN = "other/run/" + "0" * 32 + ".pack"


def add_corners(vectors, plain):
    """All of them."""
    _counts(vectors, plain)
    _names(vectors, plain)
    _fields(vectors, plain)
    _bases(vectors, plain)
    _rests(vectors)
    _frames(vectors)
    _without_keys(vectors)
    _archives(vectors)
    _scopes(vectors)
    _signed(vectors, plain)


class _Counted(Stored, frozen=True):
    """A stored stub that is signed as one with bytes of a value in it."""

    has_bytes = True


def _signed(vectors, plain):
    """A stub that only names objects, signed for a scope that the reader may not read."""
    body = stored(plain.array, ARRAY).to_wire()
    signer = Signatures(SIGNING).signer("other/run")
    signed = signer.signed(_Counted(plain.array, "array", len(ARRAY)), body)
    assert signed["sig"].endswith(".other/run")
    settings = {"signing_keys": HEX_KEYS, "scope": RUN}
    vectors.opens("signed-names-elsewhere", {KEY: signed}, ARRAY, plain.store, **settings)
    wrong = {KEY: {**signed, "sig": signed["sig"].removesuffix("/run")}}
    row, code = "signature", "not_permitted"
    vectors.refused("signed-names-other-scope", row, code, wrong, plain.store, **settings)


def _counts(vectors, plain):
    first, second, third = plain.entries
    moved = (replace(first, count=24), replace(second, count=26), third)
    code, row = "invalid_stub", "value-kind"
    vectors.refused("chunk-count", row, code, wired(chunked(moved)), plain.store)
    tail = replace(carried(TAIL), count=6)
    bag = wired(chunked((first, second, replace(third, count=24)), tail))
    vectors.refused("tail-count", row, code, bag, plain.store)
    node = plain.node
    for name, size in {"above": 16_777_217, "most": 2**53}.items():
        large = replace(node, blob=replace(node.blob, size=size))
        bag = wired(chunked((large, third)))
        vectors.refused(f"node-text-{name}", "rows", code, bag, plain.store)
    large = replace(node, blob=replace(node.blob, size=16_777_216))
    bag = wired(chunked((large, third)))
    vectors.refused("node-text-other", "size", "blob_corrupt", bag, plain.store)
    empty = wired(chunked(plain.entries, carried([])))
    vectors.refused("tail-empty", "text", "blob_corrupt", empty, plain.store)


def _names(vectors, plain):
    bag = wired(chunked(plain.entries, carried(TAIL)))
    packs = bag[KEY]["packs"]
    for name, more in {"foreign": FOREIGN, "again": packs[0]}.items():
        given = {KEY: {**bag[KEY], "packs": [*packs, more]}}
        vectors.opens(f"pack-unused-{name}", given, HISTORY, plain.store, scope=RUN)
    given = {KEY: {**bag[KEY], "packs": [*packs, FOREIGN], "reads": [[1, 8, 9]]}}
    vectors.refused("pack-used-foreign", "scope", "not_permitted", given, plain.store, scope=RUN)


def _fields(vectors, plain):
    bag = wired(chunked(plain.entries, carried(TAIL)))
    body, tail = bag[KEY], bag[KEY]["tail"]
    for name, changes in {
        "tail-kind": {"tail": {**tail, "kind": "array"}},
        "tail-other-kind": {"tail": {**tail, "kind": "object"}},
        "tail-in-two-forms": {"tail": {**tail, "at": "x", "span": [1]}},
        "derived-number": {"derived": 7},
        "since-and-sig": {"since": 7, "sig": 9},
        "rest-number": {"rest": 1},
    }.items():
        vectors.opens(f"field-{name}", {KEY: {**body, **changes}}, HISTORY, plain.store)
    body = wired(carried("text"))[KEY]
    vectors.opens("field-count-alone", {KEY: {**body, "count": "many"}}, "text")
    code, row = "invalid_stub", "prefetch"
    bag = {KEY: {**bag[KEY], "reads": None}}
    vectors.refused("field-reads-null", row, code, bag, plain.store)
    bag = {KEY: {**bag[KEY], "reads": [], "tail": None}}
    vectors.refused("field-tail-null", "field-type", code, bag, plain.store)


def _bases(vectors, plain):
    base = Objects("bases")
    text = b"not JSON: " + bytes(range(97, 123)) * 20
    blob = base.pack(RUN, text)[0]
    value = text.decode() + "more"
    wanted = encode(value)
    stub = Patched(Stored(blob), sha256_hex(wanted), len(wanted), make_patch(wanted, text))
    body = stub.to_wire()
    for name, changes in {
        "not-json": {},
        "kind": {"kind": "array", "count": 7},
        "ignored": {"v": 2, "rest": 7, "escaped": 1},
    }.items():
        given = {KEY: {**body, "base": {**body["base"], **changes}}}
        vectors.opens(f"base-with-{name}", given, value, base)
    moved = (replace(plain.entries[0], count=24), replace(plain.entries[1], count=26))
    joined = encode([*CHUNKS[0], *CHUNKS[1]])
    patch = make_patch(wanted, joined)
    stub = Patched(chunked(moved), sha256_hex(wanted), len(wanted), patch)
    vectors.refused("base-chunk-count", "value-kind", "invalid_stub", wired(stub), plain.store)


def _rests(vectors):
    body = carried({"n": 1}).to_wire()
    for name, names in {"lacking": ["x"], "twice": ["x", "x"]}.items():
        bag = {KEY: {**body, "rest": True, "beside": names}, "x": 2}
        vectors.opens(f"beside-{name}", bag, {"n": 1, "x": 2})
    bag = {KEY: {**body, "rest": True, "beside": [KEY]}}
    vectors.refused("beside-key", "beside", "invalid_stub", bag)


def _frames(vectors):
    """A frame whose header has a field for a dictionary id."""
    frame = compress(b"[1]")
    body = carried([1]).to_wire()
    for bits, number in enumerate((b"\0", b"\0\0", b"\0\0\0\0"), 1):
        longer = frame[:4] + bytes([frame[4] | bits]) + number + frame[5:]
        data = base64.b64encode(longer).decode()
        vectors.opens(f"dictionary-0-in-{len(number)}", {KEY: {**body, "data": data}}, [1])


def _without_keys(vectors):
    """Encrypted objects that meet a reader without keys."""
    plain = Objects("")
    blob = plain.pack(RUN, encode(OBJECT))[0]
    name, data = next(iter(plain.objects.items()))
    bag = {"a": wired(stored(blob, OBJECT))}
    for version in (1, 2):
        kept = Keys([FOREIGN_KEY], misuse_resistant=version == 2).encrypted(name, data)
        store = Objects(f"no-keys-{version}", {name: kept})
        vectors.refused(store.name, "encrypted-key", "not_permitted", bag, store)
    store = Objects("no-keys-later", {name: kept[:5] + b"\x09" + kept[6:]})
    vectors.refused(store.name, "encrypted-version", "unsupported_format", bag, store)


def _archives(vectors):
    room = Objects("")
    blobs = [room.pack("export", encode(one))[0] for one in (ARRAY, OBJECT)]
    bag = [wired(stored(blobs[0], ARRAY)), wired(stored(blobs[1], OBJECT))]

    def of(header, names):
        text = encode(header)
        body = ARCHIVE_MAGIC + len(text).to_bytes(8, "big") + text
        body += b"".join(room.objects[name] for name in names)
        return body + hashlib.sha256(body).digest()

    names = sorted(room.objects, reverse=True)
    header = {"v": 1, "bag": bag, "packs": [[name, len(room.objects[name])] for name in names]}
    path, state = "archives/packs-backwards.sbag", "states/packs-backwards.json"
    files = {path: of(header, names), state: encode([ARRAY, OBJECT])}
    vectors.add("archives", "packs-backwards", files, archive=path, expect={"state": state})
    for name, changes in {
        "more-fields": {"v": 2, "more": 1},
        "float": {"v": 1.0},
        "true": {"v": True},
        "null": {"v": None},
    }.items():
        path = f"archives/version-{name}.sbag"
        expect = {"error": "unsupported_format", "refuses": "archive-version"}
        files = {path: of({**header, **changes}, names)}
        vectors.add("archives", f"version-{name}", files, archive=path, expect=expect)
    path = "archives/without-version.sbag"
    files = {path: of({"bag": bag, "packs": header["packs"]}, names)}
    expect = {"error": "blob_corrupt", "refuses": "archive-form"}
    vectors.add("archives", "without-version", files, archive=path, expect=expect)


def _scopes(vectors):
    for name, (scope, encoded) in {
        "not-assigned-yet": ("a\u0378", "a%CD%B8"),
        "unicode-16": ("a\U0001fae9", "a%F0%9F%AB%A9"),
        "empty-plane": ("a\U0003fffd", "a%F0%BF%BF%BD"),
        "variation-selector": ("a\U000e0100", "a%F3%A0%84%80"),
    }.items():
        vectors.add("scopes", name, {}, scope=scope, expect={"encoded": encoded})
    for name, character in {
        "kept-for-format": "\u2065",
        "kept-for-specials": "\ufff0",
        "unicode-15-format": "\U0001343f",
        "tag": "\U000e0041",
        "noncharacter": "\ufdd0",
        "last-of-plane": "\U0001ffff",
    }.items():
        expect = {"error": "invalid_state", "refuses": "scope-form"}
        vectors.add("scopes", name, {}, scope=f"a{character}", expect=expect)
