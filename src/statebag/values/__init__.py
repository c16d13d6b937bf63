"""Values that JSON does not have, in a form that gives them back."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.values.typed_values import Undecoded, Values

__all__ = ["Undecoded", "Values"]

if not TYPE_CHECKING:  # otherwise a type checker would accept any name
    __getattr__ = lazy_front(
        __name__,
        {
            "Undecoded": "typed_values",
            "Values": "typed_values",
        },
    )
