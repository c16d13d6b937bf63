"""Test vectors: bags that open, and bags that a reader refuses before it reads anything."""

from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.json_text import decode, encode
from statebag.format.signature import Signatures
from statebag.format.stub import (
    KEY,
    THIS_PACK,
    Blob,
    Carried,
    Entry,
    Extent,
    Patched,
    Pieces,
    Rest,
    Stored,
    joined_size,
)
from tests.golden.make_wire1 import CASES, FOLDER, SCOPE
from tests.golden.vector_files import Objects, wired, words

RUN = "machine/run"
SIGNING = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}
HEX_KEYS = {name: key.hex() for name, key in SIGNING.items()}
GOLDEN_KEY = bytes(range(32))

STRING = words(500, 1)
ARRAY = list(range(300))
OBJECT = {f"key {n}": n for n in range(200)}
CHUNKS = [[{"n": n, "text": words(6, n)} for n in range(at, at + 25)] for at in (0, 25, 50)]
TAIL = [{"n": n, "text": words(6, n)} for n in range(75, 80)]
HISTORY = [item for chunk in [*CHUNKS, TAIL] for item in chunk]


def carried(value, text=None):
    """An inline stub of a value."""
    text = encode(value) if text is None else text
    kind = {list: "array", dict: "object"}.get(type(value))
    frame = compress(text)
    return Carried(sha256_hex(text), len(text), frame, kind, len(value) if kind else 0)


def stored(blob, value=None):
    """A stored stub; arrays and objects say their count."""
    kind = {list: "array", dict: "object"}.get(type(value))
    return Stored(blob, kind, len(value) if kind else 0)


def rows(blobs, values):
    """Chunks as entries."""
    return tuple(
        Entry(blob, len(value), blob.size) for blob, value in zip(blobs, values, strict=True)
    )


def chunked(entries, tail=None, reads=(), kind="array"):
    """A chunked stub whose counts and sizes add up."""
    sizes = [entry.size for entry in entries] + ([tail.size] if tail else [])
    count = sum(entry.count for entry in entries) + (tail.count if tail else 0)
    return Pieces(kind, count, joined_size(sizes), tuple(entries), tail, tuple(reads))


class Plain:
    """The stores that most vectors share, with what lies in them."""

    def __init__(self):
        self.store = Objects("plain")
        self.string, self.array, self.object, *chunks = self.store.pack(
            RUN, *map(encode, (STRING, ARRAY, OBJECT, *CHUNKS, TAIL))
        )
        self.chunks, self.tail = chunks[:3], chunks[3]
        self.entries = rows(self.chunks, CHUNKS)
        self.above, self.other, self.below = (
            self.store.pack(scope, encode(scope))[0]
            for scope in ("machine", "other/run", f"{RUN}/child")
        )
        self.node, self.top = self._nodes()

    def _nodes(self):
        """An index of two levels in a pack of its own; the upper node lists its own pack too."""
        lower = encode_node(self.entries[:2])
        more = encode(CHUNKS[2])
        own = Blob(sha256_hex(lower), len(lower), THIS_PACK, 8, len(compress(lower)))
        chunk = Blob(
            sha256_hex(more), len(more), THIS_PACK, own.offset + own.length, len(compress(more))
        )
        second = encode_node((Entry(chunk, len(CHUNKS[2]), len(more)),))
        after = Blob(
            sha256_hex(second),
            len(second),
            THIS_PACK,
            chunk.offset + chunk.length,
            len(compress(second)),
        )
        nodes = (
            node_entry(self.entries[:2], own),
            node_entry((Entry(chunk, len(CHUNKS[2]), len(more)),), after),
        )
        upper = encode_node(nodes)
        kinds = ["index", "value", "index", "index"]
        blobs = self.store.pack(RUN, lower, more, second, upper, kinds=kinds)
        return node_entry(self.entries[:2], blobs[0]), node_entry(nodes, blobs[3])


