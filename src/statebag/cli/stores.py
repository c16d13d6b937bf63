"""Connect to the store of a command, which `--store` or the environment names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from statebag.errors import BlobMissing, ConfigurationError
from statebag.process.forking import fork_safe_lock
from statebag.store.confinement import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statebag.client import Statebag
    from statebag.policy import Policy
    from statebag.store.contract import ObjectInfo, Store

__all__ = [
    "check_scope_is_there",
    "name_store",
    "reading_client",
    "store_option",
    "writing_client",
]

store_option = click.option(
    "--store", metavar="URL", help="The store. [STATEBAG_STORE, else ./.statebag/store]"
)
"""The option `--store`."""

_HOW = "name the store with --store or STATEBAG_STORE"


def writing_client(store: str | None, policy: Policy | None = None) -> Statebag:
    """Return a client that connects at once, and create a missing folder.

    Raises:
        ConfigurationError: The store cannot be used. The hint says how to name another.
    """
    from statebag.client import Statebag  # noqa: PLC0415 - kept out of --help
    from statebag.environment import policy_from_environment  # noqa: PLC0415 - kept out of --help

    if policy is None:
        policy = policy_from_environment()
    with _told_how():
        return Statebag(store, policy=policy)


@contextmanager
def reading_client(store: str | None, *, at_once: bool = False) -> Iterator[Statebag]:
    """Return a client that connects at the first read, and creates no folder.

    So a plain field, or a bag with inline values only, is read without any store.

    Args:
        store: The address; None for that of the environment.
        at_once: Whether to connect now.

    Raises:
        ConfigurationError: The store cannot be used; raised when the client connects.
        BlobMissing: The hint says that the bag may belong to another store.
    """
    from statebag.client import Statebag  # noqa: PLC0415 - kept out of --help
    from statebag.environment import store_address  # noqa: PLC0415 - kept out of --help

    address = store_address() if store is None else store
    try:
        on_demand = _StoreOnDemand(address)
        yield Statebag(on_demand.connect() if at_once else on_demand)
    except BlobMissing as error:
        if error.hint is None:
            error.hint = f"If it was sealed to another store than {address}, {_HOW}"
        raise


def name_store(client: Statebag) -> None:
    """Print which store a command looked at."""
    click.echo(f"store: {shown(client.store.url)}")


def check_scope_is_there(store: Store, scope: str) -> None:
    """Refuse a scope without objects: it is probably misspelled, and would look intact.

    Args:
        store: The store.
        scope: Encoded; empty stands for the whole store, which may be empty.

    Raises:
        ConfigurationError: No object is at or below the scope.
    """
    if scope and next(iter(store.list(scope)), None) is None:
        raise ConfigurationError(
            f"{store.url} has no objects at or below {scope}",
            hint=f"Check the name, or {_HOW}",
        )


@contextmanager
def _told_how() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        error.hint = f"{error.hint}; {_HOW}" if error.hint else _HOW.capitalize()
        raise


class _StoreOnDemand:
    """A store that connects with its first request."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connected: Store | None = None
        self._lock = fork_safe_lock()  # an open reads in several threads

    def connect(self) -> Store:
        """Return the store itself."""
        from statebag.store.address import store_from_url  # noqa: PLC0415 - kept out of --help

        with self._lock:
            if self._connected is None:
                scheme, separator, _ = self._address.partition("://")
                is_folder = not separator or scheme == "file"
                with _told_how():
                    self._connected = store_from_url(
                        self._address, options={"create": "false"} if is_folder else None
                    )
            return self._connected

    @property
    def url(self) -> str:
        """The address, in the store's own spelling once it is connected."""
        return self._address if self._connected is None else self._connected.url

    def put(self, name: str, data: bytes) -> None:
        """See `Store`."""
        self.connect().put(name, data)

    def get(self, name: str) -> bytes:
        """See `Store`."""
        return self.connect().get(name)

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """See `Store`."""
        return self.connect().get_ranges(name, spans)

    def head(self, name: str) -> ObjectInfo | None:
        """See `Store`."""
        return self.connect().head(name)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`."""
        return self.connect().list(prefix)

    def delete(self, name: str) -> None:
        """See `Store`."""
        self.connect().delete(name)
