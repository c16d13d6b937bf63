"""Test vectors: objects of a store, and inline frames, that are damaged or forged."""

import sys
from base64 import b64encode

from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.json_text import encode
from statebag.format.stub import (
    KEY,
    Entry,
    Patched,
)
from tests.golden.vector_files import Objects, flipped, wired, words
from tests.golden.vector_stubs import (
    ARRAY,
    OBJECT,
    RUN,
    STRING,
    TAIL,
    carried,
    chunked,
    rows,
    stored,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def add_objects(vectors, plain):
    """All of them."""
    _objects(vectors, plain)
    _frames(vectors)
    _deltas(vectors, plain)
    _json_texts(vectors)
    _values(vectors, plain)
    _nodes(vectors, plain)


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
        data = flipped(store.objects[blob.at], blob.offset + at)
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
    return {KEY: {**body, "data": b64encode(frame).decode(), **changes}}


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
    short = encode("x" * 10)  # of which the frame leaves unused bits in its base64
    unused = _inline(short, _by_hand(short, **window))
    body = unused[KEY]
    assert body["data"].endswith("g==")
    body["data"] = body["data"].removesuffix("g==") + "h=="
    vectors.opens("base64-unused-bits", unused, "x" * 10)
    compressor = zstd.ZstdCompressor()
    no_size = compressor.compress(text) + compressor.flush()
    forged = {
        "incomplete": frame[:-1],
        "empty": b"",
        "not-zstd": text,
        "damaged": flipped(frame, len(frame) // 2),
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
    refused("damaged", Patched(stub.base, stub.sha256, stub.size, flipped(patch, len(patch) - 2)))
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
        {plain.string.at: flipped(store.objects[plain.string.at], plain.string.offset + 30)},
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
