"""Test your own stores and workflows with statebag."""
