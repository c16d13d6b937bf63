"""Typical uses of the public API; only type-checked, never run."""
