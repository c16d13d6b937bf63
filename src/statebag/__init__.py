"""Workflow state of any size, under the orchestrator's payload limit, without losing a byte."""

from statebag._version import __version__

__all__ = ["__version__"]
