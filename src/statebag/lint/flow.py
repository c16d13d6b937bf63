"""Run a machine abstractly, for the worst-case shape of each input and output.

An abstract run takes every branch of every Choice and Catch, and repeats loops until nothing
changes. It reports to an observer, once for each state.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import CAUSE_BYTES, PAYLOAD_LIMIT
from statebag.lint.calls import (
    Functions,
    at_most,
    call_of,
    most_item_bytes,
    most_items,
    takes_values,
)
from statebag.lint.expression_sizes import Expression, is_jsonata, json_path, jsonata
from statebag.lint.joining import each_of, joined
from statebag.lint.reading import (
    Reader,
    ReadingObserver,
    Scope,
    Variables,
    asked_for,
)
from statebag.lint.shape import BoundedText, Members, Shape, clipped, literal, placed, size
from statebag.lint.sources import ANY, SMALL, Source, SourcePart

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from statebag.asl.model import Definition, State, StateMachine

__all__ = ["Flow"]

# Chosen (docs/design/0010): loops that settle do so within a few visits. With more visits and ways,
# lint takes longer, and its bounds become tighter.
_VISITS = 12  # of a state, until what still grows counts as large as the limit
# Visits of all states of a machine by which that number falls, to 3 at a thousand states. Chosen:
# a machine of a thousand states is looked at in a few seconds.
_ALL_VISITS = 3_000
_APART = 4  # ways to a state that are kept separate. Chosen: as above
_FEWER_APART = 2  # of a state of a large machine. Chosen: as above
# Further visits, until whatever still changes counts as large as the limit. Chosen: as above.
_PATIENCE = 6
_MAP_PATH_FIELDS = ("MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath")

_Entry = tuple[Shape, Variables]
_Step = tuple[str | None, Shape, Variables]


@dataclass
class Flow:
    """One abstract run.

    Args:
        functions: Facts about functions.
        input_bytes: The largest input of an execution.
        observer: Gets a report on each state.
    """

    functions: Functions
    input_bytes: int
    observer: ReadingObserver
    _outputs: dict[Any, Shape | None] = field(default_factory=dict)
    _states: Mapping[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reader = Reader(self.observer)

    def run(self, definition: Definition) -> None:
        """Run a definition whose structure was checked."""
        self._states = definition.states
        entry = SourcePart(Source("the input of the execution", self.input_bytes))
        self._reader.telling = True
        self._machine(definition.machine, Scope(entry, "JSONPath", {}, entry))
        for (path, reference), absent in self._reader.absent.items():
            if absent:  # on each way to the state
                self.observer.finds_nothing(path, reference)

    def _machine(self, machine: StateMachine, outer: Scope) -> Shape | None:
        """Return the output, from the input of `outer`; None if no path ends well."""
        variables = tuple(outer.variables.items())
        around = (outer.execution, outer.item, outer.language)
        key = (machine.path, outer.input, variables, around, self._reader.telling)
        if key not in self._outputs:  # or nested machines would be run 2^depth times
            self._outputs[key] = self._run(machine, outer)
        return self._outputs[key]

    def _run(self, machine: StateMachine, outer: Scope) -> Shape | None:
        start = machine.fields["StartAt"]
        waiting = _Waiting(machine)
        waiting.entries[start] = [(outer.input, outer.variables)]
        waiting.add(start, 0)
        visits: Counter[str] = Counter()
        most = max(3, min(_VISITS, _ALL_VISITS // len(machine.states)))
        apart = _APART if most == _VISITS else _FEWER_APART
        telling, self._reader.telling = self._reader.telling, False

        def steps(name: str, entry: _Entry) -> Iterator[_Step]:
            state = machine.states[name]
            scope = replace(outer, input=entry[0], language=state.language, variables=entry[1])
            return self._state(state.fields, state.path, scope)

        for name, entry in waiting:
            visits[name] += 1
            taken: set[tuple[str, int, int]] = set()
            for target, shape, variables in [*steps(name, entry)]:
                if target is None or visits[target] > 2 * most:
                    continue
                # The rules of a Choice often lead to one state with one value.
                if (way := (target, id(shape), id(variables))) in taken:
                    continue
                taken.add(way)
                often = visits[target]
                widen = min(often // most, 1) + (often > most + min(_PATIENCE, most))
                known = waiting.entries.setdefault(target, [])
                added = _added(known, (shape, variables), target, widen, apart)
                if added is not None:
                    waiting.add(target, added)
        self._reader.telling = telling
        output: Shape | None = None
        for name, known in waiting.entries.items():
            for entry in known:
                for target, shape, _ in steps(name, entry):
                    if target is None:
                        output = joined(output, shape, f"the output of {machine.path}", widen=0)
        return output

    def _state(self, state: dict[str, Any], path: str, scope: Scope) -> Iterator[_Step]:
        """Yield the states that can follow a state, None for the end, and their inputs."""
        kind, entry = state["Type"], scope.input
        if kind == "Fail":
            self._reader.fields(state, path, scope)
            return
        if scope.language == "JSONPath" and "InputPath" in state:
            effective = self._reader.path(state["InputPath"], f"{path}.InputPath", scope, "pick")
            scope = replace(scope, input=effective)
        self._reader.fields(state, path, scope)
        if kind == "Choice":
            yield from self._chosen(state, path, entry, scope)
            return
        ended = yield from self._worked(state, path, entry, scope)
        if ended is None:
            return
        yield None if kind == "Succeed" else state.get("Next"), *ended

    def _chosen(
        self, state: dict[str, Any], path: str, entry: Shape, scope: Scope
    ) -> Iterator[_Step]:
        """Yield the states that can follow a Choice; each rule has its own Output and Assign."""
        # What a rule tests with IsPresent may also be missing for the other rules.
        self._reader.asked = set(asked_for(state["Choices"]))
        self._reader.rules(state["Choices"], f"{path}.Choices", scope)
        self._reader.asked = set()
        ways = [(f"{path}.Choices[{i}]", one) for i, one in enumerate(state["Choices"])]
        ways += [(path, {**state, "Next": state["Default"]})] if "Default" in state else []
        scope = replace(scope, result=scope.input)
        shared = scope.input
        if scope.language == "JSONPath" and "OutputPath" in state:
            shared = self._reader.path(state["OutputPath"], f"{path}.OutputPath", scope, "pick")
        self._reader.tell_size(path, "its output", shared, entry)
        shared = clipped(shared)
        for place, way in ways:
            output = shared
            if scope.language == "JSONata" and "Output" in way:
                output = self._reader.template(way["Output"], f"{place}.Output", scope)
                self._reader.tell_size(path, "its output", output, entry)
                output = clipped(output)
            yield way["Next"], output, self._reader.assigned(way, place, scope)

    def _worked(
        self, state: dict[str, Any], path: str, entry: Shape, scope: Scope
    ) -> Generator[_Step, None, tuple[Shape, Variables] | None]:
        """Return a state's output and variables; yield the states that its Catch leads to."""
        kind, sata = state["Type"], scope.language == "JSONata"
        given = "Arguments" if sata else "Parameters"
        argument = scope.input
        call = call_of(state, path, self.functions) if kind == "Task" else None
        if given in state and kind != "Map":
            # A function in another language reads values, as a service does, and no stubs.
            reads = call is not None and (takes_values(state) or call.other_runtime is not None)
            how = "value" if reads else "pick"
            argument = self._reader.template(state[given], f"{path}.{given}", scope, how)
        result: Shape | None = argument
        if call is not None:
            if "Credentials" in state:
                self._reader.template(state["Credentials"], f"{path}.Credentials", scope, "value")
            self._reader.tell_size(path, "the input of its task", argument, entry)
            if self._reader.telling:
                self.observer.calls(path, call, entry, argument)
            result = call.result
        elif kind == "Pass" and "Result" in state:
            result = literal(state["Result"])
        elif kind == "Parallel":
            result = self._parallel(path, argument, scope)
        elif kind == "Map":
            result = self._map(state, path, scope)
        for index, handler in enumerate(state.get("Catch", [])):
            caught = self._caught(handler, f"{path}.Catch[{index}]", entry, scope)
            yield handler["Next"], *caught
        if result is None:
            return None
        after = replace(scope, result=result)
        output = self._output(state, path, entry, after)
        adds = kind in {"Map", "Parallel"} and size(result) >= PAYLOAD_LIMIT  # reported already
        if not adds:
            self._reader.tell_size(path, "its output", output, entry)
        return clipped(output), self._reader.assigned(state, path, after)

    def _output(self, state: dict[str, Any], path: str, entry: Shape, scope: Scope) -> Shape:
        result = scope.result
        assert result is not None  # given by the caller
        if scope.language == "JSONata":
            if "Output" in state:
                return self._reader.template(state["Output"], f"{path}.Output", scope)
            return scope.input if state["Type"] in {"Pass", "Wait", "Succeed"} else result
        if "ResultSelector" in state:
            inner = replace(scope, input=result)
            result = self._reader.template(state["ResultSelector"], f"{path}.ResultSelector", inner)
        output = self._put(state, path, entry, result)
        if "OutputPath" in state:
            after = replace(scope, input=output)
            return self._reader.path(state["OutputPath"], f"{path}.OutputPath", after, "pick")
        return output

    def _put(self, holder: dict[str, Any], path: str, entry: Shape, result: Shape) -> Shape:
        where = holder.get("ResultPath", "$")
        if where is None:
            return entry
        expression = json_path(where) if isinstance(where, str) else Expression(())
        if not expression.references or expression.references[0].root != "input":
            return result
        place = expression.references[0].path
        if len(place) > 1:
            self._reader.tell_written(f"{path}.ResultPath", entry, place[:-1])
        return placed(entry, place, result)

    def _caught(
        self, handler: dict[str, Any], path: str, entry: Shape, scope: Scope
    ) -> tuple[Shape, Variables]:
        error = Members((("Error", BoundedText(SMALL)), ("Cause", BoundedText(CAUSE_BYTES))))
        after = replace(scope, error=error, result=error)
        variables = self._reader.assigned(handler, path, after)
        if scope.language == "JSONata":
            if "Output" in handler:
                after = replace(after, input=entry)
                return self._reader.template(handler["Output"], f"{path}.Output", after), variables
            return error, variables
        return self._put(handler, path, entry, error), variables

    def _parallel(self, path: str, argument: Shape, scope: Scope) -> Shape | None:
        outputs = []
        for branch in self._states[path].machines:
            out = self._machine(branch, replace(scope, input=argument))
            if out is None:
                return None
            outputs.append(out)
        result = Members(tuple(enumerate(outputs)))
        if self._reader.telling and size(result) > PAYLOAD_LIMIT:
            each = [size(out) for out in outputs]
            kept = _kept(self._states[path].fields, scope)
            self.observer.adds_up(path, each, None, distributed=False, kept=kept)
        return result

    def _map(self, state: dict[str, Any], path: str, scope: Scope) -> Shape | None:
        (processor,) = self._states[path].machines
        distributed = self._states[path].is_distributed
        self._map_fields(state, path, scope)
        items, count = self._items(state, path, scope)
        told = most_item_bytes(state)
        item = at_most(joined(None, items, f"an item of {path}", widen=0), told)
        selected = item
        inner = replace(scope, item=item)
        for name in ("ItemSelector", "Parameters"):
            if name in state:
                selected = self._reader.template(state[name], f"{path}.{name}", inner)
        if isinstance(state.get("ItemBatcher"), dict):
            selected = self._batch(state["ItemBatcher"], path, selected, scope)
        # Each child of a Distributed Map is an execution with its own input.
        execution = selected if distributed else scope.execution
        inner = replace(inner, input=selected, execution=execution)
        if distributed:
            inner = replace(inner, variables={})  # children do not see their parent's
        out = self._machine(processor, inner)
        if "ResultWriter" in state:
            return BoundedText(1024)
        if out is None:
            return None
        read = "ItemReader" in state or "ItemBatcher" in state or told is not None
        if out == selected == item and isinstance(item, SourcePart) and not read:
            # These are the same items: an item's source has the bound of the array.
            return each_of(item, f"the results of {path}", item.source.bound)
        each = size(out)
        if self._reader.telling and (count is None or count * (each + 1) + 1 > PAYLOAD_LIMIT):
            kept = _kept(state, scope)
            self.observer.adds_up(path, [each], count, distributed=distributed, kept=kept)
        total = PAYLOAD_LIMIT if count is None else min(count * (each + 1) + 1, PAYLOAD_LIMIT)
        return each_of(out, f"the results of {path}", total)

    def _batch(self, batcher: Mapping[str, Any], path: str, selected: Shape, scope: Scope) -> Shape:
        """Return the input, one object, of a child that gets several items."""
        known: dict[Any, Shape] = {}
        if "BatchInput" in batcher:
            place = f"{path}.ItemBatcher.BatchInput"
            known["BatchInput"] = self._reader.template(batcher["BatchInput"], place, scope)
        # All of a batch is at most a payload: the engine makes it smaller.
        room = PAYLOAD_LIMIT - size(Members({**known, "Items": BoundedText(2)}))
        known["Items"] = each_of(selected, f"the items of a batch of {path}", max(room, 0))
        return Members(known)

    def _map_fields(self, state: dict[str, Any], path: str, scope: Scope) -> None:
        """Check the fields of a Distributed Map for its reader, its writer and its batches."""
        for name in ("ItemReader", "ItemReader.ReaderConfig", "ItemBatcher", "ResultWriter"):
            holder: Any = state
            for one in name.split("."):
                holder = holder.get(one) if isinstance(holder, dict) else None
            if not isinstance(holder, dict):
                continue
            # The engine reads the names of buckets and keys itself.
            for field_ in ("Parameters", "Arguments"):
                if field_ in holder:
                    self._reader.template(holder[field_], f"{path}.{name}.{field_}", scope, "value")
            for field_ in _MAP_PATH_FIELDS:
                if field_ in holder:
                    self._reader.path(holder[field_], f"{path}.{name}.{field_}", scope, "value")

    def _items(self, state: dict[str, Any], path: str, scope: Scope) -> tuple[Shape, int | None]:
        """Return the shape of any item of a Map, and the number of items; None if unknown."""
        if "ItemReader" in state:
            return SourcePart(Source(f"an item of {path}", PAYLOAD_LIMIT)), most_items(state)
        if scope.language == "JSONata":
            given = state.get("Items", "{% $states.input %}")
            if is_jsonata(given):
                items = self._reader.value(jsonata(given), f"{path}.Items", scope, "items")
            else:
                items = self._reader.template(given, f"{path}.Items", scope)
        elif "ItemsPath" in state:
            items = self._reader.path(state["ItemsPath"], f"{path}.ItemsPath", scope, "items")
        else:
            items = scope.input
        if isinstance(items, Members) and (one := dict(items.members).get(ANY)) is not None:
            return one, most_items(state)
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
        bound = items.source.bound if isinstance(items, SourcePart) else size(items)
        bags = items.below(0).bags if isinstance(items, SourcePart) else ()
        return SourcePart(Source(f"an item of {path}", bound), (), bags), most_items(state)


