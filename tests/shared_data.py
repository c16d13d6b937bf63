"""Where the shared test data is, which is no part of the project."""

import os
from pathlib import Path

import pytest

VARIABLE = "STATEBAG_TEST_DATA"
_BESIDE = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def files(pattern):
    """The files of a glob below the data's folder, in order; none where it is absent."""
    folder = Path(os.environ.get(VARIABLE) or _BESIDE)
    return sorted(folder.glob(pattern)) if folder.is_dir() else []


def parameters(pattern):
    """The files as test parameters; one that is skipped, with the reason, where there are none."""
    found = files(pattern)
    if found:
        return [pytest.param(file, id=file.name) for file in found]
    reason = f"needs the shared test data: set {VARIABLE} to its folder ({pattern})"
    return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
