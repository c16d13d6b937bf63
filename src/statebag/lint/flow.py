"""How values flow through a machine: the shape of each state's input and output, worst case.

An abstract run: every branch of every Choice and Catch is taken, loops until nothing changes
any more. What is seen on the way is told to an observer, once for each state.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from statebag.lint.calls import Call, Functions, call_of, most_items, takes_values
from statebag.lint.expressions import Expression, Reference, is_jsonata, json_path, jsonata
from statebag.lint.shape import (
    COMPUTED,
    LIMIT,
    SMALL,
    Members,
    Part,
    Shape,
    Source,
    Text,
    clipped,
    follow,
    is_absent,
    joined,
    literal,
    placed,
    size,
)
from statebag.local.definition import member_path

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

__all__ = ["Flow", "Observer"]

_VISITS = 12  # of a state, before what still grows is taken for as large as it can be
_APART = 4  # ways to a state that are kept apart
_PATIENCE = 6  # further visits, before whatever still changes is
_EXECUTION_ID = "execution_id"
_ID = 2_048  # bytes of an execution's id at most; ARNs have a few hundred
_CAUSE = 32_768  # bytes of an error's cause at most
_PATH_FIELDS = (
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
    "ErrorPath",
    "CausePath",
)
_MAP_PATH_FIELDS = ("MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath")
_TEXT_FIELDS = ("Seconds", "Timestamp", "TimeoutSeconds", "HeartbeatSeconds", "Error", "Cause")


class Observer(Protocol):
    """Is told what states do."""

    def reads(self, path: str, part: Part, how: str) -> None:
        """The engine looks at a value (`value`, `items`), or a path picks it out (`pick`)."""

    def calls(self, path: str, call: Call, entry: Shape) -> None:
        """A Task calls something."""

    def finds_nothing(self, path: str, reference: Reference) -> None:
        """A path leads to where no state put anything."""

    def hands_on(self, path: str, what: str, made: Shape, entry: Shape) -> None:
        """A value is made of an input."""

    def adds_up(self, path: str, each: list[int], count: int | None, *, distributed: bool) -> None:
        """Outputs of branches (`each` of them) or of iterations (`count`; None: unknown)."""


Variables = dict[str, Shape]
_Entry = tuple[Shape, Variables]
_Step = tuple[str | None, Shape, Variables]


@dataclass(frozen=True)
class _Scope:
    """What expressions of a state can name."""

    input: Shape
    language: str
    variables: Variables
    execution: Shape  # the input of the execution, which the context object holds
    item: Shape | None = None
    result: Shape | None = None
    error: Shape | None = None


@dataclass
class Flow:
    """One abstract run.

    Args:
        functions: What is known of functions.
        input_bytes: The largest input of an execution.
        observer: Is told of each state.
    """

    functions: Functions
    input_bytes: int
    observer: Observer
    _telling: bool = False
    _outputs: dict[Any, Shape | None] = field(default_factory=dict)
    _absent: dict[tuple[str, Reference], bool] = field(default_factory=dict)
    _asked: set[tuple[str, tuple[str | int, ...]]] = field(default_factory=set)

    def run(self, definition: dict[str, Any]) -> None:
        """Run a definition whose structure was checked."""
        entry = Part(Source("the input of the execution", self.input_bytes))
        self._telling = True
        self._machine(definition, "$", _Scope(entry, "JSONPath", {}, entry))
        for (path, reference), absent in self._absent.items():
            if absent:  # on each way to the state
                self.observer.finds_nothing(path, reference)

    def _machine(self, machine: dict[str, Any], path: str, outer: _Scope) -> Shape | None:
        """The output, from the input of `outer`; None where no path ends well."""
        variables = tuple(outer.variables.items())
        around = (outer.execution, outer.item, outer.language)
        key = (path, outer.input, variables, around, self._telling)
        if key not in self._outputs:  # or nested machines would be run 2^depth times
            self._outputs[key] = self._run(machine, path, outer)
        return self._outputs[key]

    def _run(self, machine: dict[str, Any], path: str, outer: _Scope) -> Shape | None:
        states = machine["States"]
        language = machine.get("QueryLanguage", outer.language)
        start = machine["StartAt"]
        entries: dict[str, list[_Entry]] = {start: [(outer.input, outer.variables)]}
        visits: Counter[str] = Counter()
        ahead: list[tuple[str, _Entry]] = [(start, entries[start][0])]
        telling, self._telling = self._telling, False

        def steps(name: str, entry: _Entry) -> Iterator[_Step]:
            place = member_path(f"{path}.States", name)
            own = states[name].get("QueryLanguage", language)
            scope = replace(outer, input=entry[0], language=own, variables=entry[1])
            return self._state(states[name], place, scope)

        while ahead:
            name, entry = ahead.pop()
            visits[name] += 1
            for target, shape, variables in steps(name, entry):
                if target is None or visits[target] > 2 * _VISITS:
                    continue
                widen = min(visits[target] // _VISITS, 1) + (visits[target] > _VISITS + _PATIENCE)
                new = _added(entries.setdefault(target, []), (shape, variables), target, widen)
                if new is not None and (target, new) not in ahead:
                    ahead.append((target, new))
        self._telling = telling
        output: Shape | None = None
        for name, known in entries.items():
            for entry in known:
                for target, shape, _ in steps(name, entry):
                    if target is None:
                        output = joined(output, shape, f"the output of {path}", widen=0)
        return output

    def _state(self, state: dict[str, Any], path: str, scope: _Scope) -> Iterator[_Step]:
        """Where a state goes, None for the machine's end, and with what."""
        kind, entry = state["Type"], scope.input
        if kind == "Fail":
            self._fields(state, path, scope)
            return
        if scope.language == "JSONPath" and "InputPath" in state:
            effective = self._path(state["InputPath"], f"{path}.InputPath", scope, "pick")
            scope = replace(scope, input=effective)
        self._fields(state, path, scope)
        if kind == "Choice":
            yield from self._chosen(state, path, entry, scope)
            return
        ended = yield from self._worked(state, path, entry, scope)
        if ended is None:
            return
        yield None if kind == "Succeed" else state.get("Next"), *ended

    def _chosen(
        self, state: dict[str, Any], path: str, entry: Shape, scope: _Scope
    ) -> Iterator[_Step]:
        """Where a Choice goes: each rule, and Default, has its own Output and Assign."""
        # What a rule asks for with IsPresent may be missing for the other rules, too.
        self._asked = set(_asked_for(state["Choices"]))
        self._rules(state["Choices"], f"{path}.Choices", scope)
        self._asked = set()
        ways = [(f"{path}.Choices[{i}]", one) for i, one in enumerate(state["Choices"])]
        ways += [(path, {**state, "Next": state["Default"]})] if "Default" in state else []
        scope = replace(scope, result=scope.input)
        for place, way in ways:
            output = scope.input
            if scope.language == "JSONata" and "Output" in way:
                output = self._template(way["Output"], f"{place}.Output", scope)
            elif scope.language == "JSONPath" and "OutputPath" in state:
                output = self._path(state["OutputPath"], f"{path}.OutputPath", scope, "pick")
            self._tell_size(path, "its output", output, entry)
            yield way["Next"], clipped(output), self._assigned(way, place, scope)

    def _worked(
        self, state: dict[str, Any], path: str, entry: Shape, scope: _Scope
    ) -> Generator[_Step, None, tuple[Shape, Variables] | None]:
        """The output of a state, and the variables then; yields where its Catch goes."""
        kind, sata = state["Type"], scope.language == "JSONata"
        given = "Arguments" if sata else "Parameters"
        argument = scope.input
        if given in state and kind != "Map":
            how = "value" if kind == "Task" and takes_values(state) else "pick"
            argument = self._template(state[given], f"{path}.{given}", scope, how)
        result: Shape | None = argument
        if kind == "Task":
            if "Credentials" in state:
                self._template(state["Credentials"], f"{path}.Credentials", scope, "value")
            self._tell_size(path, "the input of its task", argument, entry)
            call = call_of(state, path, self.functions)
            if self._telling:
                self.observer.calls(path, call, entry)
            result = call.result
        elif kind == "Pass" and "Result" in state:
            result = literal(state["Result"])
        elif kind == "Parallel":
            result = self._parallel(state, path, argument, scope)
        elif kind == "Map":
            result = self._map(state, path, scope)
        for index, handler in enumerate(state.get("Catch", [])):
            caught = self._caught(handler, f"{path}.Catch[{index}]", entry, scope)
            yield handler["Next"], *caught
        if result is None:
            return None
        after = replace(scope, result=result)
        output = self._output(state, path, entry, after)
        adds = kind in {"Map", "Parallel"} and size(result) >= LIMIT  # told as that already
        if not adds:
            self._tell_size(path, "its output", output, entry)
        return clipped(output), self._assigned(state, path, after)

    def _output(self, state: dict[str, Any], path: str, entry: Shape, scope: _Scope) -> Shape:
        result = scope.result
        assert result is not None  # given by whoever calls
        if scope.language == "JSONata":
            if "Output" in state:
                return self._template(state["Output"], f"{path}.Output", scope)
            return scope.input if state["Type"] in {"Pass", "Wait", "Succeed"} else result
        if "ResultSelector" in state:
            inner = replace(scope, input=result)
            result = self._template(state["ResultSelector"], f"{path}.ResultSelector", inner)
        output = self._put(state, entry, result)
        if "OutputPath" in state:
            after = replace(scope, input=output)
            return self._path(state["OutputPath"], f"{path}.OutputPath", after, "pick")
        return output

    def _put(self, holder: dict[str, Any], entry: Shape, result: Shape) -> Shape:
        where = holder.get("ResultPath", "$")
        if where is None:
            return entry
        expression = json_path(where) if isinstance(where, str) else Expression(())
        if not expression.references or expression.references[0].root != "input":
            return result
        return placed(entry, expression.references[0].path, result)

    def _caught(
        self, handler: dict[str, Any], path: str, entry: Shape, scope: _Scope
    ) -> tuple[Shape, Variables]:
        error = Members((("Error", Text(SMALL)), ("Cause", Text(_CAUSE))))
        after = replace(scope, error=error, result=error)
        variables = self._assigned(handler, path, after)
        if scope.language == "JSONata":
            if "Output" in handler:
                after = replace(after, input=entry)
                return self._template(handler["Output"], f"{path}.Output", after), variables
            return error, variables
        return self._put(handler, entry, error), variables

    def _parallel(
        self, state: dict[str, Any], path: str, argument: Shape, scope: _Scope
    ) -> Shape | None:
        outputs = []
        for index, branch in enumerate(state["Branches"]):
            place = f"{path}.Branches[{index}]"
            out = self._machine(branch, place, replace(scope, input=argument))
            if out is None:
                return None
            outputs.append(out)
        result = Members(tuple(enumerate(outputs)))
        if self._telling and size(result) > LIMIT:
            self.observer.adds_up(path, [size(out) for out in outputs], None, distributed=False)
        return result

    def _map(self, state: dict[str, Any], path: str, scope: _Scope) -> Shape | None:
        field_ = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
        processor = state[field_]
        config = processor.get("ProcessorConfig")
        mode = config.get("Mode") if isinstance(config, dict) else None
        distributed = mode == "DISTRIBUTED"
        self._map_fields(state, path, scope)
        items, count = self._items(state, path, scope)
        item = joined(None, items, f"an item of {path}", widen=0)
        selected = item
        inner = replace(scope, item=item)
        for name in ("ItemSelector", "Parameters"):
            if name in state:
                selected = self._template(state[name], f"{path}.{name}", inner)
        # Each child of a Distributed Map is an execution with an input of its own.
        execution = selected if distributed else scope.execution
        inner = replace(inner, input=selected, execution=execution)
        out = self._machine(processor, f"{path}.{field_}", inner)
        if "ResultWriter" in state:
            return Text(1024)
        if out is None:
            return None
        read = "ItemReader" in state or "ItemBatcher" in state
        if out == selected == item and isinstance(item, Part) and not read:
            # The same items again: an item's source has the bound of the array.
            return Part(Source(f"the results of {path}", item.source.bound))
        each = size(out)
        if self._telling and (count is None or count * (each + 1) + 1 > LIMIT):
            self.observer.adds_up(path, [each], count, distributed=distributed)
        deep = isinstance(out, Part) and out.in_bag == ()
        total = LIMIT if count is None else min(count * (each + 1) + 1, LIMIT)
        return Part(Source(f"the results of {path}", total), until_bag=1 if deep else 0)

    def _map_fields(self, state: dict[str, Any], path: str, scope: _Scope) -> None:
        """What a Distributed Map reads with, writes to, and puts beside each batch."""
        for name in ("ItemReader", "ItemReader.ReaderConfig", "ItemBatcher", "ResultWriter"):
            holder: Any = state
            for one in name.split("."):
                holder = holder.get(one) if isinstance(holder, dict) else None
            if not isinstance(holder, dict):
                continue
            # Names of buckets and keys are short: they leave only with others, as what is picked.
            for field_ in ("Parameters", "Arguments", "BatchInput"):
                if field_ in holder:
                    self._template(holder[field_], f"{path}.{name}.{field_}", scope)
            for field_ in _MAP_PATH_FIELDS:
                if field_ in holder:
                    self._path(holder[field_], f"{path}.{name}.{field_}", scope, "value")

    def _items(self, state: dict[str, Any], path: str, scope: _Scope) -> tuple[Shape, int | None]:
        """One of a Map's items, whichever, and their number where it is known."""
        if "ItemReader" in state or "ItemBatcher" in state:
            return Part(Source(f"an item of {path}", LIMIT)), most_items(state)
        if scope.language == "JSONata":
            given = state.get("Items", "{% $states.input %}")
            if is_jsonata(given):
                items = self._value(jsonata(given), f"{path}.Items", scope, "items")
            else:
                items = self._template(given, f"{path}.Items", scope)
        elif "ItemsPath" in state:
            items = self._path(state["ItemsPath"], f"{path}.ItemsPath", scope, "items")
        else:
            items = scope.input
        listed = isinstance(items, Members) and all(
            isinstance(step, int) for step, _ in items.members
        )
        if isinstance(items, Members) and items.members and listed:
            item: Shape | None = None
            for _, member in items.members:
                item = joined(item, member, f"an item of {path}", widen=0)
            assert item is not None  # there is at least one
            return item, len(items.members)
        # An item is plain where the array is: its place in the bag goes through an index.
        inside = (
            (*items.in_bag, 0) if isinstance(items, Part) and items.in_bag is not None else None
        )
        bound = items.source.bound if isinstance(items, Part) else size(items)
        item = Part(Source(f"an item of {path}", bound), in_bag=inside)
        return item, most_items(state)

    def _rules(self, rules: list[Any], path: str, scope: _Scope) -> None:
        """Look into a Choice's rules."""
        for index, rule in enumerate(rules):
            place = f"{path}[{index}]"
            if not isinstance(rule, dict):
                continue
            for name, value in rule.items():
                if name == "Variable" or (name.endswith("Path") and isinstance(value, str)):
                    self._path(value, f"{place}.{name}", scope, "value")
                elif name in {"And", "Or"} and isinstance(value, list):
                    self._rules(value, f"{place}.{name}", scope)
                elif name == "Not":
                    self._rules([value], f"{place}.{name}", scope)
                elif name == "Condition" and is_jsonata(value):
                    self._value(jsonata(value), f"{place}.{name}", scope, "value")

    def _fields(self, state: dict[str, Any], path: str, scope: _Scope) -> None:
        """What the engine reads for itself."""
        for name in _PATH_FIELDS:
            if isinstance(state.get(name), str):
                self._path(state[name], f"{path}.{name}", scope, "value")
        for name in _TEXT_FIELDS:
            if is_jsonata(state.get(name)):
                self._value(jsonata(state[name]), f"{path}.{name}", scope, "value")

    def _assigned(self, holder: dict[str, Any], path: str, scope: _Scope) -> Variables:
        """The variables after an Assign."""
        assigned = holder.get("Assign")
        if not isinstance(assigned, dict):
            return scope.variables
        inner = scope
        if scope.language == "JSONPath" and scope.result is not None:
            inner = replace(scope, input=scope.result)
        made = self._template(assigned, f"{path}.Assign", inner)
        members = made.members if isinstance(made, Members) else ()
        return {**scope.variables, **{f"${name}": shape for name, shape in members}}

    def _template(self, value: Any, path: str, scope: _Scope, how: str = "pick") -> Shape:
        """The value that a payload template makes."""
        if isinstance(value, dict):
            members: list[tuple[str | int, Shape]] = []
            for key, member in value.items():
                if scope.language == "JSONPath" and key.endswith(".$") and isinstance(member, str):
                    bare = key.removesuffix(".$")
                    members.append((bare, self._path(member, f"{path}.{key}", scope, how)))
                else:
                    members.append((key, self._template(member, f"{path}.{key}", scope, how)))
            return Members(tuple(members)) if members else literal(value)
        if isinstance(value, list) and value:
            return Members(
                tuple(
                    (i, self._template(one, f"{path}[{i}]", scope, how))
                    for i, one in enumerate(value)
                )
            )
        if scope.language == "JSONata" and is_jsonata(value):
            return self._value(jsonata(value), path, scope, how)
        return literal(value)

    def _path(self, text: Any, path: str, scope: _Scope, how: str) -> Shape:
        if not isinstance(text, str):
            return Text(2)
        return self._value(json_path(text), path, scope, how)

    def _value(self, expression: Expression, path: str, scope: _Scope, how: str) -> Shape:
        found = []
        for reference in expression.references:
            root = self._root(reference.root, reference.path, scope)
            shape = follow(root, reference.path)
            asked = (reference.root, reference.path) in self._asked
            if self._telling and scope.language == "JSONPath" and not asked:
                absent = is_absent(root, reference.path)
                key = (path, reference)
                self._absent[key] = absent and self._absent.get(key, True)
            if isinstance(shape, Part):
                reads = reference.reads and how != "items"
                self._tell_read(path, shape, "value" if reads else how)
                if shape.in_bag and shape.in_bag[-1] == _EXECUTION_ID:
                    shape = Text(_ID)  # a step refuses a state where it is anything but an id
            found.extend([shape] * reference.times)
        if expression.alone and found:
            return found[0]
        if expression.scalar or not found:
            return Text(SMALL + expression.extra)
        # As large as all that it names, which may be parts of one source.
        return Members(((COMPUTED, Text(expression.extra)), *enumerate(found)))

    def _root(self, root: str, path: tuple[str | int, ...], scope: _Scope) -> Shape:
        if root == "context":
            return _context(path, scope)
        if root == "input":
            return scope.input
        if root == "result":
            return scope.result or Text(2)
        if root == "error":
            return scope.error or Text(_CAUSE)
        return scope.variables.get(root, Text(SMALL))

    def _tell_read(self, path: str, part: Part, how: str) -> None:
        if self._telling:
            self.observer.reads(path, part, how)

    def _tell_size(self, path: str, what: str, made: Shape, entry: Shape) -> None:
        if self._telling:
            self.observer.hands_on(path, what, made, entry)


