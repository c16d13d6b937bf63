"""The table of statuses that results have, which ignores case.

It applies to every action, branch, chunk and answer. No status is a success by default: one without
a class is an error if the result decides alone, and a failure if it is one of many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag.errors import ConfigurationError, InvalidState
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CLASSES", "NEXT_ACTIONS", "StatusClass", "Statuses"]

StatusClass = Literal["done", "going on", "waiting", "forked", "failed"]

CLASSES: dict[StatusClass, tuple[str, ...]] = {
    "done": ("COMPLETE", "COMPLETED", "SUCCEEDED", "SUCCESS"),
    "going on": ("STARTED", "CONTINUE", "RUNNING"),
    "waiting": ("PAUSED_FOR_HITP", "PAUSED_FOR_ASYNC_LLM", "PAUSE", "PAUSED"),
    "forked": ("PARALLEL_GROUP", "SEQUENTIAL_BRANCH"),
    "failed": (
        "FAILED",
        "ERROR",
        "TIMED_OUT",
        "ABORTED",
        "CANCELLED",
        "HALTED",
        "SIGKILL",
        "LOOP_LIMIT_EXCEEDED",
        "PARTIAL_FAILURE",
    ),
}
"""The statuses by class; docs/state-data-manager.md shows the same table."""

NEXT_ACTIONS: tuple[str, ...] = (
    "STARTED",
    "CONTINUE",
    "COMPLETE",
    "FAILED",
    "HALTED",
    "PAUSED_FOR_HITP",
    "PAUSED_FOR_ASYNC_LLM",
    "PARALLEL_GROUP",
    "SEQUENTIAL_BRANCH",
)
"""The next actions that routers are built for; settings may add others."""

_BY_CLASS: dict[StatusClass, str] = {
    "done": "COMPLETE",
    "going on": "CONTINUE",
    "waiting": "PAUSED_FOR_HITP",
    "forked": "PARALLEL_GROUP",
    "failed": "FAILED",
}
_OF_THEIR_OWN = ("PAUSED_FOR_ASYNC_LLM", "SEQUENTIAL_BRANCH")
_QUOTED = 40  # characters of a setting in a message. Chosen: enough to recognize it


class Statuses:
    """The table, with the statuses and next actions of the settings.

    Args:
        added: Statuses as `NAME=class`, or as `NAME=STATUS` for another name of a built-in status.
        next_actions: Next actions in addition to NEXT_ACTIONS.

    Raises:
        ConfigurationError: An added status has an unknown class, or is built in with another class.
    """

    def __init__(self, added: Iterable[str] = (), next_actions: Iterable[str] = ()) -> None:
        self._classes: dict[str, StatusClass] = {
            name: kind for kind, names in CLASSES.items() for name in names
        }
        self._next: dict[str, str] = {
            name: name if name in _OF_THEIR_OWN else _BY_CLASS[kind]
            for name, kind in self._classes.items()
        }
        built_in = dict(self._classes)
        for text in added:
            name, kind, following = self._parsed(text)
            if built_in.get(name, kind) != kind:
                raise ConfigurationError(
                    f"the status {name!r:.{_QUOTED}} is built in, and its class is not {kind}",
                    hint=f"Remove it from STATEBAG_STATUSES: its class is {built_in[name]}.",
                )
            self._classes.setdefault(name, kind)
            self._next.setdefault(name, following)
        self._actions = {name.upper(): name for name in (*next_actions, *NEXT_ACTIONS)}

    def class_of(self, status: Any) -> StatusClass | None:
        """Return the class of a status; None if it has no class, or is not a string."""
        return self._classes.get(_folded(status))

    def waits(self, name: Any) -> bool:
        """Return whether a workflow with this status or next action waits for an answer."""
        return self.class_of(name) == "waiting"

    def of_status(self, status: Any) -> str | None:
        """Return the next action of a status; None if it has no class."""
        return self._next.get(_folded(status))

    def of_name(self, name: Any) -> str | None:
        """Return the next action with this name, or that of the status with this name.

        None if the name is not known.
        """
        folded = _folded(name)
        return self._actions.get(folded) or self._next.get(folded)

    def by_status(self, status: Any) -> str:
        """Return the same as `of_status`.

        Raises:
            InvalidState: The status has no class; the hint lists the known ones.
        """
        found = self.of_status(status)
        if found is None:
            raise _unknown(
                "status",
                status,
                hint=f"Use {', '.join(self._next)}, in any case, or give the result a next_action. "
                "STATEBAG_STATUSES can add statuses.",
            )
        return found

    def by_name(self, name: Any) -> str:
        """Return the same as `of_name`.

        Raises:
            InvalidState: The name is not known; the hint lists the known ones.
        """
        found = self.of_name(name)
        if found is None:
            raise _unknown(
                "next_action",
                name,
                hint=f"Use {', '.join(self._actions.values())}. "
                "STATEBAG_NEXT_ACTIONS can add next actions.",
            )
        return found

    def _parsed(self, text: str) -> tuple[str, StatusClass, str]:
        """Return name, class and next action of an added status."""
        name, _, meaning = (part.strip() for part in text.partition("="))
        name, alias = name.upper(), meaning.upper()
        for kind, names in CLASSES.items():
            if name and meaning.lower() == kind:
                return name, kind, _BY_CLASS[kind]
            if name and alias in names:
                return name, kind, self._next[alias]
        raise ConfigurationError(
            f"ManagerSettings.statuses must have NAME=class, not {text!r:.{_QUOTED}}",
            hint=f"Use one of the classes {', '.join(CLASSES)}, or a built-in status.",
        )


def _folded(name: Any) -> str:
    # Some characters that are not ASCII become ASCII in capitals.
    return name.upper() if isinstance(name, str) and name.isascii() else ""


def _unknown(field: str, value: Any, hint: str) -> InvalidState:
    """Return the error for a field whose value is not in the table."""
    found = "another string" if isinstance(value, str) else json_type(value)
    return InvalidState(
        f"{field} must have a known name, not {found}", path=f"$.{field}", hint=hint
    )
