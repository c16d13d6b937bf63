"""Run Amazon States Language definitions in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.local.execution import LocalExecution
    from statebag.local.mock_file import load_mocks
    from statebag.local.workflow import load_workflow
    from statebag.local.workflow_run import run

__all__ = ["LocalExecution", "load_mocks", "load_workflow", "run"]

__getattr__ = lazy_front(
    __name__,
    {
        "LocalExecution": "execution",
        "load_mocks": "mock_file",
        "load_workflow": "workflow",
        "run": "workflow_run",
    },
)