def _context(path: tuple[str | int, ...], scope: _Scope) -> Shape:
    """The context object, as far as a path needs it: two of its values may be large."""
    given = Members((("Id", Text(_ID)), ("Input", scope.execution)))
    members: list[tuple[str | int, Shape]] = [("Execution", given)]
    large: list[tuple[str | int, ...]] = [("Execution", "Input")]
    if scope.item is not None:
        item = Members((("Index", Text(SMALL)), ("Value", scope.item)))
        members.append(("Map", Members((("Item", item),))))
        large.append(("Map", "Item", "Value"))
    if any(path[: len(one)] == one[: len(path)] for one in large):
        return Members(tuple(members))
    return Text(SMALL)


def _asked_for(rules: Any) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The places that rules test for being there."""
    if isinstance(rules, dict):
        if "IsPresent" in rules and isinstance(rules.get("Variable"), str):
            for one in json_path(rules["Variable"]).references:
                yield one.root, one.path
        rules = [rules.get("And"), rules.get("Or"), rules.get("Not")]
    for one in rules if isinstance(rules, list) else ():
        yield from _asked_for(one)


def _added(known: list[_Entry], entry: _Entry, target: str, widen: int) -> _Entry | None:
    """Take an entry in; what is to be visited for it, None where that was.

    The first few ways to a state are kept apart, so that what excludes each other is not added up;
    all others are one entry together.
    """
    if entry in known:
        return None
    if len(known) < _APART:
        known.append(entry)
        return entry
    shape, variables = known[-1]
    together = (
        joined(shape, entry[0], f"the input of {target}", widen=widen),
        _joined_variables(variables, entry[1], widen=widen),
    )
    if together == known[-1]:
        return None
    known[-1] = together
    return together


def _joined_variables(one: Variables, other: Variables, *, widen: int) -> Variables:
    names = dict.fromkeys((*one, *other))
    return {
        name: joined(one.get(name), other[name], f"the variable {name}", widen=widen)
        if name in other
        else one[name]
        for name in names
    }
