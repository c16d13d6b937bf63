"""Test vectors: signed stubs."""

from statebag.format.codec import make_patch, sha256_hex
from statebag.format.json_text import encode
from statebag.format.signature import Signatures
from statebag.format.stub import KEY, Extent, Patched, Rest
from tests.golden.vector_stubs import (
    ARRAY,
    HISTORY,
    OBJECT,
    RUN,
    STRING,
    TAIL,
    carried,
    chunked,
    stored,
)

SIGNING = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}
HEX_KEYS = {name: key.hex() for name, key in SIGNING.items()}


def add_signed(vectors, plain):
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
