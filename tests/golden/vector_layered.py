"""Test vectors: values over stored deltas."""

from msgspec.structs import replace

from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.json_text import encode
from statebag.format.layers import layer_text
from statebag.format.signature import Signatures
from statebag.format.stub import KEY, Layer, Layered, Rest
from tests.golden.vector_files import Objects, flipped, wired
from tests.golden.vector_signed import HEX_KEYS, SIGNING
from tests.golden.vector_stubs import (
    ARRAY,
    CHUNKS,
    HISTORY,
    RUN,
    STRING,
    TAIL,
    carried,
    chunked,
    rows,
    stored,
)

OTHER = "other/run"


def add_layered(vectors, plain):
    """Of each number of deltas, over each base, and what is refused."""
    del plain  # a store of its own: that of the others stays as it is
    made = _Made()
    _opened(vectors, made)
    _signed(vectors, made)
    _stubs(vectors, made)
    _objects(vectors, made)


class _Made:
    """A text with four later ones, each a delta of the one before it."""

    def __init__(self):
        self.store = Objects("layered")
        self.values = [STRING.replace("a", "b", n) + f" edited {n}" for n in range(5)]
        self.texts = [encode(value) for value in self.values]
        self.base = self.store.pack(RUN, self.texts[0])[0]
        self.frames = [
            make_patch(after, before)
            for before, after in zip(self.texts, self.texts[1:], strict=False)
        ]
        packed = [self.store.pack(RUN, layer_text(frame))[0] for frame in self.frames]
        self.layers = tuple(
            Layer(len(text), blob) for text, blob in zip(self.texts[1:], packed, strict=True)
        )
        *chunks, tail = self.store.pack(RUN, *map(encode, (*CHUNKS, TAIL)))
        self.tail = tail
        self.entries = rows(chunks, CHUNKS)

    def stub(self, layers, patch=b"", at=None, **fields):
        """What so many layers give, with a delta over them if there is a frame."""
        text = self.texts[layers if at is None else at]
        stub = Layered(
            stored(self.base), sha256_hex(text), len(text), patch, layers=self.layers[:layers]
        )
        return replace(stub, **fields)


def _opened(vectors, made):
    store = made.store
    for count in (1, 2, 3, 4):
        vectors.opens(f"layered-{count}", wired(made.stub(count)), made.values[count], store)
        if count < 4:
            over = made.stub(count, made.frames[count], count + 1)
            vectors.opens(
                f"layered-{count}-and-delta", {"a": wired(over)}, {"a": made.values[count + 1]},
                store,
            )  # fmt: skip
    once = [dict(one, n=-1) if one["n"] == 30 else one for one in HISTORY]
    twice = [dict(one, n=-2) if one["n"] == 50 else one for one in once]
    before, between, after = map(encode, (HISTORY, once, twice))
    (blob,) = store.pack(f"{RUN}/layers", layer_text(make_patch(between, before)))
    stub = Layered(
        chunked(made.entries, carried(TAIL)), sha256_hex(after), len(after),
        make_patch(after, between), "array", len(twice), (Layer(len(between), blob),),
    )  # fmt: skip
    vectors.opens("layered-chunked", wired(stub), twice, store)
    vectors.opens("layered-unknown-field", wired(stub, more=[1], since=7), twice, store)
    body = wired(stub)[KEY]
    floats = [[float(row[0]), row[1], float(row[2]), row[3], *row[4:]] for row in body["deltas"]]
    vectors.opens("layered-floats", {KEY: {**body, "v": 3.0, "deltas": floats}}, twice, store)
    whole = {"a": list(range(60)), "b": None}
    changed = {**whole, "a": [*range(59), -1]}
    one, two = encode(whole), encode(changed)
    base = store.pack(RUN, one)[0]
    layer = store.pack(RUN, layer_text(make_patch(two, one)))[0]
    gathered = Layered(
        stored(base, whole), sha256_hex(two), len(two), b"", "object", 2, (Layer(len(two), layer),)
    )
    body = Rest(gathered, ("b",), {}).to_wire()
    vectors.opens("layered-rest", {KEY: body, "b": 1, "c": 2}, {**changed, "b": 1, "c": 2}, store)


def _signed(vectors, made):
    settings = {"signing_keys": HEX_KEYS, "scope": RUN}
    for name, stub in (
        ("layered", made.stub(2)),
        ("layered-and-delta", made.stub(1, made.frames[1], 2)),
    ):
        body = Signatures(SIGNING).signer(RUN).signed(stub, stub.to_wire())
        vectors.opens(f"signed-{name}", {KEY: body}, made.values[2], made.store, **settings)
        moved = dict(reversed([*body.items()])) | {"since": "9.9"}
        vectors.opens(f"signed-moved-{name}", {KEY: moved}, made.values[2], made.store, **settings)
        path = f"signatures/{name}.json"
        vectors.add(
            "signatures", name, {path: encode(wired(stub))}, stub=path, key_name="k1",
            key=HEX_KEYS["k1"], scope=RUN, sig=body["sig"],
        )  # fmt: skip
        other = Signatures(SIGNING).signer(OTHER).signed(stub, stub.to_wire())
        vectors.refused(
            f"signed-elsewhere-{name}", "signature-scope", "not_permitted", {KEY: other},
            made.store, **settings,
        )  # fmt: skip
    body = Signatures(SIGNING).signer(RUN).signed(made.stub(2), made.stub(2).to_wire())
    less = {KEY: {**body, "deltas": body["deltas"][:1], "size": made.layers[0].size}}
    vectors.refused(
        "signed-other-layered", "signature", "not_permitted", less, made.store, **settings
    )


