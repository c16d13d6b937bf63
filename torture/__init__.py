"""Faults, staged one by one and counted: what was staged, what survived, what nobody noticed."""
