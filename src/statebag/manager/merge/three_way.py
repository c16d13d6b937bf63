"""Join the results of several branches of one state by a three-way merge, key by key.

A branch changed a key if its value differs from that of the state at the fork. A change by one
branch alone is taken. If two branches changed a key differently, or the state changed it since the
fork, objects are merged inside; anything else is a conflict, which the field's rule settles and
which is recorded. A key that a branch does not return is unchanged at the top, and deleted inside a
value that it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from statebag.errors import ConfigurationError, InvalidState
from statebag.format import json_text
from statebag.format.json_type import json_type
from statebag.format.paths import render_path
from statebag.format.unopened import holds_unopened
from statebag.manager.merge.sameness import MISSING, digest_of, same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from statebag.format.paths import Path

__all__ = ["Joined", "Rule", "Side", "join", "must_be_opened", "parse_rules"]

Rule = Literal["last", "append", "union", "error"]
_RULES: tuple[Rule, ...] = get_args(Rule)
_OURS = "state_data"
_SIDES_RECORDED = 10  # branches in the record of a conflict. Chosen: it stays under 3 KB
_LONGEST_NAME = 200  # characters of a branch's name there. Chosen: as above
# Levels that are merged inside; below, a value is taken whole. Chosen: as deep as a bag is plain.
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Side:
    """One branch.

    Attributes:
        name: The branch's id.
        fork: The values at the fork.
        values: The values that it returns.
    """

    name: str
    fork: Mapping[str, Any]
    values: Mapping[str, Any]


@dataclass(slots=True)
class Joined:
    """The merged object of a join, and a record of each conflict."""

    values: dict[str, Any]
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def parse_rules(rules: Mapping[str, Any]) -> dict[str, Rule]:
    """Return rules by path (`a.b`) below `current_state`.

    Raises:
        ConfigurationError: A rule is not known.
    """
    for path, rule in rules.items():
        if rule not in _RULES:
            raise ConfigurationError(
                f"the merge rule for {path[:80]!r} is {json_type(rule)}, but not a known name",
                hint=f"Use {', '.join(_RULES)}.",
            )
    return dict(rules)


def must_be_opened(ours: Mapping[str, Any], sides: Sequence[Side]) -> list[str]:
    """Return the keys whose values must be opened on every side before `join`."""
    wanted = []
    for key, returned in _by_key(sides, nested=False).items():
        values = [side.values[key] for side in returned]
        before = [side.fork.get(key, MISSING) for side in returned]
        current = ours.get(key, MISSING)
        if not any(map(holds_unopened, (*values, *before, current))):
            continue
        changed = [same(value, old) is not True for value, old in zip(values, before, strict=True)]
        unmoved = all(same(current, old) is True for old in before)
        if any(changed) and not (unmoved and sum(changed) == 1):
            wanted.append(key)
    return wanted


def join(ours: Mapping[str, Any], sides: Sequence[Side], rules: Mapping[str, Rule]) -> Joined:
    """Merge the changes of the branches into the current state.

    Args:
        ours: The state's current values.
        sides: The branches, in their order.
        rules: Rules by path (`a.b`); a path without one has `last`.

    Raises:
        InvalidState: A conflict has the rule `error`.
    """
    return _Join(rules).objects(ours, sides, (), nested=False)


@dataclass(frozen=True, slots=True)
class _Contender:
    name: str
    value: Any


class _Join:
    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules

    def objects(
        self, ours: Mapping[str, Any], sides: Sequence[Side], path: Path, *, nested: bool
    ) -> Joined:
        joined = Joined(dict(ours))
        for key, taking_part in _by_key(sides, nested=nested).items():
            value, conflicts = self._value(ours, taking_part, key, path)
            joined.conflicts.extend(conflicts)
            if value is MISSING:
                joined.values.pop(key, None)
            else:
                joined.values[key] = value
        return joined

    def _value(
        self, ours: Mapping[str, Any], sides: Sequence[Side], key: str, path: Path
    ) -> tuple[Any, list[dict[str, Any]]]:
        current = ours.get(key, MISSING)
        changes = [
            side
            for side in sides
            if same(side.values.get(key, MISSING), side.fork.get(key, MISSING)) is not True
        ]
        if not changes:
            return current, []
        contenders = [_Contender(side.name, side.values.get(key, MISSING)) for side in changes]
        if any(same(current, side.fork.get(key, MISSING)) is not True for side in changes):
            contenders.insert(0, _Contender(_OURS, current))
        last = contenders[-1].value
        if all(same(one.value, last) is True for one in contenders[:-1]):
            return last, []
        where = (*path, key)
        objects = all(isinstance(one.value, dict) for one in contenders)
        if objects and self._rule(where) is None and len(where) < _DEEPEST:
            return self._inside(current, changes, key, where)
        return self._settle(contenders, changes[0].fork.get(key, MISSING), where)

    def _inside(
        self, current: Any, changes: Sequence[Side], key: str, where: Path
    ) -> tuple[Any, list[dict[str, Any]]]:
        inner = [
            Side(side.name, _object(side.fork.get(key)), _object(side.values.get(key)))
            for side in changes
        ]
        joined = self.objects(_object(current), inner, where, nested=True)
        return joined.values, joined.conflicts

    def _settle(
        self, contenders: list[_Contender], base: Any, where: Path
    ) -> tuple[Any, list[dict[str, Any]]]:
        rule = self._rule(where) or "last"
        if rule == "error":
            raise InvalidState(
                f"{len(contenders)} branches changed the field to different values",
                path=render_path(("current_state", *where)),
                hint="Give the field the rule last, append or union.",
            )
        values = [one.value for one in contenders]
        if rule == "append" and _all_lists(values):
            settled: Any = _appended(base, values)
        elif rule == "union" and _all_lists(values):
            settled = _united(base, values)
        elif rule == "union" and all(isinstance(value, dict) for value in values):
            settled = {key: member for value in values for key, member in value.items()}
        else:
            rule, settled = "last", values[-1]
        record: dict[str, Any] = {
            "path": render_path(("current_state", *where)),
            "rule": rule,
            "fork": digest_of(base),
            "branches": [
                {"branch_id": one.name[:_LONGEST_NAME], "sha256": digest_of(one.value)}
                for one in contenders[:_SIDES_RECORDED]
            ],
            "count": len(contenders),
        }
        return settled, [record]

    def _rule(self, where: Path) -> Rule | None:
        return self._rules.get(".".join(map(str, where)))


def _by_key(sides: Iterable[Side], *, nested: bool) -> dict[str, list[Side]]:
    """Return the keys that branches may have changed, in the order in which they first appear.

    Each key has the list of the branches that have it. Each of thousands of branches often has its
    own key, and looking for each key in each branch would take seconds.
    """
    found: dict[str, list[Side]] = {}
    for side in sides:
        # Inside a value that a branch returns, a key of the fork that it does not have is deleted.
        keys = dict.fromkeys(side.fork) if nested else {}
        keys.update(dict.fromkeys(side.values))
        for key in keys:
            found.setdefault(key, []).append(side)
    return found


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _all_lists(values: list[Any]) -> bool:
    return all(isinstance(value, list) for value in values)


def _appended(base: Any, values: list[list[Any]]) -> list[Any]:
    """Return the base, and the items of each list after its common start with the base."""
    start: list[Any] = base if isinstance(base, list) else []
    result = list(start)
    for value in values:
        shared = 0
        while shared < min(len(start), len(value)) and same(start[shared], value[shared]):
            shared += 1
        result.extend(value[shared:])
    return result


def _united(base: Any, values: list[list[Any]]) -> list[Any]:
    """Return each item once, in the order in which it first appears."""
    items: dict[bytes, Any] = {}
    for value in ([base] if isinstance(base, list) else []) + values:
        for item in value:
            items.setdefault(json_text.encode(item), item)
    return list(items.values())
