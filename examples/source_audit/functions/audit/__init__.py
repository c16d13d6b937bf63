"""What the audit knows about Python source: pure functions from text to plain JSON values."""
