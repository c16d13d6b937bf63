"""A Lambda function that deletes the objects of finished executions, for a daily schedule.

Environment: STATEBAG_STORE. It needs `s3:ListBucket`, `s3:GetObject`, `s3:PutObject` and
`s3:DeleteObject` below the prefix, and `states:DescribeExecution`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from math import isfinite
from typing import Any

from statebag.default_client import from_environment
from statebag.errors import ConfigurationError, InvalidState
from statebag.format.names import encode_scope
from statebag.stepfunctions.execution_ends import execution_ends
from statebag.upkeep.gc import RETENTION, Rules, collect

__all__ = ["lambda_handler"]

_KNOWN = {"dry_run", "retention_days", "grace_days", "keep", "with_snapshots", "executions"}


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Delete the objects of finished executions, in one pass over the store.

    Args:
        event: `dry_run` (false), `retention_days` (95), `grace_days` (7), `keep` (scopes),
            `with_snapshots` (false), `executions` (further accounts and regions that share the
            prefix, as `arn:aws:states:<region>:<account>`); an EventBridge event whose `detail` has
            none of these uses the defaults.
        context: Lambda's; its ARN says where the executions are.

    Returns:
        How many executions were kept, marked or deleted, or wait; the bytes freed; and how many
        unfinished writes were deleted or wait.

    Raises:
        ConfigurationError: An argument is unknown, or a value has the wrong type or range. A
            collector that guessed could delete scopes that it should keep.
        BlobMissing, BlobCorrupt: What stays is damaged, so nothing was deleted: run fsck.
        StoreUnavailable, NotPermitted: From S3 or Step Functions.
    """
    asked = _object("the event", event)
    if "detail-type" in asked:
        detail = asked.get("detail")
        asked = {} if detail is None else _object("detail", detail)
    unknown = sorted(str(name) for name in asked if name not in _KNOWN)
    if unknown:
        raise ConfigurationError(
            f"the collector has no setting {', '.join(unknown)}",
            hint=f"Its settings are {', '.join(_KNOWN)}.",
        )
    region, account = context.invoked_function_arn.split(":")[3:5]
    partition = context.invoked_function_arn.split(":")[1]
    own = f"arn:{partition}:states:{region}:{account}"
    rules = Rules(
        retention=_days(asked, "retention_days", RETENTION),
        grace=_days(asked, "grace_days", Rules().grace),
        keep=tuple(_scope(scope) for scope in _texts(asked, "keep")),
        with_snapshots=_switch(asked, "with_snapshots"),
        ended=execution_ends(dict.fromkeys([own, *_texts(asked, "executions")])),
    )
    done = collect(from_environment().store, rules, dry_run=_switch(asked, "dry_run"))
    actions = Counter(one.action for one in done.decisions)
    leftovers = Counter(one.action for one in done.leftovers)
    return {
        "executions": {action: actions[action] for action in ("keep", "mark", "wait", "delete")},
        "deleted_objects": done.deleted_objects,
        "deleted_bytes": done.deleted_bytes,
        "leftovers": {action: leftovers[action] for action in ("wait", "delete", "keep")},
    }


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, value, "an object")
    return dict(value)


def _days(asked: Mapping[str, Any], name: str, default: timedelta) -> timedelta:
    if name not in asked:
        return default
    days = asked[name]
    if isinstance(days, bool) or not isinstance(days, int | float):
        raise _wrong(name, days, "a number of days")
    try:
        return timedelta(days=days)
    except (OverflowError, ValueError):
        found = (
            "NaN or infinity" if isinstance(days, float) and not isfinite(days) else "a larger one"
        )
        raise ConfigurationError(
            f"{name} must be a finite number of days below a billion, not {found}",
            hint="Give a finite number, at most 999999999.",
        ) from None


def _switch(asked: Mapping[str, Any], name: str) -> bool:
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _texts(asked: Mapping[str, Any], name: str) -> list[str]:
    values = asked.get(name, [])
    if not isinstance(values, list | tuple):
        raise _wrong(name, values, "a list of strings")
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise _wrong(f"{name}[{number}]", value, "a string")
    return list(values)


def _scope(scope: str) -> str:
    try:
        return encode_scope(scope)
    except InvalidState as error:
        raise ConfigurationError(f"keep: {error}") from error


def _wrong(name: str, value: Any, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} must be {wanted}, not {type(value).__qualname__}", hint=f"Give {wanted}."
    )
