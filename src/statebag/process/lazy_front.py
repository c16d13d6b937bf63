"""Load each public name of a room with its module, when it is first used.

Importing one module of a package runs the package's `__init__` too. If `__init__` imported all
public names, a Lambda that needs one module would load the whole room.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["lazy_front"]


def lazy_front(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562).

    Args:
        package: The package's own name.
        modules: Public names, each with the module inside the package that defines it.
    """

    def getattr_(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, found)  # the next look finds it without this function
        return found

    return getattr_
