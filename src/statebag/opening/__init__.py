"""From a bag to a state: find the stubs, fetch, verify, put back."""
