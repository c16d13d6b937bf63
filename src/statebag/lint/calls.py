"""Find what a Task calls, and how large its result can be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from statebag.asl.map_comments import told_items
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.application import fields_kept_plain
from statebag.lint.expression_sizes import is_jsonata
from statebag.lint.shape import Members, Shape
from statebag.lint.sources import REST, InBag, Source, SourcePart, is_special

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FEW_ENTRIES",
    "Functions",
    "ServiceCall",
    "action_of",
    "at_most",
    "call_of",
    "has_no_scope",
    "most_item_bytes",
    "most_items",
    "takes_values",
]

# Bytes of an answer that is an identifier with the headers of a response. Measured: at most 546 in
# answers of sns:publish, sqs:sendMessage and dynamodb:putItem that AWS recorded.
_RECEIPT = 4 * 1024
# Bytes of what a service says of a thing that it has made or changed. Chosen as an upper bound.
_SMALL_RESULT = 16 * 1024
# Bytes of the description of one thing. Chosen: its fields are names, numbers, tags and settings,
# whose sizes the service bounds, and do not grow with the data of a workflow.
_DESCRIPTION = 32 * 1024
# Bytes of what lambda:invoke puts next to the Payload: status, version, headers of the response.
# Chosen as an upper bound; not measured.
_METADATA = 2048
# Integrations whose answer is an identifier with metadata. Others may answer with as much as the
# engine takes, and so may the calls of an SDK whose name says that they read or compute.
_RECEIVED = re.compile(
    r"(?:aws-sdk:)?(?:sns:publish|sqs:sendMessage|events:putEvents|eventbridge:putEvents|"
    r"glue:startJobRun|batch:submitJob|athena:startQueryExecution|athena:stopQueryExecution|"
    r"databrew:startJobRun|(?:states|sfn):startExecution)",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"(?:codebuild:startBuild|"
    r"aws-sdk:[a-z0-9]+:(?!get|list|batchGet|query|scan|select|search|describe|execute|invoke|"
    r"detect|analyze|recognize|converse|retrieve)[A-Za-z0-9]+)",
    re.IGNORECASE,
)
# SDK calls that answer with a page of many entries, or with a document that somebody stored: their
# own limits are above the engine's (1,000 keys of 1,024 bytes, 1 MB of items or log events, a
# template of 1 MB, a result of 1,000 rows: the services' API references). A description of one
# thing is not among them.
_LARGE = re.compile(
    r"athena:getQueryResults|aws-sdk:[a-z0-9]+:(?:list[A-Z]\w*|scan|query|search[A-Z]?\w*|select\w*|filter[A-Z]\w*|"
    r"batchGet[A-Z]\w*|(?:batch)?execute(?:Statement|Transaction)|transactGetItems|"
    r"describe[A-Z]\w*[^su\W]s|getObject|getTemplate|getQueryResults|getStatementResult|getLogEvents|"
    r"getExecutionHistory|getDocument\w+|getResources|getRecords|getTables|getPartitions|"
    r"getParametersByPath|getAccountAuthorizationDetails|getMetricData|describeExecution|"
    r"invokeModel|converse|synthesizeSpeech)"
)
# Descriptions of one thing, but for those that hold a document which somebody stored, and those
# that come in pages (botocore's models: their input has a token of the next page).
_ONE_THING = re.compile(
    r"aws-sdk:(?!redshiftdata:)[a-z0-9]+:describe(?!Execution|StateMachine|TrainingJob|"
    r"TaskDefinition|ChangeSet|Pipeline|Recipe|Ruleset|Stream|Document|Schema|Dashboard|Analysis|"
    r"Template|Theme|DataSet|Flow|Query|Statement|\w*(?:History|Status|Health|Topology|For[A-Z]|"
    r"By[A-Zo]|Compliance|Usage|Access|Authorization|Availability|Capacity|Utilization|Children|"
    r"Export|Metadata|Information|Schedule|Lifecycle|Summary|Format|Support|Gpu|Update|Organization|"
    r"AddressesAttribute|Recommendation|Assessment|WarmPool|ReleaseLabel|Detector|Entity|"
    r"MappedResource|Device|EdgeDeploymentPlan|FeatureGroup|Products|ProvisionedProductPlan|Record|"
    r"LastRun))[A-Z]\w*"
)
# Parameters that bound the number of entries, or the bytes of an object.
_BOUNDS = frozenset({"Limit", "MaxItems", "MaxKeys", "MaxRecords", "MaxResults", "PageSize"})
FEW_ENTRIES = 100
"""Entries that nobody is warned of. Chosen: they are rarely larger than 2 KB each."""
# DynamoDB's own writes answer with metadata alone, unless a parameter asks for values.
_WRITES = re.compile(r":(?:put|update|delete)Item$")
# Services that only deliver a payload to a receiver that opens it, so it may hold a stub.
_CARRIES = re.compile(
    r"(?:aws-sdk:)?(?:lambda|states|sfn|sqs|sns|events|eventbridge|http|apigateway):", re.IGNORECASE
)
_AT_MOST_BYTES = re.compile(r"statebag:\s*at most (\d[\d,]{0,8}) bytes?\b")
_PLAIN_OF_STEP = frozenset({("execution_id",)})
"""The field that `step` reads before it opens a bag, by its default for `scope`, and keeps
plain."""
_STATES = frozenset({"state_data", "branch_state"})
"""The fields that have the state in events of the state data manager, and of the functions behind
it."""
_MANAGER_ACTIONS = {
    "update_and_compress": 0,
    "sync": 1,
    "sync_branch": 1,
    "aggregate_branches": 1,
    "aggregate_distributed": 1,
    "merge_callback": 1,
    "merge_async": 1,
    "create_snapshot": 1,
    "restore_snapshot": 1,
    "hydrate_branch": 1,
    "hydrate_segment": 1,
    "decompress": 0,
}
"""The depth of the bags in the answer of each action of the state data manager."""


@dataclass(frozen=True, slots=True)
class Functions:
    """Facts about functions.

    Attributes:
        sealed: Patterns of names of functions that seal what they return.
        unsealed: Patterns of names of functions that do not seal; they win over `sealed`.
        bag_bytes: The bound of a bag.
        own_bag_bytes: The bounds of single functions, by name.
        states_seal: Whether an unknown function seals, if its payload has the state in the same
            place as that of the state data manager.
        scoped: Functions whose source names the path of the execution's id itself.
        other_runtimes: The runtimes of functions in other languages, by name. They are in
            `unsealed` too.
    """

    sealed: tuple[str, ...] = ()
    unsealed: tuple[str, ...] = ()
    bag_bytes: int = 96 * 1024
    own_bag_bytes: Mapping[str, int] = field(default_factory=dict)
    states_seal: bool = False
    scoped: frozenset[str] = frozenset()
    other_runtimes: Mapping[str, str] = field(default_factory=dict)

    def names_scope(self, name: str) -> bool:
        """Return whether the source of a function names the path of the execution's id itself."""
        return name in self.scoped

    def is_unsealed(self, name: str) -> bool:
        """Return whether a function is known not to seal."""
        return any(fnmatchcase(name, pattern) for pattern in self.unsealed)

    def seals(self, name: str, payload: Any) -> bool:
        """Return whether a function seals; by default, it does if it gets its execution's id."""
        if self.is_unsealed(name):
            return False
        if any(fnmatchcase(name, pattern) for pattern in self.sealed):
            return True
        return isinstance(payload, dict) and (
            action_of(payload) is not None
            or any(key.removesuffix(".$") == "execution_id" for key in payload)
            or (self.states_seal and _has_state(payload))
        )


