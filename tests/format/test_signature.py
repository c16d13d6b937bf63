"""A signature covers the stub and the scope, whatever an engine does to the JSON."""

import pytest

from statebag.errors import ConfigurationError, NotPermitted
from statebag.format.signature import Signatures, check_keys
from statebag.format.stub import Carried
from statebag.format.stub_parsing import parse_stub

KEY = b"k" * 32
STUB = Carried("a" * 64, 3, b"frame")


def checked(body, *, keys=None, scope="machine/run", required=False):
    signatures = Signatures(keys or {"one": KEY}, required=required)
    wire = {"__statebag__": body}
    signatures.checker(lambda name: name == scope).check(parse_stub(wire, "$"), body, "$")


def test_a_stub_is_signed_for_its_scope_and_the_body_is_not_changed():
    body = STUB.to_wire()
    before = dict(body)
    signed = Signatures({"one": KEY}).signer("machine/run").signed(STUB, body)
    assert body == before
    assert signed["sig"].startswith("one.")
    checked(signed)
    checked({**dict(reversed(signed.items())), "size": 3.0})
    with pytest.raises(NotPermitted, match="another scope"):
        checked(signed, scope="machine/other")


def test_another_key_another_size_and_no_signature_are_refused():
    signed = Signatures({"one": KEY}).signer("machine/run").signed(STUB, STUB.to_wire())
    for body in ({**signed, "size": 4}, {**signed, "sig": "two" + signed["sig"][3:]}):
        with pytest.raises(NotPermitted, match="not signed with a key"):
            checked(body)
    with pytest.raises(NotPermitted, match="not signed with a key"):
        checked(STUB.to_wire())
    with pytest.raises(NotPermitted, match="not signed with a key"):
        checked(signed, keys={"one": b"l" * 32})


def test_the_older_signature_covers_no_scope_and_may_be_refused():
    older = Signatures({"one": KEY}, scoped=False).signer("machine/run")
    signed = older.signed(STUB, STUB.to_wire())
    checked(signed, scope="machine/other")
    with pytest.raises(NotPermitted, match="does not cover the scope"):
        checked(signed, required=True)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "empty dict"),
        ([KEY], "must be a dict"),
        ({"one": b"short"}, "bytes"),
        ({"a name.": KEY}, "name"),
        ({"x" * 33: KEY}, "name"),
    ],
)
def test_keys_that_cannot_sign(keys, message):
    with pytest.raises(ConfigurationError, match=message):
        check_keys(keys)


def test_a_fingerprint_tells_keys_apart_and_not_what_they_are():
    one, two = (Signatures({"one": key}).fingerprint for key in (KEY, b"l" * 32))
    assert one != two
    assert one == Signatures({"one": KEY}).fingerprint
    assert "kkkk" not in str(one)
