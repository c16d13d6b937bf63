"""The decorator of Lambda handlers: open the event, call the handler, seal its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import wraps
from math import inf
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    final,
    overload,
)

from statebag.async_calls import in_threads
from statebag.environment import (
    legacy_is_followed,
    sealing_is_off,
    watchers_from_environment,
)
from statebag.errors import ConfigurationError, InvalidState
from statebag.format import json_text
from statebag.format.bag_text import as_bag
from statebag.format.json_type import json_type
from statebag.format.names import scope_of_execution
from statebag.format.paths import Path, Place, parse_path, parse_place, render_path
from statebag.policy import check_budget
from statebag.runtime_values import AS_THE_RUNTIME, holds_unread
from statebag.store.retrying import deadline
from statebag.telemetry import usage
from statebag.telemetry.log_warnings import warn
from statebag.telemetry.steps import watched
from statebag.telemetry.stub_aware import reads_stubs

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from statebag.values.state_record import StateRecord

__all__ = ["DELETE", "Client", "Returns", "StepDecorator", "remaining_seconds_of"]

Returns = Literal["state", "delta"]
_Function = TypeVar("_Function", bound="Callable[..., Any]")
_State = TypeVar("_State")
_Rest = ParamSpec("_Rest")
_UNWATCHED = _UNBOUNDED = nullcontext()
_SPARE_SECONDS = 0.5  # of a Lambda's remaining time. Chosen: enough to send an answer of 6 MB


@final
class _Delete:
    """The type of `DELETE`."""

    def __repr__(self) -> str:
        return "statebag.DELETE"

    def __reduce__(self) -> str:
        return "DELETE"  # by its name: copies and pickles of it are itself, as `is` expects


DELETE: Final = _Delete()
"""As a value of a delta: remove the key from the state."""


class Client(Protocol):
    """The calls of `Statebag` that a decorated handler uses."""

    def open(
        self,
        bag: Any,
        only: Iterable[str | Place] | None = None,
        scope: str | None = None,
        *,
        legacy: bool | str | Path = False,
        embedded: bool | None = None,
    ) -> Any:
        """See `Statebag.open`."""
        ...

    def seal(
        self,
        state: Any,
        scope: str | None = None,
        *,
        budget: int | None = None,
        default: Callable[[Any], Any] | None = None,
    ) -> Any:
        """See `Statebag.seal`."""
        ...

    def with_control(self, *paths: str) -> Client:
        """See `Statebag.with_control`."""
        ...


class StepDecorator:
    """Decorate a Lambda handler: open its event, call it, and seal what it returns.

    Args:
        client: Returns the client. It is called at each event, so importing a handler needs no
            store.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    @overload
    def __call__(
        self,
        handler: _Function,
        *,
        bag_path: str = ...,
        returns: Returns = ...,
        scope: str = ...,
        only: Iterable[str] | None = ...,
        embedded: bool | None = ...,
        legacy: bool | None = ...,
        budget: int | None = ...,
    ) -> _Function: ...

    @overload
    def __call__(
        self,
        handler: None = ...,
        *,
        state: type[_State],
        bag_path: str = ...,
        returns: Returns = ...,
        scope: str = ...,
        only: Iterable[str] | None = ...,
        embedded: bool | None = ...,
        legacy: bool | None = ...,
        budget: int | None = ...,
    ) -> Callable[
        [Callable[Concatenate[_State, _Rest], Any]], Callable[Concatenate[Any, _Rest], Any]
    ]: ...

    @overload
    def __call__(
        self,
        handler: None = ...,
        *,
        bag_path: str = ...,
        returns: Returns = ...,
        scope: str = ...,
        only: Iterable[str] | None = ...,
        embedded: bool | None = ...,
        legacy: bool | None = ...,
        budget: int | None = ...,
    ) -> Callable[[_Function], _Function]: ...

    def __call__(
        self,
        handler: _Function | None = None,
        *,
        bag_path: str = "$",
        returns: Returns = "state",
        scope: str = "$.execution_id",
        only: Iterable[str] | None = None,
        embedded: bool | None = None,
        legacy: bool | None = None,
        budget: int | None = None,
        state: type[Any] | None = None,
    ) -> Any:
        """Decorate a Lambda handler: open its event, and seal what it returns.

        The handler is called with the state and the Lambda context; a third parameter named `event`
        gets the whole event, opened. Values that only the Lambda runtime can write (a tuple, a
        Decimal, an Enum, a key that is an integer) are sealed as the runtime would write them. With
        STATEBAG_PLAIN=1 the returned value is passed on as it is. An `async def` stays one: the
        event is opened, and the answer sealed, in threads that do not block the event loop.

        Args:
            handler: The handler, if the decorator is used without parentheses.
            bag_path: The path of the bag in the event; the handler gets the state in this bag.
            returns: `state`: the handler returns the new state. `delta`: it returns top-level keys
                that are merged into the incoming state; the value `DELETE` removes a key.
            scope: Path in the event to the execution's id (`$$.Execution.Id`): an ARN, or
                `machine/name`. Its place in the state stays plain in every bag, since the next step
                reads it before it opens the bag.
            only: Paths in the state to open; other values pass through unread as `Unopened`.
            embedded: As for `Statebag.open`. True also reads strings on the way to the bag, and
                to the execution's id, as JSON: `bag_path="$.Records[0].body"` gives the handler
                the state.
            legacy: Whether legacy pointers in the event are followed, to what the execution may
                read below the store's root. If so, all of them are, whatever `only` says: a bag has
                no form for one. False treats them as data. None does what STATEBAG_LEGACY says (or
                STATEBAG_WIRE=0, which implies it); if neither is set, a pointer is data, and a
                warning in the log names its path.
            budget: The largest size of the answer in bytes, as for `Statebag.seal`. Set it if many
                answers share one payload, such as 262,144 // 40 for each of 36 items of a Map. None
                leaves it to Policy.max_bag_bytes.
            state: The type of the state. The function gets an object of a dataclass, a
                `msgspec.Struct` or a pydantic model, and may return it; a TypedDict is only
                checked. Members that the class does not have stay in the state. If it is None, and
                the first parameter is annotated with such a class (not a TypedDict), that is the
                type. A state that does not fit raises `InvalidState`, with the path.

        Returns:
            A handler that returns the sealed state.

        Raises:
            ConfigurationError: An argument is wrong; raised when the handler is decorated, not when
                it is called.
        """

        def decorate(function: _Function) -> _Function:
            return _wrapped(
                function,
                self._client,
                bag_path=bag_path,
                returns=returns,
                scope=scope,
                only=only,
                embedded=embedded,
                legacy=legacy,
                budget=budget,
                kind=state,
            )

        return decorate if handler is None else decorate(handler)