def add_bags(vectors):
    """All of them."""
    plain = Plain()
    _goldens(vectors)
    _forms(vectors, plain)
    _rests(vectors, plain)
    _scopes(vectors, plain)
    _signed(vectors, plain)
    _no_stubs(vectors, plain)
    _no_rows(vectors, plain)
    _limits(vectors, plain)


def _goldens(vectors):
    """The files that releases wrote."""
    for name in CASES:
        folder = f"../wire1/{name}"
        store = {} if name == "carried" else {"store": f"{folder}/store"}
        expect = {"state": f"{folder}/state.json"}
        fields = {"bag": f"{folder}/bag.json", "expect": expect, "scope": SCOPE, **store}
        vectors.add("bags", f"wire1-{name}", {}, **fields)
    for version in (1, 2):
        folder = f"../encrypted{version}"
        path = f"states/encrypted{version}.json"
        state = decode((FOLDER.parent / f"encrypted{version}" / "state.json").read_bytes())
        vectors.add(
            "bags",
            f"encrypted{version}",
            {path: encode(state)},
            bag=f"{folder}/bag.json",
            expect={"state": path},
            store=f"{folder}/store",
            encryption_keys=[GOLDEN_KEY.hex()],
        )


def _forms(vectors, plain):
    store = plain.store
    for name, blob, value in (
        ("string", plain.string, STRING),
        ("array", plain.array, ARRAY),
        ("object", plain.object, OBJECT),
    ):
        vectors.opens(f"stored-{name}", {"a": wired(stored(blob, value))}, {"a": value}, store)
        bag = wired(stored(blob, value))
        vectors.opens(f"whole-bag-{name}", bag, value, store)
        vectors.opens(f"inline-{name}", [wired(carried(value)), 1], [value, 1])
    for name, value in {"null": None, "true": True, "integer": 2**64, "float": -0.0}.items():
        vectors.opens(f"inline-{name}", {"a": wired(carried(value))}, {"a": value})
    body = stored(plain.array, ARRAY).to_wire()
    span = [float(one) for one in body["span"]]
    as_floats = {**body, "v": 1.0, "size": float(body["size"]), "span": span, "count": 300.0}
    vectors.opens("numbers-as-floats", {KEY: as_floats}, ARRAY, store)
    reordered = dict(reversed(list(body.items())))
    vectors.opens("fields-reordered", {KEY: reordered}, ARRAY, store)
    unknown = {**body, "later": {"any": [KEY]}, "sig": "ignored without keys"}
    vectors.opens("unknown-fields", {KEY: unknown}, ARRAY, store)
    text = b' [ 1 ,\n{"a" : 1 , "b":2,"a":3} ] '
    vectors.opens("text-not-canonical", wired(carried([1, {}], text)), [1, {"a": 3, "b": 2}])
    looks = {KEY: {"v": 1, "escaped": {}}}
    vectors.opens("stub-in-stored-text", {"a": wired(carried(looks))}, {"a": looks})

    tail = carried(TAIL)
    for name, one in (("stored", stored(plain.tail, TAIL)), ("inline", tail)):
        stub = chunked(plain.entries, one)
        vectors.opens(f"chunked-{name}-tail", {"h": wired(stub)}, {"h": HISTORY}, store)
    three = [item for chunk in CHUNKS for item in chunk]
    vectors.opens("chunked-no-tail", wired(chunked(plain.entries)), three, store)
    vectors.opens(
        "node-and-chunk", wired(chunked((plain.node, plain.entries[2]), tail)), HISTORY, store
    )
    top = chunked((plain.top,), tail)
    vectors.opens("nodes-of-two-levels", wired(top), HISTORY, store)
    vectors.opens("chunk-listed-twice", wired(chunked(plain.entries[:1] * 2)), CHUNKS[0] * 2, store)
    first = plain.chunks[0]
    reads = (Extent(first.at, first.offset, plain.chunks[2].offset - first.offset),)
    vectors.opens("prefetch-list", wired(chunked((plain.top,), tail, reads)), HISTORY, store)
    wrong = (Extent(first.at, 2**40, 5), Extent(first.at, 0, 3))
    vectors.opens("prefetch-list-wrong", wired(chunked((plain.top,), tail, wrong)), HISTORY, store)
    parts = [{"a": 1, "b": [2]}, {"c": {"d": None}}]
    blobs = store.pack(RUN, *map(encode, parts))
    members = chunked(rows(blobs, parts), carried({"e": "f"}), kind="object")
    vectors.opens("chunked-object", wired(members), {**parts[0], **parts[1], "e": "f"}, store)

    _deltas(vectors, plain)
    deep = 1
    for _ in range(500):
        deep = [deep]
    vectors.opens("levels-500-in-bag", deep, deep)
    vectors.opens("levels-500-inline", wired(carried(deep)), deep)
    vectors.opens(
        "levels-500-escaped",
        {"a": {KEY: {"v": 1, "escaped": _in_object(deep)}}},
        {"a": _in_object(deep)},
    )
    too_deep = "levels-501"
    vectors.refused(too_deep, "bag-depth", "limit_exceeded", [deep])
    vectors.refused(
        "levels-501-escaped",
        "bag-depth",
        "limit_exceeded",
        {KEY: {"v": 1, "escaped": {KEY: [deep]}}},
    )


