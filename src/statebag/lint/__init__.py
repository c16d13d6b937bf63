"""Check state machines before they run: what may exceed the payload limit, or lose a state."""
