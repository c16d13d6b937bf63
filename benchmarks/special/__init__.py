"""Measurements of one operation each; every module runs in a process of its own."""
