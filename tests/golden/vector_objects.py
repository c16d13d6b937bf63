"""Test vectors: objects of a store that are damaged or forged, and what stands by itself."""

import hashlib
import sys
from pathlib import Path

from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.json_text import encode
from statebag.format.names import encode_scope
from statebag.format.pack import MAGIC, PackBuilder, read_index
from statebag.format.stub import KEY, Blob, Entry, Patched
from statebag.store.encrypted import BLOCK, Keys
from statebag.upkeep.archive import MAGIC as ARCHIVE_MAGIC
from statebag.upkeep.archive import pack_up
from tests.golden.vector_bags import (
    ARRAY,
    GOLDEN_KEY,
    OBJECT,
    RUN,
    STRING,
    TAIL,
    Plain,
    carried,
    chunked,
    rows,
    stored,
)
from tests.golden.vector_files import Objects, noise, wired, words

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GOLDEN = Path(__file__).resolve().parent
OTHER_KEY = bytes(range(1, 33))
FOREIGN_KEY = bytes(range(100, 132))
BLOCK_BYTES = 4135
FILE = "0" * 32 + ".pack"


def add_objects(vectors):
    """All of them."""
    plain = Plain()
    _objects(vectors, plain)
    _frames(vectors)
    _deltas(vectors, plain)
    _json_texts(vectors)
    _values(vectors, plain)
    _nodes(vectors, plain)
    _encrypted(vectors)
    _packs(vectors)
    _archives(vectors)
    _scope_names(vectors)
    _canonical(vectors)


def _flipped(data, at):
    """The bytes with one bit changed."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _objects(vectors, plain):
    """Objects that are gone or are not what a stub says."""
    blob, store = plain.array, plain.store
    bag = {"a": wired(stored(blob, ARRAY))}
    body = stored(blob, ARRAY).to_wire()
    vectors.refused("object-missing", "missing", "blob_missing", bag)
    gone = {name: data for name, data in store.objects.items() if name != plain.top.blob.at}
    by_node = wired(chunked((plain.top,), carried(TAIL)))
    vectors.refused("node-missing", "missing", "blob_missing", by_node, Objects("no-node", gone))
    code = "blob_corrupt"
    cut = store.objects[blob.at][: blob.offset + blob.length - 1]
    vectors.refused("object-short", "short", code, bag, store.changed("short", {blob.at: cut}))
    empty = store.changed("empty", {blob.at: b""})
    vectors.refused("object-empty", "short", code, bag, empty)
    far = wired(stored(blob, ARRAY), span=[2**52, blob.length])
    vectors.refused("span-far", "short", code, far, store)
    for name, at in {"first": 0, "middle": blob.length // 2, "last": blob.length - 1}.items():
        data = _flipped(store.objects[blob.at], blob.offset + at)
        damaged = store.changed(f"damaged-{name}", {blob.at: data})
        vectors.refused(f"object-damaged-{name}", "frame", code, bag, damaged)
    spans = {
        "later": [blob.offset + 1, blob.length], "at-0": [0, blob.length],
        "shorter": [blob.offset, blob.length - 1], "longer": [blob.offset, blob.length + 1],
        "empty": [blob.offset, 0],
    }  # fmt: skip
    for name, span in spans.items():
        vectors.refused(
            f"span-elsewhere-{name}", "frame", code, {KEY: {**body, "span": span}}, store
        )
    other = {KEY: {**body, "sha256": "0" * 64}}
    vectors.refused("digest-other", "digest", code, other, store)
    for name, by in {"more": 1, "less": -1}.items():
        given = {KEY: {**body, "size": body["size"] + by}}
        vectors.refused(f"size-stored-{name}", "size", code, given, store)


def _inline(text, frame, **changes):
    body = {"v": 1, "sha256": sha256_hex(text), "size": len(text)}
    return {KEY: {**body, "data": _base64(frame), **changes}}


def _base64(data):
    from base64 import b64encode

    return b64encode(data).decode()


def _by_hand(text, *, descriptor, header, declared=None):
    """A frame of one raw block; the header's parts stand between descriptor and content size."""
    size = (len(text) if declared is None else declared).to_bytes(4, "little")
    block = (len(text) << 3 | 1).to_bytes(3, "little")
    return bytes.fromhex("28b52ffd") + bytes([descriptor]) + header + size + block + text


