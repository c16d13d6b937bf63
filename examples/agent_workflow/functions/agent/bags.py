"""Opening what an event carries, and sealing what a function answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.default_client import from_environment
from statebag.step import scope_of_execution

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["opened", "sealed"]


def opened(event: dict[str, Any], name: str, only: Iterable[str] | None = None) -> Any:
    """A part of the event: all of it, or no more than some paths in it.

    Pointers of wire version 0 are followed too: an execution that started with them may end
    under version 1.
    """
    scope = scope_of_execution(event["execution_id"])
    return from_environment().open(event[name], only, scope, legacy=True)


def sealed(event: dict[str, Any], value: Any) -> Any:
    """A bag for what the function answers, in the scope of the event's execution."""
    return from_environment().seal(value, scope_of_execution(event["execution_id"]))
