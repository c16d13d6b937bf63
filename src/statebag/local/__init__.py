"""Run Amazon States Language definitions in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.local.mock_file import load_mocks
    from statebag.local.workflow_run import LocalExecution, run

__all__ = ["LocalExecution", "load_mocks", "run"]

__getattr__ = lazy_front(
    __name__,
    {"LocalExecution": "workflow_run", "load_mocks": "mock_file", "run": "workflow_run"},
)
