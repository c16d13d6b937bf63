import pytest

from statebag.errors import BlobCorrupt, InvalidStub
from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.stub import Blob, Carried, Entry, Patched, Pieces, Stored, joined_size
from statebag.opening.verified import Listed, Texts, identified, verified


def placed(text, pack="m/e/a.pack"):
    return Blob(sha256_hex(text), len(text), pack, 8, 9)


def cut(*texts, tail=None, kind="array"):
    blobs = [placed(text, f"m/e/{n}.pack") for n, text in enumerate(texts)]
    entries = tuple(Entry(one, 1, one.size) for one in blobs)
    size = joined_size([len(text) for text in texts] + ([tail.size] if tail else []))
    return (
        Pieces(kind, len(texts), size, entries, tail),
        entries,
        Texts(dict(zip(blobs, texts, strict=True))),
    )


def test_each_form_says_the_digest_of_its_own_text():
    text = b'["' + b"x" * 300 + b'"]'
    stored = verified(Stored(placed(text)), Texts({placed(text): text}))
    carried = verified(Carried(sha256_hex(text), len(text), compress(text)), Texts({}))
    stub, entries, texts = cut(text, b"[2]")
    pieces = verified(stub, texts, entries, {"m/e/node.pack"})
    assert stored.sha256 == carried.sha256 == sha256_hex(text)
    assert pieces.text == text[:-1] + b",2]"
    assert pieces.sha256 == sha256_hex(pieces.text)
    assert stored.packs == {"m/e/a.pack"}
    assert carried.packs == set()
    assert pieces.packs == {"m/e/node.pack", "m/e/0.pack", "m/e/1.pack"}


def test_a_patched_value_has_its_own_digest_and_its_base_keeps_the_bases():
    stub, entries, texts = cut(b'["' + b"x" * 300 + b'"]', b"[2]")
    base = verified(stub, texts, entries)
    text = base.text.replace(b"2", b"3")
    patched = Patched(stub, sha256_hex(text), len(text), make_patch(text, base.text))
    value = verified(patched, texts, entries)
    assert (value.text, value.sha256) == (text, sha256_hex(text))
    assert value.base.sha256 == sha256_hex(base.text) != value.sha256
    assert value.packs == base.packs


def test_a_patch_that_gives_something_else_is_refused():
    stub, entries, texts = cut(b'["' + b"x" * 300 + b'"]', b"[2]")
    base = verified(stub, texts, entries)
    patch = make_patch(base.text.replace(b"2", b"3"), base.text)
    with pytest.raises(BlobCorrupt):
        verified(Patched(stub, "0" * 64, len(base.text), patch), texts, entries)


def test_pieces_of_another_kind_or_of_other_sizes_are_refused():
    stub, entries, texts = cut(b"[1]", b"{}")
    with pytest.raises(InvalidStub, match="is not an array"):
        verified(stub, texts, entries, (), ("log",))
    stub, entries, texts = cut(b"[1]", b"[2]")
    forged = Pieces("array", 2, stub.size + 1, entries)
    with pytest.raises(InvalidStub, match="make 5 bytes, but its stub says 6") as refused:
        verified(forged, texts, entries, (), ("log",))
    assert refused.value.path == "$.log"


@pytest.mark.parametrize("carried", [False, True])
def test_a_tail_is_the_end_of_the_value(carried):
    last = b"[9]"
    blob = placed(last, "m/e/tail.pack")
    tail = (
        Carried(sha256_hex(last), 3, compress(last), "array", 1)
        if carried
        else Stored(blob, "array", 1)
    )
    stub, entries, texts = cut(b"[1]", tail=tail)
    value = verified(stub, Texts({**texts, blob: last}), entries)
    assert value.text == b"[1,9]"
    assert value.packs == {"m/e/0.pack"} | (set() if carried else {"m/e/tail.pack"})


FIRST, SECOND, LAST = b'["' + b"x" * 90 + b'",3]', b"[[4],{}]", b"[9]"


def listed_with(tail):
    blob = placed(LAST, "m/e/tail.pack")
    forms = {
        "no tail": None,
        "a tail in the store": Stored(blob, "array", 1),
        "a tail inline": Carried(sha256_hex(LAST), len(LAST), compress(LAST), "array", 1),
    }
    stub, entries, texts = cut(FIRST, SECOND, tail=forms[tail])
    value = verified(stub, Texts({**texts, blob: LAST}), entries, {"m/e/node.pack"})
    return value, Listed(stub, entries, value.packs)


@pytest.mark.parametrize("tail", ["no tail", "a tail in the store", "a tail inline"])
def test_a_text_is_identified_by_the_digests_of_its_chunks(tail):
    value, listed = listed_with(tail)
    found = identified(listed, bytes(bytearray(value.text)))
    assert found == value
    assert found.sha256 == value.sha256
    for at in range(len(value.text)):  # no byte of it may be another one
        for other in (b" ", b",", b"\x00"):
            text = value.text[:at] + other + value.text[at + 1 :]
            assert text == value.text or identified(listed, text) is None
    for text in (b"", b"[]", value.text[:-1], value.text + b" ", value.text[:-1] + b",1]"):
        assert identified(listed, text) is None


def test_a_text_of_other_chunks_is_not_identified():
    value, listed = listed_with("no tail")
    for pieces in (listed.pieces[:1], listed.pieces[1:], listed.pieces[::-1], ()):
        assert identified(Listed(listed.stub, pieces, listed.packs), value.text) is None
    more = Listed(listed.stub, (*listed.pieces, listed.pieces[0]), listed.packs)
    assert identified(more, value.text) is None
    _, other = listed_with("a tail inline")
    stub = Pieces("array", 3, len(value.text), listed.pieces, other.stub.simple)
    assert identified(Listed(stub, listed.pieces, listed.packs), value.text) is None
    as_object = b"{" + value.text[1:-1] + b"}"
    assert identified(listed, as_object) is None
