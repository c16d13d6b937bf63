"""The exit codes of the program, which are stable for scripts.

| code | meaning |
| --- | --- |
| 0 | done; for `run`: the execution succeeded |
| 1 | a bug in statebag, or a file that cannot be written |
| 2 | the command was used wrongly |
| 3 | `run`: the execution ended, but did not succeed |
| 4 | `lint`: something was found |
| 10 to 21 | one for each class of `statebag.errors` |
| 130 | interrupted |
"""

from __future__ import annotations

from statebag import errors

__all__ = [
    "BY_ERROR",
    "EXECUTION_FAILED",
    "FOUND",
    "INTERRUPTED",
    "PROGRAM_FAULT",
    "SUCCESS",
    "USAGE",
    "exit_code",
]

SUCCESS = 0  # POSIX
PROGRAM_FAULT = 1  # CPython's own for an exception
USAGE = 2  # click's own
EXECUTION_FAILED = 3  # chosen: the next
FOUND = 4  # chosen: the next
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it

BY_ERROR: dict[type[errors.StatebagError], int] = {
    errors.StatebagError: 10,
    errors.StoreUnavailable: 11,
    errors.BlobMissing: 12,
    errors.BlobCorrupt: 13,
    errors.BagTooLarge: 14,
    errors.InvalidState: 15,
    errors.InvalidStub: 16,
    errors.UnsupportedFormat: 17,
    errors.NotPermitted: 18,
    errors.LimitExceeded: 19,
    errors.ConfigurationError: 20,
    errors.Conflict: 21,
}


def exit_code(error: errors.StatebagError) -> int:
    """Return the code of an error: its class's, or that of the nearest class above it."""
    return next(BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR)
