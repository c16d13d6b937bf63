"""Find payloads that may be over a limit: of a state, of its joined results, of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.calls import FEW_ENTRIES, most_items
from statebag.lint.shape import Shape, follow, made_of, size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.asl.model import State
    from statebag.lint.calls import ServiceCall

__all__ = ["SizeChecks"]

_SLACK = 1024  # bytes. Chosen: what a few names and numbers beside a value add
_ALL = 1_000_000  # sources. Chosen: more than a definition of 1 MB has
_NAMED = 3  # sources that a message names. Chosen: it stays one sentence
# Each iteration takes three of the 25,000 events of a history (`quotas.HISTORY_EVENTS`).
_MOST_ITERATIONS = 8_000
_DATA_LIMIT = "States.DataLimitExceeded"

# Services that take less than a payload may have: the field that counts (all of it if empty), and
# its bytes (API references: RunTask, "overrides"; SubmitJob, "30 KiB"; PutParameter, "Value", of
# the advanced tier; PutSecretValue, "SecretString"; AWS IoT quotas, "Publish payload size"). SQS,
# EventBridge and asynchronous functions take 1 MiB, and SNS 256 KiB: every payload.
_CARRIERS = {
    "ecs:runTask": ("Overrides", 8_192),
    "batch:submitJob": ("", 30_720),
    "ssm:putParameter": ("Value", 8_192),
    "secretsmanager:createSecret": ("SecretString", 65_536),
    "secretsmanager:putSecretValue": ("SecretString", 65_536),
    "iotdataplane:publish": ("Payload", 131_072),
}


class SizeChecks:
    """Turns the sizes of values into findings.

    Args:
        states: The states of a definition, by their paths.
        say: Called with a finding's path, code, message and fix.
    """

    def __init__(
        self, states: Mapping[str, State], say: Callable[[str, str, str, str], None]
    ) -> None:
        self._states = states
        self._say = say
        self._sizes: dict[tuple[str, str], tuple[int, str, str]] = {}
        self._fixed: set[str] = set()  # Tasks whose service bounds its answer

    def is_fixed(self, path: str) -> None:
        """Note that the service of a Task bounds its answer, whatever the data is."""
        self._fixed.add(path)

    def answer(self, path: str, call: ServiceCall) -> None:
        """Check the call of a service whose answer alone can be larger than a result may be."""
        state = self._states[path]
        if any(_DATA_LIMIT in one["ErrorEquals"] for one in state.fields.get("Catch", [])):
            return  # it says what to do then
        jsonata = state.language == "JSONata"
        id_ = (
            '"execution_id": "{% $states.context.Execution.Id %}"'
            if jsonata
            else '"execution_id.$": "$$.Execution.Id"'
        )
        field = "Arguments" if jsonata else "Parameters"
        self._say(
            path,
            "SB105",
            f"the answer of {call.name} can pass {PAYLOAD_LIMIT:,} bytes, and a service does not "
            "seal",
            "Make the Resource the ARN of a function whose handler is "
            f'statebag.sdk_task.lambda_handler, and the {field} {{{id_}, "call": "{call.name}", '
            '"parameters": {}}, with the present ones in parameters; or ask for at most '
            f"{FEW_ENTRIES} entries.",
        )

    def argument(self, path: str, call: ServiceCall, given: Shape) -> None:
        """Check the argument of a service that takes less than a payload may have."""
        name = call.name.removeprefix("aws-sdk:").partition(".")[0]
        if name not in _CARRIERS:
            return
        field, most = _CARRIERS[name]
        bytes_ = size(follow(given, (field,))) if field else size(given)
        if bytes_ > most:
            self._say(
                path,
                "SB106",
                f"{field or 'its input'} can have {bytes_:,} bytes, and {name} takes {most:,}",
                "Pass only the execution's id and control paths, and let the job read its bag "
                "from the store or from a snapshot.",
            )

    def hands_on(self, path: str, what: str, made: Shape, entry: Shape) -> None:
        """Check a value that is made from an input."""
        bytes_ = size(made)
        state = self._states[path].fields
        if any(_DATA_LIMIT in one["ErrorEquals"] for one in state.get("Catch", [])):
            return  # it says what to do then
        if bytes_ - PAYLOAD_LIMIT <= _SLACK or bytes_ - size(entry) <= _SLACK:
            return
        given = made_of(made, _ALL)
        sources = [f"{most:,} of {name}" for name, most in given[:_NAMED] if most]
        fixed = sum(most for name, most in given if name in self._fixed)
        if bytes_ - fixed - PAYLOAD_LIMIT <= _SLACK:
            self._largest_of(
                path,
                "SB109",
                bytes_,
                f"{what} can have {bytes_:,} bytes, {bytes_ - PAYLOAD_LIMIT:,} over the limit, but "
                f"{fixed:,} of them are the most that services may answer, which does not grow "
                "with the data: " + ", ".join(sources),
                "Leave it, or keep less in it (ResultSelector, ResultPath, Output).",
            )
            return
        if fixed:
            sources.append(f"of which {fixed:,} are bounds of services' answers and do not grow")
        self._largest_of(
            path,
            "SB102",
            bytes_,
            f"{what} can have {bytes_:,} bytes, {bytes_ - PAYLOAD_LIMIT:,} over the limit: "
            + ", ".join(sources),
            "Keep less in it (ResultSelector, ResultPath, Output), let a step before "
            "it seal all of the state, seal with a smaller budget"
            f"{self._advised_share(path, entry)}, "
            'or say "statebag: at most N bytes" in the Comment of the Task that returns less.',
        )

    def _advised_share(self, path: str, entry: Shape) -> str:
        """Return the share of each branch or iteration whose results are next to the input."""
        state = self._states[path]
        count = len(state.machines) if state.kind == "Parallel" else most_items(state.fields)
        if state.kind not in {"Map", "Parallel"} or count is None:
            return ""
        return f" for each ({_share(count, size(entry))})"

    def adds_up(
        self, path: str, each: list[int], count: int | None, *, distributed: bool, kept: int
    ) -> None:
        """Check the outputs of branches or iterations that are joined in one payload.

        `kept` is the size of what is next to them.
        """
        state = self._states[path].fields
        if state["Type"] == "Parallel":
            if sum(each) - PAYLOAD_LIMIT <= _SLACK:
                return
            listed = " + ".join(f"{one:,}" for one in each)
            self._largest_of(
                path,
                "SB104",
                sum(each),
                f"its branches' outputs are one payload of up to {listed} bytes, "
                f"{sum(each) - PAYLOAD_LIMIT:,} over the limit",
                f"Let each branch seal with its share, {_share(len(each), kept)}, or return less.",
            )
            return
        fit = PAYLOAD_LIMIT // (each[0] + 1)
        if count is not None and (count <= fit or count * (each[0] + 1) - PAYLOAD_LIMIT <= _SLACK):
            return
        many = f"{fit:,} of up to {each[0]:,} bytes fit"
        if each[0] + _SLACK > PAYLOAD_LIMIT:
            many = "each alone may be as large as the limit"
        if distributed:
            self._largest_of(
                path,
                "SB304",
                sum(each),
                "a Distributed Map without ResultWriter returns all results as one payload: "
                + many,
                "Add a ResultWriter, and gather with aggregate_distributed or sb.map_results.",
            )
            return
        if count is None and fit >= _MOST_ITERATIONS:
            return
        times = "its iterations" if count is None else f"{count:,} iterations"
        over = (
            ""
            if count is None
            else f", {count * (each[0] + 1) + 1 - PAYLOAD_LIMIT:,} over the limit"
        )
        self._largest_of(
            path,
            "SB103",
            sum(each),
            f"the outputs of {times} are one payload{over}: {many}",
            f"Let each iteration seal with its share, {_share(count, kept)}, return a receipt, say "
            '"statebag: at most N items" in the Comment, or use a Distributed Map with a '
            "ResultWriter.",
        )

    def finish(self) -> None:
        """Report the largest of the sizes at each state."""
        for (path, code), (_, message, fix) in self._sizes.items():
            if code == "SB109" and (path, "SB102") in self._sizes:
                continue  # on another way to the state, what grows passes the limit
            self._say(path, code, message, fix)

    def _largest_of(self, path: str, code: str, bytes_: int, message: str, fix: str) -> None:
        """Report only the largest value among several ways to a state."""
        if bytes_ > self._sizes.get((path, code), (0, "", ""))[0]:
            self._sizes[path, code] = (bytes_, message, fix)


def _share(count: int | None, kept: int) -> str:
    """Return the decorator that gives each of `count` results its share of a payload.

    Args:
        count: The number of results; None if unknown.
        kept: The bytes of what is next to them.
    """
    room = f"{PAYLOAD_LIMIT:_}"
    # A bag has about 1 KB at least; where so much is kept, no share is large enough.
    if kept and PAYLOAD_LIMIT - kept >= 1024 * ((count or 1) + 1):
        room = f"({PAYLOAD_LIMIT:_} - {kept:_})"
    many = "(the largest number of items + 1)" if count is None else f"{count + 1}"
    return f"@statebag.step(budget={room} // {many})"
