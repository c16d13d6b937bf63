"""Write an object that other writers write too: try again, each time after what they wrote."""

from __future__ import annotations

from collections.abc import Callable

from statebag.errors import Conflict
from statebag.versions.version import Version

__all__ = ["write_after_others"]

# Conflicts of one write in a row. Chosen: each means that another writer's version went in.
_TURNS = 100


def write_after_others(
    write: Callable[[Version | None, bool], Version],
    present: Version | None,
    look: Callable[[], Version | None],
    what: str,
) -> Version:
    """Write a version, even if other writers are first.

    Args:
        write: Writes after a version, or as the first one. Its second argument is the `heal` of
            `Head.seal`.
        present: The version that is believed to be the newest.
        look: Returns the version that is the newest, asking the store.
        what: What the writers write to, for the message.

    Returns:
        The version that was written.

    Raises:
        Conflict: Other writers were first in each attempt.
        StatebagError: From the two functions.
    """
    heal = False
    for _ in range(_TURNS):
        try:
            return write(present, heal)
        except Conflict:
            found = look()
        # Nobody wrote: the bag names a pack that a collector is about to delete.
        heal = (found and found.id) == (present and present.id)
        present = found
    raise Conflict(
        f"other writers of this {what} were first {_TURNS} times",
        hint=f"Let fewer writers write to one {what} at a time.",
    )
