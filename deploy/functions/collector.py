"""The collector of executions that are over, run by a schedule."""

from statebag.collector import lambda_handler

__all__ = ["lambda_handler"]
