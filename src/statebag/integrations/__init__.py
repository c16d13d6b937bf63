"""Adapters for frameworks that keep state: one module each, each with an extra of its name."""
