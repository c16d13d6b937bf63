"""Test vectors of what stands by itself: packs, archives, scopes and canonical text."""

import hashlib
from pathlib import Path

from statebag.format.codec import compress, sha256_hex
from statebag.format.index import encode_node
from statebag.format.json_text import decode, encode
from statebag.format.names import encode_scope
from statebag.format.pack import MAGIC, PackBuilder, read_index
from statebag.format.stub import (
    Blob,
    Entry,
)
from statebag.upkeep.archive import MAGIC as ARCHIVE_MAGIC
from statebag.upkeep.archive import pack_up
from tests.golden.vector_files import Objects, flipped, wired
from tests.golden.vector_stubs import (
    ARRAY,
    RUN,
    STRING,
    carried,
    stored,
)

GOLDEN = Path(__file__).resolve().parent
FILE = "0" * 32 + ".pack"


def add_alone(vectors):
    """All of them."""
    _packs(vectors)
    _archives(vectors)
    _scope_names(vectors)
    _canonical(vectors)


def _packs(vectors):
    builder = PackBuilder()
    builder.add(sha256_hex(b"[1]"), 3, compress(b"[1]"))
    node = encode_node((Entry(Blob("0" * 64, 3, f"a/{FILE}", 8, 12), 1, 3),))
    builder.add(sha256_hex(node), len(node), compress(node), "index")
    builder.add_salt(b'"' + b"0" * 32 + b'"', 3)
    _, data = builder.build(RUN)
    golden = next((GOLDEN / "wire1" / "index" / "store").rglob("*.pack"))

    def add(name, pack, expect, files=None):
        files = {f"packs/{name}.pack": pack} if files is None else files
        path = f"packs/{name}.pack" if files else pack
        vectors.add("packs", name, files, pack=path, expect=expect)

    def of(data):
        found = read_index(data, "")
        return {"rows": [[one.sha256, one.offset, one.length, one.size, one.kind] for one in found]}

    add("values-and-nodes", data, of(data))
    path = f"../{golden.relative_to(GOLDEN).as_posix()}"
    add("golden-index", path, of(golden.read_bytes()), files={})
    for name, pack in {
        "version-2": data[:5] + b"\2" + data[6:], "line-ends": data.replace(b"\r\n", b"\n"),
    }.items():  # fmt: skip
        add(name, pack, {"error": "unsupported_format", "refuses": "pack-version"})
    end = len(data) - len(MAGIC) - 4
    start = end - int.from_bytes(data[end : end + 4], "big")
    found = of(data)["rows"]
    first, *others = found

    def indexed(listed):
        text = listed if isinstance(listed, bytes) else encode(listed)
        return data[:start] + text + len(text).to_bytes(4, "big") + MAGIC

    forged = {
        "empty": b"", "magic-alone": MAGIC, "cut": data[:-1], "byte-after": data + b"\0",
        "no-first-magic": b"X" + data[1:], "no-last-magic": data[:-1] + b"X",
        "length-more": data[:end] + (2**32 - 1).to_bytes(4, "big") + data[end + 4 :],
        "length-0": data[:end] + bytes(4) + data[end + 4 :],
        "index-not-json": indexed(b"["), "index-object": indexed({}), "row-number": indexed([1]),
        "row-of-4": indexed([first[:4], *others]), "row-of-6": indexed([[*first, 1], *others]),
        "row-kind": indexed([[*first[:4], "other"], *others]),
        "row-digest": indexed([[0, *first[1:]], *others]),
        "row-negative": indexed([[first[0], 8, -1, *first[3:]], *others]),
        "row-true": indexed([[*first[:3], True, "value"], *others]),
        "row-size": indexed([[*first[:3], 2**53 + 1, "value"], *others]),
        "node-size": indexed([[*first[:3], 16_777_217, "index"], *others]),
        "gap": indexed([[first[0], 9, *first[2:]], *others]), "row-left-out": indexed(found[:-1]),
        "first-left-out": indexed(others), "order": indexed(found[::-1]),
    }  # fmt: skip
    for name, pack in forged.items():
        add(name, pack, {"error": "blob_corrupt", "refuses": "pack-form"})


