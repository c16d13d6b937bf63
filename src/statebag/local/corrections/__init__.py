"""What is wrong in the interpreter, one module a correction; all are undone after the run.

Each module's docstring says what AWS does and what the interpreter does, and its `patches(run)`
gives the replacements.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from statebag.local.corrections import ending, error_names, functions, patch, quota, visits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.local.run import Run

__all__ = ["corrected"]

_CORRECTIONS = (visits, ending, quota, error_names, functions)


@contextmanager
def corrected(run: Run) -> Iterator[None]:
    """The interpreter with all corrections, for one run."""
    patches = [item for correction in _CORRECTIONS for item in correction.patches(run)]
    with patch.applied(patches):
        yield
