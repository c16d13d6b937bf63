import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import BlobCorrupt, UnsupportedFormat
from statebag.format import json_text
from statebag.format.codec import compress, decompress, sha256_hex
from statebag.format.pack import (
    MAGIC,
    TRAILER,
    PackBuilder,
    end_length,
    read_end,
    read_index,
)

TEXTS = st.lists(st.binary(max_size=200), min_size=1, max_size=8)


def built(texts, kind="value"):
    builder = PackBuilder()
    blobs = [builder.add(sha256_hex(text), len(text), compress(text), kind) for text in texts]
    return (*builder.build("machine/run"), blobs)


@given(TEXTS)
def test_a_pack_is_named_by_its_bytes_and_says_what_it_holds(texts):
    name, data, blobs = built(texts)
    assert name == f"machine/run/{sha256_hex(data)[:32]}.pack"
    rows = read_index(data, name)
    assert [row.sha256 for row in rows] == list(dict.fromkeys(map(sha256_hex, texts)))
    for text, blob in zip(texts, blobs, strict=True):
        frame = data[blob.offset : blob.offset + blob.length]
        assert decompress(frame, size=len(text), sha256=blob.sha256, where=None) == text
        (row,) = (row for row in rows if row.sha256 == blob.sha256)
        assert (row.offset, row.length, row.size) == (blob.offset, blob.length, blob.size)
    assert built(texts)[:2] == (name, data)


@given(TEXTS, st.data())
def test_any_change_of_the_frame_around_the_blobs_is_refused_or_harmless(texts, data):
    name, whole, _ = built(texts)
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    with_length = data.draw(st.booleans())
    changed = bytes(changed) if with_length else whole[:position]
    try:
        read_index(changed, name)
    except (BlobCorrupt, UnsupportedFormat) as error:
        assert error.object_name == name  # noqa: PT017  # frames may change without notice here
    else:
        assert len(changed) == len(whole)


def test_an_index_node_and_a_value_of_one_text_are_two_blobs():
    builder = PackBuilder()
    text = b"[]"
    one = builder.add(sha256_hex(text), 2, compress(text))
    other = builder.add(sha256_hex(text), 2, compress(text), "index")
    assert one.offset != other.offset
    assert len(builder) == 2


def test_a_pack_of_another_version():
    name, data, _ = built([b"1"])
    later = MAGIC[:4] + b"\x00\x02\r\n"
    with pytest.raises(UnsupportedFormat):
        read_index(later + data[8:-8] + later, name)


@pytest.mark.parametrize(
    "data", [b"", MAGIC, MAGIC + MAGIC, MAGIC + b"\xff" * 4 + MAGIC, b"x" * 50]
)
def test_what_is_no_pack(data):
    with pytest.raises(BlobCorrupt):
        read_index(data, "m/x.pack")


@pytest.mark.parametrize(
    "index",
    [
        b"{}",
        b"1",
        b"[1]",
        b"[[]]",
        b"[[1,2,3,4,5]]",
        b'[["a",8,9,3,"other"]]',
        b'[["a",7,1,3,"value"]]',
        b'[["a",8,900,3,"value"]]',
        b'[["a",8,-1,3,"value"]]',
        b'[["a",8,true,3,"value"]]',
        b'[["a",8,1,3,["value"]]]',
        b"[",
    ],
)
def test_an_index_of_another_form(index):
    data = MAGIC + index + len(index).to_bytes(4, "big") + MAGIC
    with pytest.raises(BlobCorrupt):
        read_index(data, "m/x.pack")


def with_rows(change):
    """A pack whose name and index fit each other; `change` makes the rows from those of three."""
    texts = (b"1", b"22", b"333")
    _, data, _ = built(texts)
    frames = MAGIC + b"".join(map(compress, texts))
    index = json_text.encode(change(json_text.decode(data[len(frames) : -len(MAGIC) - 4])))
    return frames + index + len(index).to_bytes(4, "big") + MAGIC


def test_rows_are_what_a_builder_writes():
    assert len(read_index(with_rows(lambda rows: rows), "m/x.pack")) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [rows[1], rows[0], rows[2]],  # another order
        lambda rows: rows[:2],  # the last bytes are nobody's
        lambda rows: rows[1:],
        lambda _: [],
        lambda rows: [*rows, rows[0]],  # some bytes twice
        lambda rows: [*rows, *[rows[0]] * 100_000],
        lambda rows: [[*rows[0][:2], rows[0][2] + rows[1][2], *rows[0][3:]], *rows[1:]],
        lambda rows: [[*rows[0][:3], 10**400, rows[0][4]], *rows[1:]],  # a size of no state
        lambda rows: [[rows[0][0], True, *rows[0][2:]], *rows[1:]],
        lambda rows: [[*rows[0][:4], []], *rows[1:]],
        lambda rows: [[*rows[0][:3], 2**30, "index"], *rows[1:]],  # a node of a gigabyte
    ],
)
def test_rows_that_no_builder_writes_are_damage(change):
    with pytest.raises(BlobCorrupt):
        read_index(with_rows(change), "m/x.pack")


@given(TEXTS, st.integers(0, 300))
def test_the_end_of_a_pack_has_its_index(texts, more):
    name, data, _ = built(texts)
    length = end_length(data[-TRAILER:], len(data), name)
    end = data[-length - more :]
    assert end_length(end, len(data), name) == length
    assert read_end(end, len(data), name) == read_index(data, name)


@pytest.mark.parametrize("end", [b"", b"x" * 12, MAGIC, b"\xff" * 4 + MAGIC, b"\0" * 4 + MAGIC])
def test_what_is_no_end_of_a_pack_is_refused(end):
    with pytest.raises(BlobCorrupt):
        read_end(end, 1000, "m/x.pack")


def test_the_end_of_a_pack_of_another_size_is_refused():
    name, data, _ = built([b"one", b"two"])
    for size in (len(data) - 1, len(data) + 1, 12):
        with pytest.raises(BlobCorrupt):
            read_end(data, size, name)
