"""Get the encryption keys that a caller gave: a list of them, or a function that returns one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, StatebagError, StoreUnavailable
from statebag.store.bounded import within_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["KeyProvider", "asked_for", "each_key"]

if TYPE_CHECKING:
    KeyProvider = Sequence[bytes] | Callable[[], Sequence[bytes]]
    """The keys, 32 bytes each, or what gives them: the first encrypts, all decrypt."""
else:
    KeyProvider = object


def asked_for(provider: Callable[[], Any]) -> tuple[Any, ...]:
    """Return the keys that a function returns, within the deadline of the call.

    Raises:
        ConfigurationError: It did not return a list.
        StoreUnavailable: It raised an error, or did not return before the deadline.
    """

    def given() -> tuple[Any, ...]:
        answer = provider()
        if hasattr(answer, "__await__"):
            close = getattr(answer, "close", None)
            if close is not None:
                close()
            raise ConfigurationError(
                "the function for encryption keys must return a list, not "
                f"{type(answer).__qualname__}",
                hint="Give a plain function that returns a list of keys, not an async one.",
            )
        return each_key(answer)

    try:
        return within_deadline(given, "the function for encryption keys returned none")
    except StatebagError:
        raise
    except Exception as error:  # noqa: BLE001  # it may raise anything
        # Not chained, and without its text: either may have a secret in it.
        raise StoreUnavailable(
            f"the function for encryption keys raised {type(error).__qualname__}",
            hint="The error comes from the function itself: call it alone to see the message.",
        ) from None


def each_key(given: Any) -> tuple[Any, ...]:
    """Return the given keys as a tuple; refuse a single key, which would be read as 32 integers.

    Raises:
        ConfigurationError: It is a key, or nothing that has keys in it.
    """
    if isinstance(given, bytes | bytearray | str) or not isinstance(given, Iterable):
        raise ConfigurationError(
            f"encryption keys must be a list, not {type(given).__qualname__}",
            hint="Give [key], with keys of 32 bytes.",
        )
    return tuple(given)