def _wrapped(
    function: _Function,
    client: Callable[[], Client],
    *,
    bag_path: str,
    returns: Returns,
    scope: str,
    only: Iterable[str] | None,
    embedded: bool | None,
    legacy: bool | None,
    budget: int | None,
    kind: type | None,
) -> _Function:
    """Return the handler that a Lambda runtime calls, around a function of a state."""
    if not callable(function):
        raise ConfigurationError(
            f"handler must be a function, not {type(function).__qualname__}",
            hint="Write @statebag.step, or @statebag.step(only=[...]) with names.",
        )
    if not isinstance(returns, str) or returns not in {"state", "delta"}:
        found = f"{returns!r:.20}" if isinstance(returns, str) else type(returns).__qualname__
        raise ConfigurationError(f"returns must be 'state' or 'delta', not {found}")
    if isinstance(only, str):
        raise ConfigurationError(
            f"only must be a list of paths, not {type(only).__qualname__}",
            hint=f"Write only=[{only!r}].",
        )
    if only is not None:
        from statebag.format.arguments import check_iterable  # noqa: PLC0415  # as the sealer

        only = tuple(check_iterable("only", only, "a list of paths"))
    if legacy is not None and not isinstance(legacy, bool):
        raise ConfigurationError(
            f"legacy must be True, False or None, not {type(legacy).__qualname__}"
        )
    check_budget(budget)
    if kind is not None:
        from statebag.values.state_record import check_state_type  # noqa: PLC0415  # most have none

        check_state_type(kind)
    types: list[type | None] = [] if kind is None else [kind]  # known after the first event
    import statebag.sealing.sealer  # noqa: F401, PLC0415  # now, and not in the first invocation
    from statebag.format.conversion import converted  # noqa: PLC0415  # as the sealer
    from statebag.handler_function import (  # noqa: PLC0415  # as the sealer
        annotated_type,
        is_coroutine_function,
        wants_event,
    )
    from statebag.opening.absent_paths import say_what_is_absent  # noqa: PLC0415  # as the sealer
    from statebag.opening.embedded import parsed_along  # noqa: PLC0415  # slow to import

    where = parse_path(bag_path)
    scope_path = parse_path(scope)
    selected = None if only is None else [(*where, *parse_place(path)) for path in only]
    gets_event = wants_event(function)
    kept = _kept_plain(where, scope_path, scope)

    class Call:
        """One event: its opened state, and the seal of the answer."""

        def __init__(self, event: Any, context: Any) -> None:
            reads_stubs(event)
            event = as_bag(event)
            if embedded:
                event = parsed_along(parsed_along(event, where), scope_path)
            self.event = event
            self.context = context
            self.record: StateRecord | None = None
            told = _execution_id(event, where, scope_path)
            self.execution = None if told is None else scope_of_execution(told)
            asked = watchers_from_environment()
            self.is_sealing = not sealing_is_off()
            self.follows = legacy_is_followed() if legacy is None else legacy
            self.watched = (
                _watched(asked, event, context, told, self.execution) if asked else _UNWATCHED
            )

        def open(self) -> tuple[Any, dict[str, Any]]:
            """Return the state, and the further arguments of the function."""
            if self.is_sealing and self.execution is None:
                raise InvalidState(
                    "the event has no execution ID",
                    path=render_path(scope_path),
                    hint="Pass $$.Execution.Id there, or name another path with step(scope=...).",
                )
            if self.follows is None:
                _warn_of_pointers(self.event, where)
            # Plain events need no id. If there is one, a pointer can only lead to objects of that
            # execution.
            if not (self.is_sealing or self.follows):
                self.execution = None
            with _time_of(self.context):
                self.sb = client()
                opened = self.sb.open(
                    self.event,
                    only=None if selected is None else _beside(self.event, where, selected),
                    scope=self.execution,
                    legacy=bool(self.follows) and (where or True),
                    embedded=embedded,
                )
            if selected:
                say_what_is_absent(opened, selected)
            state = _at(opened, where) if where else opened
            # A delta must not change the handler's argument: it is merged into a copy.
            self.before = dict(state) if isinstance(state, dict) else state
            if not types:
                types.append(annotated_type(function))
            if types[0] is not None:
                from statebag.values.state_record import StateRecord  # noqa: PLC0415  # as above

                keeps = getattr(self.sb, "values", None) is not None
                self.record = StateRecord(types[0], keeps_values=keeps)
                state = self.record.made(state)
            return state, {"event": opened} if gets_event else {}

        def seal(self, answer: Any) -> Any:
            """Return the bag of what the function returned."""
            if self.record is not None:
                answer = self.record.written(answer)
            after = _merged(self.before, answer) if returns == "delta" else answer
            sb = self.sb.with_control(*kept)
            values = getattr(sb, "values", None)
            if not self.is_sealing and values is None and not holds_unread(after):
                return _as_before_adoption(after)
            with _time_of(self.context):
                if values is not None:
                    return sb.seal(
                        after, scope=self.execution, budget=budget, default=AS_THE_RUNTIME
                    )
                try:
                    return sb.seal(after, scope=self.execution, budget=budget)
                except InvalidState:
                    # Only now, since most handlers return JSON.
                    written = converted(after, AS_THE_RUNTIME)
                    if written is after:
                        raise
                return sb.seal(written, scope=self.execution, budget=budget)

    if is_coroutine_function(function):

        @wraps(function)
        async def handler(event: Any, context: Any = None, **named: Any) -> Any:
            call = Call(event, context)
            with call.watched:
                state, extra = await in_threads(call.open)
                answer = await function(state, context, **extra, **named)
                return await in_threads(call.seal, answer)

    else:

        @wraps(function)
        def handler(event: Any, context: Any = None, **named: Any) -> Any:
            call = Call(event, context)
            with call.watched:
                state, extra = call.open()
                return call.seal(function(state, context, **extra, **named))

    return handler  # type: ignore[return-value]  # same call, other types