def _frames(vectors):
    value = words(300, 9)
    text = encode(value)
    frame = compress(text)
    parameter = zstd.CompressionParameter
    for name, options in {
        "checksum": {parameter.checksum_flag: 1},
        "level-19": {parameter.compression_level: 19},
    }.items():
        vectors.opens(f"frame-{name}", _inline(text, zstd.compress(text, options=options)), value)
    window = {"descriptor": 0x80, "header": bytes([17 << 3])}  # of 2**27 bytes
    vectors.opens("frame-largest-window", _inline(text, _by_hand(text, **window)), value)
    compressor = zstd.ZstdCompressor()
    no_size = compressor.compress(text) + compressor.flush()
    forged = {
        "incomplete": frame[:-1],
        "empty": b"",
        "not-zstd": text,
        "damaged": _flipped(frame, len(frame) // 2),
        "byte-after": frame + b"\0",
        "frame-after": frame + frame,
        "skippable-before": bytes.fromhex("502a4d18") + bytes(4) + frame,
        "skippable-after": frame + bytes.fromhex("502a4d18") + bytes(4),
        "no-content-size": no_size,
        "dictionary-id": _by_hand(text, descriptor=0xA1, header=b"\7"),
        "shorter-than-declared": _by_hand(text[:-1], **window, declared=len(text)),
        "longer-than-declared": _by_hand(text + b" ", **window, declared=len(text)),
    }
    for name, one in forged.items():
        vectors.refused(f"frame-{name}", "frame", "blob_corrupt", _inline(text, one))
    bomb = encode("x" * 200_000)
    for name, size in {"small": 3, "one-less": len(bomb) - 1, "one-more": len(bomb) + 1}.items():
        given = _inline(bomb, compress(bomb), size=size)
        vectors.refused(f"size-{name}", "size", "blob_corrupt", given)
    given = _inline(text, frame, sha256="0" * 64)
    vectors.refused("digest-other-inline", "digest", "blob_corrupt", given)


def _deltas(vectors, plain):
    store, code = plain.store, "blob_corrupt"
    base, text = encode(STRING), encode(STRING + " edited")
    patch = make_patch(text, base)

    def refused(name, stub, **changes):
        vectors.refused(f"delta-{name}", "delta", code, wired(stub, **changes), store)

    stub = Patched(stored(plain.string), sha256_hex(text), len(text), patch)
    refused("digest", stub, sha256="0" * 64)
    refused("size", stub, size=len(text) + 1)
    refused("damaged", Patched(stub.base, stub.sha256, stub.size, _flipped(patch, len(patch) - 2)))
    refused("incomplete", Patched(stub.base, stub.sha256, stub.size, patch[:-1]))
    refused("byte-after", Patched(stub.base, stub.sha256, stub.size, patch + b"\0"))
    refused("other-base", Patched(stored(plain.array, ARRAY), stub.sha256, stub.size, patch))
    short = encode("x" * 61)  # 63 bytes
    blob = store.pack(RUN, short)[0]
    whole = compress(text)
    refused("short-base", Patched(stored(blob), stub.sha256, stub.size, whole))
    enough = store.pack(RUN, encode("x" * 62))[0]
    vectors.opens(
        "delta-shortest-base",
        wired(Patched(stored(enough), stub.sha256, stub.size, whole)),
        STRING + " edited",
        store,
    )
    damaged = store.changed(
        "damaged-base",
        {plain.string.at: _flipped(store.objects[plain.string.at], plain.string.offset + 30)},
    )
    vectors.refused("delta-base-damaged", "frame", code, wired(stub), damaged)
    base_stub = wired(stored(plain.string), sha256="0" * 64, v=None)[KEY]
    vectors.refused("delta-base-digest", "digest", code, wired(stub, base=base_stub), store)


def _json_texts(vectors):
    deep = b"[" * 500 + b"]" * 500
    taken = {
        "digits-4300": (b"1" * 4300, int("1" * 4300)),
        "least-float": (b"1e-400", 0.0),
        "minus-zero": (b"-0", 0),
        "minus-zero-float": (b"-0.0", -0.0),
        "surrogate-pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
        "white": (b"\t[1 ]\r\n", [1]),
        "levels-500": (deep, _nested(500)),
    }
    for name, (text, value) in taken.items():
        vectors.opens(f"text-{name}", _inline(text, compress(text)), value)
    refused = {
        "empty": b"", "cut": b"[1", "comma": b"[1,]", "two": b"1 2", "nan": b"NaN",
        "infinity": b"-Infinity", "leading-zero": b"01", "point": b"1.", "plus": b"+1",
        "single-quotes": b"'a'", "comment": b"[1]//", "control": b'"\x01"', "line": b'"\n"',
        "escape": b'"\\x41"', "bom": b"\xef\xbb\xbf1", "not-utf8": b'"\xff"',
        "utf8-surrogate": b'"\xed\xa0\x80"', "lone-surrogate": b'"\\ud800"',
        "lone-low-surrogate": b'["\\udc00x"]', "lone-surrogate-in-key": b'{"\\ud800":1}',
        "float-too-large": b"1e400", "digits-4301": b"1" * 4301,
        "sign-and-4300": b"-" + b"1" * 4300,
        "key-number": b"{1:2}", "word": b"tru",
    }  # fmt: skip
    for name, text in refused.items():
        vectors.refused(f"text-{name}", "text", "blob_corrupt", _inline(text, compress(text)))
    for name, text in {
        "levels-501": b"[" * 501 + b"]" * 501,
        "levels-501-objects": b'{"a":' * 501 + b"1" + b"}" * 501,
        "levels-100000": b"[" * 100_000 + b"]" * 100_000,
    }.items():
        vectors.refused(f"text-{name}", "text-depth", "blob_corrupt", _inline(text, compress(text)))


def _nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def _values(vectors, plain):
    """Stubs that say something else of their value than what it is."""
    store, code = plain.store, "invalid_stub"
    lies = {
        "string-as-array": (plain.string, {"kind": "array", "count": 1}),
        "array-as-object": (plain.array, {"kind": "object", "count": 300}),
        "object-as-array": (plain.object, {"kind": "array", "count": 200}),
        "count-more": (plain.array, {"kind": "array", "count": 301}),
        "count-0": (plain.array, {"kind": "array", "count": 0}),
    }
    for name, (blob, lie) in lies.items():
        vectors.refused(f"value-{name}", "value-kind", code, wired(stored(blob), **lie), store)
    twice = store.pack(RUN, b'{"a":1,"a":2}')[0]
    given = wired(stored(twice), kind="object", count=2)
    vectors.refused("value-name-twice", "value-kind", code, given, store)
    parts = [{"a": 1}, {"a": 2}]
    entries = rows(store.pack(RUN, *map(encode, parts)), parts)
    vectors.refused(
        "value-name-in-two-chunks",
        "value-kind",
        code,
        wired(chunked(entries, kind="object")),
        store,
    )
    body = chunked(plain.entries, carried(TAIL)).to_wire()
    row = body["pieces"][0]
    more = {**body, "pieces": [[row[0] + 1, *row[1:]], *body["pieces"][1:]]}
    more["count"] += 1
    vectors.refused("value-chunk-count", "value-kind", code, {KEY: more}, store)
    for name, one in {
        "object-among-arrays": chunked(
            (plain.entries[0], Entry(plain.object, 1, plain.object.size))
        ),
        "arrays-as-object": chunked(plain.entries, kind="object"),
        "string": chunked((Entry(plain.string, 1, plain.string.size),)),
        "tail": chunked(plain.entries, carried(OBJECT)),
    }.items():
        vectors.refused(f"chunk-{name}", "chunk-kind", code, wired(one), store)


def _nodes(vectors, plain):
    store, code = plain.store, "invalid_stub"
    good = encode_node(plain.entries)
    head, body = good[: good.index(b"{")], good[good.index(b"{") :]

    def refused(name, line, text, code=code, **changes):
        entry = node_entry(plain.entries, store.pack(RUN, text)[0])
        entry = Entry(
            entry.blob,
            changes.get("count", entry.count),
            changes.get("size", entry.size),
            changes.get("level", 1),
        )
        vectors.refused(f"node-{name}", line, code, wired(chunked((entry,))), store)

    for name, text in {
        "value": body, "string": encode(good.decode()), "array": encode([{}]),
        "empty-line": b"\n" + good, "upper": good.upper(),
    }.items():  # fmt: skip
        refused(name, "node-magic", text)
    refused(
        "version-2", "node-version", good.replace(b"index 1\n", b"index 2\n"), "unsupported_format"
    )
    refused(
        "version-10",
        "node-version",
        good.replace(b"index 1\n", b"index 10\n"),
        "unsupported_format",
    )
    pack = plain.entries[0].blob.at.encode()
    for name, text in {
        "cut": good[:-1], "after": good + b"1", "no-body": head, "array-body": head + b"[]",
        "no-packs": head + body.replace(b'"packs"', b'"packz"'),
        "no-pieces": head + body.replace(b'"pieces"', b'"piecez"'),
        "name": good.replace(pack, b"../" + pack), "row": good.replace(b"[25,", b"[[],", 1),
        "row-number": good.replace(b"[25,", b"[-25,", 1),
        "digest": good.replace(plain.entries[0].blob.sha256.encode(), b"x"),
        "rows-4097": head + encode({"packs": [""], "pieces": [[1, 3, "0" * 64, 0, 8, 12]] * 4097}),
    }.items():  # fmt: skip
        refused(name, "node-form", text)
    refused("no-rows", "node-sums", encode_node(()))
    refused("count", "node-sums", good, count=76)
    refused("size", "node-sums", good, size=node_entry(plain.entries, plain.array).size + 1)
    refused("level-2", "node-sums", good, level=2)
    mixed = encode_node((*plain.entries[:2], plain.top))
    refused("levels-mixed", "node-sums", mixed)
    own = encode_node((node_entry(plain.entries, plain.array),))
    refused("node-in-level-1", "node-sums", own)


def _encrypted(vectors):
    """Encrypted objects of both versions: read, written, damaged."""
    value = noise(30_000, 3)
    for version in (1, 2):
        keys = Keys([GOLDEN_KEY], misuse_resistant=version == 2)
        plain = Objects("")
        blob = plain.pack(RUN, encode(value), encode([1]), salt=keys.salt)[0]
        name, data = next(iter(plain.objects.items()))
        kept = keys.encrypted(name, data)
        bag = {"a": wired(stored(blob))}
        label = f"encrypted{version}"
        mine = {"encryption_keys": [GOLDEN_KEY.hex()]}
        store = Objects(label, {name: kept})
        vectors.opens(f"{label}-blocks", bag, {"a": value}, store, **mine)
        retired = [OTHER_KEY.hex(), GOLDEN_KEY.hex()]
        vectors.opens(f"{label}-retired-key", bag, {"a": value}, store, encryption_keys=retired)
        required = {**mine, "require_encryption": True}
        vectors.opens(f"{label}-required", bag, {"a": value}, store, **required)
        unencrypted = Objects(f"{label}-plain", plain.objects)
        vectors.opens(f"{label}-plain-object", bag, {"a": value}, unencrypted, **mine)
        vectors.refused(
            f"{label}-plain-refused",
            "encrypted-plain",
            "not_permitted",
            bag,
            unencrypted,
            **required,
        )
        vectors.refused(
            f"{label}-other-key",
            "encrypted-key",
            "not_permitted",
            bag,
            store,
            encryption_keys=[OTHER_KEY.hex()],
        )
        foreign = Keys([FOREIGN_KEY], misuse_resistant=version == 2).encrypted(name, data)
        later = Objects(f"{label}-later", {name: foreign[:5] + b"\3" + foreign[6:]})
        vectors.refused(
            f"{label}-later", "encrypted-version", "unsupported_format", bag, later, **mine
        )
        _damaged(vectors, label, name, kept, (keys, data), bag, mine)
        for length in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK):
            _encrypted_object(vectors, keys, version, f"{RUN}/object {length}", noise(length, 4))


