"""Refuse writes inside some code: the first one raises an error that the code chose."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.errors import StatebagError

__all__ = ["check_may_write", "refusing_writes"]

_refusal: ContextVar[Callable[[], StatebagError] | None] = ContextVar(
    "statebag_refusal", default=None
)


@contextmanager
def refusing_writes(refusal: Callable[[], StatebagError]) -> Iterator[None]:
    """Refuse every write of the code inside, before any request is sent.

    This is a context variable, like the deadline: a thread sees it if it runs in a copy of the
    context.

    Args:
        refusal: Returns the error that the write raises.
    """
    token = _refusal.set(refusal)
    try:
        yield
    finally:
        _refusal.reset(token)


def check_may_write() -> None:
    """Raise the error that the surrounding code chose for writes, if any."""
    refusal = _refusal.get()
    if refusal is not None:
        raise refusal()
