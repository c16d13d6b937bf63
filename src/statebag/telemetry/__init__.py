"""Report counts, names and times to listeners."""
