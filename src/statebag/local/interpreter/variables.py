"""Keep the variables of a workflow, which `Assign` sets, in their scopes.

A branch or an iteration sees the variables around it, and sets its own (Amazon States Language,
"Variables"). A child of a distributed Map sees none of its parent's.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Variables"]


class Variables:
    """The variables of one branch, iteration or execution.

    Args:
        outer: The variables around it.
    """

    __slots__ = ("_outer", "_own")

    def __init__(self, outer: Variables | None = None) -> None:
        self._outer = outer
        self._own: dict[str, Any] = {}

    def assign(self, values: dict[str, Any]) -> None:
        """Set some variables, all at once."""
        self._own.update(values)

    def get(self, name: str) -> Any:
        """Return the value of a variable.

        Raises:
            KeyError: It was never set.
        """
        if name in self._own or self._outer is None:
            return self._own[name]
        return self._outer.get(name)

    def seen(self) -> dict[str, Any]:
        """Return all variables that are visible here, by name."""
        if self._outer is None:
            return dict(self._own)
        return {**self._outer.seen(), **self._own}
