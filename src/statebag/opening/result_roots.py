"""Decide where the results of a Distributed Map may be read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import NotPermitted
from statebag.store.address import store_from_url
from statebag.store.confinement import name_below
from statebag.store.retrying import RetryingStore

if TYPE_CHECKING:
    from statebag.policy import Policy
    from statebag.store.contract import Store

__all__ = ["ResultRoots"]


class ResultRoots:
    """A client's store and the policy's `result_roots`.

    Args:
        store: The client's.
        policy: For the roots, and for the number of attempts.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store = store
        self._policy = policy
        self._stores: dict[str, Store] = {}

    def locate(self, bucket: str, key: str) -> tuple[Store, str]:
        """Return the store that may be read, and the name in it.

        Raises:
            NotPermitted: The object is not below one of the roots.
        """
        address = f"s3://{bucket}/{key}"
        for root in (self._store.url, *self._policy.result_roots):
            if address.startswith(root.rstrip("/") + "/"):
                store = self._store if root == self._store.url else self._of_root(root)
                return store, name_below(store.url, address)
        raise NotPermitted(
            "the Map Run's results are outside the configured roots",
            hint="Name their address in Policy.result_roots (STATEBAG_RESULT_ROOTS).",
        )

    def _of_root(self, root: str) -> Store:
        if root not in self._stores:
            store = store_from_url(root)
            self._stores[root] = RetryingStore(store, attempts=self._policy.attempts)
        return self._stores[root]