def _has_state(payload: Any) -> bool:
    """Return whether a payload has the state in the same place as the state data manager's."""
    return isinstance(payload, dict) and any(key.removesuffix(".$") in _STATES for key in payload)


def action_of(payload: Any) -> str | None:
    """Return the action of the state data manager that a payload asks for."""
    action = payload.get("action") if isinstance(payload, dict) else None
    return action if isinstance(action, str) and action in _MANAGER_ACTIONS else None


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """The function or service that a Task calls.

    Attributes:
        name: The name of the function or service.
        is_function: Whether a Lambda function answers it at once.
        seals: Whether its result is a bag, or holds bags.
        result: The shape of its result.
        unsealed: Whether it is a function that is known to use no bags.
        lengthy: Whether it is a service whose answer alone can exceed the limit.
        is_fixed: Whether it is a service that bounds its answer far below the limit: the answer
            does not grow with the data.
        may_seal: Whether it is an unknown function that gets the state.
        is_bounded: Whether the state's Comment says how large its result can be.
        lacks_scope: Whether it is a function that seals, and its payload has no execution's id.
        takes_scope: Whether it is a function that seals, and takes its execution's id from
            `execution_id` in its event.
        other_runtime: The runtime of a function that is in another language.
    """

    name: str
    is_function: bool
    seals: bool
    result: Shape
    unsealed: bool = False
    lengthy: bool = False
    is_fixed: bool = False
    may_seal: bool = False
    is_bounded: bool = False
    lacks_scope: bool = False
    takes_scope: bool = False
    other_runtime: str | None = None


