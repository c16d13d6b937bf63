"""One table of hash algorithms, for both query languages."""

import hashlib

import pytest

from statebag.asl.hash_names import HASH_NAMES
from statebag.asl.states_functions import IntrinsicFailureError, evaluated_call, parsed_call
from statebag.local.expression_worker import jsonata_value


@pytest.mark.parametrize("name", HASH_NAMES)
def test_both_query_languages_take_each_algorithm(name):
    digest = hashlib.new(HASH_NAMES[name], b"text", usedforsecurity=False).hexdigest()
    call = parsed_call(f"States.Hash('text', '{name}')")
    assert evaluated_call(call, lambda _: None) == digest
    pytest.importorskip("jsonata")
    assert jsonata_value(f"$hash('text', '{name}')", {}) == digest


@pytest.mark.parametrize("name", ["sha256", "SHA256", "SHA-224", "MD5 ", ""])
def test_neither_takes_another_one(name):
    with pytest.raises(IntrinsicFailureError):
        evaluated_call(parsed_call(f"States.Hash('text', '{name}')"), lambda _: None)
    pytest.importorskip("jsonata")
    with pytest.raises(ValueError, match="threw an error"):
        jsonata_value(f"$hash('text', '{name}')", {})
