"""The calls to AWS Step Functions: starting, answering, asking."""
