"""Looks at state machines before they run: what may pass the payload limit, or lose a state."""
