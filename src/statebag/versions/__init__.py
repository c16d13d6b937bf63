"""Named heads: the newest bag under a name, the versions before it, forks and retention."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.versions.head import Head
    from statebag.versions.heads import Heads
    from statebag.versions.version import Version

__all__ = ["Head", "Heads", "Version"]

if not TYPE_CHECKING:  # otherwise a type checker would accept any name
    __getattr__ = lazy_front(
        __name__,
        {"Head": "head", "Heads": "heads", "Version": "version"},
    )
