"""`Heads`: all heads of a scope, such as those of one thread of an agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from statebag.errors import Conflict
from statebag.format.arguments import check_callable
from statebag.format.head_names import parse_head_object, scope_folder
from statebag.format.names import encode_scope
from statebag.versions.coroutines import HeadsCoroutines
from statebag.versions.head import Head, check_conditional
from statebag.versions.sealing_client import SealingClient

__all__ = ["Heads"]


class Heads(HeadsCoroutines):
    """The heads of one scope.

    Args:
        client: Seals and opens; its store must have conditional writes.
        scope: The scope, such as `agents/thread-7`.

    Attributes:
        scope: As given.

    Raises:
        ConfigurationError: The store has no conditional writes.
        InvalidState: The scope is empty or malformed.
    """

    def __init__(self, client: SealingClient, scope: str) -> None:
        check_conditional(client)
        self.scope = scope
        self._client = client
        self._scope = encode_scope(scope)

    def __repr__(self) -> str:
        return f"Heads({self.scope!r})"

    def head(self, name: str) -> Head:
        """Return the head of a name, which may not exist yet. No request."""
        return Head(self._client, self.scope, name)

    def names(self) -> list[str]:
        """Return the names of the heads in this scope, in order."""
        there = [one for one in self._heads() if one.scope == self.scope]
        return sorted(one.name for one in there if one.read() is not None)

    def below(self) -> list[Head]:
        """Return the heads in this scope and in the scopes below it."""
        return [one for one in self._heads() if one.read() is not None]

    def delete(self) -> None:
        """Delete all heads in this scope, but keep objects that heads of other scopes use."""
        for head in self._heads():
            if head.scope == self.scope:
                head.delete()

    def copy(self, scope: str, note: Callable[[Any], Any] | None = None) -> Heads:
        """Copy all heads with their versions into another scope. No blob is written again.

        The head whose name comes first in order is copied last. After a crash, repeat the call:
        heads that were already copied stay, unless they or their originals were advanced since.

        Args:
            scope: The other scope, which has no heads of the same names.
            note: Returns the note of a copied version from that of the original.

        Raises:
            Conflict: It has such a head.
            ConfigurationError: `note` is not a function.
            InvalidState: `note` returned a value that JSON cannot hold.
        """
        if note is not None:
            check_callable("note", note, "a function of a note")
        other = Heads(self._client, scope)
        missing = []
        for name in self.names():
            target = other.head(name)
            there = target.read()
            if there is None:
                missing.append((self.head(name), target))
            elif other._scope == self._scope or there.id != self._newest_id(name):
                raise Conflict(
                    f"the scope {scope!r:.80} already has a head {name!r:.80}",
                    hint="Copy into another scope, or delete the heads there first.",
                )
        for head, target in reversed(missing):
            head.fork(target, whole=True, note=note)
        return other

    def _newest_id(self, name: str) -> str | None:
        newest = self.head(name).read()
        return None if newest is None else newest.id

    def _heads(self) -> list[Head]:
        """Return every head that exists here or below, or existed."""
        found = []
        for info in self._client.store.list(scope_folder(self._scope)):
            one = parse_head_object(info.name)
            if one is not None and one.kind == "head":
                found.append(Head(self._client, unquote(one.scope), unquote(one.name)))
        return found
