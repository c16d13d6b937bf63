"""The state data manager: the function that each step of a workflow passes through."""
