"""Start executions, answer tasks and read outputs of AWS Step Functions, of any size.

StartExecution and SendTaskSuccess accept 262,144 bytes (API reference of AWS Step Functions). A
larger value is sealed first, into the scope of the execution that will read it.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from statebag.client import Statebag
from statebag.errors import (
    ConfigurationError,
    InvalidState,
    LimitExceeded,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.format import json_text
from statebag.format.arguments import check_has, check_kind
from statebag.format.names import scope_of_execution

__all__ = ["Asked", "query", "send_task_success", "start_execution"]

# Of arn:<partition>:states:<region>:<account>:stateMachine:<name> (Service Authorization Reference,
# "Actions, resources, and condition keys for AWS Step Functions").
_PARTS = 7
_EXISTS = "an execution of this name has ended, or was started with another input"
_REFUSED = {"AccessDeniedException", "AccessDenied", "UnrecognizedClientException"}
_MISTAKEN = {
    "InvalidArn": "Step Functions does not know this ARN",
    "InvalidName": "an execution's name has 1 to 80 letters, digits, - and _",
    "InvalidExecutionInput": "Step Functions does not accept this input",
    "InvalidOutput": "Step Functions does not accept this output",
    "StateMachineDoesNotExist": "there is no such state machine",
    "StateMachineDeleting": "the state machine is being deleted",
    "ExecutionDoesNotExist": "there is no such execution, or it ended more than 90 days ago",
    "ValidationException": "Step Functions does not accept this request",
}


def start_execution(
    sb: Statebag,
    state_machine_arn: str,
    input_value: Any,
    name: str | None = None,
    client: Any = None,
) -> str:
    """Start an execution of AWS Step Functions with an input of any size.

    The input is sealed into the scope that the execution will have; then the execution is started.
    Repeating the call with the same name and input does not start a second execution: it returns
    the same ARN while the first runs, and raises `InvalidState` once it has ended.

    Args:
        sb: Seals the input.
        state_machine_arn: The ARN of a Standard workflow.
        input_value: A JSON value.
        name: The execution's name, of 1 to 80 letters, digits, - and _; a random one if None.
        client: boto3's client of `stepfunctions`; made from the environment if None.

    Returns:
        The execution's ARN.

    Raises:
        InvalidState: An execution of that name was started with another input, or with this one
            and has ended (Step Functions knows a name for 90 days). Nothing was started.
        ConfigurationError: The ARN or name is wrong, or boto3 is not installed.
        NotPermitted: `states:StartExecution` is not allowed.
        StoreUnavailable: The store or Step Functions did not answer: start again with the same
            name.
        StatebagError: As for `Statebag.seal`.
    """
    check_kind("state_machine_arn", state_machine_arn, str, "a str")
    parts = state_machine_arn.split(":")
    check_has("sb", sb, "seal", "a Statebag")
    if name is not None:
        check_kind("name", name, str, "a str")
    if len(parts) < _PARTS or parts[0] != "arn" or parts[5] != "stateMachine":
        raise ConfigurationError(
            f"state_machine_arn must be a state machine's ARN, not {_shown(state_machine_arn)}",
            hint="Use arn:aws:states:<region>:<account>:stateMachine:<name>.",
        )
    name = name or str(uuid4())
    sealed = json_text.encode(sb.seal(input_value, scope=f"{parts[6]}/{name}")).decode()
    asked = Asked(client, parts[3])
    try:
        answer = asked(
            "start_execution",
            {"ExecutionAlreadyExists": _EXISTS},
            stateMachineArn=state_machine_arn,
            name=name,
            input=sealed,
        )
    except InvalidState:
        arn = ":".join([*parts[:5], "execution", parts[6], name])
        raise _already_there(asked, arn, sealed) from None
    return str(answer["executionArn"])


def _already_there(asked: Asked, arn: str, sealed: str) -> InvalidState:
    """Say why an existing execution was not started: the code is the same for both reasons."""
    try:
        found = asked("describe_execution", {}, executionArn=arn)
    except StatebagError:  # no right to describe it, or no answer: then the code is all there is
        return InvalidState(
            f"{_EXISTS} (ExecutionAlreadyExists); nothing was started",
            hint="Allow states:DescribeExecution to learn which, or start with another name.",
        )
    status = found["status"]
    if _same_json(found.get("input"), sealed):
        return InvalidState(
            f"the execution of this name and input is {status}, and nothing was started "
            "(ExecutionAlreadyExists)",
            hint="`statebag query` reads its output; to run it again, start with another name.",
        )
    if "input" not in found:
        return InvalidState(
            f"{_EXISTS} (ExecutionAlreadyExists): it is {status}; nothing was started",
            hint="Start with another name.",
        )
    return InvalidState(
        f"an execution of this name was started with another input and is {status} "
        "(ExecutionAlreadyExists); nothing was started",
        hint="Start with another name.",
    )


def _same_json(one: Any, other: str) -> bool:
    if not isinstance(one, str):
        return False
    return one == other or (
        json_text.decode(one.encode(), None) == json_text.decode(other.encode(), None)
    )


def send_task_success(
    sb: Statebag,
    token: str,
    result: Any,
    execution: str,
    budget: int | None = None,
    client: Any = None,
) -> None:
    """Answer a task that waits for its token, with a result of any size.

    Args:
        sb: Seals the result.
        token: The task's token.
        result: A JSON value.
        execution: The id of the waiting execution, in whose scope the result is stored: its ARN, as
            in `$$.Execution.Id`, or the scope itself.
        budget: The bound of the answer in bytes, instead of the policy's.
        client: boto3's client of `stepfunctions`; made from the environment if None.

    Raises:
        InvalidState: No task waits for this token, or none does any longer.
        NotPermitted: `states:SendTaskSuccess` is not allowed.
        StoreUnavailable: The store or Step Functions did not answer: answer again.
        StatebagError: As for `Statebag.seal`.
    """
    check_has("sb", sb, "seal", "a Statebag")
    check_kind("token", token, str, "a str")
    check_kind("execution", execution, str, "a str")
    bag = sb.seal(result, scope=scope_of_execution(execution), budget=budget)
    parts = execution.split(":")
    asked = Asked(client, parts[3] if len(parts) > _PARTS else None)
    asked(
        "send_task_success",
        {
            "TaskTimedOut": "the task behind this token does not wait any more",
            "TaskDoesNotExist": "no task waits for this token",
            "InvalidToken": "no task waits for this token",
        },
        taskToken=token,
        output=json_text.encode(bag).decode(),
    )


def query(sb: Statebag, execution_arn: str, path: str | None = None, client: Any = None) -> Any:
    """Return the opened output of an execution that succeeded, or the value at a path in it.

    Args:
        sb: Opens the output.
        execution_arn: The execution.
        path: As for `Statebag.get`.
        client: boto3's client of `stepfunctions`; made from the environment if None.

    Raises:
        InvalidState: The execution has not ended, or did not succeed.
        ConfigurationError: There is no such execution.
        StatebagError: As for `Statebag.open`.
    """
    check_has("sb", sb, "open", "a Statebag")
    check_kind("execution_arn", execution_arn, str, "a str")
    parts = execution_arn.split(":")
    if len(parts) <= _PARTS or parts[0] != "arn" or parts[5] != "execution":
        raise ConfigurationError(
            f"execution_arn must be an execution's ARN, not {_shown(execution_arn)}",
            hint="Use arn:aws:states:<region>:<account>:execution:<state machine>:<name>.",
        )
    found = Asked(client, parts[3])("describe_execution", {}, executionArn=execution_arn)
    status = found["status"]
    if status in {"RUNNING", "PENDING_REDRIVE"}:
        raise InvalidState(
            f"the execution has not ended: it is {status}", hint="Ask again when it has."
        )
    if status != "SUCCEEDED":
        named = f" with {found['error']}" if found.get("error") else ""
        raise InvalidState(
            f"the execution has no output: it is {status}{named}",
            hint="`statebag log` shows where it ended.",
        )
    if not found.get("outputDetails", {}).get("included", True) or "output" not in found:
        raise LimitExceeded("Step Functions did not include the output of this execution")
    bag = json_text.decode(found["output"].encode(), None)
    return sb.open(bag, embedded=False) if path is None else sb.get(bag, path, embedded=False)


class Asked:
    """Send requests to Step Functions, and turn refusals into this library's errors.

    Args:
        client: boto3's client of `stepfunctions`; made from the environment if None.
        region: The region of a new client.

    Raises:
        ConfigurationError: boto3 is not installed.
    """

    def __init__(self, client: Any, region: str | None) -> None:
        try:
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (slow)
        except ImportError:
            raise ConfigurationError(
                "calling Step Functions needs boto3, which is not installed",
                hint="pip install boto3 (a Lambda has it).",
            ) from None
        if client is None:
            import boto3  # noqa: PLC0415 (slow)

            try:
                client = boto3.Session().client("stepfunctions", region_name=region)
            except (BotoCoreError, ValueError) as error:
                raise ConfigurationError(
                    f"boto3 cannot make a client of Step Functions: {type(error).__name__}",
                    hint="Set AWS_REGION, or pass client=.",
                ) from None
        self._client = client
        self._failures: tuple[type[Exception], ...] = (ClientError, BotoCoreError)

    def __call__(self, operation: str, refusals: dict[str, str], **fields: Any) -> Any:
        """Return the answer of an operation, by its name in boto3.

        Args:
            operation: Its name, such as `describe_execution`.
            refusals: Error codes that the caller explains, each with its meaning.
            fields: The fields of the request.

        Raises:
            InvalidState: One of `refusals`.
            NotPermitted, ConfigurationError, StoreUnavailable: For other error codes.
        """
        check_has("client", self._client, operation, "boto3's client of stepfunctions")
        try:
            return getattr(self._client, operation)(**fields)
        except self._failures as error:
            # Not chained: what the service says may quote the input.
            raise _translated(error, operation, refusals) from None


def _translated(error: Exception, operation: str, refusals: dict[str, str]) -> StatebagError:
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
    if code in refusals:
        return InvalidState(f"{refusals[code]} ({code})")
    if code in _REFUSED:
        return NotPermitted(
            f"Step Functions refuses {operation} ({code})",
            hint=f"Allow states:{''.join(word.title() for word in operation.split('_'))}.",
        )
    if code in {"KmsAccessDeniedException", "KmsInvalidStateException"}:
        return NotPermitted(
            f"Step Functions may not decrypt this execution for you ({code})",
            hint="Allow kms:Decrypt with the state machine's key.",
        )
    if code in _MISTAKEN:
        return ConfigurationError(f"{_MISTAKEN[code]} ({code})")
    if type(error).__name__ in {"NoCredentialsError", "NoRegionError", "ParamValidationError"}:
        return ConfigurationError(
            f"Step Functions cannot be called: {type(error).__name__}",
            hint="Set credentials and AWS_DEFAULT_REGION.",
        )
    return StoreUnavailable(f"Step Functions did not answer {operation} ({code or 'no answer'})")


def _shown(arn: str) -> str:
    """Describe a wrong ARN; only an ARN is quoted, since text may be a state."""
    return f"{arn[:120]!r}" if arn.startswith("arn:") else f"text of {len(arn)} characters"
