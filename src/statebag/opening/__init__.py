"""From a bag to a state: find the stubs, fetch, verify, put back."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.opening.map_results import read_map_results

__all__ = ["read_map_results"]

if not TYPE_CHECKING:  # a type checker would take any name for one that is there
    __getattr__ = lazy_front(
        __name__,
        {
            "read_map_results": "map_results",
        },
    )