def call_of(state: Mapping[str, Any], path: str, functions: Functions) -> ServiceCall:
    """Return what a Task calls, as far as the definition shows."""
    call = _called(state, path, functions)
    if call.name in functions.other_runtimes:
        call = replace(call, other_runtime=functions.other_runtimes[call.name])
    comment = state.get("Comment")
    told = _AT_MOST_BYTES.search(comment) if isinstance(comment, str) else None
    if told is None:
        return call
    most = _number(told[1])
    result = call.result
    if isinstance(result, Members):  # what lambda:invoke puts around it is not its function's
        result = result.with_member("Payload", at_most(result.known["Payload"], most))
    return replace(call, result=at_most(result, most), is_bounded=most < PAYLOAD_LIMIT)


def at_most(shape: Shape, most: int | None) -> Shape:
    """Return the same value with at most `bound` bytes, if it is a part of a source."""
    if most is None or not isinstance(shape, SourcePart) or shape.source.bound <= most:
        return shape
    return replace(shape, source=Source(shape.source.name, most))


def _called(state: Mapping[str, Any], path: str, functions: Functions) -> ServiceCall:
    resource = state.get("Resource")
    resource = resource if isinstance(resource, str) else ""
    parameters = state.get("Arguments", state.get("Parameters"))
    parameters = parameters if isinstance(parameters, dict) else {}
    through_invoke = (
        re.search(r":states:[^:]*:[^:]*:(?:aws-sdk:)?lambda:invoke", resource) is not None
    )
    waits = resource.endswith(".waitForTaskToken") or ":activity:" in resource
    is_function = through_invoke or waits or ":states:" not in resource
    if not is_function:
        name = re.sub(r"^arn:.*?:states:[^:]*:[^:]*:", "", resource)
        bound = _bound_of(name, parameters)
        return ServiceCall(
            name,
            is_function=False,
            seals=False,
            result=SourcePart(Source(path, bound)),
            lengthy=_LARGE.fullmatch(name) is not None and not _is_bounded(parameters),
            is_fixed=bound < PAYLOAD_LIMIT,
        )
    payload = (
        parameters.get("Payload", parameters.get("Payload.$")) if through_invoke else parameters
    )
    named = parameters.get("FunctionName", parameters.get("FunctionName.$"))
    name = _bare(named if through_invoke and isinstance(named, str) else resource)
    if waits:
        # The one who answers may return as much as the engine takes, and no more. A queue or a
        # topic raises no error of this library.
        works = through_invoke or ":activity:" in resource
        seals = works and functions.seals(name, payload)
        known = works and functions.is_unsealed(name)
        answer = SourcePart(Source(path, PAYLOAD_LIMIT))
        return ServiceCall(name, is_function=False, seals=seals, result=answer, unsealed=known)
    if not functions.seals(name, payload):
        # With what lambda:invoke puts around it, it is still one result, which the engine's limit
        # bounds.
        known = functions.is_unsealed(name)
        answer = SourcePart(Source(path, PAYLOAD_LIMIT))
        may_seal = not known and _has_state(payload)
        return ServiceCall(
            name,
            is_function=True,
            seals=False,
            result=answer,
            unsealed=known,
            may_seal=may_seal,
        )
    action = action_of(payload)
    depth = 0 if action is None else _MANAGER_ACTIONS[action]
    source = Source(path, functions.own_bag_bytes.get(name, functions.bag_bytes))
    place = InBag(
        above=depth,
        plain=_PLAIN_OF_STEP if action is None else fields_kept_plain(),
        given=_given(payload) if action is None else frozenset(),
        of=path,
    )
    bag = SourcePart(source, (), (place,))
    takes_scope = action is None and not functions.names_scope(name)
    return ServiceCall(
        name,
        is_function=True,
        seals=True,
        result=_wrapped(bag, path, through_invoke),
        lacks_scope=takes_scope and _lacks_scope(payload),
        takes_scope=takes_scope,
    )


