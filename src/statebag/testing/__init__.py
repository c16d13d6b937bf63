"""Test your own stores and workflows with statebag."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.testing.faulty_store import FaultyStore
    from statebag.testing.process import forget
    from statebag.testing.recording_store import RecordingStore
    from statebag.testing.store_contract import StoreContract

__all__ = ["FaultyStore", "RecordingStore", "StoreContract", "forget"]

if not TYPE_CHECKING:  # a type checker would take any name for one that is there
    __getattr__ = lazy_front(
        __name__,
        {
            "FaultyStore": "faulty_store",
            "RecordingStore": "recording_store",
            "StoreContract": "store_contract",
            "forget": "process",
        },
    )