class _Waiting:
    """The ways into states still to be visited, in the order in which states follow.

    A state is visited after those that lead to it, as far as loops permit. So all ways that meet in
    a state are usually known before it is visited.

    Attributes:
        entries: The known ways to each state that was reached.
    """

    def __init__(self, machine: StateMachine) -> None:
        self.entries: dict[str, list[_Entry]] = {}
        self._order = _order(machine)
        self._heap: list[tuple[int, int, str]] = []
        self._open: set[tuple[str, int]] = set()

    def add(self, name: str, index: int) -> None:
        """Record a way that is new, or has changed."""
        if (name, index) not in self._open:
            self._open.add((name, index))
            heappush(self._heap, (self._order[name], index, name))

    def __iter__(self) -> Iterator[tuple[str, _Entry]]:
        while self._heap:
            _, index, name = heappop(self._heap)
            self._open.discard((name, index))
            yield name, self.entries[name][index]


def _order(machine: StateMachine) -> dict[str, int]:
    """Return the rank of each reachable state: a state comes after those that lead to it."""
    start = machine.fields["StartAt"]
    following = {name: [*_following(state)] for name, state in machine.states.items()}
    left: list[str] = []
    seen = {start}
    ahead = [(start, iter(following[start]))]
    while ahead:
        name, rest = ahead[-1]
        found = next((one for one in rest if one not in seen), None)
        if found is None:
            left.append(name)
            ahead.pop()
        else:
            seen.add(found)
            ahead.append((found, iter(following[found])))
    return {name: rank for rank, name in enumerate(reversed(left))}


