"""The error of texts that cannot be read: paths, calls and expressions.

It is in a module of its own, so that code which catches it does not load the readers.
"""

from __future__ import annotations

__all__ = ["MalformedError"]


class MalformedError(ValueError):
    """A text that is not a path, a call or an expression; its argument says why."""
