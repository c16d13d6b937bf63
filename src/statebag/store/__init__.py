"""Stores for packs: the contract, the backends, retries and the cache."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.store.address import store_from_url
    from statebag.store.contract import ObjectInfo, Store
    from statebag.store.file import FileStore
    from statebag.store.memory import MemoryStore

__all__ = ["FileStore", "MemoryStore", "ObjectInfo", "Store", "store_from_url"]

if not TYPE_CHECKING:  # a type checker would take any name for one that is there
    __getattr__ = lazy_front(
        __name__,
        {
            "FileStore": "file",
            "MemoryStore": "memory",
            "ObjectInfo": "contract",
            "Store": "contract",
            "store_from_url": "address",
        },
    )
