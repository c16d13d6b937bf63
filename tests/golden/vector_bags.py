"""Test vectors: bags that open, of every form; scopes and limits."""

from statebag.format.codec import make_patch, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.json_text import decode, encode
from statebag.format.stub import (
    KEY,
    Entry,
    Extent,
    Patched,
    Rest,
    Stored,
)
from tests.golden.make_wire1 import CASES, FOLDER, SCOPE
from tests.golden.vector_files import Objects, wired
from tests.golden.vector_stubs import (
    ARRAY,
    CHUNKS,
    GOLDEN_KEY,
    HISTORY,
    OBJECT,
    RUN,
    STRING,
    TAIL,
    carried,
    chunked,
    rows,
    stored,
)


def add_bags(vectors, plain):
    """All of them."""
    _goldens(vectors)
    _forms(vectors, plain)
    _rests(vectors, plain)
    _scopes(vectors, plain)
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
