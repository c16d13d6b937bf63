"""What tests look at in a history."""

from __future__ import annotations


def types(execution):
    return [event["type"] for event in execution.history]


def details(event):
    return next((one for name, one in event.items() if name.endswith("EventDetails")), {})


def links(execution):
    """Each event as `(type, the type of the event that it follows)`."""
    by_id = {event["id"]: event["type"] for event in execution.history}
    return [(event["type"], by_id.get(event["previousEventId"], "")) for event in execution.history]


def inner(**fields):
    """A distributed Map's processor of one Pass."""
    return {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Inner",
        "States": {"Inner": {"Type": "Pass", "End": True, **fields}},
    }
