"""Draw a state machine: boxes of states in layers, lines of transitions between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from statebag.asl.model import Definition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statebag.asl.model import State, StateMachine
    from statebag.history.replay import Transition

__all__ = ["Drawing", "draw", "draw_seen"]

# Chosen, in pixels of the drawing: a name of 22 characters fits into the widest box.
_LEAST_WIDTH, _MOST_WIDTH, _BOX_HEIGHT = 104, 196, 46  # chosen: as above
_LETTER = 7.4  # measured: the mean width of a letter of a state's name
_GAP_X, _GAP_Y = 28, 40  # chosen: as above
_PADDING, _TITLE = 18, 30  # chosen: as above
_BACK_WIDTH = 28  # chosen: room for lines that lead back up
_TURNS = 8  # chosen: a drawing hardly changes after as many
_BEND_WIDTH = 18  # chosen: room for a line that passes a layer
_MOST_STATES = 400  # chosen: a drawing of more helps nobody, and the list of states has all


@dataclass(slots=True)
class _Box:
    """A state, or a bend of a line that passes a layer."""

    name: str | None
    width: float
    height: float
    state: State | None = None
    inner: list[_Layout] = field(default_factory=list)
    x: float = 0
    y: float = 0


@dataclass(slots=True)
class _Line:
    kind: str
    boxes: list[_Box]
    is_back: bool = False


@dataclass(slots=True)
class _Layout:
    boxes: list[_Box]
    lines: list[_Line]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """The positions of all parts, in pixels from the top left corner.

    Attributes:
        width: The width of the whole picture.
        height: The height of the whole picture.
        boxes: States: `name`, `kind`, `x`, `y`, `width`, `height`, `holds` (whether states are in
            it) and `depth`; one before those in it.
        lines: Transitions: `kind` (`Next`, `Choices`, `Catch`, `Default`), `from`, `to`, `points`.
        left_out: Why there is no drawing; None if there is one.
    """

    width: float
    height: float
    boxes: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    left_out: str | None = None


def draw(definition: Mapping[str, Any]) -> Drawing:
    """Return the drawing of a definition.

    Args:
        definition: It may be malformed: what cannot be read is left out.
    """
    model = Definition(definition)
    if len(model.states) > _MOST_STATES:
        return Drawing(0, 0, [], [], f"The machine has {len(model.states):,} states.")
    layout = _laid_out(model.machine)
    boxes: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    _place(layout, _PADDING, _PADDING, 0, boxes, lines)
    return Drawing(layout.width + 2 * _PADDING, layout.height + 2 * _PADDING, boxes, lines)


def draw_seen(made: Sequence[Transition]) -> Drawing:
    """Return a drawing of the states that an execution entered, if its definition is not known."""
    states: dict[str, dict[str, Any]] = {}
    previous: dict[str, str] = {}
    following: dict[str, dict[str, None]] = {}
    for one in made:
        around = one.path[: len(one.path) - len(one.state)]
        states.setdefault(one.state, {"Type": one.kind if one.kind != "Parallel" else "Map"})
        before = previous.get(around)
        if before is None and one.depth:
            container = around.rstrip("/").rpartition("[")[0].rpartition("/")[2]
            before = container if container in states else None
        if before is not None:
            following.setdefault(before, {})[one.state] = None
        previous[around] = one.state
        if len(states) > _MOST_STATES:
            return Drawing(0, 0, [], [], f"More than {_MOST_STATES} states were entered.")
    for name, names in following.items():
        states[name]["Choices"] = [{"Next": one} for one in names]
    if not made:
        return Drawing(0, 0, [], [], "No state was entered yet.")
    return draw({"StartAt": made[0].state, "States": states})


def _laid_out(machine: StateMachine) -> _Layout:
    boxes = {name: _box(state) for name, state in machine.states.items()}
    targets = {
        name: [(one.field, one.name) for one in state.targets() if one.name in boxes]
        for name, state in machine.states.items()
    }
    ranks, back = _ranks(machine, targets)
    layers: list[list[_Box]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for name in sorted(ranks, key=lambda name: ranks[name]):
        layers[ranks[name]].append(boxes[name])
    lines = []
    for name, ways in targets.items():
        seen = set()
        for kind, target in ways:
            assert target is not None  # it is the name of a box
            if (target, kind == "Catch") in seen:
                continue
            seen.add((target, kind == "Catch"))
            is_back = (name, target) in back
            passed = [] if is_back else range(ranks[name] + 1, ranks[target])
            bends = [_Box(None, _BEND_WIDTH, 0) for _ in passed]
            for rank, bend in zip(passed, bends, strict=True):
                layers[rank].append(bend)
            lines.append(_Line(kind, [boxes[name], *bends, boxes[target]], is_back))
    _order(layers, lines)
    y = 0.0
    for layer in layers:
        height = max(box.height for box in layer)
        for box in layer:
            box.y = y + (height - box.height) / 2
        y += height + _GAP_Y
    placed = [one for layer in layers for one in layer]
    _spread(layers, lines)
    left = min((box.x for box in placed), default=0)
    for box in placed:
        box.x -= left
    width = max((box.x + box.width for box in placed), default=0)
    # Lines that lead back up run at the right of the boxes.
    backs = [line for line in lines if line.is_back]
    return _Layout(placed, lines, width + (_BACK_WIDTH if backs else 0), max(y - _GAP_Y, 0))


def _box(state: State) -> _Box:
    inner = [_laid_out(machine) for machine in state.machines]
    if not any(one.boxes for one in inner):
        room = 40 + _LETTER * len(state.name)
        return _Box(state.name, min(max(room, _LEAST_WIDTH), _MOST_WIDTH), _BOX_HEIGHT, state)
    width = sum(one.width for one in inner) + _GAP_X * (len(inner) - 1) + 2 * _PADDING
    height = max(one.height for one in inner) + _PADDING + _TITLE
    return _Box(state.name, max(width, _MOST_WIDTH), height, state, inner)


def _ranks(
    machine: StateMachine, targets: Mapping[str, Sequence[tuple[str, str | None]]]
) -> tuple[dict[str, int], set[tuple[str, str]]]:
    """Return the layer of each state, and the transitions that lead back up."""
    done: list[str] = []
    status: dict[str, bool] = {}  # True once a state and all after it are done
    back: set[tuple[str, str]] = set()
    first = machine.start_at
    roots = [first] if first in machine.states else []
    for root in [*roots, *machine.states]:
        ahead: list[tuple[str, bool]] = [(str(root), False)]
        while ahead:
            name, is_done = ahead.pop()
            if is_done:
                status[name] = True
                done.append(name)
                continue
            if name in status:
                continue
            status[name] = False
            ahead.append((name, True))
            for _, target in reversed(targets[name]):
                assert target is not None  # it is the name of a box
                if status.get(target) is False:
                    back.add((name, target))
                elif target not in status:
                    ahead.append((target, False))
    ranks = dict.fromkeys(done, 0)
    for name in reversed(done):
        for _, target in targets[name]:
            assert target is not None  # it is the name of a box
            if (name, target) not in back:
                ranks[target] = max(ranks[target], ranks[name] + 1)
    return ranks, back


def _order(layers: list[list[_Box]], lines: list[_Line]) -> None:
    """Order the boxes of each layer by their predecessors, so that few lines cross."""
    above: dict[int, list[_Box]] = {}
    for line in lines:
        for one, two in () if line.is_back else pairwise(line.boxes):
            above.setdefault(id(two), []).append(one)
    places: dict[int, float] = {}
    for layer in layers:

        def middle(box: _Box) -> float:
            known = [places[id(one)] for one in above.get(id(box), ()) if id(one) in places]
            return sum(known) / len(known) if known else 0.5

        layer.sort(key=middle)
        for number, box in enumerate(layer):
            places[id(box)] = (number + 0.5) / len(layer)


def _spread(layers: list[list[_Box]], lines: list[_Line]) -> None:
    """Move each box to the middle of its neighbours, as far as its layer has room."""
    near: dict[int, list[_Box]] = {}
    for line in lines:
        if line.is_back:
            continue
        for one, two in pairwise(line.boxes):
            near.setdefault(id(one), []).append(two)
            near.setdefault(id(two), []).append(one)
    for layer in layers:
        x = -(sum(box.width for box in layer) + _GAP_X * (len(layer) - 1)) / 2
        for box in layer:
            box.x = x
            x += box.width + _GAP_X
    for turn in range(_TURNS):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            wanted = []
            for box in layer:
                around = near.get(id(box), [])
                middles = [one.x + one.width / 2 for one in around] or [box.x + box.width / 2]
                wanted.append(sum(middles) / len(middles) - box.width / 2)
            _without_overlap(layer, wanted)


def _without_overlap(layer: list[_Box], wanted: list[float]) -> None:
    """Put boxes where they want to be; those that would overlap share their middle."""
    groups: list[tuple[float, float, list[_Box]]] = []  # left, width, boxes
    for box, left in zip(layer, wanted, strict=True):
        at, width, boxes = left, box.width, [box]
        while groups and groups[-1][0] + groups[-1][1] + _GAP_X > at:
            before_at, before_width, before = groups.pop()
            all_width = before_width + _GAP_X + width
            middle = (
                (before_at + before_width / 2) * len(before) + (at + width / 2) * len(boxes)
            ) / (len(before) + len(boxes))
            at, width, boxes = middle - all_width / 2, all_width, [*before, *boxes]
        groups.append((at, width, boxes))
    for at, _, boxes in groups:
        x = at
        for box in boxes:
            box.x = x
            x += box.width + _GAP_X


def _place(
    layout: _Layout,
    x: float,
    y: float,
    depth: int,
    boxes: list[dict[str, Any]],
    lines: list[dict[str, Any]],
) -> None:
    """Write a layout at a place, with the contents of its boxes."""
    for box in layout.boxes:
        box.x, box.y = box.x + x, box.y + y
        if box.state is None:
            continue
        boxes.append(
            {
                "name": box.name,
                "kind": box.state.kind,
                "x": round(box.x, 1),
                "y": round(box.y, 1),
                "width": round(box.width, 1),
                "height": round(box.height, 1),
                "holds": bool(box.inner),
                "depth": depth,
            }
        )
        inner_width = sum(one.width for one in box.inner) + _GAP_X * (len(box.inner) - 1)
        left = box.x + (box.width - inner_width) / 2
        for inner in box.inner:
            _place(inner, left, box.y + _TITLE, depth + 1, boxes, lines)
            left += inner.width + _GAP_X
    right = max((box.x + box.width for box in layout.boxes), default=x)
    backs = 0
    for line in layout.lines:
        backs += line.is_back
        lines.append(
            {
                "kind": line.kind,
                "from": line.boxes[0].name,
                "to": line.boxes[-1].name,
                "points": _points(line, right, backs),
            }
        )


def _points(line: _Line, right: float, back: int) -> list[list[float]]:
    first, last = line.boxes[0], line.boxes[-1]
    if first is last:  # to itself: a loop at its right side
        side, middle = first.x + first.width, first.y + first.height / 2
        out = side + 14
        return [[side, middle - 8], [out, middle - 8], [out, middle + 8], [side, middle + 8]]
    points = [[box.x + box.width / 2, box.y + box.height / 2] for box in line.boxes]
    points[0] = [points[0][0], first.y + first.height]
    if line.is_back:
        # Below its own layer to the right of all boxes, and up to the side of where it leads.
        below = first.y + first.height + 8 + 3 * (back % 5)
        out = right + 6 + 5 * (back % 4)
        entry = last.y + last.height / 2
        points = [points[0], [points[0][0], below], [out, below], [out, entry]]
        points.append([last.x + last.width, entry])
    else:
        points[-1] = [points[-1][0], last.y]
    return [[round(x, 1), round(y, 1)] for x, y in points]
