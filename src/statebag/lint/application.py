"""Take facts about the application whose functions definitions call; lint does not import it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["fields_kept_plain", "give_fields"]

_given: list[Callable[[], Iterable[str]]] = []


def give_fields(load: Callable[[], Iterable[str]]) -> None:
    """Register the fields at the top of a state that the application's actions keep plain.

    Args:
        load: Returns their names. It is called at the first lint of such an action.
    """
    _given[:] = [load]


def fields_kept_plain() -> frozenset[tuple[str]]:
    """Return the paths of these fields; none if there is no application."""
    return frozenset((name,) for load in _given for name in load())
