"""An engine that runs Amazon States Language definitions in this process."""
