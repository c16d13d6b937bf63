"""The quotas of Step Functions and Lambda, each with its source.

"Quotas" is the page of that name in the Step Functions Developer Guide, "Lambda quotas" that in
the Lambda Developer Guide. Limits of stores and of this package are elsewhere;
`PAYLOAD_LIMIT` is defined in `statebag.policy`, whose default bound follows from it.
"""

from __future__ import annotations

from statebag.policy import PAYLOAD_LIMIT

__all__ = [
    "CALL_BYTES",
    "CALL_SECONDS",
    "CAUSE_BYTES",
    "HISTORY_EVENTS",
    "INLINE_CONCURRENCY",
    "INTRINSIC_CHARACTERS",
    "MOST_ATTEMPTS",
    "MOST_COUNT",
    "MOST_SECONDS",
    "NAME_CHARACTERS",
    "PAYLOAD_LIMIT",
    "RANGE_ITEMS",
    "RETRY_DELAY_SECONDS",
]

HISTORY_EVENTS = 25_000
"""Events in the history of a Standard execution (Quotas)."""

NAME_CHARACTERS = 80
"""Characters of a state's name (Amazon States Language specification, "States")."""

CAUSE_BYTES = 32_768
"""Characters of an error's cause (API reference, SendTaskFailure)."""

INLINE_CONCURRENCY = 40
"""Iterations of an inline Map that run at once (Developer Guide, "Map processing modes")."""

RANGE_ITEMS = 1_000
"""Items that States.ArrayRange makes (Developer Guide, "Intrinsic functions")."""

INTRINSIC_CHARACTERS = 10_000
"""Characters that Base64Encode, Base64Decode and Hash take (Developer Guide, "Intrinsic
functions")."""

MOST_SECONDS = 99_999_999
"""Seconds of a timeout, a Wait or a retry's interval (Developer Guide, "Task state", "Wait")."""

MOST_ATTEMPTS = 99_999_999
"""The largest MaxAttempts of a Retry (Developer Guide, "Handling errors")."""

RETRY_DELAY_SECONDS = 31_622_400
"""Seconds of MaxDelaySeconds: 366 days; a value must be smaller (Developer Guide, "Handling
errors"). """

MOST_COUNT = 2**31 - 1
"""The largest number of the fields that count. Chosen: 32 bits with a sign; no page of the
Developer Guide names a smaller one."""

CALL_BYTES = 6_291_556
"""Bytes of the answer of a synchronous call (Lambda quotas: 6 MB)."""

CALL_SECONDS = 900.0
"""Seconds that a function may run (Lambda quotas: 15 minutes)."""