def _in_object(deep):
    """The same number of levels, of which the outermost has the reserved key."""
    return {KEY: deep[0]}


def _deltas(vectors, plain):
    store = plain.store
    base, text = encode(STRING), encode(STRING.replace("a", "b", 3) + " edited")
    stub = Patched(stored(plain.string), sha256_hex(text), len(text), make_patch(text, base))
    vectors.opens(
        "delta-of-stored", {"a": wired(stub)}, {"a": STRING.replace("a", "b", 3) + " edited"}, store
    )
    edited = [dict(one, n=-1) if one["n"] == 30 else one for one in HISTORY]
    before, after = encode(HISTORY), encode(edited)
    patch = make_patch(after, before)
    for name, entries, tail in (
        ("chunked", plain.entries, carried(TAIL)),
        ("nodes", (plain.top,), stored(plain.tail, TAIL)),
    ):
        base_stub = chunked(entries, tail)
        stub = Patched(base_stub, sha256_hex(after), len(after), patch, "array", len(edited))
        vectors.opens(f"delta-of-{name}", wired(stub), edited, store)


def _rests(vectors, plain):
    store = plain.store
    whole = {"status": "OLD", "big": None, "n": 1, "m": [1, 2]}
    siblings = {"status": "NEW", "big": wired(stored(plain.string))}
    opened = {"status": "NEW", "big": STRING, "n": 1, "m": [1, 2]}
    body = Rest(carried(whole), ("big",), {}).to_wire()
    vectors.opens("rest-inline", {KEY: body, **siblings}, opened, store)
    vectors.opens("rest-inside", [{"a": {**siblings, KEY: body}}], [{"a": opened}], store)
    added = {"added": wired(carried([1])), **siblings, KEY: body}
    vectors.opens("rest-with-more-members", added, {**opened, "added": [1]}, store)
    blob = store.pack(RUN, encode(OBJECT))[0]
    body = Rest(stored(blob, OBJECT), (), {}).to_wire()
    nested = {
        "key 3": {KEY: Rest(carried({"x": None}), ("x",), {}).to_wire(), "x": True},
        KEY: body,
    }
    vectors.opens("rest-in-rest", nested, {**OBJECT, "key 3": {"x": True}}, store)
    after = encode({**OBJECT, "key 5": "changed"})
    delta = Patched(
        stored(blob, OBJECT),
        sha256_hex(after),
        len(after),
        make_patch(after, encode(OBJECT)),
        "object",
        200,
    )
    bag = {KEY: Rest(delta, (), {}).to_wire()}
    vectors.opens("rest-delta", bag, {**OBJECT, "key 5": "changed"}, store)
    parts = [{"a": 1}, {"b": None}]
    entries = rows(store.pack(RUN, *map(encode, parts)), parts)
    body = Rest(chunked(entries, kind="object"), ("b",), {}).to_wire()
    vectors.opens("rest-chunked", {KEY: body, "b": 7}, {"a": 1, "b": 7}, store)

    marked = wired(stored(plain.object, OBJECT), derived=["scheduling_summary"])
    bag = {"scheduling_metadata": marked, "scheduling_summary": {"priority": 1}}
    vectors.opens("derived", bag, {"scheduling_metadata": OBJECT}, store)
    bag["scheduling_metadata"] = wired(stored(plain.object, OBJECT))
    state = {"scheduling_metadata": OBJECT, "scheduling_summary": {"priority": 1}}
    vectors.opens("not-derived", bag, state, store)
    body = {**Rest(carried({"n": 1}), (), {}).to_wire(), "derived": ["scheduling_summary"]}
    bag = {KEY: body, "scheduling_summary": {}, "status": "NEW"}
    vectors.opens("derived-rest", bag, {"n": 1, "status": "NEW"})

    code = "invalid_stub"
    body = Rest(carried(whole), ("big",), {}).to_wire()
    vectors.refused("rest-field-gone", "beside", code, {KEY: body, "status": "NEW"}, store)
    for name, value in (("number", [1]), ("text", "big"), ("missing", None)):
        changed = {KEY: {**body, "beside": value}, "big": 1}
        if value is None:
            del changed[KEY]["beside"]
        row = "field-missing" if value is None else "field-type"
        vectors.refused(f"beside-is-{name}", row, code, changed)
    body = Rest(carried([1]), (), {}).to_wire()
    vectors.refused("rest-of-array", "rest-object", code, {KEY: body, "n": 1})
    body = Rest(carried(1), (), {}).to_wire()
    vectors.refused("rest-of-number", "rest-object", code, {KEY: body, "n": 1})


