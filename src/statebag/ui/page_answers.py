"""Answer the questions that the page may ask; no answer writes anything."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.json_depth import loads
from statebag.format.paths import parse_path
from statebag.ui.event_page import EVENTS_AT_ONCE, event_page
from statebag.ui.execution_view import STEPS_AT_ONCE, graph_of, overview, step_page, timeline_of
from statebag.ui.head_catalog import HeadCatalog
from statebag.ui.seen_head import VERSIONS_AT_ONCE, is_head, overview_of_head
from statebag.ui.state_search import SEARCH_BYTES, search
from statebag.ui.state_tree import OPENED_BYTES, PAGE, StateTree
from statebag.ui.store_view import cost_of, store_now
from statebag.ui.two_states import READ_BYTES, differences_by_bags, differences_inside
from statebag.ui.value_trail import trail

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.client import Statebag
    from statebag.ui.execution_catalog import ExecutionCatalog
    from statebag.ui.seen_execution import SeenExecution
    from statebag.ui.state_moments import SeenStates

__all__ = ["PageData"]

_TREES = 6  # chosen: two states that are compared, and some that were looked at before
_MOST_BYTES = 1 << 40  # chosen: as much as anybody can ask for; the policy limits an open anyway
_POINTS = 4_000  # chosen: more than a screen has pixels


class PageData:
    """The answers to what the page asks, by name, each a JSON value.

    Args:
        catalog: Finds executions.
        client: Reads the store.
    """

    def __init__(self, catalog: ExecutionCatalog, client: Statebag) -> None:
        self.catalog = catalog
        self.client = client
        self.heads = HeadCatalog(client)
        self._trees: OrderedDict[tuple[str, int, int, str], StateTree] = OrderedDict()
        self._lock = threading.Lock()
        self.answers: dict[str, Callable[[_Asked], Any]] = {
            "executions": lambda asked: {"executions": self.catalog.rows(scan=asked.flag("scan"))},
            "execution": lambda asked: overview(self._seen(asked), causes=asked.flag("causes")),
            "graph": lambda asked: graph_of(self._seen(asked)),
            "timeline": lambda asked: timeline_of(
                self._seen(asked), asked.number("points", 1_000, most=_POINTS)
            ),
            "steps": self._steps,
            "events": lambda asked: event_page(
                self._seen(asked),
                asked.number("start", 0),
                asked.number("count", EVENTS_AT_ONCE),
                text=asked.text("text", ""),
                only=asked.text("only", "all"),
            ),
            "state": self._state,
            "text": self._text,
            "search": self._search,
            "trail": self._trail,
            "differences": self._differences,
            "inside": self._inside,
            "cost": lambda asked: cost_of(self._seen(asked)),
            "heads": lambda asked: self.heads.rows(asked.text("text", "")),
            "head": lambda asked: overview_of_head(self.heads.get(asked.text("arn"))),
            "forks": lambda asked: {"forks": self.heads.forks(asked.text("arn"))},
            "versions": lambda asked: self.heads.get(asked.text("arn")).rows(
                asked.number("start", 0),
                asked.number("count", VERSIONS_AT_ONCE),
                values=asked.flag("values"),
            ),
            "store": lambda _: store_now(self.client),
        }

    def answer(self, name: str, asked: dict[str, str]) -> Any:
        """Return the answer to a question.

        Args:
            name: One of `answers`.
            asked: The parameters.

        Raises:
            ConfigurationError: A parameter is missing or malformed.
            StatebagError: The history or the store cannot be read.
        """
        return self.answers[name](_Asked(asked))

    def _seen(self, asked: _Asked) -> SeenExecution:
        return self.catalog.get(asked.text("arn"))

    def _states(self, asked: _Asked) -> SeenStates:
        """Return the execution, or the head, whose states the page asks for."""
        name = asked.text("arn")
        return self.heads.get(name) if is_head(name) else self.catalog.get(name)

    def tree(self, seen: SeenStates, event: int) -> StateTree:
        """Return the state at an event, which must have a payload, or at a version."""
        key = (seen.key, id(seen), event, seen.mark(event))
        with self._lock:
            found = self._trees.get(key)
            if found is not None:
                self._trees.move_to_end(key)
                return found
        made = StateTree(self.client, seen.bag(event))
        with self._lock:
            self._trees[key] = made
            while len(self._trees) > _TREES:
                self._trees.popitem(last=False)
        return made

    def _steps(self, asked: _Asked) -> Any:
        return step_page(
            self._seen(asked),
            asked.number("start", 0),
            asked.number("count", STEPS_AT_ONCE),
            only=asked.text("only", "all"),
            text=asked.text("text", ""),
            causes=asked.flag("causes"),
        )

    def _at(self, asked: _Asked, name: str = "at") -> tuple[SeenStates, int]:
        seen = self._states(asked)
        wanted = asked.text(name, "")
        return seen, seen.payload_event(asked.number(name, 1) if wanted else None)

    def _state(self, asked: _Asked) -> Any:
        seen, event = self._at(asked)
        tree = self.tree(seen, event)
        path, most = asked.path(), asked.number("most", OPENED_BYTES, most=_MOST_BYTES)
        start, values = asked.number("start", 0), asked.flag("values")
        sizes = seen.sizes(event)
        return {
            "event": event,
            "type": seen.kind_of(event),
            "sealed": None if sizes is None else sizes.sealed,
            "opened": None if sizes is None else sizes.opened,
            "node": tree.node(path, values=values, most=most),
            "start": start,
            "members": tree.members(
                path, start, asked.number("count", PAGE, most=PAGE), values=values, most=most
            ),
        }

    def _text(self, asked: _Asked) -> Any:
        most = asked.number("most", OPENED_BYTES, most=_MOST_BYTES)
        return self.tree(*self._at(asked)).text(asked.path(), asked.number("start", 0), most)

    def _search(self, asked: _Asked) -> Any:
        text, budget = asked.text("text"), asked.number("budget", SEARCH_BYTES, most=_MOST_BYTES)
        where = "path" if asked.text("where", "path") == "path" else "value"
        tree = self.tree(*self._at(asked))
        return search(tree, text, where, values=asked.flag("values"), budget=budget)  # type: ignore[arg-type]

    def _trail(self, asked: _Asked) -> Any:
        seen, event = self._at(asked)
        return trail(
            self.client,
            seen,
            asked.path(),
            event,
            asked.number("after", 0),
            asked.text("mark", "") or None,
            values=asked.flag("values"),
        )

    def _differences(self, asked: _Asked) -> Any:
        seen, before = self._at(asked, "before")
        _, after = self._at(asked, "after")
        bags = seen.bag(before), seen.bag(after)
        trees = self.tree(seen, before), self.tree(seen, after)
        found = differences_by_bags(bags, trees, values=asked.flag("values"))
        return {"before": before, "after": after, **found}

    def _inside(self, asked: _Asked) -> Any:
        seen, before = self._at(asked, "before")
        _, after = self._at(asked, "after")
        return differences_inside(
            self.client,
            (self.tree(seen, before), self.tree(seen, after)),
            asked.path(),
            values=asked.flag("values"),
            budget=asked.number("most", READ_BYTES, most=_MOST_BYTES),
        )


class _Asked:
    """The parameters of a request, which are untrusted: they come from a URL."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = given

    def text(self, name: str, default: str | None = None) -> str:
        """Return a parameter.

        Raises:
            ConfigurationError: It is missing, and there is no default.
        """
        found = self._given.get(name, default)
        if found is None:
            raise ConfigurationError(f"the request does not have the parameter {name}")
        return found

    def flag(self, name: str) -> bool:
        """Return whether a parameter is `1`."""
        return self._given.get(name) == "1"

    def number(self, name: str, default: int, *, most: int = 1_000_000_000) -> int:
        """Return a parameter as a number from 0 to `most`.

        Raises:
            ConfigurationError: It is not one.
        """
        text = self._given.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= most):
            raise ConfigurationError(
                f"{name} must be a number from 0 to {most:,}, not text of {len(text)} characters"
            )
        return int(text)

    def path(self) -> tuple[str | int, ...]:
        """Return the path: its parts as a JSON array, or its text.

        Raises:
            ConfigurationError: It is neither.
        """
        text = self._given.get("path", "[]")
        if not text.startswith("["):
            return parse_path(text)
        try:
            parts = loads(text.encode("utf-8", "surrogatepass"))
        except ValueError:
            raise ConfigurationError(
                f"the path must be a JSON array, not {len(text)} characters of other text"
            ) from None
        return parse_path(parts)
