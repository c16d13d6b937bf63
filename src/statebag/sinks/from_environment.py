"""Make the watchers that the environment asks for, and load no others."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from statebag.environment import watchers_from_environment
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.telemetry.steps import Watcher

__all__ = ["watchers"]


def watchers(asked: tuple[tuple[str, str], ...] | None = None) -> tuple[Watcher, ...]:
    """Return the watchers that the environment asks for, made once for each set of variables.

    Args:
        asked: The answer of `watchers_from_environment`, if it is at hand.

    Raises:
        ConfigurationError: The environment asks for a watcher that is unknown or not installed.
    """
    return _watchers(watchers_from_environment() if asked is None else asked)


@cache
def _watchers(asked: tuple[tuple[str, str], ...]) -> tuple[Watcher, ...]:
    made: list[Watcher] = []
    for kind, name in asked:
        made.extend(_made(kind, name))
    return tuple(made)


def _made(kind: str, name: str) -> Iterator[Watcher]:
    if (kind, name) == ("metrics", "emf"):
        from statebag.sinks.embedded_metrics import EmbeddedMetrics  # noqa: PLC0415

        yield EmbeddedMetrics()
    elif (kind, name) == ("log", "json"):
        from statebag.sinks.json_log import JsonLog  # noqa: PLC0415

        yield JsonLog()
    elif (kind, name) == ("tracing", "otel"):
        from statebag.sinks.tracing import Tracing  # noqa: PLC0415

        yield Tracing()
    else:
        raise ConfigurationError(
            f"STATEBAG_{kind.upper()} must be a known name, not {name!r:.80}",
            hint="STATEBAG_METRICS=emf, STATEBAG_LOG=json, STATEBAG_TRACING=otel.",
        )
