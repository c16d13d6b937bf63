"""Read from a result whether it failed and why, or whether it waits."""

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
    """The class of a result, with its reason.

    Attributes:
        kind: The class. A result without a status is done, since its engine reported no failure.
        next_action: The next action of a result that waits or forked.
        error: The result's error; None if it only has a status.
        reason: `{"Error", "Cause"}` for a failed result that does not say why.
    """

    kind: StatusClass
    next_action: str | None = None
    error: Any = None
    reason: dict[str, str] | None = None

    @property
    def failed(self) -> bool:
        """Whether the result failed."""
        return self.kind == "failed"

    @property
    def waits(self) -> bool:
        """Whether the result waits for an answer."""
        return self.kind == "waiting"


_DONE = Verdict("done")
_LEVELS = 8  # lists within lists. Chosen: a Map in a Parallel in a Map makes three


def failure_of(result: Mapping[str, Any], statuses: Statuses) -> Verdict | None:
    """Return the failure in a result's own fields; None if they have none.

    A result failed if it has a status of the class failed, an `error`, the output of a Catch
    (`{"Error", "Cause"}`), a `map_error`, or `partial_failure`.
    """
    error = result.get("error") or caught(result) or result.get("map_error")
    status = statuses.class_of(result.get("status"))
    if error or result.get("partial_failure") or status == "failed":
        return Verdict("failed", error=error or None)
    return None


def caught(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the output of a Catch, if a result has one; its cause may be missing."""
    error = result.get("Error")
    if not isinstance(error, str) or not error:
        return None
    return {name: result[name] for name in ("Error", "Cause") if name in result}


def failure_in(value: Any, statuses: Statuses, levels: int = _LEVELS) -> Verdict | None:
    """Return the failure of a value, or of a result in it; None if there is none.

    Args:
        value: A result of any type. Responses of `lambda:invoke` and lists are looked into.
        statuses: The table.
        levels: The levels of lists to look into.
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
    """Return the verdict on one result of many.

    Args:
        value: The result of a branch or a chunk, of any type.
        statuses: The table. A status or next action that it does not have counts as a failure.
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
    if statuses.waits(action) and (status is None or statuses.class_of(status)):
        return Verdict("waiting", statuses.of_name(action))
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
    """Return the record of a failed result, with the reason added if it does not say why."""
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
