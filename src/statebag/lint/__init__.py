"""Check state machines before they run: what may exceed the payload limit, or lose a state."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.lint.linter import Options, lint

__all__ = ["Options", "lint"]

if not TYPE_CHECKING:  # otherwise a type checker would accept any name
    __getattr__ = lazy_front(
        __name__,
        {
            "Options": "linter",
            "lint": "linter",
        },
    )