def _watched(
    asked: tuple[tuple[str, str], ...],
    event: Any,
    context: Any,
    told: str | None,
    scope: str | None,
) -> AbstractContextManager[None]:
    """Report the step to the watchers that the environment asks for."""
    from statebag.sinks.from_environment import watchers  # noqa: PLC0415  # most steps have none

    return watched(watchers(asked), event, context, "step", told, scope)


def _time_of(context: Any) -> AbstractContextManager[None]:
    """Bound the requests inside by the Lambda's remaining time."""
    seconds = remaining_seconds_of(context)
    return _UNBOUNDED if seconds == inf else deadline(seconds)


def _kept_plain(where: Path, scope_path: Path, scope: str) -> list[str]:
    """Return the path in the state to the execution's id, which stays plain."""
    inside = scope_path[len(where) :] if scope_path[: len(where)] == where else scope_path
    # An array would be control as a whole, and an array that holds an id came next to the bag.
    if not inside or not all(isinstance(part, str) for part in inside):
        return []
    is_text = isinstance(scope, str) and inside == scope_path
    return [scope if is_text else render_path(inside)]


def _as_before_adoption(after: Any) -> Any:
    """Return a function's answer as it is: the runtime writes it, or reports that it cannot."""
    if usage.is_measured():
        try:
            size = len(json_text.encode(after))
        except (TypeError, ValueError, RecursionError, InvalidState):
            return after  # the runtime may still write it, and counts it itself
        usage.peak(plain_bytes=size, bag_bytes=size)
    return after


