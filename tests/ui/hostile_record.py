"""A record whose names, errors and causes try to become part of the page."""

from statebag.local.records import Record
from tests.ui.conftest import arn_of

MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
TURNED = "\u202egnp.exe\u2066"
NAMES = (MARKUP, SCRIPT, TURNED, "a\nb\x1b[31m", "'\"`${7*7}{{7*7}}", "javascript:alert(3)")


def hostile_record(folder):
    """Write it; return its ARN. Machine and states have hostile names, and each state fails."""
    states = {name: {"Type": "Task", "Resource": SCRIPT, "Next": NAMES[0]} for name in NAMES}
    arn = arn_of("hostile", machine="M&amp;<b>")
    record = Record(folder / "M%26amp%3B%3Cb%3E" / "hostile.jsonl", arn, {}, {
        "StartAt": NAMES[0], "States": states, "Comment": SCRIPT,
    })  # fmt: skip
    number = 0

    def add(kind, about=None, **details):
        nonlocal number
        number += 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": number}
        record.add({**event, **({about: details} if about else {})})

    add("ExecutionStarted", "executionStartedEventDetails", input="{}")
    for name in NAMES:
        add("TaskStateEntered", "stateEnteredEventDetails", name=name, input='{"a": 1}')
        add("TaskScheduled", "taskScheduledEventDetails", resource=MARKUP, resourceType=SCRIPT)
        add("TaskFailed", "taskFailedEventDetails", error=MARKUP + name, cause=SCRIPT + name)
        add("TaskStateExited", "stateExitedEventDetails", name=name, output='{"a": 2}')
    add(SCRIPT)
    add("ExecutionFailed", "executionFailedEventDetails", error=MARKUP, cause=SCRIPT + TURNED)
    record.close()
    return arn