def _damaged(vectors, label, name, kept, written, bag, settings):
    keys, data = written
    blocks = [kept[at : at + BLOCK_BYTES] for at in range(8, len(kept), BLOCK_BYTES)]
    assert len(blocks) > 2
    other = Keys([GOLDEN_KEY], misuse_resistant=label == "encrypted1").encrypted(name, data)
    second = 8 + BLOCK_BYTES
    forms = {
        "key-id": _flipped(kept, second), "last": _flipped(kept, second + 8),
        "length": _flipped(kept, second + 10), "nonce": _flipped(kept, second + 11),
        "bytes": _flipped(kept, second + 100), "tag": _flipped(kept, second + BLOCK_BYTES - 1),
        "swapped": kept[:8] + b"".join([blocks[1], blocks[0], *blocks[2:]]),
        "left-out": kept[:8] + b"".join([blocks[0], *blocks[2:]]),
        "cut": kept[: second + 50],
        "two-versions": kept[:second] + other[second:],
        "other-name": keys.encrypted(f"{RUN}/{FILE}", data),
    }  # fmt: skip
    for what, one in forms.items():
        vectors.refused(
            f"{label}-{what}",
            "encrypted-damaged",
            "blob_corrupt",
            bag,
            Objects(f"{label}-{what}", {name: one}),
            **settings,
        )


