"""Adapters for the places in which other frameworks keep state; each needs its own extra."""
