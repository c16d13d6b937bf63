"""Read the history of an execution from AWS Step Functions, page by page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError, StoreUnavailable
from statebag.history.events import history_of
from statebag.history.payload_texts import TextSpool
from statebag.history.replay import first_states
from statebag.stepfunctions.workflows import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.arns import ExecutionArn
    from statebag.history.events import History

__all__ = ["definition_of", "event_pages", "read_history"]

_PAGE = 1000  # events: the largest maxResults (API reference, GetExecutionHistory)


def read_history(execution: ExecutionArn, client: Any = None, *, data: bool = True) -> History:
    """Return all events of an execution so far.

    It sends one request for every thousand events, or for as many as the service returns at once.
    If there is a Parallel, it sends one more for the definition, which names the branches; a
    refusal of this request is ignored.

    Args:
        execution: An execution of a Standard workflow that ended at most 90 days ago.
        client: boto3's client of `stepfunctions`; made from the environment if None.
        data: Whether to include payloads.

    Raises:
        ConfigurationError: There is no such execution, or boto3 or credentials are missing.
        NotPermitted: `states:GetExecutionHistory` is not allowed, or the key's `kms:Decrypt`.
        StoreUnavailable: The service did not answer.
        InvalidState: The answer is not a history.
    """
    asked = Asked(client, execution.region)
    spool = TextSpool()
    pages = event_pages(execution, asked, data=data)
    events = [spool.without_texts(event) for page in pages for event in page]
    branches: dict[str, list[str]] = {}
    if any(event.get("type") == "ParallelStateStarted" for event in events):
        definition = definition_of(asked, execution.arn)
        branches = {} if definition is None else first_states(definition)
    return history_of(execution.arn, execution.machine, events, branches=branches)


def event_pages(
    execution: ExecutionArn, asked: Asked, *, data: bool = True, newest_first: bool = False
) -> Iterator[list[Any]]:
    """Yield the events of an execution, page after page.

    Args:
        execution: An execution of a Standard workflow that ended at most 90 days ago.
        asked: Sends the requests.
        data: Whether to include payloads.
        newest_first: Whether to begin at the newest event.

    Raises:
        StatebagError: As `read_history`.
    """
    tokens: set[str] = set()
    further: dict[str, str] = {}
    order = {"reverseOrder": True} if newest_first else {}
    while True:
        page = asked(
            "get_execution_history",
            {},
            executionArn=execution.arn,
            maxResults=_PAGE,
            includeExecutionData=data,
            **order,
            **further,
        )
        yield list(page.get("events", ()))
        token = page.get("nextToken")
        if not token:
            return
        if token in tokens:
            raise StoreUnavailable("Step Functions returned the same page of the history again")
        tokens.add(token)
        further = {"nextToken": token}


def definition_of(asked: Asked, arn: str) -> dict[str, Any] | None:
    """Return the definition that an execution runs; None if it may not be read."""
    try:
        found = asked("describe_state_machine_for_execution", {}, executionArn=arn)
        definition = json.loads(found["definition"])
    except (StatebagError, KeyError, TypeError, ValueError):
        return None
    return definition if isinstance(definition, dict) else None
