import tracemalloc
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import BlobCorrupt
from statebag.format.codec import (
    apply_patch,
    compress,
    compress_each,
    decompress,
    make_patch,
    sha256_hex,
    verify,
)
from tests.bags import noise

TEXTS = st.binary(max_size=5000)


def opened(frame, text, **change):
    declared = {"size": len(text), "sha256": sha256_hex(text), "where": "m/x.pack"}
    return decompress(frame, **{**declared, **change})


@given(TEXTS, st.sampled_from([-7, 1, 3, 19]))
def test_what_was_compressed_comes_back(text, level):
    assert opened(compress(text, level), text) == text


@given(st.lists(TEXTS, max_size=5), st.sampled_from([-7, 1, 3, 19]))
def test_frames_of_several_texts_are_those_of_each_alone(texts, level):
    # The hash of a pack, and so its name, depends on these bytes.
    texts += [one * 40 for one in texts]
    assert compress_each(texts, level) == [compress(text, level) for text in texts]


@given(TEXTS, st.data())
def test_a_changed_byte_is_noticed(text, data):
    frame = bytearray(compress(text))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert opened(bytes(frame), text) == text  # a bit of the header that means nothing
    except BlobCorrupt as error:
        assert error.object_name == "m/x.pack"  # noqa: PT017  # both outcomes are right


@given(TEXTS, st.integers(1, 20))
def test_a_frame_that_is_cut_or_goes_on_is_refused(text, count):
    frame = compress(text)
    for changed in (frame[:-count], frame + b"\x00" * count, frame + frame, b""):
        with pytest.raises(BlobCorrupt):
            opened(changed, text)


@pytest.mark.parametrize("size", [0, 99_999, 100_001, 2**53])
def test_another_size_is_refused(size):
    text = b"x" * 100_000
    with pytest.raises(BlobCorrupt):
        opened(compress(text), text, size=size)


def test_another_digest_is_refused():
    with pytest.raises(BlobCorrupt) as caught:
        opened(compress(b"secret"), b"secret", sha256="0" * 64)
    assert "secret" not in str(caught.value)


def test_a_header_that_promises_more_or_less_is_refused():
    # A frame of one raw block (RFC 8878, 3.1.1): single segment, its content size in one byte.
    def frame(promised, block):
        header = ((len(block) << 3) | 1).to_bytes(3, "little")
        return b"\x28\xb5\x2f\xfd" + bytes([0x20, promised]) + header + block

    assert opened(frame(3, b"abc"), b"abc") == b"abc"
    for promised in (2, 4, 200):
        with pytest.raises(BlobCorrupt):
            opened(frame(promised, b"abc"), b"abc")
        with pytest.raises(BlobCorrupt):
            opened(frame(promised, b"abc"), b"abc", size=promised)


def test_a_frame_without_its_size_is_refused():
    # The same without a content size: a window descriptor stands in the header instead.
    frame = (
        b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x00]) + ((3 << 3) | 1).to_bytes(3, "little") + b"abc"
    )
    with pytest.raises(BlobCorrupt):
        opened(frame, b"abc")


def judged(check, frame, text, **change):
    declared = {"size": len(text), "sha256": sha256_hex(text), "where": "m/x.pack"}
    try:
        check(frame, **{**declared, **change})
    except BlobCorrupt as error:
        return str(error)
    return "whole"


@given(TEXTS, st.data())
def test_what_is_only_checked_is_judged_as_what_is_opened(text, data):
    frame = compress(text)
    at = data.draw(st.integers(0, len(frame) - 1))
    changed = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
    for one in (frame, changed, frame[:at], frame + b"\x00", frame + frame, b""):
        for size in (len(text), len(text) + 1, max(len(text) - 1, 0), 2**53):
            wrong = {"size": size}
            assert judged(verify, one, text, **wrong) == judged(decompress, one, text, **wrong)
    assert judged(verify, frame, text) == "whole"
    assert judged(verify, frame, text, sha256="0" * 64) != "whole"


def test_what_is_only_checked_needs_little_memory_however_long_it_is():
    text = b"0" * (64 * 1024 * 1024)
    frame, declared = compress(text), {"size": len(text), "sha256": sha256_hex(text)}
    del text
    tracemalloc.start()
    try:
        verify(frame, **declared, where=None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    for cut in (frame[:-1], frame[: len(frame) // 2]):
        with pytest.raises(BlobCorrupt):
            verify(cut, **declared, where=None)


def repeating(size, seed):
    """A text made of passages of a short text, each cut anywhere."""
    random, source = Random(seed), noise(20_000, 1).encode()
    places = [random.randrange(19_000) for _ in range(size // 1000)]
    return b"".join([source[place : place + 1000] for place in places])


def test_the_delta_of_a_text_that_repeats_itself_copies_long_parts_if_a_short_one_is_wanted():
    text = repeating(3_000_000, 2)
    base = b"".join([text[place : place + 50_000] + b"|" for place in range(0, len(text), 50_000)])
    usual, short = make_patch(text, base), make_patch(text, base, 1)
    assert len(usual) > 3 * len(short)
    assert len(short) < 20 * 60  # of which there are 60
    assert make_patch(text, base, len(usual)) == usual  # it is short enough
    for patch in (usual, short):
        assert apply_patch(patch, base, size=len(text), sha256=sha256_hex(text)) == text


def test_the_delta_of_another_text_is_made_once():
    text, base = repeating(300_000, 2), noise(300_000, 5).encode()
    assert make_patch(text[:5000], base, 1) == make_patch(text[:5000], base)


@given(TEXTS, TEXTS, st.integers(0, 200))
def test_a_delta_gives_the_text_however_short_it_was_wanted(text, base, wanted):
    patch = make_patch(text, base, wanted)
    if patch is not None:
        assert apply_patch(patch, base, size=len(text), sha256=sha256_hex(text)) == text
