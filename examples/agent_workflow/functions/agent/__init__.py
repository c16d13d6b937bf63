"""An agent that reviews a tree of Python source: real tools, and no model."""
