"""What is wrong in the interpreter, one module a correction; all are undone after the run.

Each module's docstring says what AWS does and what the interpreter does, and its `patches(run)`
gives the replacements.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from statebag.local.corrections import (
    callbacks,
    choices,
    distributed_map,
    ending,
    error_names,
    functions,
    intrinsic_functions,
    iterations,
    json_paths,
    jsonata_language,
    nested_executions,
    network,
    parsing,
    quota,
    recording,
    visits,
    waiting,
)
from statebag.local.corrections.patch import applied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.local.moto_run import Run

__all__ = ["corrected"]

_CORRECTIONS = (
    network,
    parsing,
    visits,
    recording,
    ending,
    json_paths,
    intrinsic_functions,
    jsonata_language,
    quota,
    error_names,
    choices,
    waiting,
    iterations,
    distributed_map,
    functions,
    nested_executions,
    callbacks,
)


@contextmanager
def corrected(run: Run) -> Iterator[None]:
    """The interpreter with all corrections, for one run."""
    with ExitStack() as stack:
        for correction in _CORRECTIONS:  # each sees what those before it have put in place
            stack.enter_context(applied(correction.patches(run)))
        yield
