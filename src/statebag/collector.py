"""A Lambda function that deletes executions whose time is over; for a schedule, once a day.

Environment: STATEBAG_STORE. It needs `s3:ListBucket`, `s3:GetObject`, `s3:PutObject` and
`s3:DeleteObject` below the prefix, and `states:DescribeExecution`.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from statebag.default_client import from_environment
from statebag.errors import ConfigurationError
from statebag.format.names import encode_scope
from statebag.stepfunctions.execution_ends import execution_ends
from statebag.upkeep.gc import RETENTION, Rules, collect

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["lambda_handler"]

_KNOWN = {"dry_run", "retention_days", "grace_days", "keep", "with_snapshots", "executions"}


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Delete the executions whose time is over, in one pass over the store.

    Args:
        event: `dry_run` (false), `retention_days` (95), `grace_days` (7), `keep` (scopes),
            `with_snapshots` (false), `executions` (further accounts and regions that share the
            prefix, as `arn:aws:states:<region>:<account>`); an EventBridge event without a
            `detail` of these is all defaults.
        context: Lambda's; its ARN says where the executions are.

    Returns:
        How many executions were kept, marked, wait or were deleted, what that freed, and how many
        unfinished writes of killed writers wait or were deleted.

    Raises:
        ConfigurationError: An argument that is not known.
        BlobMissing, BlobCorrupt: What stays is damaged, so nothing was deleted: run fsck.
        StoreUnavailable, NotPermitted: From S3 or Step Functions.
    """
    asked = dict(event.get("detail") or {}) if "detail-type" in event else dict(event)
    unknown = sorted(asked.keys() - _KNOWN)
    if unknown:
        raise ConfigurationError(
            f"the collector has no setting {', '.join(unknown)}",
            hint=f"Its settings are {', '.join(_KNOWN)}.",
        )
    region, account = context.invoked_function_arn.split(":")[3:5]
    partition = context.invoked_function_arn.split(":")[1]
    own = f"arn:{partition}:states:{region}:{account}"
    rules = Rules(
        retention=timedelta(days=asked.get("retention_days", RETENTION.days)),
        grace=timedelta(days=asked.get("grace_days", 7)),
        keep=tuple(encode_scope(scope) for scope in asked.get("keep", ())),
        with_snapshots=bool(asked.get("with_snapshots", False)),
        ended=execution_ends(dict.fromkeys([own, *asked.get("executions", ())])),
    )
    done = collect(from_environment().store, rules, dry_run=bool(asked.get("dry_run", False)))
    actions = Counter(one.action for one in done.decisions)
    leftovers = Counter(one.action for one in done.leftovers)
    return {
        "executions": {action: actions[action] for action in ("keep", "mark", "wait", "delete")},
        "deleted_objects": done.deleted_objects,
        "deleted_bytes": done.deleted_bytes,
        "leftovers": {action: leftovers[action] for action in ("wait", "delete", "keep")},
    }