def _stubs(vectors, made):
    """What is refused before anything is read."""
    body = made.stub(2, made.frames[2], 3).to_wire()
    first, second = body["deltas"]

    def refused(name, row, bag, code="invalid_stub", **settings):
        vectors.refused(f"layered-{name}", row, code, bag, made.store, **settings)

    def with_rows(*given):
        return {KEY: {**body, "deltas": list(given)}}

    for field in ("deltas", "base", "sha256", "size"):
        kept = {name: value for name, value in body.items() if name != field}
        refused(f"no-{field}", "field-missing", {KEY: kept})
    refused("deltas-object", "field-type", {KEY: {**body, "deltas": {}}})
    refused("version-1", "base", {KEY: {**body, "v": 1, "base": {**body, "v": 1}}})
    refused("none", "layers", with_rows())
    refused("five", "layers", with_rows(first, second, first, second, first))
    refused("row-short", "layers", with_rows(first[:5]))
    refused("row-long", "layers", with_rows([*first, 1]))
    refused("row-text", "layers", with_rows("row"))
    refused("row-negative", "number", with_rows([-1, *first[1:]]))
    refused("row-true", "number", with_rows([True, *first[1:]]))
    refused("row-digest", "digest-form", with_rows([first[0], "0" * 63, *first[2:]]))
    refused("row-name", "pack-name", with_rows([*first[:3], "a/b.pack", *first[4:]]))
    refused("row-long-frame", "layers", with_rows([*first[:5], first[2] + first[2] // 128 + 513]))
    most = first[0] + first[0] // 128 + 512 + 17
    refused("row-long-delta", "layers", with_rows([*first[:2], most + 1, *first[3:]]))
    refused("patch-empty", "layers", {KEY: {**body, "patch": ""}})
    refused("patch-base64", "base64", {KEY: {**body, "patch": "!!!!"}})
    given = made.stub(2).to_wire()
    refused("size-of-last", "layers", {KEY: {**given, "size": given["size"] + 1}})
    refused("base-delta", "base", {KEY: {**body, "base": body}})
    inline = carried(STRING).to_wire()
    refused("base-inline", "base", {KEY: {**body, "base": inline}})
    refused("beside", "stub-alone", {KEY: body, "more": 1})
    refused("escaped", "field-missing", {KEY: {"v": 3, "since": "0.1", "escaped": {}}})
    refused(
        "scope", "scope",
        with_rows([*first[:3], first[3].replace(RUN, OTHER), *first[4:]], second),
        "not_permitted", scope=RUN,
    )  # fmt: skip
    huge = 2**50
    bag = with_rows([huge, *first[1:]], second)
    refused("bomb", "limit-bytes", bag, "limit_exceeded", limits={"max_open_bytes": 1_000_000})
    # The value is within the limit, and so are its base and its deltas; what these give is not.
    size = len(made.texts[0])
    refused(
        "given", "limit-bytes", wired(made.stub(4)), "limit_exceeded",
        limits={"max_open_bytes": 3 * size},
    )  # fmt: skip


def _objects(vectors, made):
    """What is refused once it is read."""
    code = "blob_corrupt"

    def refused(name, row, bag, code=code, store=made.store, **settings):
        vectors.refused(f"layered-{name}", row, code, bag, store, **settings)

    refused("digest", "layer", wired(made.stub(2), sha256="0" * 64))
    refused("digest-over", "delta", wired(made.stub(1, made.frames[1], 2), sha256="0" * 64))
    other = made.stub(2, made.frames[2], 3)
    one, two = other.layers
    refused("twice", "layer", wired(replace(other, layers=(one, one))))
    refused(
        "size-given", "layer", wired(replace(other, layers=(replace(one, size=one.size + 1), two)))
    )
    refused("other-base", "layer", wired(replace(other, base=chunked(made.entries[:1]))))
    value = Objects("layered-value", made.store.objects)
    frame, later, bare = (
        value.pack(RUN, text)[0]
        for text in (
            encode(ARRAY),
            b"statebag delta 2\n" + made.frames[0],
            made.frames[0],
        )
    )
    refused("of-value", "layer", wired(replace(other, layers=(Layer(one.size, frame), two))),
            store=value)  # fmt: skip
    refused("no-magic", "layer", wired(replace(other, layers=(Layer(one.size, bare), two))),
            store=value)  # fmt: skip
    refused("later", "layer-version", wired(replace(other, layers=(Layer(one.size, later), two))),
            "unsupported_format", value)  # fmt: skip
    refused("as-value", "text", wired(stored(one.blob)))
    bytes_after, not_delta = (
        value.pack(RUN, layer_text(text))[0] for text in (made.frames[0] + b"\0", b"no frame")
    )
    for name, blob in (("byte-after", bytes_after), ("no-frame", not_delta)):
        bag = wired(replace(other, layers=(Layer(one.size, blob), two)))
        refused(name, "layer", bag, store=value)
    short = value.pack(RUN, encode("x" * 40))[0]
    whole = value.pack(RUN, layer_text(compress(made.texts[1])))[0]
    bag = wired(replace(other, base=stored(short), layers=(Layer(one.size, whole), two)))
    refused("short-base", "layer", bag, store=value)
    objects = made.store.objects
    damaged = made.store.changed(
        "layered-damaged", {one.blob.at: flipped(objects[one.blob.at], one.blob.offset + 30)}
    )
    refused("damaged", "frame", wired(other), store=damaged)
    gone = Objects(
        "layered-gone", {name: data for name, data in objects.items() if name != one.blob.at}
    )
    refused("gone", "missing", wired(other), "blob_missing", gone)
