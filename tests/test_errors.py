import copy
import pickle

import pytest

import statebag
from statebag import errors

# Public API: an Amazon States Language `ErrorEquals` matches these names.
TREE = {
    "StoreUnavailable": ("store_unavailable", True),
    "BlobMissing": ("blob_missing", False),
    "BlobCorrupt": ("blob_corrupt", False),
    "BagTooLarge": ("bag_too_large", False),
    "InvalidState": ("invalid_state", False),
    "InvalidStub": ("invalid_stub", False),
    "UnsupportedFormat": ("unsupported_format", False),
    "NotPermitted": ("not_permitted", False),
    "LimitExceeded": ("limit_exceeded", False),
    "ConfigurationError": ("configuration_error", False),
    "Conflict": ("conflict", False),
}


def test_the_tree_is_as_published():
    found = {
        kind.__name__: (kind.code, kind.retryable)
        for kind in errors.StatebagError.__subclasses__()
        if kind.__module__ == "statebag.errors"
    }
    assert found == TREE
    assert set(errors.__all__) == {*TREE, "StatebagError"}
    for name in errors.__all__:
        assert getattr(statebag, name) is getattr(errors, name)
        assert getattr(errors, name).__name__ == name
    assert (errors.StatebagError.code, errors.StatebagError.retryable) == ("error", False)


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_survives_a_trip_to_another_process(name):
    error = getattr(errors, name)(
        "what is wrong", path="$.a[0]", object_name="m/x.pack", hint="The way out."
    )
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == str(error)
    assert str(error) == "what is wrong (at $.a[0]) (object m/x.pack). The way out."


def test_what_is_not_known_is_not_said():
    error = errors.BlobMissing("gone")
    assert (error.path, error.object_name, error.hint) == (None, None, None)
    assert str(error) == "gone"
    assert error.args == ("gone",)
