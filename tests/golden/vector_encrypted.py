"""Test vectors: encrypted objects of both versions, read, written and damaged."""

from statebag.format.json_text import encode
from statebag.store.encrypted import BLOCK, Keys
from tests.golden.vector_files import Objects, flipped, noise, wired
from tests.golden.vector_stubs import GOLDEN_KEY, RUN, stored

OTHER_KEY = bytes(range(1, 33))
FOREIGN_KEY = bytes(range(100, 132))
BLOCK_BYTES = 4135
FILE = "0" * 32 + ".pack"


def add_encrypted(vectors):
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
        "key-id": flipped(kept, second), "last": flipped(kept, second + 8),
        "length": flipped(kept, second + 10), "nonce": flipped(kept, second + 11),
        "bytes": flipped(kept, second + 100), "tag": flipped(kept, second + BLOCK_BYTES - 1),
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
