"""Which keys a client uses: those it is given, those of the environment, or none."""

import base64

import pytest

from statebag import Policy
from statebag.errors import ConfigurationError
from statebag.keys import encrypting_with, signing_with
from statebag.store.encrypted import EncryptedStore
from statebag.store.memory import MemoryStore

KEY = b"k" * 32


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("SIGNING_KEYS", "ENCRYPTION_KEYS", "PLAIN"):
        monkeypatch.delenv(f"STATEBAG_{name}", raising=False)


def test_without_keys_the_store_is_used_as_it_is():
    store = MemoryStore()
    assert encrypting_with(None, Policy())(store) is store
    assert encrypting_with((), Policy())(store) is store
    assert signing_with(None, Policy()) is None
    assert signing_with({}, Policy()) is None


def test_keys_of_the_environment_serve_where_none_are_given(monkeypatch):
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", base64.b64encode(KEY).decode())
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", "one:" + base64.b64encode(KEY).decode())
    assert isinstance(encrypting_with(None, Policy())(MemoryStore()), EncryptedStore)
    assert signing_with(None, Policy()) is not None
    store = MemoryStore()
    assert encrypting_with((), Policy())(store) is store, "an empty list says so explicitly"


@pytest.mark.parametrize("kind", ["encryption", "signatures"])
def test_what_a_policy_requires_must_be_there(kind, monkeypatch):
    policy = Policy(**{f"require_{kind}": True})
    choose, given = {
        "encryption": (encrypting_with, [KEY]),
        "signatures": (signing_with, {"one": KEY}),
    }[kind]
    with pytest.raises(ConfigurationError, match=f"Policy.require_{kind}"):
        choose(None, policy)
    choose(given, policy)
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    with pytest.raises(ConfigurationError, match="STATEBAG_PLAIN"):
        choose(given, policy)


def test_forms_without_a_scope_in_the_signature_cannot_be_required():
    with pytest.raises(ConfigurationError, match="forms=2"):
        signing_with({"one": KEY}, Policy(require_signatures=True, forms=2))
