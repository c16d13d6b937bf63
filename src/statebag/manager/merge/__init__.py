"""How results join a state: pure functions on Python values, which open and write nothing."""
