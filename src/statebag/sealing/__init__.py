"""From a state to a plan: what leaves the bag, and in which form. Does no I/O."""
