"""Test vectors: previews in stubs, also hostile ones, of which a reader makes nothing."""

from statebag.format.json_text import encode
from statebag.format.signature import Signatures
from statebag.format.stub import KEY, Rest
from tests.golden.vector_files import wired
from tests.golden.vector_signed import HEX_KEYS, SIGNING
from tests.golden.vector_stubs import ARRAY, HISTORY, OBJECT, RUN, TAIL, carried, chunked, stored

HOSTILE = {
    "number": 1,
    "null": None,
    "object": {KEY: {"v": 1, "data": "AAAA"}},
    "stub-text": '{"__statebag__": {"v": 1}}',
    "controls": "\x1b]0;title\x07\u202e<script>alert(1)</script>",
    "long": "x" * 100_000,
}


def add_previews(vectors, plain):
    """One in each form, hostile ones, and one in a signed stub."""
    store = plain.store
    for name, stub, value in (
        ("stored", stored(plain.object, OBJECT), OBJECT),
        ("inline", carried(ARRAY), ARRAY),
        ("chunked", chunked(plain.entries, carried(TAIL)), HISTORY),
    ):
        vectors.opens(
            f"preview-{name}", {"a": wired(stub, preview="a, b, ...")}, {"a": value}, store
        )
    body = {**Rest(carried({"n": 1}), (), {}).to_wire(), "preview": "n"}
    vectors.opens("preview-rest", {KEY: body, "é": 1}, {"n": 1, "é": 1})
    body = wired(carried(OBJECT))[KEY]
    for name, preview in HOSTILE.items():
        vectors.opens(f"preview-hostile-{name}", {KEY: {**body, "preview": preview}}, OBJECT)
    stub = carried(OBJECT)
    signed = Signatures(SIGNING).signer(RUN).signed(stub, stub.to_wire())
    bag = {KEY: {**signed, "preview": "other than what was signed"}}
    vectors.opens("preview-signed", bag, OBJECT, signing_keys=HEX_KEYS, scope=RUN)
    path = "signatures/preview-scoped.json"
    vectors.add(
        "signatures",
        "preview-scoped",
        {path: encode(bag)},
        stub=path,
        key_name="k1",
        key=HEX_KEYS["k1"],
        scope=RUN,
        sig=signed["sig"],
    )