def _scopes(vectors, plain):
    store, code = plain.store, "not_permitted"
    blobs = {"machine": plain.above, "other/run": plain.other, f"{RUN}/child": plain.below}
    bags = {scope: {"a": wired(stored(blob))} for scope, blob in blobs.items()}
    opened = {scope: {"a": scope} for scope in blobs}

    def opens(name, of, **settings):
        vectors.opens(f"scope-{name}", bags[of], opened[of], store, **settings)

    opens("none", "other/run")
    opens("above", "machine", scope=RUN)
    opens("own", "other/run", scope="other/run")
    opens("readable", "other/run", scope=RUN, readable_scopes=["other/run"])
    opens("readable-tree", f"{RUN}/child", scope=RUN, readable_scopes=["machine/**"])
    opens("readable-tree-itself", "machine", scope="x", readable_scopes=["machine/**"])

    def refused(name, bag, scope=RUN, **settings):
        vectors.refused(f"scope-{name}", "scope", code, bag, store, scope=scope, **settings)

    refused("other", bags["other/run"])
    refused("below", bags[f"{RUN}/child"])
    refused("beginning-of-a-name", bags["machine"], "machinery")
    refused("readable-is-exact", bags[f"{RUN}/child"], readable_scopes=["machine"])
    refused("readable-is-not-above", bags["machine"], "x", readable_scopes=["machine/run"])
    there = Extent(plain.other.at, 8, 5)
    refused("prefetch-list", wired(chunked((plain.node,), None, (there,))))
    entry = Entry(plain.other, 1, plain.other.size)
    refused("chunk", wired(chunked((plain.entries[0], entry))))
    refused("tail", wired(chunked(plain.entries, Stored(plain.other, "array", 1))))
    text = encode("x" * 100)
    refused("base", wired(Patched(stored(plain.other), sha256_hex(text), len(text), b"")))
    node = encode_node((entry,))
    blob = store.pack(RUN, node, kinds=["index"])[0]
    refused("node", wired(chunked((node_entry((entry,), blob),))))


