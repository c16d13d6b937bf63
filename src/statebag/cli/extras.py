"""Name the extra to install if an optional dependency is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["needs"]


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Turn a missing package in the block into an error that names the extra to install.

    Raises:
        ConfigurationError: A package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in {"", "statebag"}:
            raise
        raise ConfigurationError(
            f"this command needs the package {package}, which is not installed",
            hint=f"Install the extra: pip install 'statebag[{extra}]'",
        ) from error
