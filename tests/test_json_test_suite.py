"""JSONTestSuite: what must be taken, what must be refused, and what `docs/json.md` decides."""

import re
from pathlib import Path

import pytest

from statebag import Policy, Statebag, StatebagError
from statebag.format.json_text import decode, encode
from statebag.store.memory import MemoryStore
from tests.shared_data import files, parameters

PAGE = Path(__file__).resolve().parent.parent / "docs" / "json.md"
DECISIONS = dict(
    re.findall(r"^\| (i_\S+) \| (taken|refused)", PAGE.read_text("utf-8"), re.MULTILINE)
)


def passes_exactly(value):
    """Whether a value that was read comes back from a bag with the same text."""
    sb = Statebag(MemoryStore(), policy=Policy(field_limit=256, carry_bytes=0))
    bag = sb.seal({"value": value}, scope="machine/run")
    return encode(sb.open(bag)) == encode({"value": value})


@pytest.mark.parametrize("file", parameters("JSONTestSuite/test_parsing/y_*.json"))
def test_valid_text_is_taken_and_travels_exactly(file):
    assert passes_exactly(decode(file.read_bytes()))


@pytest.mark.parametrize("file", parameters("JSONTestSuite/test_parsing/n_*.json"))
def test_invalid_text_is_refused(file):
    with pytest.raises(StatebagError):
        decode(file.read_bytes())


@pytest.mark.parametrize("file", parameters("JSONTestSuite/test_parsing/i_*.json"))
def test_each_open_case_is_as_the_page_says(file):
    if DECISIONS[file.stem] == "refused":
        with pytest.raises(StatebagError):
            decode(file.read_bytes())
        return
    value = decode(file.read_bytes())
    try:
        assert passes_exactly(value)
    except StatebagError:
        # 500 levels are the limit, and the test's own object is one more.
        assert file.stem == "i_structure_500_nested_arrays"
        sb = Statebag(MemoryStore(), policy=Policy())
        assert encode(sb.open(sb.seal(value, scope="machine/run"))) == encode(value)


def test_the_page_decides_every_open_case_and_no_other():
    found = files("JSONTestSuite/test_parsing/i_*.json")
    if not found:
        pytest.skip("needs the shared test data")
    assert set(DECISIONS) == {file.stem for file in found}


TRANSFORMED = {
    "number_-9223372036854775808": [-9223372036854775808],
    "number_-9223372036854775809": [-9223372036854775809],
    "number_1.0": [1.0],
    "number_1.000000000000000005": [1.0],
    "number_1000000000000000": [1000000000000000],
    "number_10000000000000000999": [10000000000000000999],
    "number_1e-999": [0.0],
    "number_1e6": [1000000.0],
    "number_9223372036854775807": [9223372036854775807],
    "number_9223372036854775808": [9223372036854775808],
    "object_key_nfc_nfd": {"\u00e9": "NFC", "e\u0301": "NFD"},
    "object_key_nfd_nfc": {"e\u0301": "NFD", "\u00e9": "NFC"},
    "object_same_key_different_values": {"a": 2},
    "object_same_key_same_value": {"a": 1},
    "object_same_key_unclear_values": {"a": 0},
    "string_with_escaped_NULL": ["A\x00B"],
}


@pytest.mark.parametrize("file", parameters("JSONTestSuite/test_transform/*.json"))
def test_what_text_means(file):
    if file.stem not in TRANSFORMED:
        assert "invalid_codepoint" in file.stem
        with pytest.raises(StatebagError):
            decode(file.read_bytes())
        return
    value = decode(file.read_bytes())
    assert encode(value) == encode(TRANSFORMED[file.stem])
    assert passes_exactly(value)
