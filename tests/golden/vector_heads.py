"""Test vectors: objects of heads, and the bags in them."""

from statebag.format.codec import compress, sha256_hex
from statebag.format.head_record import HeadState, VersionRecord, encode_record
from statebag.format.json_text import encode
from statebag.store.encrypted import Keys
from tests.golden.vector_files import Objects, flipped, wired
from tests.golden.vector_stubs import ARRAY, GOLDEN_KEY, OBJECT, stored

THREAD = "agents/thread 7"
OF_PACKS = f"{THREAD}/@heads"
ENCODED = "agents/thread%207/%40heads"
ORIGIN = "agents/žluť/@heads"
ENCODED_ORIGIN = "agents/%C5%BElu%C5%A5/%40heads"
HEAD = "@heads/agents/thread%207/@main%20b/@head"


def add_heads(vectors):
    """All of them."""
    store = Objects("heads")
    own = store.pack(ENCODED, encode(ARRAY))[0]
    forked = store.pack(ENCODED_ORIGIN, encode(OBJECT))[0]
    bag = {"a": wired(stored(own, ARRAY)), "b": wired(stored(forked, OBJECT)), "n": 1}
    state = {"a": ARRAY, "b": OBJECT, "n": 1}
    vectors.opens("head-bag", bag, state, store, scope=OF_PACKS, readable_scopes=[ORIGIN])
    code = "not_permitted"
    vectors.refused("head-bag-without-reads", "scope", code, bag, store, scope=OF_PACKS)
    bare = {"scope": THREAD, "readable_scopes": [ORIGIN]}
    vectors.refused("head-bag-scope-above", "scope", code, bag, store, **bare)
    for name, scope, encoded in (
        ("head-packs", OF_PACKS, ENCODED),
        ("head-packs-of-origin", ORIGIN, ENCODED_ORIGIN),
    ):
        vectors.add("scopes", name, {}, scope=scope, expect={"encoded": encoded})
    newest = VersionRecord(
        number=3,
        label="step 3",
        id="89abcdef01234567",
        written="2026-11-01T12:00:00+00:00",
        reads=(ORIGIN,),
        note='{"i":3}',
        bag=encode(bag).decode(),
    )
    head = HeadState(life="0123456789abcdef", last=3, dropped=((1, 1),), newest=newest)
    _objects(vectors, head, newest)
    _encrypted(vectors, encode_record(head))


def _objects(vectors, head, newest):
    version = {name: getattr(newest, name) for name in newest.__struct_fields__}
    whole = {"v": 1, "life": head.life, "last": 3, "dropped": [[1, 1]], "newest": version}

    def reads(name, given, state):
        files = {f"heads/{name}": given, f"states/head-{name}.json": encode(state)}
        vectors.add(
            "heads", name, files, head=f"heads/{name}", expect={"state": f"states/head-{name}.json"}
        )

    def refused(name, row, given):
        code = {"head-version": "unsupported_format", "head-form": "blob_corrupt"}[row]
        expect = {"error": code, "refuses": row}
        vectors.add("heads", name, {f"heads/{name}": given}, head=f"heads/{name}", expect=expect)

    data = framed(whole)
    assert data == encode_record(head)
    reads("head", data, whole)
    reads("version", encode_record(newest), {"v": 1, "version": version})
    attached = {**version, "number": 0}
    reads("attached", framed({"v": 1, "version": attached}), {"v": 1, "version": attached})
    deleted = {**whole, "dropped": [], "newest": None}
    reads("deleted", framed(deleted), deleted)
    reads("more-fields", framed({**whole, "x": 1, "newest": {**version, "y": 2}}), whole)
    reads("unlabelled", framed({**whole, "newest": {**version, "label": ""}}),
          {**whole, "newest": {**version, "label": ""}})  # fmt: skip
    refused("magic-version", "head-version", data[:5] + b"\2" + data[6:])
    refused("magic-lines", "head-version", data.replace(b"\r\n", b"\n", 1))
    versions = {"2": 2, "float": 1.0, "true": True, "null": None, "text": "1"}
    for name, number in versions.items():
        refused(f"v-{name}", "head-version", framed({**whole, "v": number}))
    refused("v-missing", "head-version", framed({"life": head.life}))
    without = {key: value for key, value in version.items() if key != "bag"}
    for name, given in {
        "empty": b"", "cut": data[:-1], "byte-after": data + b"\0", "other-magic": b"X" + data[1:],
        "magic-alone": data[:8], "length": flipped(data, 15), "digest": flipped(data, 20),
        "frame": flipped(data, len(data) - 5), "long": data[:8] + (2**62).to_bytes(8, "big") +
        data[16:], "array": framed([]), "not-json": framed(b"{"),
        "version-number": framed({"v": 1, "version": 7}),
        "without-bag": framed({"v": 1, "version": without}),
        "number-text": framed({**whole, "newest": {**version, "number": "3"}}),
        "dropped-number": framed({**whole, "dropped": 7}),
        "dropped-of-3": framed({**whole, "dropped": [[1, 2, 3]]}),
        "bag-not-text": framed({**whole, "newest": {**version, "bag": {"n": 1}}}),
        "without-newest": framed({key: one for key, one in whole.items() if key != "newest"}),
    }.items():  # fmt: skip
        refused(name, "head-form", given)


def framed(body):
    """The bytes of an object of a head with any text."""
    text = body if isinstance(body, bytes) else encode(body)
    start = b"SBAGH\x01\r\n" + len(text).to_bytes(8, "big")
    return start + bytes.fromhex(sha256_hex(text)) + compress(text)


def _encrypted(vectors, plain):
    """The name in the associated data is the whole one."""
    for version in (1, 2):
        keys = Keys([GOLDEN_KEY], misuse_resistant=version == 2)
        folder = f"encrypted/head-{version}"
        files = {f"{folder}.plain": plain, f"{folder}.kept": keys.encrypted(HEAD, plain)}
        vectors.add(
            "encrypted",
            f"head-{version}",
            files,
            object=HEAD,
            version=version,
            key=GOLDEN_KEY.hex(),
            plain=f"{folder}.plain",
            encrypted=f"{folder}.kept",
        )
