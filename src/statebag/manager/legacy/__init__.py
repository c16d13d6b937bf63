"""Legacy pointers: the older form of a state, one JSON object in the store for each value."""
