"""Which operation comes next: everything is drawn here, with a look at the state that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.json_text import encode
from torture.fuzz.clients import Request, draw_settings, draw_table_settings
from torture.fuzz.edits import FIELDS, NoPlaceError, draw_edit, draw_path, draw_scatter, levels
from torture.fuzz.values import draw_value
from torture.fuzz.world import SCOPES

if TYPE_CHECKING:
    from random import Random

    from torture.fuzz.world import Operation, World

__all__ = ["Life"]

_KEYS = ([], ["a"], ["b", "a"], ["a", "b"])


class Life:
    """What one life is like, and its operations.

    Args:
        source: Of all that is drawn.
        faults: Whether objects are lost and damaged too.
        keys: Whether clients with other keys take turns.
        scopes: Whether bags move between executions.
        tables: Whether states are tables, and most edits are in many places of them.
    """

    def __init__(
        self,
        source: Random,
        *,
        faults: bool = True,
        keys: bool = True,
        scopes: bool = True,
        tables: bool = False,
    ) -> None:
        self._source = source
        self._tables = tables
        self._scopes = scopes
        sort = source.random()
        self.tenants = keys and sort < 0.15
        self._rotating = keys and 0.15 <= sort < 0.3
        self._signs = source.random() < 0.5
        self.files = source.random() < 0.25
        self._faults = faults and source.random() < 0.3
        self._most = source.choice([20_000, 60_000, 60_000, 300_000, 300_000, 3_000_000])
        if tables:
            self._most = 3_000_000  # none is taken away
        self._same = (source.choice([[], [], ["a"]]), source.choice([[], [], ["a"]]))
        self._clients = source.choice([1, 2, 2, 3])
        weights = {
            "step": 30,
            "seal": 8,
            "append": 8,
            "delta": 6,
            "engine": 4,
            "look": 6,
            "get": 4,
            "keep": 3,
            "back": 3,
            "join": 1,
            "differences": 2,
            "export": 0.5 if scopes else 0,
            "failed_put": 2,
            "process": 4,
            "use": 8 if self._clients > 1 else 0,
            "lose": 0.7 if self._faults else 0,
            "flip": 0.7 if self._faults else 0,
            "elsewhere": 8 if self.files else 0,
        }
        # Each life does some things often and others never.
        self._weights = {
            name: weight * source.choice([0, 0.3, 1, 1, 3])
            if name not in {"step", "use"}
            else weight
            for name, weight in weights.items()
        }

    def begin(self) -> list[Operation]:
        """The first process and the first state."""
        state = {
            "status": ["json", "RUNNING"],
            "log": ["records", self._source.choice([0, 3, 40, 300]), 60, 7],
            "a": draw_value(self._source, self._most // 2),
            "current_state": ["dict", {"phase": ["json", "one"]}],
        }
        if self._tables:
            size = self._source.choice([600, 1500, 3000])
            state["log"] = ["records", size, 16, 7]
            state["b"] = ["fields", size, 16, 5]
        return [self._process(), {"do": "begin", "state": ["dict", state]}]

    def next(self, world: World) -> Operation:
        """One operation that can be made now."""
        if world.damaged and self._source.random() < 0.15:
            return {"do": "repair"}
        while True:
            (name,) = self._source.choices(list(self._weights), self._weights.values())
            try:
                operation: Operation = getattr(self, f"_{name}")(world)
            except NoPlaceError:
                continue
            return operation

    def _process(self, _world: World | None = None) -> Operation:
        count = self._clients
        return {"do": "process", "clients": [self._settings(place) for place in range(count)]}

    def _settings(self, place: int) -> dict[str, Any]:
        draw = self._source
        drawn = draw_table_settings if self._tables else draw_settings
        if self.tenants:  # the last one has no key
            names = [f"tenant{place}"] if place < self._clients - 1 or place == 0 else []
            return drawn(draw, names if self._signs else [], names)
        if self._rotating:
            return drawn(draw, draw.choice(_KEYS), draw.choice(_KEYS))
        return drawn(draw, *self._same)

    def _edits(self, world: World) -> list[Any]:
        """None often: what is only handed on must stay what it is."""
        state = world.now.state
        most = self._most // 2
        if len(encode(state)) > self._most:
            return [self._relief(state)]
        if self._source.random() < 0.35:
            return []
        if self._source.random() < (0.8 if self._tables else 0.03):
            return [draw_scatter(self._source, state)]
        # The second one may have no place after the first: then the operation is left out.
        count = self._source.choice([1, 1, 1, 1, 2])
        return [draw_edit(self._source, state, most) for _ in range(count)]

    def _relief(self, state: Any) -> Any:
        if not isinstance(state, dict) or not state:
            return ["root", ["dict", {"log": ["records", 30, 60, 1]}]]
        sizes = {key: len(encode(member)) for key, member in state.items()}
        return ["remove", [max(sizes, key=lambda key: sizes[key])]]

    def _request(self, world: World) -> Request:
        draw = self._source
        scope = world.now.scope or SCOPES[0]
        if draw.random() < 0.1:
            scope = draw.choice(SCOPES if self._scopes else SCOPES[:1])
        parent = draw.random() < 0.2
        return Request(
            edits=self._edits(world),
            scope=None if parent and self._scopes and draw.random() < 0.5 else scope,
            parent=parent,
            budget=draw.choice([None] * 8 + [1500, 2000, 4000]),
            heal=draw.random() < 0.07,
            append=self._appended(world) if draw.random() < 0.1 else None,
        )

    def _appended(self, world: World) -> dict[str, Any]:
        state = world.now.state
        names = ("log", "a", "b")
        arrays = [
            name for name in names if isinstance(state, dict) and isinstance(state.get(name), list)
        ]
        if not arrays:
            raise NoPlaceError
        return {self._source.choice(arrays): self._items()}

    def _items(self) -> Any:
        draw = self._source
        if draw.random() < 0.2:
            return ["list", [draw_value(draw, 3000) for _ in range(draw.randint(0, 3))]]
        return ["records", draw.choice([1, 2, 30]), draw.choice([10, 200]), draw.randrange(50)]

    def _step(self, world: World) -> Operation:
        request = self._request(world)
        if self._source.random() < 0.3:
            request.only = self._paths(world)
        if self._source.random() < 0.5:
            request.read = world.now.scope
        return {"do": "step", "request": request.to_json()}

    def _elsewhere(self, world: World) -> Operation:
        return {**self._step(world), "elsewhere": True}

    def _paths(self, world: World) -> list[Any]:
        draw = self._source
        paths: list[Any] = [[draw.choice(FIELDS)] for _ in range(draw.randint(0, 2))]
        if draw.random() < 0.4:
            paths.append(draw_path(draw, world.now.state))
        return paths

    def _seal(self, world: World) -> Operation:
        return {"do": "seal", "request": self._request(world).to_json()}

    def _failed_put(self, world: World) -> Operation:
        request = self._request(world)
        request.append = None
        request.parent = False
        return {
            "do": "failed_put",
            "kind": self._source.choice(["before", "after"]),
            "request": request.to_json(),
        }

    def _append(self, world: World) -> Operation:
        draw = self._source
        path = draw_path(draw, world.now.state, list) if draw.random() < 0.4 else ["log"]
        budget = draw.choice([None] * 8 + [1500, 3000])
        return {"do": "append", "path": path, "items": self._items(), "budget": budget}

    def _delta(self, world: World) -> Operation:
        draw = self._source
        if not isinstance(world.now.state, dict):
            raise NoPlaceError
        keys: dict[str, Any] = {}
        for _ in range(draw.randint(0, 2)):
            recipe = None if draw.random() < 0.2 else draw_value(draw, self._most // 3)
            keys[draw.choice(FIELDS)] = recipe
        if len(encode(world.now.state)) > self._most:
            keys = {self._relief(world.now.state)[1][0]: None} if world.now.state else {}
        only = [[draw.choice(FIELDS)]] if draw.random() < 0.3 else None
        returns = draw.choice(["delta", "state"])
        return {"do": "delta", "keys": keys, "only": only, "returns": returns}

    def _engine(self, world: World) -> Operation:
        draw = self._source
        state = world.now.state
        if not isinstance(state, dict) or not state:
            raise NoPlaceError
        name = draw.choice(list(state))
        kind = draw.choice(["move", "copy", "wrap", "pick", "remove"])
        if kind == "wrap":
            if levels(world.now.state) > 400:
                raise NoPlaceError
            return {"do": "engine", "edits": [["wrap", draw.choice(FIELDS), ["json", 1]]]}
        if kind in {"pick", "remove"}:
            return {"do": "engine", "edits": [[kind, [name]]]}
        to = draw.choice([one for one in FIELDS if one != name])
        return {"do": "engine", "edits": [[kind, [name], [to]]]}

    def _look(self, world: World) -> Operation:
        if self._source.random() < 0.5:
            return {"do": "look"}
        return {"do": "look", "only": self._paths(world), "whole": False}

    def _get(self, world: World) -> Operation:
        return {"do": "get", "path": draw_path(self._source, world.now.state)}

    def _keep(self, _: World) -> Operation:
        return {"do": "keep"}

    def _back(self, _: World) -> Operation:
        return {"do": "back", "which": self._source.randrange(4)}

    def _join(self, world: World) -> Operation:
        if levels(world.now.state) > 400:
            raise NoPlaceError
        return {"do": "join", "which": self._source.randrange(4)}

    def _differences(self, _: World) -> Operation:
        return {"do": "differences", "which": self._source.randrange(4)}

    def _export(self, _: World) -> Operation:
        return {"do": "export"}

    def _use(self, _: World) -> Operation:
        return {"do": "use", "which": self._source.randrange(3)}

    def _lose(self, _: World) -> Operation:
        draw = self._source
        return {"do": "lose", "which": draw.randrange(1000), "all_of_them": draw.random() < 0.3}

    def _flip(self, _: World) -> Operation:
        return {
            "do": "flip",
            "which": self._source.randrange(1000),
            "place": self._source.randrange(1 << 20),
        }
