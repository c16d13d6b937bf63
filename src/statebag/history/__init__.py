"""What the event history of an execution tells: transitions, payloads, and where it stands."""