def _execution_id(event: Any, where: Path, path: Path) -> str | None:
    for place in (path, (*where, *path)):  # next to the bag, or among its control fields
        try:
            found = _at(event, place)
        except InvalidState:
            continue
        if found:
            return found if isinstance(found, str) else None
    return None


def _warn_of_pointers(event: Any, where: Path) -> None:
    """Log a warning about legacy pointers in an event that are not followed."""
    from statebag.opening.foreign_pointers import pointer_places  # noqa: PLC0415  # of opening

    places = list(pointer_places(event, where))
    if places:
        warn(
            "LegacyPointersLeft",
            "the event has %d legacy pointers that were not followed, the first at %s: set "
            "STATEBAG_LEGACY=1, or decorate with step(legacy=True); if they are data, with "
            "step(legacy=False)",
            len(places),
            render_path(places[0]),
            count=len(places),
        )


def _beside(event: Any, where: Path, selected: list[Place]) -> list[Place]:
    """Return the paths to open: the selected ones in the state, and all outside the state."""
    paths = list(selected)
    container = event
    for depth, part in enumerate(where):
        if isinstance(container, dict):
            paths.extend((*where[:depth], key) for key in container if key != part)
            container = container.get(part)
    return paths


def _at(value: Any, path: Path) -> Any:
    for depth, part in enumerate(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            raise InvalidState(
                "the event has no value at this path", path=render_path(path[: depth + 1])
            ) from None
    return value


def _merged(before: Any, delta: Any) -> Any:
    for noun, value in (("the state", before), ("what the function returns", delta)):
        if isinstance(value, dict):
            continue
        raise InvalidState(
            f"{noun} must be an object with returns='delta', not {json_type(value)}",
            hint="Return a dict of the keys that change, or decorate with returns='state'.",
        )
    merged = {**before, **delta}
    return {key: value for key, value in merged.items() if value is not DELETE}


def remaining_seconds_of(context: Any) -> float:
    """Return the seconds that a Lambda may still use for requests; infinite outside one."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if not callable(remaining):
        return inf
    return max(float(remaining()) / 1000 - _SPARE_SECONDS, 0.001)
