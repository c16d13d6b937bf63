"""Describe the value that a JSONata expression builds, from its tree.

`{'state': $states.result}`, `$merge([$states.input, {...}])`, `$a ? $b : $c` and the variables of a
block are followed, since a bag may be in what they give. Everything else counts as computed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.asl.jsonata import ExpressionWalk, Looked, look_at_node
from statebag.asl.jsonata_tree import is_small, known_names, place_below, tree_of
from statebag.asl.made_values import (
    MadeAt,
    MadeEither,
    MadeMerge,
    MadeObject,
    MadeOther,
    MadePlace,
)

if TYPE_CHECKING:
    from statebag.asl.made_values import MadeValue

__all__ = ["MadeBy", "made_by"]


class MadeBy(NamedTuple):
    """The value that an expression makes.

    Attributes:
        value: The value.
        taken_apart: The places of objects that are merged and of arrays that are appended to: a
            stub at such a place would be one member of the result.
    """

    value: MadeValue
    taken_apart: tuple[MadePlace, ...]


@lru_cache(maxsize=4096)
def made_by(code: str) -> MadeBy:
    """Return what an expression makes.

    Raises:
        MalformedError: The text is not JSONata.
    """
    maker = _Maker(len(code.encode()))
    value = maker.of(tree_of(code))
    return MadeBy(value, tuple(maker.taken_apart))


class _Maker:
    """Follows the nodes of one expression, with the names that it gives."""

    def __init__(self, own: int) -> None:
        self._own = own
        self._names: dict[str, MadeValue] = {}
        self.taken_apart: dict[MadePlace, None] = {}
        self._walk = ExpressionWalk()

    def of(self, node: Any) -> MadeValue:
        """Return the value that a node makes."""
        kind = getattr(node, "type", None)
        if kind in {"path", "variable"}:
            return self._path(node) or self._other(node)
        names, complete = known_names(node)  # what stands in brackets behind it
        made = self._bare(node, str(kind)) if complete else None
        if made is None:
            return self._other(node)
        return MadeAt(made, tuple(names)) if names else made

    def _bare(self, node: Any, kind: str) -> MadeValue | None:
        if kind == "block":
            return self._block(node)
        if kind == "condition":
            ways = (node.then, getattr(node, "_else", None))
            return MadeEither(tuple(self.of(one) for one in ways if one is not None))
        if kind == "unary" and node.value == "{":
            return self._object(node.lhs_object or ())
        if kind == "unary" and node.value == "[":
            items = node.expressions or ()
            return MadeObject(tuple((number, self.of(one)) for number, one in enumerate(items)))
        if kind == "function":
            return self._call(node)
        if kind == "apply" and getattr(node.rhs, "type", None) == "transform":
            return self._transformed(node)
        return None

    def _path(self, node: Any) -> MadeValue | None:
        first = node.steps[0] if node.type == "path" else node
        kind = getattr(first, "type", None)
        names, complete = known_names(node)
        if not complete:
            return None
        if kind != "variable":
            base = self._bare(first, str(kind))
            return None if base is None else MadeAt(base, tuple(names))
        name = first.value
        if name in self._names:
            given = self._names[name]
            if not isinstance(given, MadePlace):
                return MadeAt(given, tuple(names)) if names else given
            root, path = place_below((given.root, given.path), names)
        elif isinstance(name, str) and name not in {"", "$"}:
            root, path = place_below((f"${name}", ()), names)
        else:
            return None  # the value at hand
        return None if root == "$states" else MadePlace(root, path)

    def _block(self, node: Any) -> MadeValue | None:
        expressions = node.expressions or ()
        for one in expressions[:-1]:
            if getattr(one, "type", None) == "bind":
                made = self.of(one.rhs)
                look_at_node(one, self._walk, looked_at=False)
                self._names[str(getattr(one.lhs, "value", ""))] = made
        return self.of(expressions[-1]) if expressions else None

    def _object(self, pairs: Any) -> MadeValue | None:
        members: dict[str | int, MadeValue] = {}
        for key, value in pairs:
            if getattr(key, "type", None) != "string":
                return None
            members[str(key.value)] = self.of(value)
        return MadeObject(tuple(members.items()))

    def _call(self, node: Any) -> MadeValue | None:
        name, arguments = getattr(node.procedure, "value", None), list(node.arguments or ())
        if name in self._names:
            return None  # a function of the expression's own
        if name == "append":
            self._take_apart([self.of(one) for one in arguments])
        if name == "merge" and len(arguments) == 1:
            made = self.of(arguments[0])
            members = made.members if isinstance(made, MadeObject) else (("", made),)
            if all(isinstance(key, int) for key, _ in members):
                return self._merged([value for _, value in members])
        if name == "lookup" and len(arguments) == 2:
            place, key = arguments
            if getattr(key, "type", None) == "string":
                made = self.of(place)
                if isinstance(made, MadePlace):
                    return MadePlace(*place_below((made.root, made.path), (str(key.value),)))
                return MadeAt(made, (str(key.value),))
        return None

    def _transformed(self, node: Any) -> MadeValue | None:
        """Return the object that `value ~> |$|{...}|` makes, with the members that it sets."""
        pattern, update = node.rhs.pattern, node.rhs.update
        whole = getattr(pattern, "type", None) == "variable" and pattern.value == ""
        if not whole or getattr(update, "type", None) != "unary" or update.value != "{":
            return None
        set_ = self._object(update.lhs_object or ())
        return None if set_ is None else self._merged([self.of(node.lhs), set_])

    def _merged(self, parts: list[MadeValue]) -> MadeMerge:
        self._take_apart(parts)
        return MadeMerge(tuple(parts))

    def _take_apart(self, parts: list[MadeValue]) -> None:
        self.taken_apart.update(dict.fromkeys(one for one in parts if isinstance(one, MadePlace)))

    def _other(self, node: Any) -> MadeOther:
        walk = ExpressionWalk(
            named=dict(self._walk.named),
            made_of=dict(self._walk.made_of),
            used=set(self._walk.made_of),  # each use of a name counts what it stands for
        )
        look_at_node(node, walk, looked_at=True)
        literal = getattr(node, "type", None) in {"string", "number", "value"}
        own = len(str(node.value).encode()) + 2 if literal else self._own
        return MadeOther(Looked(tuple(walk.found), False, is_small(node), walk.extra), own)
