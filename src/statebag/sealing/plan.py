"""The first half of planning: decide which values leave; `form_choice` decides in which form.

This module is pure: it reads the state, the policy and the list of stored values, and writes
nothing. The second half, `fitting`, makes the plan fit the bound.
"""

from __future__ import annotations

from functools import lru_cache
from operator import not_
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from statebag.errors import InvalidState
from statebag.format import json_check, json_text
from statebag.format.bag_text import JSON_MARKS, STRING_MARKS, bag_texts, names_with_bag_text
from statebag.format.escape import escape, is_lookalike, may_need_escape
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.unopened import OPAQUE, Grown, Unopened
from statebag.process.computed_once import computed_once
from statebag.sealing.admission import Admission
from statebag.sealing.form_choice import FormChoice
from statebag.sealing.kept import Kept
from statebag.sealing.member_texts import MemberTexts
from statebag.sealing.parts import Branch, Gathered, Part, Plain
from statebag.sealing.pieces import NeedsOpened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from statebag.format.json_check import Checked
    from statebag.format.paths import Path
    from statebag.opening.known import Bases, Known
    from statebag.policy import Policy
    from statebag.sealing.lacking import NeedsBase
    from statebag.sealing.leaving import Leaving
    from statebag.sealing.parent import Parent

__all__ = ["OPAQUE", "Planner"]

_WORTH_LOOKING_UP = 512  # bytes. Chosen: twice the shortest stub (`fitting`); less gains nothing
_MANY_KEYS = 2000  # of an object. Chosen: above it, small fields share one part
# Members of an object whose text is assembled from theirs. Chosen: their texts are wanted next,
# while many members would cost more calls than the text does.
_FEW_MEMBERS = 64
_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
# Bytes of a text whose size in a payload is measured, though an estimate would do for now. Chosen:
# shorter ones take little time, and an estimate with exponents is above the size by more.
_MEASURED_AT_ONCE = 4096
_NOTHING_SEEN = json_check.Checked(json_text.MAX_DEPTH, exact_numbers=False, no_exponents=False)
_DEEPEST_PLAIN = 100  # levels. Chosen: the JSON readers of some engines stop at a few hundred


class _HoldsUnopened(Exception):  # noqa: N818  # stops an encoder; never leaves this module
    pass


def _refuse_opaque(_: Any) -> Any:
    raise _HoldsUnopened


_text_of = json_text.encoder(_refuse_opaque)


@lru_cache(32)
def _named(policy: Policy) -> tuple[frozenset[Path], frozenset[Path], frozenset[Path]]:
    """Return a policy's control paths, its movable paths, and all paths above these."""
    control = frozenset(policy.control_paths())
    # What is above or below a control path is that already.
    movable = frozenset(
        path
        for path in policy.movable_paths()
        if not any(path[: len(one)] == one[: len(path)] for one in control)
    )
    above = frozenset(path[:n] for path in control | movable for n in range(len(path)))
    return control, movable, above | {()}  # an engine may put a field next to the root


