"""Find how much memory this process may use, and how much of it one open may take."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["OPENED_SHARE", "default_max_open_bytes", "memory_bytes"]

OPENED_SHARE = 8
"""Measured: an open takes 2 times the bytes of its text where that is one string, 4 times for
records, 5 to 8 times for numbers and short strings (docs/security.md, Bombs): an eighth fits the
memory there is. `format.json_memory` estimates values that take more, such as empty objects with 24
times."""

_LEAST = 16 * 1024**2
"""Bytes. Chosen: an eighth of the smallest Lambda function (Lambda quotas: 128 MB)."""

_MOST = 2 * 1024**3  # bytes. Chosen: an eighth of 16 GiB; a larger machine does more than one open

_LAMBDA = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # in MB of 1,048,576 bytes


def default_max_open_bytes() -> int:
    """Return the default of `Policy.max_open_bytes`, in bytes: a part of the available memory."""
    # By the variable: `statebag run` gives each function its own.
    return _share(os.environ.get(_LAMBDA))


@lru_cache(32)
def _share(lambda_mb: str | None) -> int:
    found = memory_bytes({} if lambda_mb is None else {_LAMBDA: lambda_mb})
    return _MOST if found is None else max(_LEAST, min(_MOST, found // OPENED_SHARE))


def memory_bytes(
    environment: Mapping[str, str] | None = None, system: str | os.PathLike[str] = "/"
) -> int | None:
    """Return the bytes of memory that this process may use; None if nothing says so.

    It is the smallest of: a Lambda function's size, the limits of the process's control groups (v1
    and v2, with those above them), the limit of its address space, and the machine's memory.

    Args:
        environment: The variables; by default those of the process.
        system: The folder with `proc` and `sys`.
    """
    variables = os.environ if environment is None else environment
    found = [*_lambda(variables), *_groups(system), *_address_space(), *_machine()]
    return min((one for one in found if one > 0), default=None)


def _lambda(variables: Mapping[str, str]) -> Iterator[int]:
    with suppress(ValueError):
        yield int(variables.get(_LAMBDA, "")) * 1024**2


def _groups(system: str | os.PathLike[str]) -> Iterator[int]:
    """Yield the limits of the process's control groups and those above; only Linux has any."""
    # Without pathlib: every process that imports this package would load it, for 10 ms.
    top = os.fspath(system)
    try:
        lines = _text(f"{top}/proc/self/cgroup").splitlines()
    except OSError:
        return
    mounted = f"{top}/sys/fs/cgroup"
    for line in lines:
        # `hierarchy:controllers:path`; version 2 names no controllers.
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            root, file = mounted, "memory.max"
        elif "memory" in controllers.split(","):
            root, file = f"{mounted}/memory", "memory.limit_in_bytes"
        else:
            continue
        # In a container the path may be that of the host, and the mount begins at the group.
        parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
        for above in range(len(parts), -1, -1):
            with suppress(OSError, ValueError):  # `max` is not a limit
                yield int(_text("/".join([root, *parts[:above], file])))


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123 (see above)
        return stream.read()


def _address_space() -> Iterator[int]:
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415  # Windows has none

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft


def _machine() -> Iterator[int]:
    with suppress(AttributeError, OSError, ValueError):  # not on every system
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
