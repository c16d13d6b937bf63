"""Stored deltas: their text, and what is made of wrong ones."""

from itertools import pairwise

import pytest

from statebag import BlobCorrupt, UnsupportedFormat
from statebag.format.blobs import THIS_PACK, Blob
from statebag.format.codec import make_patch
from statebag.format.layers import Layer, applied, layer_text, longest_layer

TEXTS = [b"x" * 100 + b"%d" % n * 20 for n in range(4)]
OWN = [layer_text(make_patch(after, before)) for before, after in pairwise(TEXTS)]
AT = f"m/{'0' * 32}.pack"


def layers(count):
    return [(len(text), own, AT) for text, own in zip(TEXTS[1:], OWN, strict=True)][:count]


@pytest.mark.parametrize("count", range(4))
def test_each_layer_starts_from_what_the_one_before_gives(count):
    assert applied(TEXTS[0], layers(count)) == TEXTS[count]


def test_a_text_is_the_magic_and_the_frame():
    assert layer_text(b"frame") == b"statebag delta 1\nframe"
    assert longest_layer(5) == len(layer_text(b"frame"))


@pytest.mark.parametrize("size", [0, len(TEXTS[1]) - 1, len(TEXTS[1]) + 1, 2**50])
def test_a_size_that_lies_is_refused(size):
    with pytest.raises(BlobCorrupt) as caught:
        applied(TEXTS[0], [(size, OWN[0], AT)])
    assert caught.value.object_name == AT


@pytest.mark.parametrize(
    "own",
    [b"", b"[1]", OWN[0][17:], OWN[0] + b"\0", OWN[0][:-1], b"statebag index 1\n" + OWN[0][17:]],
)
def test_what_is_no_layer_is_refused(own):
    with pytest.raises(BlobCorrupt):
        applied(TEXTS[0], [(len(TEXTS[1]), own, AT)])


def test_a_short_base_is_refused():
    with pytest.raises(BlobCorrupt):
        applied(b"x" * 63, [(len(TEXTS[1]), OWN[0], AT)])


@pytest.mark.parametrize("version", [b"2", b"10", b"", b"1 "])
def test_a_later_version_asks_for_a_newer_release(version):
    own = b"statebag delta " + version + b"\n" + OWN[0][17:]
    with pytest.raises(UnsupportedFormat, match="version") as caught:
        applied(TEXTS[0], [(len(TEXTS[1]), own, AT)])
    assert "Install a newer statebag" in caught.value.hint


def test_a_layer_takes_the_name_of_its_pack():
    layer = Layer(9, Blob("0" * 64, 5, THIS_PACK, 8, 9))
    assert layer.placed(AT).blob.at == AT
    assert layer.placed(AT).placed("m/other") == layer.placed(AT)
