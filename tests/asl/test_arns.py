"""ARNs of executions, and names and ARNs of functions."""

import pytest

from statebag.asl.arns import function_name, parse_execution_arn
from statebag.errors import ConfigurationError
from tests.history.test_replay import ARN


class TestArns:
    def test_an_execution_with_and_without_an_event(self):
        assert parse_execution_arn(ARN).event is None
        found = parse_execution_arn(f"{ARN}@12")
        assert (found.arn, found.machine, found.name, found.event) == (ARN, "Main", "run-1", 12)
        child = parse_execution_arn(ARN.replace(":Main:", ":Main/label:"))
        assert child.machine == "Main/label"

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("arn:aws:states:us-east-1:1:express:Main:run:1", "CloudWatch Logs"),
            ("arn:aws:states:us-east-1:1:mapRun:Main/label:1", "list-executions"),
            ("arn:aws:states:us-east-1:1:stateMachine:Main", "not the ARN of an execution"),
            ("arn:aws:s3:::bucket", "not the ARN of an execution"),
            ("arn:aws:states:us-east-1::execution:Main:run", "not the ARN of an execution"),
            (f"{ARN}@", "not the number of an event"),
            (f"{ARN}@0", "not the number of an event"),
            (f"{ARN}@-1", "not the number of an event"),
            (f"{ARN}@1@2", "not the number of an event"),
            (f"{ARN}@99999999999999", "not the number of an event"),
        ],
    )
    def test_what_is_none_says_what_to_do(self, text, word):
        with pytest.raises(ConfigurationError, match=word):
            parse_execution_arn(text)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("f", "f"),
        ("f:live", "f"),
        ("f:$LATEST", "f"),
        ("123456789012:function:f", "f"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "f"),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:f:7", "f"),
        ("arn:aws:states:::lambda:invoke", None),
        ("", None),
        ("a b", None),
    ],
)
def test_the_name_in_a_reference(reference, name):
    assert function_name(reference) == name