def _following(state: State) -> Iterator[str]:
    return (one.name for one in state.targets() if one.name is not None)


def _kept(state: Mapping[str, Any], scope: Scope) -> int:
    """Return the bytes of the input that are next to the result in the output of a state."""
    replaces = scope.language == "JSONata" or state.get("ResultPath", "$") in {"$", None}
    return 0 if replaces else size(scope.input)


def _added(known: list[_Entry], entry: _Entry, target: str, widen: int, apart: int) -> int | None:
    """Add a way to a state; return the index of the way to visit, None if it was visited.

    The first few ways to a state stay separate, so that values that exclude each other are not
    added up. All further ways share one entry.
    """
    if entry in known:
        return None
    if len(known) < apart:
        known.append(entry)
        return len(known) - 1
    shape, variables = known[-1]
    together = (
        joined(shape, entry[0], f"the input of {target}", widen=widen),
        _joined_variables(variables, entry[1], widen=widen),
    )
    if together == known[-1]:
        return None
    known[-1] = together
    return len(known) - 1


def _joined_variables(one: Variables, other: Variables, *, widen: int) -> Variables:
    names = dict.fromkeys((*one, *other))
    return {
        name: joined(one.get(name), other[name], f"the variable {name}", widen=widen)
        if name in other
        else one[name]
        for name in names
    }
