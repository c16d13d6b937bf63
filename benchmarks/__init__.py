"""What a step costs, measured on one server in one run; `python -m benchmarks --help`."""