def _bound_of(name: str, parameters: Mapping[str, Any]) -> int:
    """Return the bytes that the answer of a service may have."""
    if _RECEIVED.fullmatch(name) is not None:
        return _RECEIPT
    if name.startswith("dynamodb:"):
        asked = {"ReturnValues", "ReturnValues.$"} & parameters.keys()
        return _RECEIPT if _WRITES.search(name) is not None and not asked else PAYLOAD_LIMIT
    if _SMALL.fullmatch(name) is not None:
        return _SMALL_RESULT
    if _LARGE.fullmatch(name) is None and _ONE_THING.fullmatch(name) is not None:
        return _DESCRIPTION
    return PAYLOAD_LIMIT


def _lacks_scope(payload: Any) -> bool:
    """Return whether a payload has no execution's id, and nothing that may hold one."""
    if not isinstance(payload, dict):
        return False  # a whole input may have it
    names = {key.removesuffix(".$") for key in payload}
    return "execution_id" not in names and names.isdisjoint(_STATES)


def has_no_scope(event: Shape) -> bool:
    """Return whether all fields of an event are known, and none of them has an execution's id."""
    if not isinstance(event, Members) or any(map(is_special, event.known)):
        return False
    return "execution_id" not in event.known and _STATES.isdisjoint(map(str, event.known))


def _is_bounded(parameters: Mapping[str, Any]) -> bool:
    """Return whether literal parameters bound an answer to few entries, or a part of an object."""
    most = (parameters.get(name) for name in _BOUNDS)
    few = any(
        isinstance(one, int) and not isinstance(one, bool) and one <= FEW_ENTRIES for one in most
    )
    return few or not {"Range", "Range.$"}.isdisjoint(parameters)


def _given(payload: Any) -> frozenset[str]:
    """Return the names under which a payload passes values on, without its literal texts."""
    if not isinstance(payload, dict) or not payload:
        return _STATES  # the names in a whole input are not known
    return frozenset(
        name.removesuffix(".$")
        for name, value in payload.items()
        if name.endswith(".$") or is_jsonata(value) or isinstance(value, dict)
    )


def takes_values(state: Mapping[str, Any]) -> bool:
    """Return whether a Task calls a service that acts on its parameters and cannot open stubs."""
    resource = state.get("Resource")
    match = re.search(r":states:[^:]*:[^:]*:(.+)", resource if isinstance(resource, str) else "")
    return match is not None and _CARRIES.match(match[1]) is None


def _wrapped(answer: SourcePart, path: str, through_invoke: bool) -> Shape:
    if not through_invoke:
        return answer
    around = SourcePart(Source(f"the surroundings of the answer of {path}", _METADATA))
    return Members(((REST, around), ("Payload", answer)))


def most_items(state: Mapping[str, Any]) -> int | None:
    """Return the largest number of items of a Map, by `MaxItems` or `statebag: at most N items`."""
    known = []
    reader, told = state.get("ItemReader"), told_items(state)
    if told is not None:
        known.append(told.most)
    config = reader.get("ReaderConfig") if isinstance(reader, dict) else None
    most = config.get("MaxItems") if isinstance(config, dict) else None
    if isinstance(most, int) and most > 0:
        known.append(most)
    return min(known, default=None)


def most_item_bytes(state: Mapping[str, Any]) -> int | None:
    """Return the largest bytes of an item of a Map, by `statebag: at most N items of M bytes`."""
    told = told_items(state)
    return None if told is None else told.item_bytes


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _bare(reference: str) -> str:
    """Return a function's name without its ARN, version and the marks of a placeholder."""
    match = re.search(r":function:([A-Za-z0-9-_${}.]+)", reference)
    name = match[1] if match else reference
    placeholder = re.fullmatch(r"\$\{([A-Za-z0-9_.:-]+)\}", name)
    return placeholder[1] if placeholder else name
