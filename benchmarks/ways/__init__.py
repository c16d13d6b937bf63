"""Ways of keeping a state between steps, one a file, all with the same interface."""
