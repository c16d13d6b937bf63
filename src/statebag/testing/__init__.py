"""What others need to test their stores and workflows against this library."""
