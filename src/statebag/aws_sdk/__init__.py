"""Calls of any AWS API, as the AWS SDK integrations of Step Functions make them.

The names of services, parameters, results and errors are those that a definition with
`arn:aws:states:::aws-sdk:<service>:<action>` uses, so a Task can change to a function that makes
the call and keep its parameters, paths, Retry and Catch.
"""

from statebag.aws_sdk.api_call import call_api

__all__ = ["call_api"]
