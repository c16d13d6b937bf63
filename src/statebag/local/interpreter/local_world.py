"""Hold what all executions of one run share: the clock, functions, mocks, and other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.arns import ACCOUNT
from statebag.errors import ConfigurationError
from statebag.local.interpreter.child_executions import ChildExecutions
from statebag.local.interpreter.event_log import EventLog
from statebag.local.interpreter.json_value import JsonValue, json_text
from statebag.local.interpreter.limited_call import LimitedCaller
from statebag.local.interpreter.single_execution import SingleExecution
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.interpreter.task_mocks import mock_advice
from statebag.process.computed_once import computed_once

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from statebag.local.execution import Handler
    from statebag.local.interpreter.aws_services import AwsServices
    from statebag.local.interpreter.machine_program import MachineProgram
    from statebag.local.interpreter.scheduler import Scheduler
    from statebag.local.interpreter.step_functions_api import StepFunctionsApi
    from statebag.local.interpreter.task_mocks import TaskMocks
    from statebag.local.interpreter.task_state import TaskCall, TaskProgram
    from statebag.local.records import MapRunParent
    from statebag.local.run_watch import RunWatch
    from statebag.local.tokens import TokenDesk

__all__ = ["LocalWorld"]


class LocalWorld:
    """The world of one run.

    Args:
        scheduler: Runs the strands of all executions.
        functions: Handlers by name or ARN.
        mocks: Outcomes of Task states.
        machines: Other machines by name, for nested executions.
        services: The services of AWS.
        tokens: Where task tokens are answered.
        region: The region in ARNs.
        watch: Watches the run.

    Attributes:
        bags: The bags that were made in the run.
        states: The states that were entered and left.
        stubs: Checks what functions read.
        warn: Called with each problem that does not end the run.
        keeps_histories: Whether each execution has its own file.
        role: The ARN of the role of all executions.
        caller: Calls the functions.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        functions: Mapping[str, Handler],
        mocks: TaskMocks,
        machines: Mapping[str, MachineProgram],
        services: AwsServices,
        tokens: TokenDesk,
        region: str,
        watch: RunWatch,
    ) -> None:
        self.scheduler = scheduler
        self.functions = functions
        self.mocks = mocks
        self.machines = machines
        self.services = services
        self.tokens = tokens
        self.children = ChildExecutions(self)
        self.region = region
        self.role = f"arn:aws:iam::{ACCOUNT}:role/local"
        self.caller = LimitedCaller()
        self.bags = watch.bags
        self.states = watch.states
        self.stubs = watch.stubs
        self.warn = watch.warn
        self._watch = watch
        self._refused: dict[tuple[str, str], ConfigurationError] = {}
        self.keeps_histories = watch.keeps_histories
        self._branches = {
            name: first
            for machine in machines.values()
            for name, first in machine.first_states().items()
        }

    @computed_once
    def api(self) -> StepFunctionsApi:
        """Answers the API of Step Functions."""
        from statebag.local.interpreter.step_functions_api import (  # noqa: PLC0415 - few runs ask
            StepFunctionsApi,
        )

        return StepFunctionsApi(self)

    def execution(
        self,
        program: MachineProgram,
        given: JsonValue,
        *,
        machine: str,
        name: str,
        express: bool = False,
        kept: bool = True,
        place: str | None = None,
        root: bool = False,
        parent: MapRunParent | None = None,
    ) -> SingleExecution:
        """Return an execution that was not started yet.

        Args:
            program: Its machine.
            given: Its input.
            machine: The machine's name.
            name: The execution's name.
            express: Whether its history has no quota.
            kept: Whether its history is kept.
            place: The path of its states, without their names; by default the machine's name.
            root: Whether it is the run's main execution.
            parent: The execution that it is a child of; None if it is not the child of a Map Run.
        """
        arn = f"arn:aws:states:{self.region}:{ACCOUNT}:execution:{machine}:{name}"
        log = EventLog(
            self.scheduler.now,
            limited=not express,
            kept=kept,
            listener=self._watch.listener(
                arn, machine, name, self._branches, program.definition, parent
            ),
        )
        return SingleExecution(
            self,
            program,
            given,
            arn=arn,
            machine_arn=f"arn:aws:states:{self.region}:{ACCOUNT}:stateMachine:{machine}",
            log=log,
            place=machine if place is None else place,
            root=root,
            express=express and root,
        )

    def answer(self, call: TaskCall) -> Generator[None, Any, Any]:
        """Return or raise the outcome of an attempt of a Task."""
        if call.visit.name in self.mocks:
            return (yield from self.mocks.answer(call))
        refused = self._refused.get((call.visit.name, call.resource.arn))
        if refused is not None:
            raise refused
        if call.resource.kind == "activity":
            return (yield from self._of_activity(call))
        if call.resource.pattern != "waitForTaskToken":
            return (yield from self._called(call))
        from statebag.local.interpreter.task_tokens import (  # noqa: PLC0415 - few runs have one
            AnsweredTask,
        )

        assert call.visit.token is not None
        answered = AnsweredTask(call, call.visit.token, self.tokens)
        try:
            submitted = yield from self._called(call)
        except BaseException:
            answered.close()
            raise
        call.events.submitted(JsonValue(submitted))
        self.states.observer.waiting_for_token(call.visit.token, call.visit.name)
        return (yield from answered.wait())

    def _called(self, call: TaskCall) -> Generator[None, Any, Any]:
        # Each is loaded for the first Task that needs it: a mocked run needs none of them.
        from statebag.local.interpreter.function_calls import (  # noqa: PLC0415 - see above
            answer_function,
            answer_invoke,
            is_invoke,
        )

        resource = call.resource
        if resource.kind == "function":
            return (yield from answer_function(call))
        if is_invoke(resource.type, resource.action):
            return (yield from answer_invoke(call))
        if resource.type == "states":
            return (yield from self.children.answer(call))
        if resource.type == "aws-sdk:sfn" and self.api.knows(resource.action):
            from statebag.local.interpreter.sdk_shapes import (  # noqa: PLC0415 - see above
                result_of,
            )
            from statebag.local.interpreter.step_functions_api import (  # noqa: PLC0415 - see above
                ApiError,
            )

            given = call.given.value if isinstance(call.given.value, dict) else {}
            try:
                return result_of(self.api.call(resource.action, _texts(given)), _ANY_MEMBERS)
            except ApiError as error:
                raise StateFailure(
                    f"Sfn.{error.code.removesuffix('Exception')}Exception",
                    f"{error.message} (Service: Sfn, Status Code: 400, Request ID: {uuid4()})",
                ) from error
        from statebag.local.interpreter.service_calls import (  # noqa: PLC0415 - see above
            call_service,
        )

        return call_service(resource, call.given, self.services, call.visit.name)

    def _of_activity(self, call: TaskCall) -> Generator[None, Any, Any]:
        """Call the function of the activity's name or ARN, which works as a worker would."""
        from statebag.local.interpreter.function_calls import (  # noqa: PLC0415 - few runs
            answer_function,
        )

        call.events.taken("local")
        return (yield from answer_function(call))

    def check(self, task: TaskProgram) -> None:
        """Refuse a Task that cannot be answered here.

        In a run with mocks it is refused when it is reached: a test case mocks the states on its
        way, and no others.

        Raises:
            ConfigurationError: With the place of its Resource.
        """
        try:
            self._check(task)
        except ConfigurationError as refused:
            if not self.mocks:
                raise
            self._refused[task.name, task.resource.arn] = refused

    def _check(self, task: TaskProgram) -> None:
        resource = task.resource
        if task.name in self.mocks:
            return
        from statebag.local.interpreter.function_calls import (  # noqa: PLC0415 - not for mocks
            is_invoke,
        )

        if resource.kind == "unknown":
            raise ConfigurationError(
                f"the text ({len(resource.arn)} characters) is not the name or ARN of a function, "
                "and not the ARN of an activity or of an action of a service",
                path=f"{task.path}.Resource",
                hint="Such as arn:aws:states:::sqs:sendMessage, or a function's name. "
                + mock_advice(task.name),
            )
        if resource.kind in {"function", "activity"}:
            self._check_function(task, resource.arn, f"{task.path}.Resource")
        elif is_invoke(resource.type, resource.action):
            name = self._named_function(task)
            if name is not None:
                field = "Arguments" if task.is_jsonata else "Parameters"
                self._check_function(task, name, f"{task.path}.{field}.FunctionName")
        elif resource.type == "states":
            if resource.action != "startExecution":
                raise ConfigurationError(
                    f"there is no action {resource.arn}", path=f"{task.path}.Resource"
                )
        elif not (resource.type == "aws-sdk:sfn" and self.api.knows(resource.action)):
            from statebag.local.interpreter.service_calls import (  # noqa: PLC0415 - few runs
                check_service,
            )

            check_service(resource, self.services, f"{task.path}.Resource", task.name)

    def _named_function(self, task: TaskProgram) -> str | None:
        """Return the function that a `lambda:invoke` names; None if the name is computed."""
        given = task.fields.get("Arguments" if task.is_jsonata else "Parameters")
        name = given.get("FunctionName") if isinstance(given, dict) else None
        return name if isinstance(name, str) and not name.startswith("{%") else None

    def _check_function(self, task: TaskProgram, reference: str, path: str) -> None:
        from statebag.local.interpreter.function_calls import (  # noqa: PLC0415 - as its caller
            found_handler,
        )

        kind = task.resource.kind
        known = reference if kind != "activity" else task.resource.action
        if found_handler(reference, self.functions) or found_handler(known, self.functions):
            return
        raise ConfigurationError(
            f"the state {task.name!r} calls {reference}, and no function was given for it",
            path=path,
            hint=f"The functions are {', '.join(sorted(self.functions)) or 'none'}. "
            + mock_advice(task.name, result="{'Payload': ...}" if kind == "action" else "..."),
        )


class _AnyMembers:
    """A stand-in for a shape in which every name is that of a member."""

    @property
    def members(self) -> _AnyMembers:
        return self

    @property
    def member(self) -> _AnyMembers:
        return self

    def get(self, _: str) -> _AnyMembers:
        return self


_ANY_MEMBERS = _AnyMembers()


def _texts(given: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of the API, all of them texts: any other value becomes its JSON text."""
    return {
        name: one if isinstance(one, str) or one is None else json_text(one)
        for name, one in given.items()
    }
