"""What a handler's function says of itself: parameters, annotations, whether it is async."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["annotated_type", "is_coroutine_function", "wants_event"]

_CO_COROUTINE = 0x80  # of a code's flags, as `inspect.CO_COROUTINE`
_PLAIN_ANNOTATIONS = frozenset({"dict", "Any", "object", "<class 'dict'>", "<class 'object'>"})


def wants_event(function: Callable[..., Any]) -> bool:
    """Return whether a function has a parameter `event` after its state."""
    code = getattr(function, "__code__", None)
    if (
        code is not None
        and not hasattr(function, "__wrapped__")
        and not hasattr(function, "__self__")
    ):
        return "event" in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    import inspect  # noqa: PLC0415  # slow, and a plain function needs none of it

    try:
        others = list(inspect.signature(function).parameters.values())[1:]
    except ValueError:  # of a builtin that does not say
        return False
    return any(one.name == "event" for one in others)


def annotated_type(function: Callable[..., Any]) -> type | None:
    """Return the class that annotates a function's first parameter, if states are made into it."""
    try:
        said = getattr(function, "__annotations__", None) or {}
    except NameError:  # a name for type checkers alone, where annotations are evaluated late
        return None
    if all(name == "return" or _plain(one) for name, one in said.items()):
        return None
    from statebag.values.state_record import annotated_record  # noqa: PLC0415  # few have one

    return annotated_record(function)


def _plain(annotation: Any) -> bool:
    """Return whether an annotation is certainly not a class that states are made into."""
    return str(annotation).partition("[")[0].removeprefix("typing.") in _PLAIN_ANNOTATIONS


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Return whether calling the function gives a coroutine."""
    code = getattr(function, "__code__", None)
    if code is not None and not hasattr(function, "__wrapped__"):
        return bool(code.co_flags & _CO_COROUTINE)
    import inspect  # noqa: PLC0415  # slow, and a plain function needs none of it

    if inspect.iscoroutinefunction(inspect.unwrap(function)):
        return True
    return inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