def _signed(vectors, plain):
    """Signed stubs of each form, with and without bytes of a value."""
    store = plain.store
    text = encode(STRING + " edited")
    stubs = {
        "stored": (stored(plain.array, ARRAY), ARRAY),
        "inline": (carried(OBJECT), OBJECT),
        "chunked": (
            chunked(
                (plain.node, plain.entries[2]),
                stored(plain.tail, TAIL),
                (Extent(plain.chunks[0].at, plain.chunks[0].offset, 99),),
            ),
            HISTORY,
        ),
        "chunked-inline-tail": (chunked(plain.entries, carried(TAIL)), HISTORY),
        "delta": (
            Patched(
                stored(plain.string), sha256_hex(text), len(text), make_patch(text, encode(STRING))
            ),
            STRING + " edited",
        ),
        "rest": (Rest(carried({"é": None, "n": 1}), ("é",), {}), {"é": 1, "n": 1}),
        "rest-stored": (Rest(stored(plain.object, OBJECT), (), {}), OBJECT),
    }
    whole = {"signing_keys": HEX_KEYS, "scope": RUN}
    older = Signatures(SIGNING, scoped=False)
    for name, (stub, value) in stubs.items():
        beside = {"é": 1} if name == "rest" else {}
        bodies = {}
        for label, signatures in (("scoped", Signatures(SIGNING)), ("older", older)):
            body = signatures.signer(RUN).signed(stub, stub.to_wire())
            bodies[label] = body
            vectors.opens(f"signed-{label}-{name}", {KEY: body, **beside}, value, store, **whole)
            scope = body["sig"].split(".", 2)[2:]
            path = f"signatures/{label}-{name}.json"
            vectors.add(
                "signatures",
                f"{label}-{name}",
                {path: encode({**beside, KEY: stub.to_wire()})},
                stub=path,
                key_name="k1",
                key=HEX_KEYS["k1"],
                scope=scope[0] if scope else None,
                sig=body["sig"],
            )
        moved = dict(reversed([(key, _widened(one)) for key, one in bodies["scoped"].items()]))
        vectors.opens(f"signed-moved-{name}", {KEY: moved, **beside}, value, store, **whole)
        _wrongly_signed(vectors, store, name, bodies, beside)
    signer = Signatures({"k2": SIGNING["k2"]}).signer("machine")
    stub = carried([1])
    above = {KEY: signer.signed(stub, stub.to_wire())}
    vectors.opens("signed-second-key-above", above, [1], **whole)
    escaped = {KEY: {"v": 1, "escaped": {KEY: 1}}}
    vectors.opens("signed-not-escaped", escaped, {KEY: 1}, **whole)
    required = {**whole, "require_signatures": True}
    vectors.opens("signed-and-required", above, [1], **required)


def _widened(value):
    """What an engine may make of a field: numbers as floats."""
    if isinstance(value, list):
        return [_widened(one) for one in value]
    if isinstance(value, dict):
        return {key: _widened(one) for key, one in reversed(value.items())}
    return float(value) if type(value) is int else value