def _archives(vectors):
    golden = "../archive1/state"
    vectors.add(
        "archives", "golden", {}, archive=f"{golden}.sbag", expect={"state": f"{golden}.json"}
    )
    room = Objects("")
    blobs = [room.pack("export", encode(one))[0] for one in (ARRAY, STRING)]
    bag = {"a": wired(stored(blobs[0], ARRAY)), "b": wired(stored(blobs[1])), "c": carried([1])}
    bag["c"] = wired(bag["c"])
    data = pack_up(bag, room.objects)
    state = {"a": ARRAY, "b": STRING, "c": [1]}
    files = {"archives/two-packs.sbag": data, "states/two-packs.json": encode(state)}
    vectors.add(
        "archives",
        "two-packs",
        files,
        archive="archives/two-packs.sbag",
        expect={"state": "states/two-packs.json"},
    )

    def refused(name, row, code, archive, **settings):
        path = f"archives/{name}.sbag"
        vectors.add(
            "archives",
            name,
            {path: archive},
            archive=path,
            expect={"error": code, "refuses": row},
            **settings,
        )

    def of(header, packs=None):
        text = header if isinstance(header, bytes) else encode(header)
        packs = (
            b"".join(data for _, data in sorted(room.objects.items())) if packs is None else packs
        )
        body = ARCHIVE_MAGIC + len(text).to_bytes(8, "big") + text + packs
        return body + hashlib.sha256(body).digest()

    names = sorted(room.objects)
    listed = [[name, len(room.objects[name])] for name in names]
    header = {"v": 1, "bag": bag, "packs": listed}
    assert of(header) == data
    code = "unsupported_format"
    refused("version-2", "archive-version", code, data[:5] + b"\2" + data[6:])
    refused("header-version-2", "archive-version", code, of({**header, "v": 2}))
    moved = Objects("")
    elsewhere = moved.pack(RUN, encode(ARRAY))[0].at
    moved_bytes = moved.objects[elsewhere]
    all_packs = b"".join(room.objects[name] for name in names)
    forged = {
        "empty": b"", "cut": data[:-1], "damaged": flipped(data, len(data) // 2),
        "digest": flipped(data, len(data) - 1), "byte-after": data + b"\0",
        "no-magic": b"X" + data[1:], "header-not-json": of(b"{"), "header-array": of([]),
        "header-without-packs": of({"v": 1, "bag": bag}),
        "header-with-more": of({**header, "x": 1}),
        "packs-object": of({**header, "packs": {}}), "row-number": of({**header, "packs": [1]}),
        "row-size-text": of({**header, "packs": [[names[0], "1"]]}),
        "row-negative": of({**header, "packs": [[names[0], -1]]}),
        "size-less": of({**header, "packs": [[names[0], listed[0][1] - 1], listed[1]]}),
        "name-twice": of({**header, "packs": [listed[0], listed[0], listed[1]]},
                         room.objects[names[0]] + all_packs),
        "pack-changed": of(header, flipped(all_packs, 20)),
        "other-scope": of({**header, "packs": [*listed, [elsewhere, len(moved_bytes)]]},
                          all_packs + moved_bytes),
        "bytes-left": of(header, all_packs + b"\0"),
    }  # fmt: skip
    for name, archive in forged.items():
        refused(name, "archive-form", "blob_corrupt", archive)
    body = ARCHIVE_MAGIC + (2**63).to_bytes(8, "big") + encode(header)
    refused("header-long", "archive-form", "blob_corrupt", body + hashlib.sha256(body).digest())
    name = of({**header, "packs": [["../x", 1]]})
    refused("name", "archive-name", "invalid_stub", name)
    missing = of({**header, "packs": [listed[0]]}, room.objects[names[0]])
    refused("pack-missing", "missing", "blob_missing", missing)
    refused(
        "limit", "archive-limit", "limit_exceeded", data, limits={"max_open_bytes": len(data) - 1}
    )


def _scope_names(vectors):
    for name, scope in {
        "plain": "machine/run", "one-part": "a", "space": "machine/run 1",
        "unreserved": "AZaz09-._~", "reserved": "a:b@c!d$e&f'g(h)i*j+k,l;m=n?o#p%q",
        "wide": "žluť/\U0001f40e", "quotes": '"\\`{}|^<>', "dots": "a.b/...", "part-255": "a" * 255,
        "scope-960": "/".join(["a" * 191] * 5) + "a",
    }.items():  # fmt: skip
        vectors.add("scopes", name, {}, scope=scope, expect={"encoded": encode_scope(scope)})
    for name, scope in {
        "empty": "", "slash": "/", "first-slash": "/a", "last-slash": "a/", "double-slash": "a//b",
        "dot": ".", "dot-dot": "a/../b", "control": "a\x00b", "line": "a\nb", "delete": "a\x7f",
        "c1": "a\x85", "soft-hyphen": "a\xad", "no-break-space": "a\xa0b", "format": "a\u200bb",
        "line-separator": "a\u2028", "paragraph-separator": "a\u2029", "private-use": "\ue000",
        "unassigned": "\U000e0fff", "part-256": "a" * 256, "encoded-part": "ž" * 43,
        "scope-961": "/".join(["a" * 191] * 5) + "aa", "not-text": 1, "null": None,
    }.items():  # fmt: skip
        expect = {"error": "invalid_state", "refuses": "scope-form"}
        vectors.add("scopes", name, {}, scope=scope, expect=expect)


def _canonical(vectors):
    cases = {
        "white": b' { "b" : [ 1 , null , true , false ] , "a" : { } }\n',
        "escapes": rb'"\u0000\u0001\u0008\u0009\u000a\u000b\u000c\u000d"',
        "more-escapes": rb'"\u001f\u0020\u0022\u005c\u002f"',
        "no-escapes": rb'"\u007f\u0080\u2028\ud83d\ude00\u00e9\/"',
        "key-order": b'{"z":1,"a":2,"\\u00e9":3,"":4}',
        "name-twice": b'{"a":1,"b":2,"a":3}',
        "integers": b"[0,-0,1,-1,9007199254740993,18446744073709551616,-1000000000000000000000]",
        "floats": b"[0.0,-0.0,1.0,1e0,-1.50,0.1,100.0,1e2,123456.789,1E5,1e+5]",
        "small-floats": b"[0.001,0.0001,0.00001,1e-5,1.5e-5,0.000012345,1e-6,1.25e-7,1e-10]",
        "large-floats": b"[1e15,1234567890123456.0,9.999999999999998e15,1e16,1e17,1.5e300]",
        "edge-floats": b"[5e-324,2.2250738585072014e-308,1.7976931348623157e308,1e-400,0.3]",
        "rounded-floats": b"[0.1000000000000000055,9007199254740993.0,1e23,4.35,2e-44]",
        "exponents": b"[1e21,1e22,1.0e-7,123456789012345678901234567890.0]",
    }
    for name, text in cases.items():
        files = {f"texts/{name}.json": text, f"texts/{name}.canonical": encode(decode(text))}
        vectors.add(
            "texts", name, files, json=f"texts/{name}.json", canonical=f"texts/{name}.canonical"
        )
