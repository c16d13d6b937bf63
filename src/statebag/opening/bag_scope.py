"""Find the scope that a bag comes from, by its stubs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from statebag.format.names import scope_of
from statebag.opening.walk import EVERYTHING, walk

__all__ = ["deepest_scope"]


def deepest_scope(bag: Any) -> str | None:
    """Return the deepest scope that a bag's own stubs name, decoded; None if they name none."""
    scopes: set[str] = set()
    for site in walk(bag, EVERYTHING).sites:
        scopes.update(map(scope_of, site.stub.packs()))
    # Of two of one length always the same: a retry in another process must write there too.
    return unquote(max(scopes, key=lambda scope: (len(scope), scope))) if scopes else None
