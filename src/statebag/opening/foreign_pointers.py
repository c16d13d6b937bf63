"""Pointers that are not stubs: `open(legacy=True)` follows them with a reader that it is given.

Nothing here knows what such a pointer looks like. The package's front gives the reader
(`statebag.composition`), and its room is loaded when a pointer is first to be followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.paths import Path
    from statebag.policy import Policy
    from statebag.store.contract import Store

__all__ = ["ForeignReader", "ReaderMaker", "give_reader", "pointer_reader"]


class ForeignReader(Protocol):
    """Follows the pointers in one value, within the limits of one open."""

    def resolve(self, value: Any, path: Path = ()) -> Any:
        """A value with the pointers that can stand in it replaced; `value` is not changed.

        Stubs in the value stay. What a pointer leads to is data: an object in it that looks like
        a stub comes back escaped.

        Args:
            value: A bag, or any JSON value.
            path: Where it stands, for messages.

        Raises:
            NotPermitted: A pointer leads out of the store's root or to another execution's
                object, or signatures are required: a pointer has none.
            BlobMissing, BlobCorrupt, StoreUnavailable, LimitExceeded: As for any open.
        """


class ReaderMaker(Protocol):
    """Makes a reader for one open."""

    def __call__(
        self,
        store: Store,
        policy: Policy,
        scope: str | None = None,
        *,
        foreign_is_data: bool = False,
    ) -> ForeignReader:
        """A reader below a store's root, within a policy's limits.

        Args:
            store: The configured root; no other place is read.
            policy: Limits on bytes, objects and requests.
            scope: The reader's; what its pointers lead to is not another execution's.
            foreign_is_data: Whether what names an object outside the root is taken for data that
                looks like a pointer, instead of being refused. Neither is read.
        """


_given: list[Callable[[], ReaderMaker]] = []


def give_reader(load: Callable[[], ReaderMaker]) -> None:
    """Say what follows such pointers; `load` is called each time one is to be followed."""
    _given[:] = [load]


def pointer_reader(
    store: Store, policy: Policy, scope: str | None = None, *, foreign_is_data: bool = False
) -> ForeignReader:
    """A reader for one open; the arguments are those of `ReaderMaker`.

    Raises:
        ConfigurationError: No reader was given.
    """
    if not _given:
        raise ConfigurationError(
            "legacy=True needs a reader of legacy pointers, and none was registered",
            hint="Import statebag before its rooms, or open with legacy=False.",
        )
    return _given[0]()(store, policy, scope, foreign_is_data=foreign_is_data)