def _wrongly_signed(vectors, store, name, bodies, beside):
    code, body = "not_permitted", bodies["scoped"]
    whole = {"signing_keys": HEX_KEYS, "scope": RUN}
    sig = body["sig"]
    unsigned = {key: value for key, value in body.items() if key != "sig"}
    wrong = {
        "missing": unsigned,
        "number": {**unsigned, "sig": 1},
        "unknown-key": {**unsigned, "sig": sig.replace("k1", "k3", 1)},
        "other-key": {**unsigned, "sig": sig.replace("k1", "k2", 1)},
        "empty-scope": {**unsigned, "sig": ".".join(sig.split(".")[:2]) + "."},
        "size": {**body, "later": 1, **_changed(body)},
    }
    if name != "stored":
        wrong = {key: wrong[key] for key in ("missing", "size")}
    for label, one in wrong.items():
        vectors.refused(
            f"unsigned-{name}-{label}", "signature", code, {KEY: one, **beside}, store, **whole
        )
    if sig.count(".") == 1:
        return
    other = {**whole, "scope": "machine/other"}
    vectors.refused(
        f"signed-elsewhere-{name}",
        "signature-scope",
        code,
        {KEY: body, **beside},
        store,
        **other,
        readable_scopes=[],
    )
    forged = {**body, "sig": sig.removesuffix(RUN) + "machine/other"}
    vectors.refused(
        f"signed-renamed-{name}",
        "signature",
        code,
        {KEY: forged, **beside},
        store,
        **other,
        readable_scopes=["machine/run"],
    )
    required = {**whole, "require_signatures": True}
    vectors.refused(
        f"signed-older-refused-{name}",
        "signature-older",
        code,
        {KEY: bodies["older"], **beside},
        store,
        **required,
    )


def _changed(body):
    """One field of a body, changed so that it is still a body."""
    if "reads" in body:
        return {"reads": [[0, 8, 98]]}
    if "pieces" in body:
        return {"tail": {**body["tail"], "sha256": "0" * 64}}
    if "beside" in body:
        return {"beside": [*body["beside"], *body["beside"]]} if body["beside"] else {"count": 1}
    return {"sha256": "0" * 64}


def _no_stubs(vectors, plain):
    store, code = plain.store, "invalid_stub"
    body = stored(plain.array, ARRAY).to_wire()
    inline = carried(ARRAY).to_wire()
    delta = Patched(stored(plain.string), "0" * 64, 5, b"x").to_wire()

    def refused(name, row, given, code=code):
        vectors.refused(name, row, code, {"a": [given]}, store)

    for name, given in {"text": "x", "null": None, "array": [], "empty": {}}.items():
        refused(f"body-{name}", "stub-body", {KEY: given})
    versions = {"0": 0, "2": 2, "half": 1.5, "text": "1", "true": True, "null": None}
    for name, version in versions.items():
        given = {KEY: {**body, "v": version, "since": "9.0"}}
        refused(f"version-{name}", "stub-version", given, "unsupported_format")
    for name, given in {
        "stored": body,
        "escaped": {"v": 1, "escaped": {}},
        "rest-false": {**body, "rest": False},
        "rest-1": {**body, "rest": 1},
    }.items():
        refused(f"key-beside-{name}", "stub-alone", {KEY: given, "n": 1})
    forms = {"stored": body, "inline": inline, "delta": delta}
    for form, one in forms.items():
        for field in one:
            # Without these the stub has another form, or none of v and kind.
            if field not in {"v", "kind", "data", "patch"}:
                given = {key: value for key, value in one.items() if key != field}
                row = "kind" if field == "count" else "field-missing"
                refused(f"{form}-without-{field}", row, {KEY: given})
    refused("no-form", "field-missing", {KEY: {"v": 1}})
    types = {
        "span": {"0": 8}, "at": 1, "sha256": 0, "size": "3", "kind": 1, "count": "300",
        "escaped": [],
    }  # fmt: skip
    for field, value in types.items():
        given = {"v": 1, "escaped": value} if field == "escaped" else {**body, field: value}
        row = {"kind": "kind", "at": "pack-name", "sha256": "digest-form"}.get(field, "field-type")
        refused(f"type-of-{field}", row, {KEY: given})
    refused("type-of-data", "field-type", {KEY: {**inline, "data": None}})
    refused("type-of-patch", "field-type", {KEY: {**delta, "patch": 1}})
    for name, number in {
        "negative": -1, "half": 2.5, "true": True, "above": 2**53 + 1, "null": None,
    }.items():  # fmt: skip
        refused(f"number-{name}", "number", {KEY: {**body, "size": number}})
        refused(f"number-{name}-in-span", "number", {KEY: {**body, "span": [number, 5]}})
        refused(f"number-{name}-in-count", "number", {KEY: {**body, "count": number}})
    for name, digest in {
        "short": "0" * 63, "long": "0" * 65, "upper": "A" * 64, "letters": "g" * 64,
        "line": "0" * 63 + "\n",
    }.items():  # fmt: skip
        refused(f"digest-{name}", "digest-form", {KEY: {**body, "sha256": digest}})
    good = inline["data"]
    for name, data in {
        "text": "not base64", "unpadded": good.rstrip("=") + "A=", "urlsafe": "__8=",
        "line": good[:8] + "\n" + good[8:], "wide": "é" * 4, "half": "KLU",
    }.items():  # fmt: skip
        refused(f"base64-{name}", "base64", {KEY: {**inline, "data": data}})
    refused("base64-patch", "base64", {KEY: {**delta, "patch": "!!!!"}})
    refused("kind-unknown", "kind", {KEY: {**body, "kind": "string"}})
    refused("kind-null", "kind", {KEY: {**body, "kind": None}})
    bound = body["size"] + body["size"] // 128 + 512
    for name, span in {
        "short": [8], "long": [8, 9, 1], "above": [8, bound + 1], "empty": [],
    }.items():  # fmt: skip
        refused(f"span-{name}", "span", {KEY: {**body, "span": span}})
    _no_names(refused, body)
    for name, base in {
        "inline": {key: value for key, value in inline.items() if key != "v"},
        "delta": {key: value for key, value in delta.items() if key != "v"},
        "text": "x", "array": [], "null": None,
    }.items():  # fmt: skip
        row = "field-missing" if name == "null" else "base"
        refused(f"base-{name}", row, {KEY: {**delta, "base": base}})


