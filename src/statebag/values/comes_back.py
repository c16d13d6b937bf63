"""Find where a value, once rebuilt from its stored form, would be written differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.unopened import NotRead, unread_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.paths import Path
    from statebag.values.forms import Form

__all__ = ["differs_at"]


def differs_at(
    stored: Any, again: Any, form_of: Callable[[dict[str, Any]], Form | None]
) -> tuple[Path, Form | None] | None:
    """Return where two stored forms differ, and the form around it; None if they are the same.

    Args:
        stored: The form to be stored: a JSON value, with placeholders.
        again: The form of the value that it gives.
        form_of: Returns the form of a typed object; None for other objects.
    """
    pending: list[tuple[Any, Any, Path, Form | None]] = [(stored, again, (), None)]
    while pending:
        one, two, path, around = pending.pop()
        if isinstance(one, NotRead) or unread_in(one) is not None:
            continue  # passed on as it came
        if type(one) is not type(two):
            return path, around
        if isinstance(one, dict):
            form = form_of(one)
            if list(one) != list(two):
                return path, form or around
            if form is None:
                pending.extend((one[name], two[name], (*path, name), around) for name in one)
            elif form.exact:  # the path is that of the value, and not of its form
                pending.extend((one[name], two[name], path, form) for name in one)
        elif isinstance(one, list):
            if len(one) != len(two):
                return path, around
            pairs = enumerate(zip(one, two, strict=True))
            pending.extend((first, second, (*path, i), around) for i, (first, second) in pairs)
        elif repr(one) != repr(two):  # and not by `==`: -0.0 is not 0.0
            return path, around
    return None
