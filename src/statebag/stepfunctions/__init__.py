"""The calls to AWS Step Functions: starting executions, answering tasks, reading outputs."""

from statebag.stepfunctions.workflows import query, send_task_success, start_execution

__all__ = ["query", "send_task_success", "start_execution"]
