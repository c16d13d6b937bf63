"""Decide which execution the object of a legacy pointer belongs to, and who may read it.

Packs and snapshots lie below their execution's scope. Objects of the older writers lie below
`workflow-state/<id>/`. The id is the idempotency key or, without one, the scope as one path part;
these are the reader's own ids. An object at the root, or directly in `workflow-state`, does not say
to which execution it belongs, and anyone may read it. A pointer has no signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from statebag.errors import InvalidState, NotPermitted
from statebag.format.names import encode_scope, is_scope_at_or_above, scope_of, scope_of_execution
from statebag.format.paths import render_path
from statebag.manager.legacy.pointer_format import FOLDER, id_part
from statebag.opening.opener import Confinement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Path
    from statebag.policy import Policy

__all__ = ["STATES", "PointerScope"]

STATES = ("state_data", "branch_state")  # where an event has its state


class PointerScope:
    """The objects to which the pointers of one reader may lead.

    Args:
        scope: The reader's scope, as for `open`; None allows everything below the root.
        policy: Its `readable_scopes` are allowed too; with `require_signatures`, nothing is.
        ids: The reader's own idempotency keys.
        any_id: Whether all ids are allowed, because the reader does not know its execution.
    """

    def __init__(
        self, scope: str | None, policy: Policy, ids: Iterable[str] = (), *, any_id: bool = False
    ) -> None:
        self._scope = None if scope is None else encode_scope(scope)
        self._policy = policy
        self._confinement = Confinement(self._scope, policy.readable_scopes)
        self._any_id = any_id
        self._ids = {id_part(one) for one in ids}
        if scope is not None:
            self._ids |= {id_part(scope.replace("/", "-")), id_part(scope)}
            folder, _, key = scope.partition("/")
            if folder == FOLDER and key:
                self._ids |= {id_part(key), id_part(unquote(key))}

    def learn(self, value: Any) -> None:
        """Add the idempotency key of a state, or of the states in an event, to the reader's own.

        The key of an object further down does not count: it may be anyone's data.
        """
        if not isinstance(value, dict):
            return
        states = [value] if "idempotency_key" in value else [value.get(name) for name in STATES]
        for state in states:
            key = state.get("idempotency_key") if isinstance(state, dict) else None
            if isinstance(key, str) and key:
                self._ids.add(id_part(key))

    def must_follow(self, path: Path) -> None:
        """Refuse every pointer if signatures are required.

        Raises:
            NotPermitted: Signatures are required.
        """
        if self._policy.require_signatures:
            raise NotPermitted(
                "a legacy pointer has no signature, and signatures are required",
                path=render_path(path),
                hint="Unset STATEBAG_REQUIRE_SIGNATURES (Policy.require_signatures) until no "
                "such pointer is left.",
            )

    def allows(self, name: str, *, of_branch: bool = False) -> bool:
        """Return whether the reader may read an object.

        Args:
            name: The object's name below the root.
            of_branch: Whether an id that begins with an own one and `-` is own too, as the ids
                of an execution's branches do.
        """
        if self._scope is None:
            return True
        folder = scope_of(name)
        folder = folder.removesuffix("/snapshots")
        if not folder or folder == FOLDER or self._confinement.allows(folder):
            return True
        first, _, rest = folder.partition("/")
        if first != FOLDER:
            return False
        own = rest.partition("/")[0]
        if self._any_id or own in self._ids:
            return True
        if of_branch and any(own.startswith(f"{one}-") for one in self._ids):
            return True
        # A name has the id as it is; a scope has it encoded.
        return "%" not in folder and self._confinement.allows(_encoded(folder))

    def check(self, name: str, path: Path, *, of_branch: bool = False) -> None:
        """Refuse an object of another execution, before any request.

        Raises:
            NotPermitted: With the object's name.
        """
        if not self.allows(name, of_branch=of_branch):
            raise self.refusal(name, path)

    def refusal(self, name: str, path: Path) -> NotPermitted:
        """Return the error for an object of another execution."""
        return NotPermitted(
            "a pointer names an object of another execution",
            path=render_path(path),
            object_name=name,
            hint="Add its folder to Policy.readable_scopes if this reader should see it.",
        )

    def owns_state(self, state: Any, name: str) -> bool:
        """Return whether a whole state belongs to this execution, and with it the id of its folder.

        Args:
            state: The state that was read.
            name: The object's name below the root.
        """
        said = state.get("execution_id") if isinstance(state, dict) else None
        folder, _, rest = name.partition("/")
        own, _, file = rest.partition("/")
        if not isinstance(said, str) or self._scope is None or folder != FOLDER or not file:
            return False
        try:
            scope = encode_scope(scope_of_execution(said))
        except InvalidState:
            return False
        if not is_scope_at_or_above(scope, self._scope):
            return False
        self._ids.add(own)
        return True


def _encoded(folder: str) -> str:
    try:
        return encode_scope(folder)
    except InvalidState:
        return ""