def _encrypted_object(vectors, keys, version, name, text):
    data = text.encode()
    path, kept = f"encrypted/{len(data)}", f"encrypted/{len(data)}-{version}"
    vectors.add(
        "encrypted",
        f"{version}-of-{len(data)}",
        {path: data, kept: keys.encrypted(name, data)},
        object=name,
        version=version,
        key=GOLDEN_KEY.hex(),
        plain=path,
        encrypted=kept,
    )


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
        "empty": b"", "cut": data[:-1], "damaged": _flipped(data, len(data) // 2),
        "digest": _flipped(data, len(data) - 1), "byte-after": data + b"\0",
        "no-magic": b"X" + data[1:], "header-not-json": of(b"{"), "header-array": of([]),
        "header-without-packs": of({"v": 1, "bag": bag}),
        "header-with-more": of({**header, "x": 1}),
        "packs-object": of({**header, "packs": {}}), "row-number": of({**header, "packs": [1]}),
        "row-size-text": of({**header, "packs": [[names[0], "1"]]}),
        "row-negative": of({**header, "packs": [[names[0], -1]]}),
        "size-less": of({**header, "packs": [[names[0], listed[0][1] - 1], listed[1]]}),
        "name-twice": of({**header, "packs": [listed[0], listed[0], listed[1]]},
                         room.objects[names[0]] + all_packs),
        "pack-changed": of(header, _flipped(all_packs, 20)),
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
    from statebag.format.json_text import decode

    for name, text in cases.items():
        files = {f"texts/{name}.json": text, f"texts/{name}.canonical": encode(decode(text))}
        vectors.add(
            "texts", name, files, json=f"texts/{name}.json", canonical=f"texts/{name}.canonical"
        )
