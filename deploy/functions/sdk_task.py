"""Calls of AWS APIs for Tasks without a function of their own, as a function of this stack."""

from statebag.sdk_task import lambda_handler

__all__ = ["lambda_handler"]
