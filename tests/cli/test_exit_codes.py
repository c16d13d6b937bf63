"""Exit codes are public: scripts rely on them."""

import inspect

from statebag import errors
from statebag.cli import exit_codes


def test_the_codes_never_change():
    assert {kind.__name__: code for kind, code in exit_codes.BY_ERROR.items()} == {
        "StatebagError": 10,
        "StoreUnavailable": 11,
        "BlobMissing": 12,
        "BlobCorrupt": 13,
        "BagTooLarge": 14,
        "InvalidState": 15,
        "InvalidStub": 16,
        "UnsupportedFormat": 17,
        "NotPermitted": 18,
        "LimitExceeded": 19,
        "ConfigurationError": 20,
        "Conflict": 21,
    }
    assert (exit_codes.SUCCESS, exit_codes.PROGRAM_FAULT, exit_codes.USAGE) == (0, 1, 2)
    assert (exit_codes.EXECUTION_FAILED, exit_codes.INTERRUPTED) == (3, 130)


def test_every_error_has_a_code_of_its_own():
    kinds = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.StatebagError)
    }
    assert set(exit_codes.BY_ERROR) == kinds
    assert len(set(exit_codes.BY_ERROR.values())) == len(kinds)


def test_a_class_below_has_the_code_of_the_nearest_one_above():
    class Narrower(errors.NotPermitted):
        pass

    assert exit_codes.exit_code(Narrower("no")) == 18
