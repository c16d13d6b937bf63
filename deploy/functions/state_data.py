"""The state data manager, as a function of this stack."""

from statebag.state_data_manager import lambda_handler

__all__ = ["lambda_handler"]