def _no_names(refused, body):
    """Names that are not a pack's."""
    file = "0" * 32 + ".pack"
    names = {
        "empty": "", "no-scope": file, "root": f"/{file}", "parent": f"../{file}",
        "parent-inside": f"a/../{file}", "parent-encoded": f"%2e%2e/{file}",
        "double-slash": f"a//{file}", "dot": f"./{file}", "scheme": f"s3://bucket/{file}",
        "not-encoded": f"a b/{file}", "over-encoded": f"%61/{file}", "lower-hex": f"a%2fb/{file}",
        "not-utf8": f"%FF/{file}", "control": f"%00/{file}", "line-separator": f"%E2%80%A8/{file}",
        "private-use": f"%EE%80%80/{file}", "no-break-space": f"%C2%A0/{file}",
        "wide": f"é/{file}", "percent": f"100%/{file}", "backslash": f"a\\b/{file}",
        "query": f"a?b/{file}", "short-digest": f"a/{'0' * 31}.pack",
        "upper-digest": f"a/{'A' * 32}.pack", "suffix": f"a/{'0' * 32}.json",
        "long-part": f"{'a' * 256}/{file}", "long": "/".join(["a" * 200] * 5) + f"/{file}",
        "line-end": f"a/{file}\n",
    }  # fmt: skip
    for name, at in names.items():
        refused(f"name-{name}", "pack-name", {KEY: {**body, "at": at}})