class Planner:
    """Plans one seal.

    Args:
        policy: Limits and thresholds.
        scope: The encoded scope that a pack would be written to.
        known: The stored values that stubs may refer to.
        bases: The values that deltas can start from.
        checked: Facts about the whole state; if None, each value is looked at again.
        admission: Makes what checks each value that passes unopened; by default nothing is checked.
        parent: The index of the parent bag, if the seal was given one.
        read_base: As for `FormChoice`.
    """

    def __init__(
        self,
        policy: Policy,
        scope: str,
        known: Known,
        bases: Bases,
        checked: Checked | None = None,
        admission: Callable[[], Admission] = Admission,
        parent: Parent | None = None,
        read_base: Callable[[Bases, NeedsBase], Bases] | None = None,
    ) -> None:
        self.policy = policy
        self._admission = admission
        self._made_admission: Admission | None = None
        checked = checked or _NOTHING_SEEN
        self._harmless = checked.exact_numbers and checked.depth < _DEEPEST_PLAIN
        self._estimates = checked.no_exponents
        self._usual_names = checked.usual_names
        self.scope = scope
        self.known = known
        self._bases = bases
        self._parent = parent
        self._read_base = read_base
        named = _named(policy)
        self.control, self.movable, self._above_control = named

    @computed_once  # most small states need none
    def forms(self) -> FormChoice:
        """What chooses the form of each value that leaves."""
        return FormChoice(
            self.policy, self.scope, self.known, self._bases, self._parent, self._read_base
        )

    @property
    def _admitted(self) -> Admission:
        if self._made_admission is None:  # most states were opened whole
            self._made_admission = self._admission()
        return self._made_admission

    def is_above_control(self, path: Path) -> bool:
        """Return whether a control path leads through this place; the root always counts."""
        return not path or path in self._above_control

    def is_named(self, path: Path, value: Any) -> bool:
        """Return whether the engine may read this place: a control path, or an object above one."""
        if path in self.control or path in self.movable:
            return True
        return path in self._above_control and isinstance(value, dict | Unopened)

    def looks_again(self) -> None:
        """Look at each value again: the state holds values that were not checked."""
        self._harmless = self._estimates = self._usual_names = False

    def part(self, value: Any, path: Path) -> Part:
        """Return the part for the value at `path`."""
        found = self._part_or_text(value, path)
        return found if isinstance(found, Part) else self._plain(value, found, path)

    def _part_or_text(self, value: Any, path: Path, text: bytes | None = None) -> Part | bytes:
        """Return the part for the value at `path`, or its text if it stays plain.

        Args:
            value: The value.
            path: Its path.
            text: Its text, if it is known already.
        """
        if isinstance(value, Unopened):
            self._admitted.check(value, path)
            if not self.forms.may_write(value.stub):
                raise NeedsOpened(path)  # it was written for newer readers
            return Kept.unopened(path, value)
        if isinstance(value, Grown):
            self._admitted.check(value.before, path)
            return self.forms.cutter.grown(value, path)
        control = path in self.control
        if not control and isinstance(value, dict) and path in self._above_control:
            return self._branch(value, path)  # it never leaves as it is: no need of its text
        looked_into = (
            not control
            and isinstance(value, dict)
            and len(path) < self.policy.look_into_depth
            and (self._usual_names or not is_lookalike(value))
        )
        texts: dict[str, bytes] = {}
        whole: bytes | MemberTexts
        try:
            if text is not None:
                whole = text
            else:
                whole = self._members(value, texts) if looked_into else _text_of(value)
        except _HoldsUnopened:
            return self._branch(value, path, texts, control=control)
        size = len(whole)
        if not control and size >= _WORTH_LOOKING_UP and self.forms.may_be_stored(size):
            text = bytes(whole)
            stored = self.forms.stored(value, text, path)
            if stored is not None:
                return stored
        if looked_into and size > self.policy.field_limit:
            return self._large_object(value, whole, path, texts)
        text = bytes(whole)
        if control:
            return text
        if size > self.policy.field_limit:
            return self.forms.leave(value, text, path)
        if self._engine_may_harm(value, text):
            return (
                self._branch(value, path, texts)
                if looked_into
                else self.forms.leave(value, text, path)
            )
        return text

    def _members(self, value: dict[str, Any], texts: dict[str, bytes]) -> bytes | MemberTexts:
        """Return an object's text, and put the texts of its members into `texts`."""
        if len(value) > _FEW_MEMBERS or (
            _SCALARS.issuperset(map(type, value.values()))
            and sum([len(one) for one in value.values() if type(one) is str])
            <= self.policy.field_limit
        ):
            return _text_of(value)  # one call; of a large object, the members' texts are wanted
        for key, item in value.items():
            texts[key] = _text_of(item)
        return MemberTexts((_text_of(key), text) for key, text in texts.items())

    def _plain(self, value: Any, text: bytes, path: Path) -> Part:
        """Return the part of a value that stays plain."""
        return self._plain_each([value], [text], [path])[0]

    def _plain_each(self, values: list[Any], texts: list[bytes], paths: list[Path]) -> list[Part]:
        """Return the parts of several values that stay plain; one call for all is faster."""
        control = [path in self.control for path in paths]
        # Control fields cannot leave: an estimate must not refuse what would fit.
        exact = control
        if not self._estimates:
            short = [len(text) < _MEASURED_AT_ONCE for text in texts]
            exact = [one or at_once for one, at_once in zip(control, short, strict=True)]
        wires = values
        # No JSON text has a bare newline.
        if not self._usual_names and may_need_escape(b"\n".join(texts)):
            marked = list(map(may_need_escape, texts))
            wires = [escape(one) if at else one for one, at in zip(values, marked, strict=True)]
            exact = [one or at for one, at in zip(exact, marked, strict=True)]
        exponents = not self._estimates
        sizes = json_text.wire_sizes(wires, texts, exact, values, exponents=exponents)
        return list(map(Plain, paths, values, wires, sizes, control, map(not_, exact)))

    def _engine_may_harm(self, value: Any, text: bytes) -> bool:
        if any(map(text.__contains__, JSON_MARKS)) and any(bag_texts(value)):
            return True  # plain, it would be taken for a bag that somebody put there as text
        if self._harmless or isinstance(value, str):
            return False
        return json_text.engine_may_change(value, text) or json_text.nests_deeper(
            value, text, _DEEPEST_PLAIN
        )

    def leave_whole(self, value: Any, path: Path) -> Leaving:
        """Return the form in which a value that may hold unopened values leaves.

        Raises:
            NeedsOpened: It holds some; they must be read before it can leave.
        """
        try:
            text = _text_of(value)
        except _HoldsUnopened:
            raise NeedsOpened(path) from None
        return self.forms.leave(value, text, path)

    def gather(self, branch: Part, *, all_inside: bool = False) -> Part:
        """Return an object's plain fields as one value, with the other fields next to it (*rest*).

        Args:
            branch: The part of the object, or its gathered form.
            all_inside: Whether fields that left go inside too: all except control and movable
                fields.
        """
        value = branch.source
        if isinstance(value, list):
            return self.leave_whole(value, branch.path)
        beside: dict[Any, Part] = {}
        required: list[str] = []
        for key, child in branch.children.items():
            # What is not an object has no control fields below it, wherever it stands.
            below_control = (*branch.path, key) in self._above_control and isinstance(
                value[key], dict | Unopened
            )
            if child.control:
                beside[key] = child
            elif (
                below_control
                or (*branch.path, key) in self.movable
                or not (child.is_plain or all_inside)
            ):
                beside[key] = child
                required.append(key)
        missing = set(required)
        inside = {key: None if key in missing else member for key, member in value.items()}
        whole = self.leave_whole(inside, branch.path)
        if not beside and branch.path:
            return whole  # the root is a rest all the same: an engine may put a field next to it
        return Gathered(branch.path, value, whole, tuple(required), beside)

    def _large_object(
        self,
        value: dict[str, Any],
        text: bytes | MemberTexts,
        path: Path,
        texts: dict[str, bytes],
    ) -> Part:
        branch = self._branch(value, path, texts)
        if not branch.is_container or branch.whole is not None or not path:
            return branch
        plain = [child.wire for child in branch.children.values() if child.is_plain]
        if len(plain) == len(branch.children):
            # Nothing in it is large: it is what is large.
            return self.forms.leave(value, bytes(text), path)
        if sum(plain) <= self.policy.field_limit:
            return branch
        return self.gather(branch)

    def _branch(
        self,
        value: Any,
        path: Path,
        texts: Mapping[str, bytes] = MappingProxyType({}),
        *,
        control: bool = False,
    ) -> Part:
        if len(path) > _DEEPEST_PLAIN:
            raise NeedsOpened(path)
        if isinstance(value, list):
            children = self._children(value, enumerate(value), path)
            return Branch(path, value, _as_control(children) if control else children)
        if not self._usual_names and (
            is_lookalike(value) or (not control and _has_bag_name(value))
        ):
            return self._lookalike(value, path, control=control)
        if len(value) > _MANY_KEYS and not control:
            return self._many_fields(value, path)
        parts = self._children(value, value.items(), path, texts)
        return Branch(path, value, _as_control(parts) if control else parts)

    def _children(
        self,
        value: Any,
        members: Iterable[tuple[Any, Any]],
        path: Path,
        texts: Mapping[str, bytes] = MappingProxyType({}),
    ) -> dict[Any, Part]:
        """Return the parts of members, by key or index."""
        found = {
            key: self._part_or_text(item, (*path, key), texts.get(key)) for key, item in members
        }
        plain = {key: text for key, text in found.items() if isinstance(text, bytes)}
        if plain:
            keys, some = list(plain), list(plain.values())
            made = self._plain_each(
                [value[key] for key in keys], some, [(*path, key) for key in keys]
            )
            found.update(zip(keys, made, strict=True))
        return cast("dict[Any, Part]", found)

    def _control_parts(self, value: dict[str, Any], path: Path) -> dict[Any, Part]:
        at_or_above = self.control | self.movable | self._above_control
        return {
            key: self.part(item, (*path, key))
            for key, item in value.items()
            if (*path, key) in at_or_above
        }

    def _many_fields(self, value: dict[str, Any], path: Path) -> Part:
        """Return the part of an object with thousands of fields, few of which are parts."""
        apart = self._control_parts(value, path)
        small: list[str] = []
        for key, item in value.items():
            if key in apart:
                continue
            try:
                size = len(_text_of(item))
            except _HoldsUnopened:
                size = self.policy.field_limit + 1
            if size > self.policy.field_limit:
                apart[key] = self.part(item, (*path, key))
            else:
                small.append(key)
        together = {key: value[key] for key in small}
        text = json_text.encode(together)
        if len(text) <= self.policy.field_limit and not self._engine_may_harm(together, text):
            parts = {
                key: apart.get(key) or self.part(item, (*path, key)) for key, item in value.items()
            }
            return Branch(path, value, parts)
        ordered = {key: apart[key] for key in value if key in apart}
        return self.gather(Branch(path, value, ordered))

    def _lookalike(self, value: dict[str, Any], path: Path, *, control: bool) -> Part:
        """Return the part of an object that looks like a stub, or has a bag's text as a name."""
        if control:
            raise InvalidState(
                f"the control field has the reserved key {KEY}, or looks like a legacy pointer, "
                "and has unopened values in it",
                path=render_path(path),
                hint="Open the state whole, or rename the key.",
            )
        beside = self._control_parts(value, path)
        if beside or not (path or is_lookalike(value)):
            return self.gather(Branch(path, value, beside))
        leaving = self.leave_whole(value, path)
        text = leaving.own_text
        if text is None or len(text) > self.policy.field_limit:
            return leaving
        if self._engine_may_harm(value, text):
            return leaving
        return self._plain(value, text, path)


def _has_bag_name(value: dict[str, Any]) -> bool:
    """Return whether the name of a field is the text of a bag; most objects need no close look."""
    names = "\n".join(value)
    return any(map(names.__contains__, STRING_MARKS)) and any(names_with_bag_text(value))


def _as_control(children: dict[Any, Part]) -> dict[Any, Part]:
    return {key: child.as_control() for key, child in children.items()}
