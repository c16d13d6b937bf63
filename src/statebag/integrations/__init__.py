"""Adapters for frameworks that keep state: one module for each, with an extra of the same name."""