def _no_rows(vectors, plain):
    store, code = plain.store, "invalid_stub"
    stub = chunked((plain.node, plain.entries[2]), carried(TAIL))
    body = stub.to_wire()
    node, row = body["pieces"]

    def refused(name, line, **changes):
        given = {key: one for key, one in {**body, **changes}.items() if one != "left out"}
        vectors.refused(f"chunked-{name}", line, code, {KEY: given}, store)

    for field in ("kind", "count", "size", "packs"):
        refused(
            f"without-{field}",
            "kind" if field == "kind" else "field-missing",
            **{field: "left out"},
        )
    refused("pieces-text", "field-type", pieces="x")
    refused("packs-object", "field-type", packs={})
    refused("tail-array", "field-type", tail=[])
    refused(
        "tail-without-count",
        "field-missing",
        tail={key: one for key, one in body["tail"].items() if key != "count"},
    )
    refused("pack-name", "pack-name", packs=["x"])
    refused("pack-name-empty", "pack-name", packs=[""])
    refused("pack-name-unused", "pack-name", packs=[*body["packs"], "../x"])
    tail_size, tail_count = body["tail"]["size"], body["tail"]["count"]
    refused("no-rows", "rows", pieces=[], count=tail_count, size=tail_size)
    forms = {
        "not-array": 1, "of-5": row[:5], "of-7": [*row, 1], "of-9": [*node, 1],
        "count-0": [0, *row[1:]], "level-0": [*row, 0, row[1]],
        "level-13": [*node[:6], 13, node[7]],
        "pack-unknown": [*row[:3], 9, *row[4:]],
        "length-above": [*row[:5], row[1] + row[1] // 128 + 513],
        "node-length-above": [*node[:5], node[7] + node[7] // 128 + 513, *node[6:]],
    }  # fmt: skip
    for name, one in forms.items():
        refused(f"row-{name}", "rows", pieces=[node, one])
    refused("row-digest", "digest-form", pieces=[node, [*row[:2], "x", *row[3:]]])
    refused("row-number", "number", pieces=[node, [*row[:4], -1, row[5]]])
    refused(
        "rows-4097",
        "rows",
        pieces=[row] * 4097,
        count=row[0] * 4097 + tail_count,
        size=joined_size([row[1]] * 4097 + [tail_size]),
    )
    refused("count-more", "sums", count=body["count"] + 1)
    refused("size-more", "sums", size=body["size"] + 1)
    refused("row-left-out", "sums", pieces=[node])
    refused("tail-left-out", "sums", tail="left out")
    for name, reads in {
        "text": "x", "not-array": [1], "of-2": [[0, 8]], "of-4": [[0, 8, 1, 1]],
        "pack-unknown": [[9, 8, 1]], "4097": [[0, 8, 1]] * 4097, "negative": [[0, -1, 1]],
    }.items():  # fmt: skip
        line = "number" if name == "negative" else "prefetch"
        refused(f"reads-{name}", line, reads=reads)


def _limits(vectors, plain):
    store, code = plain.store, "limit_exceeded"
    both = [wired(stored(plain.array, ARRAY)), wired(stored(plain.above))]
    size = plain.array.size + plain.above.size
    for name, amount in {"bytes": size - 1, "blobs": 1, "requests": 1}.items():
        limits = {f"max_open_{name}": amount}
        vectors.refused(f"limit-{name}", f"limit-{name}", code, both, store, limits=limits)
    limits = {"max_open_bytes": size * 10, "max_open_blobs": 2, "max_open_requests": 2}
    vectors.opens("limits-kept", both, [ARRAY, "machine"], store, limits=limits)
    limits = {"max_open_bytes": plain.array.size * 9}
    many = [wired(stored(plain.array, ARRAY))] * 10
    vectors.refused("limit-bytes-one-blob", "limit-bytes", code, many, store, limits=limits)
    again = chunked(plain.entries[:1] * 10)
    limits = {"max_open_bytes": again.size - 1}
    vectors.refused(
        "limit-bytes-one-chunk", "limit-bytes", code, wired(again), store, limits=limits
    )
    limits = {"max_open_bytes": 2**53}
    huge = wired(stored(plain.array), size=2**52)
    huge_limits = {"max_open_bytes": 2**40}
    vectors.refused("limit-bytes-promised", "limit-bytes", code, huge, store, limits=huge_limits)
    entries = (Entry(plain.chunks[0], 25, plain.chunks[0].size),) * 4000
    room = Objects("one-node-many-times", store.objects)
    for _ in range(2):
        node = encode_node(entries)
        blob = room.pack(RUN, node, kinds=["index"])[0]
        entries = (node_entry(entries, blob),) * 4000
    vectors.refused(
        "limit-blobs-one-node",
        "limit-blobs",
        code,
        wired(chunked(entries[:1])),
        room,
        limits=limits,
    )
