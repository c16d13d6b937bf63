"""What a result says of itself: whether it failed and why, or whether it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.manager.merge.lambda_response import payload_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.statuses import StatusClass, Statuses

__all__ = [
    "REASON",
    "SAYS_FAILURE",
    "Verdict",
    "caught",
    "failure_in",
    "failure_of",
    "judge",
    "with_reason",
]

REASON = "failure_reason"
"""The field of a failed result on record that says why, if the result does not."""

SAYS_FAILURE: tuple[str, ...] = ("status", "error", "Error", "map_error", "partial_failure")
"""Fields that say that a result failed, wherever a result may stand."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a result is.

    Attributes:
        kind: Its class. A result without a status is done: its engine reported no failure.
        next_action: For a class that waits or forked: what the workflow waits for.
        error: What it gives as its error; None if it only has a status.
        reason: `{"Error", "Cause"}` if it failed and does not say why itself.
    """

    kind: StatusClass
    next_action: str | None = None
    error: Any = None
    reason: dict[str, str] | None = None

    @property
    def failed(self) -> bool:
        """Whether it is a failure."""
        return self.kind == "failed"

    @property
    def waits(self) -> bool:
        """Whether somebody must answer first."""
        return self.kind == "waiting"


_DONE = Verdict("done")
_LEVELS = 8  # lists within lists. Chosen: a Map in a Parallel in a Map makes three


def failure_of(result: Mapping[str, Any], statuses: Statuses) -> Verdict | None:
    """Return the failure that a result's own fields say; None if they say none.

    It is a failure with a status of the class failed, an `error`, what a Catch gives
    (`{"Error", "Cause"}`), a `map_error`, or `partial_failure`.
    """
    error = result.get("error") or caught(result) or result.get("map_error")
    status = statuses.class_of(result.get("status"))
    if error or result.get("partial_failure") or status == "failed":
        return Verdict("failed", error=error or None)
    return None


def caught(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a Catch gave, if a result has it; its cause may be missing."""
    error = result.get("Error")
    if not isinstance(error, str) or not error:
        return None
    return {name: result[name] for name in ("Error", "Cause") if name in result}


def failure_in(value: Any, statuses: Statuses, levels: int = _LEVELS) -> Verdict | None:
    """Return the failure that a value says, or that a result in it says; None if none does.

    Args:
        value: A result of any type. Responses of `lambda:invoke` and lists are looked into.
        statuses: The table.
        levels: How many lists within lists are looked into.
    """
    value = payload_of(value)
    if isinstance(value, dict):
        return failure_of(value, statuses)
    if not isinstance(value, list) or not levels:
        return None
    found = [failure_in(one, statuses, levels - 1) for one in value]
    failed = [one for one in found if one is not None]
    if not failed:
        return None
    cause = f"{len(failed)} of the {len(found)} results in the list failed"
    return Verdict("failed", error=failed[0].error, reason=_reason("PartialFailure", cause))


def judge(value: Any, statuses: Statuses) -> Verdict:
    """Say what one result of many is.

    Args:
        value: The result of a branch or a chunk, of any type.
        statuses: The table. A status or next action that it does not have makes a failure.
    """
    failure = failure_in(value, statuses)
    if failure is not None:
        return failure
    result = payload_of(value)
    if not isinstance(result, dict):
        return _DONE
    status, action = result.get("status"), result.get("next_action")
    if statuses.class_of(action) == "failed":
        return Verdict("failed")
    if status is not None:
        following = statuses.of_status(status)
    elif action is not None:
        following = statuses.of_name(action)
    else:
        return _DONE
    if following is None:
        field = "next_action" if status is None else "status"
        return Verdict("failed", reason=_unknown(field))
    return Verdict(statuses.class_of(following) or "going on", following)


def with_reason(result: Any, verdict: Verdict) -> Any:
    """Return a failed result as it goes on record: with the reason, if it does not say one."""
    if verdict.reason is None:
        return result
    if isinstance(result, dict) and REASON not in result:
        return {**result, REASON: verdict.reason}
    return {"result": result, REASON: verdict.reason}


def _unknown(field: str) -> dict[str, str]:
    setting = {"status": "STATEBAG_STATUSES", "next_action": "STATEBAG_NEXT_ACTIONS"}[field]
    name = {"status": "UnknownStatus", "next_action": "UnknownNextAction"}[field]
    return _reason(name, f"its {field} does not have a known name; {setting} can add one")


def _reason(name: str, cause: str) -> dict[str, str]:
    return {"Error": f"Statebag.{name}", "Cause": cause}
