"""Look after a store: check it, repair it, and delete what is no longer needed."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.upkeep.gc import Rules, collect

__all__ = ["Rules", "collect"]

if not TYPE_CHECKING:  # a type checker would take any name for one that is there
    __getattr__ = lazy_front(
        __name__,
        {
            "Rules": "gc",
            "collect": "gc",
        },
    )
