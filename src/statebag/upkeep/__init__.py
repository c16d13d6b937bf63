"""Looking after a store: is it whole, mending what is not, deleting what has had its time."""
