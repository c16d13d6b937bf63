"""Read the event history of an execution: transitions, payloads, and its status."""
