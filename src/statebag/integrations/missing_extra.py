"""The error of an adapter whose framework is not installed."""

from __future__ import annotations

from statebag.errors import ConfigurationError

__all__ = ["missing_extra"]


def missing_extra(extra: str, error: ModuleNotFoundError) -> ConfigurationError:
    """Return the error for an adapter whose framework is not installed.

    Args:
        extra: The name of the extra that brings it.
        error: The error of the import.
    """
    return ConfigurationError(
        f"statebag.integrations.{extra} needs {error.name}, which is not installed",
        hint=f"Install the extra: pip install 'statebag[{extra}]'",
    )
