"""Random lives of bags under random settings, beside the plain state that each bag must open to."""
