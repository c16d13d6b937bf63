"""Prices, by hand."""

from statebag.ui.prices import estimate, is_below, pack_names

PACK = "Main/run-1/" + "a" * 32 + ".pack"


def test_a_price_by_hand():
    found = estimate(1_000_000, 200_000, 1_000_000)
    assert round(found.dollars, 6) == 25 + 1 + 0.4
    assert round(found.per_million, 6) == 26.4
    assert estimate(0, 0, 0).per_million == 0


def test_packs_in_text_and_whose_they_are():
    text = f'{{"at": "{PACK}", "b": "x.pack", "c": "Other/run-1/{"b" * 32}.pack"}}'.encode()
    assert pack_names(text) == {PACK, "Other/run-1/" + "b" * 32 + ".pack"}
    assert is_below(pack_names(text), "Main", "run-1") == {PACK}
    assert pack_names(b"nothing") == set()


def test_long_base64_before_a_name_is_no_work():
    noise = b"abcdefghijklmnopqrstuvwxyz/0123456789" * 100_000
    line = b'{"data": "' + noise + b'.pack", "at": "' + PACK.encode() + b'"}'
    assert pack_names(line) == {PACK}
    assert pack_names(b".pack" * 10_000) == set()
    assert pack_names(b'{\\"at\\": \\"' + PACK.encode() + b'\\"}') == {PACK}
