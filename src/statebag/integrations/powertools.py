"""A middleware for Powertools for AWS Lambda: it opens the event and seals the answer.

It goes between the decorators of Powertools as any of their middlewares does. Decorators above it
see bags, which are small; those below it see the state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from statebag.client import Statebag
from statebag.default_client import from_environment
from statebag.integrations.missing_extra import missing_extra
from statebag.step import StepDecorator

try:
    from aws_lambda_powertools.middleware_factory import lambda_handler_decorator
except ModuleNotFoundError as error:
    raise missing_extra("powertools", error) from None

__all__ = ["sealed"]


@lambda_handler_decorator
def sealed(
    handler: Callable[..., Any],
    event: Any,
    context: Any,
    *,
    sb: Statebag | None = None,
    **options: Any,
) -> Any:
    """Open the event of a handler, call the handler, and seal its answer, as `statebag.step` does.

    Args:
        handler: The handler, or the next decorator.
        event: The event, with a bag in it.
        context: The Lambda's context.
        sb: The client; by default that of the environment.
        options: `bag_path`, `returns`, `scope`, `only`, `embedded`, `legacy`: as for
            `statebag.step`.

    Raises:
        ConfigurationError: An option is wrong.
        StatebagError: The event cannot be opened, or the answer cannot be sealed.
    """
    return _step(handler, sb, tuple(sorted(options.items(), key=_name_of)))(event, context)


def _name_of(option: tuple[str, Any]) -> str:
    return option[0]


def _step(
    handler: Callable[..., Any], sb: Statebag | None, options: tuple[tuple[str, Any], ...]
) -> Callable[..., Any]:
    # A list of paths cannot be hashed, but an equal tuple can.
    hashable = tuple((name, tuple(v) if isinstance(v, list) else v) for name, v in options)
    return _made(handler, sb, hashable)


@lru_cache(64)  # of a process that has a handler or two
def _made(
    handler: Callable[..., Any], sb: Statebag | None, options: tuple[tuple[str, Any], ...]
) -> Callable[..., Any]:
    client: Callable[[], Any] = from_environment if sb is None else lambda: sb
    named: dict[str, Any] = dict(options)
    made: Callable[..., Any] = StepDecorator(client)(**named)(handler)
    return made
