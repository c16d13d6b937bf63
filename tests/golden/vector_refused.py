"""Test vectors: what looks like a stub and is refused before anything is read."""

from statebag.format.stub import KEY, Patched, joined_size
from tests.golden.vector_stubs import ARRAY, TAIL, carried, chunked, stored


def add_refused(vectors, plain):
    """All of them."""
    _no_stubs(vectors, plain)
    _no_rows(vectors, plain)


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
        "text": "not base64", "unpadded": "AAAAAA", "excess-padding": "AAAA=",
        "padding-alone": "====",
        "urlsafe": "__8=",
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
