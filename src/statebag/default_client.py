"""The client that the environment describes, and the decorator that uses it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from statebag.client import Statebag
from statebag.environment import (
    encryption_keys_from_environment,
    policy_from_environment,
    replica_addresses,
    signing_keys_from_environment,
    store_address,
    store_settings,
)
from statebag.step import wrap_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statebag.policy import Policy
    from statebag.step import Returns

__all__ = ["from_environment", "step"]

_CLIENTS = 32  # settings of which the clients are kept

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def from_environment() -> Statebag:
    """The client that the environment asks for; one for each set of settings."""
    keys = tuple(signing_keys_from_environment().items())
    return _client(
        store_address(),
        policy_from_environment(),
        replica_addresses(),
        keys,
        encryption_keys_from_environment(),
        store_settings(),
    )


@lru_cache(_CLIENTS)
def _client(
    address: str,
    policy: Policy,
    replicas: tuple[str, ...],
    signing_keys: tuple[tuple[str, bytes], ...],
    encryption_keys: tuple[bytes, ...],
    surroundings: tuple[tuple[str, str], ...],
) -> Statebag:
    del surroundings  # the store's client reads them itself, when it is made
    return Statebag(
        address,
        policy=policy,
        replicas=replicas,
        signing_keys=dict(signing_keys),
        encryption_keys=encryption_keys,
    )


@overload
def step(
    handler: _Function,
    *,
    bag_path: str = ...,
    returns: Returns = ...,
    scope: str = ...,
    only: Iterable[str] | None = ...,
) -> _Function: ...


@overload
def step(
    handler: None = ...,
    *,
    bag_path: str = ...,
    returns: Returns = ...,
    scope: str = ...,
    only: Iterable[str] | None = ...,
) -> Callable[[_Function], _Function]: ...


def step(
    handler: _Function | None = None,
    *,
    bag_path: str = "$",
    returns: Returns = "state",
    scope: str = "$.execution_id",
    only: Iterable[str] | None = None,
) -> Any:
    """Decorate a Lambda handler: its event is opened, what it returns is sealed.

    The handler is called with the state and the Lambda context; a third parameter named
    `event` gets the whole event, opened.

    Args:
        handler: The handler, where the decorator is used without parentheses.
        bag_path: Where in the event the bag is; the handler is given what is there.
        returns: `state`: what the handler returns is the new state. `delta`: its top-level
            keys are merged into the state that came in, and `DELETE` removes one.
        scope: Path in the event to the execution's id (`$$.Execution.Id`).
        only: Paths in the state to open; the rest passes through unread as `Unopened`.

    Returns:
        A handler that answers with the sealed state alone.
    """

    def decorate(function: _Function) -> _Function:
        return wrap_handler(
            function, from_environment, bag_path=bag_path, returns=returns, scope=scope, only=only
        )

    return decorate if handler is None else decorate(handler)
