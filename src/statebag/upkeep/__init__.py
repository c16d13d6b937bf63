"""Look after a store: check it, repair it, and delete what is over."""
