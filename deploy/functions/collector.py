"""The collector of executions that are over, run by a schedule."""

from statebag.aws.collector import lambda_handler

__all__ = ["lambda_handler"]
