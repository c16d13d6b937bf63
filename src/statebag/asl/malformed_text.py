"""The error of texts that cannot be read: paths, calls and expressions.

It is apart from the readers, so that what catches it does not load them.
"""

from __future__ import annotations

__all__ = ["MalformedError"]


class MalformedError(ValueError):
    """A text that is not a path, a call or an expression; its argument says why."""
