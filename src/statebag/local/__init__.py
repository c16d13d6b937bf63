"""Run Amazon States Language definitions in this process."""
