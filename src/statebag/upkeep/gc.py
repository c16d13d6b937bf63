"""`gc`: delete all objects of executions that are certainly over, and packs that no head needs.

Objects are deleted if their execution ended longer ago than the retention. A first pass marks the
execution, with what it held. A second pass, after a grace, deletes it if nothing in it has changed.
All times are the store's dates of objects, so a wrong clock here deletes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import BlobMissing, ConfigurationError, NotPermitted, StatebagError
from statebag.format import json_text
from statebag.format.arguments import check_optional
from statebag.format.names import is_scope_at_or_above
from statebag.policy import check_lists
from statebag.store.checked import checked
from statebag.store.contract import ObjectInfo, Store
from statebag.upkeep.head_sweep import read_heads, sweep
from statebag.upkeep.objects import GC_FOLDER, can_be_asked_for, kind_of, root_scope
from statebag.upkeep.outside import referred_from_elsewhere
from statebag.upkeep.places import AskedPlaces, leave_word, places_not_asked
from statebag.upkeep.store_time import store_time

if TYPE_CHECKING:
    from statebag.upkeep.head_sweep import SweptPacks

__all__ = [
    "LONGEST_EXECUTION",
    "RETENTION",
    "Collection",
    "Decision",
    "Leftover",
    "Rules",
    "collect",
]

RETENTION = timedelta(days=95)
"""The 90 days for which the engine keeps a history ("Quotas", "Execution history retention time")
and in which an execution can be redriven, and five days more. Chosen."""

LONGEST_EXECUTION = timedelta(days=365)
"""A Standard workflow may run for a year, and may write nothing during it.
Source: Step Functions Developer Guide, "Quotas", "Maximum execution time"."""

_GRACE = timedelta(days=7)  # between mark and deletion. Chosen: a person can notice and object
_SLACK = timedelta(days=1)
"""Chosen: how long before its start and after its end an execution's objects may be written: its
input is sealed first, and what it left running may outlive it by a Lambda function's 15
minutes."""
_MARK_VERSION = 1  # of the JSON of a mark (docs/design/0006)

Ended = datetime | Literal["running", "unknown"]
Action = Literal["keep", "mark", "wait", "delete"]


class Rules(msgspec.Struct, frozen=True):
    """The rules that say when an execution's objects may be deleted.

    Attributes:
        retention: The time since the execution ended.
        grace: Between the two passes; at least an hour.
        keep: Scopes to keep, with all scopes below them: those whose objects other executions read.
        with_snapshots: Whether to delete executions that have snapshots; by default they stay.
        ended: Returns when the execution of a scope ended. Without it, the end is unknown, and a
            year is added to the retention, since an execution may have run for a year without a
            write. If the function says which places it asks (`upkeep.places.AskedPlaces`), its
            answer counts only if no other account or region uses the store, and the objects' times
            agree with it.

    Raises:
        ConfigurationError: The retention is negative, the grace is too short, or a value has
            another type.
    """

    retention: timedelta = RETENTION
    grace: timedelta = _GRACE
    keep: tuple[str, ...] = ()
    with_snapshots: bool = False
    ended: Callable[[str], Ended] | None = None

    def __post_init__(self) -> None:
        for name in ("retention", "grace"):
            _must_be(timedelta, "a timedelta", name, getattr(self, name))
        # A text is a sequence of texts as well, and "false" is true: either would delete wrongly.
        check_lists(self, ("keep",))
        _must_be(bool, "True or False", "with_snapshots", self.with_snapshots)
        if self.ended is not None and not callable(self.ended):
            raise ConfigurationError(
                f"ended must be a function from a scope to a time, or None, not "
                f"{type(self.ended).__qualname__}",
            )
        if self.retention < timedelta(0):
            raise ConfigurationError(f"retention must be at least 0 days, not {self.retention}")
        if self.grace < timedelta(hours=1):
            raise ConfigurationError(
                f"grace must be at least an hour, not {self.grace}",
                hint="The hour allows for clocks and listings that lag behind.",
            )


def _must_be(kind: type, wanted: str, name: str, value: object) -> None:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be {wanted}, not {type(value).__qualname__}")


class Decision(msgspec.Struct, frozen=True):
    """The decision about one execution's objects, with its reason.

    Attributes:
        scope: The root scope.
        action: `keep`, `mark` (first pass), `wait` (marked, the grace is not over) or `delete`.
        why: The reason, in a sentence.
        objects: The number of its objects.
        bytes: The bytes of all of them.
    """

    scope: str
    action: Action
    why: str
    objects: int
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "scope": self.scope,
            "action": self.action,
            "why": self.why,
            "objects": self.objects,
            "bytes": self.bytes,
        }


class Leftover(msgspec.Struct, frozen=True):
    """A temporary file that a killed writer left; it is not an object.

    Attributes:
        name: Its name below the store's root.
        action: `wait` (younger than the grace: its writer may still live), `delete`, or `keep` (it
            cannot be removed).
        bytes: Its size.
        why: Why it cannot be removed; None for the others.
    """

    name: str
    action: Action
    bytes: int
    why: str | None = None


class Collection(msgspec.Struct):
    """The result of a pass, or of a dry run.

    Attributes:
        decisions: One for each root scope, in the order of their names.
        deleted_objects: Objects that were deleted.
        deleted_bytes: Their bytes.
        leftovers: Unfinished writes, in the order of their names.
    """

    decisions: list[Decision] = msgspec.field(default_factory=list)
    deleted_objects: int = 0
    deleted_bytes: int = 0
    leftovers: list[Leftover] = msgspec.field(default_factory=list)


class _Scope(msgspec.Struct):
    """The sums of one root scope, made while it was listed."""

    name: str
    objects: int
    bytes: int
    newest: datetime
    oldest: datetime
    snapshots: int
    others: int


class _Mark(msgspec.Struct):
    """The mark of a first pass; `made` is the time that the store gave it."""

    newest: datetime
    made: datetime


def collect(store: Store, rules: Rules | None = None, *, dry_run: bool = True) -> Collection:
    """Delete the objects of executions that are over, in one pass over the store.

    A crash between two requests leaves marks and partly deleted executions; the next pass
    continues. Several collectors at once do the same work twice, and cause no harm.

    Args:
        store: The store.
        rules: The rules for deletion.
        dry_run: Whether to write and delete nothing, not even a mark.

    Raises:
        ConfigurationError: `dry_run` is not a bool.
        StoreUnavailable, NotPermitted: From the store. Objects that were deleted before stay so.
    """
    _must_be(bool, "True or False", "dry_run", dry_run)
    store = checked(store)
    check_optional({"rules": rules}, Rules, "Rules")
    rules = rules or Rules()
    now = datetime.now(UTC) if dry_run else store_time(store)
    scopes = list(_scopes(store))
    done = Collection()
    _collect_leftovers(store, rules, now, done, dry_run=dry_run)
    census = read_heads(store)
    swept = sweep(store, census, now, rules.grace, rules.keep, dry_run=dry_run)
    for one in swept.values():
        done.deleted_objects += 0 if dry_run else one.deleted
        done.deleted_bytes += 0 if dry_run else one.bytes
    needed_by_heads = {root_scope(name) for name in census.needed} | census.live.keys()
    over: list[_Scope] = []
    not_asked = _not_asked(store, rules, now, dry_run=dry_run)
    for scope in scopes:
        why = _why_kept(scope, rules, now, not_asked)
        if scope.name in needed_by_heads:
            why = "versions of heads need it"
        if (packs := swept.get(scope.name)) is not None:
            why = _of_swept(packs, why, dry_run=dry_run)
        if why is None:
            over.append(scope)
        else:
            done.decisions.append(Decision(scope.name, "keep", why, scope.objects, scope.bytes))
            if not dry_run:
                _forget_mark(store, scope.name)
    held = _held(store, {scope.name for scope in over})
    marks = {one.name: _mark_of(store, one) for one in over if one.name not in held}
    ready = {
        name
        for name, mark in marks.items()
        if mark is not None and now >= _later(mark.made, rules.grace)
    }
    # What is over but does not go yet may still be called back, with all that it refers to.
    needed = _held(store, ready, set(marks) - ready)
    for scope in over:
        if scope.name in held:
            decision = _kept(store, scope, held[scope.name], dry_run=dry_run)
        else:
            mark, holder = marks[scope.name], needed.get(scope.name)
            decision = _dealt_with(store, scope, rules, now, mark, holder, done, dry_run=dry_run)
        done.decisions.append(decision)
    if not dry_run:
        _forget_marks_of_nothing(store, {scope.name for scope in scopes})
    done.decisions.sort(key=lambda one: one.scope)
    return done


def _of_swept(packs: SweptPacks, why: str | None, *, dry_run: bool) -> str:
    """Return why a scope is kept although heads do not need all of its packs."""
    verb = "would be deleted" if dry_run else "were deleted"
    return (
        f"{why or 'its heads were deleted'}; of the packs that no version needs, "
        f"{packs.deleted} {verb}, {packs.marked} wait for the grace"
    )


def _held(store: Store, over: set[str], by: set[str] | None = None) -> dict[str, str]:
    """Return the scopes that others need, each with an object that refers to it.

    A needed scope may need others: an index that a snapshot names may list chunks of a third
    execution.
    """
    held: dict[str, str] = {}
    going = set(over)
    while going and by != set():
        found = referred_from_elsewhere(store, going, by)
        held.update(found)
        by = set(found)
        going -= by
    return held


def _scopes(store: Store) -> Iterator[_Scope]:
    """Yield all root scopes; parts of a scope that others split in the listing are joined."""
    found: dict[str, _Scope] = {}
    for name, group in groupby(store.list(), lambda info: root_scope(info.name)):
        for info in group:
            kind = kind_of(info.name)
            if kind in {"mark", "head"}:
                continue
            one = found.setdefault(name, _Scope(name, 0, 0, info.modified, info.modified, 0, 0))
            one.objects += 1
            one.bytes += info.size
            one.newest = max(one.newest, info.modified)
            one.oldest = min(one.oldest, info.modified)
            one.snapshots += kind == "snapshot"
            one.others += kind == "other"
    return iter(found.values())


def _collect_leftovers(
    store: Store, rules: Rules, now: datetime, done: Collection, *, dry_run: bool
) -> None:
    """Remove unfinished writes that are older than the grace, if the store has any."""
    find = getattr(store, "leftovers", None)
    for info in () if find is None else list(find()):
        if now < _later(info.modified, rules.grace):
            done.leftovers.append(Leftover(info.name, "wait", info.size))
            continue
        kept = None if can_be_asked_for(info.name) else "no store is asked for such a name"
        if kept is None and not dry_run:
            try:
                store.discard(info.name)  # type: ignore[attr-defined]  # goes with `leftovers`
            except NotPermitted as error:  # the others go all the same
                kept = error.message
        action: Action = "delete" if kept is None else "keep"
        done.leftovers.append(Leftover(info.name, action, info.size, kept))


def _not_asked(store: Store, rules: Rules, now: datetime, *, dry_run: bool) -> list[str]:
    """Return the accounts and regions that use the store and that `rules.ended` does not ask."""
    asked = _asked(rules)
    prefixes = () if asked is None else asked.arn_prefixes
    if prefixes and not dry_run:
        leave_word(store, prefixes)
    return places_not_asked(store, prefixes, now, LONGEST_EXECUTION, rules.retention)


def _asked(rules: Rules) -> AskedPlaces | None:
    ended: object = rules.ended
    return ended if isinstance(ended, AskedPlaces) else None


def _doubt(scope: _Scope, rules: Rules, ended: datetime, not_asked: list[str]) -> str | None:
    """Return why a known end may be that of another execution of the same name."""
    asked = _asked(rules)
    if asked is None:  # who gives a function of their own answers for it
        return None
    if not_asked:
        return f"executions of {not_asked[0]} use this store too, and were not asked for"
    started = asked.started(scope.name)
    if started is not None and scope.oldest < started - _SLACK:
        return f"it has objects from before its execution began on {started:%Y-%m-%d}"
    if scope.newest > _later(ended, _SLACK):
        return f"it was written to after its execution ended on {ended:%Y-%m-%d}"
    return None


def _why_kept(scope: _Scope, rules: Rules, now: datetime, not_asked: list[str]) -> str | None:
    if scope.name.count("/") != 1:
        return "it is no execution's scope"
    if not can_be_asked_for(scope.name):
        return "no store is asked for such a name, so another program wrote it"
    for kept in rules.keep:
        if is_scope_at_or_above(kept, scope.name) or is_scope_at_or_above(scope.name, kept):
            return "it was named to be kept"
    if scope.others:
        return f"it has {scope.others} objects that this library did not write"
    if scope.snapshots and not rules.with_snapshots:
        return f"it has {scope.snapshots} snapshots"
    ended: Ended = "unknown" if rules.ended is None else rules.ended(scope.name)
    if ended == "running":
        return "its execution is running"
    doubt = "when its execution ended is not known"
    if isinstance(ended, datetime):
        found = _doubt(scope, rules, ended, not_asked)
        if found is None:
            over = _later(max(ended, scope.newest), rules.retention)
            return None if now >= over else f"its retention lasts until {over:%Y-%m-%d}"
        doubt = f"{found}, so another one of its name may be alive"
    longest = _later(scope.newest, LONGEST_EXECUTION)
    if now >= _later(longest, rules.retention):
        return None
    return f"{doubt}, and it may run until {longest:%Y-%m-%d}"


def _later(when: datetime, time: timedelta) -> datetime:
    """Return a later time, at most the last of the calendar."""
    try:
        return when + time
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _kept(store: Store, scope: _Scope, holder: str, *, dry_run: bool) -> Decision:
    if not dry_run:
        _forget_mark(store, scope.name)
    return Decision(scope.name, "keep", f"{holder} refers to it", scope.objects, scope.bytes)


def _dealt_with(
    store: Store,
    scope: _Scope,
    rules: Rules,
    now: datetime,
    mark: _Mark | None,
    holder: str | None,
    done: Collection,
    *,
    dry_run: bool,
) -> Decision:
    def decided(action: Action, why: str) -> Decision:
        return Decision(scope.name, action, why, scope.objects, scope.bytes)

    if mark is None:
        if not dry_run:
            _write_mark(store, scope)
        return decided("mark", "its retention is over; it is deleted once the grace is over too")
    grace_over = _later(mark.made, rules.grace)
    if now < grace_over:
        return decided("wait", f"marked; the grace lasts until {grace_over:%Y-%m-%d %H:%M}")
    if holder is not None:
        return decided("wait", f"{holder} refers to it, and is not deleted yet")
    if not dry_run:
        _delete(store, scope, mark, done)
    return decided("delete", "its retention and the grace are over, and nothing in it changed")


def _delete(store: Store, scope: _Scope, mark: _Mark, done: Collection) -> None:
    # Listed once more: what came since the decision was made keeps the whole execution.
    present: list[ObjectInfo] = list(store.list(scope.name))
    if any(info.modified > mark.newest for info in present):
        _forget_mark(store, scope.name)
        return
    # Snapshots first: what is left after a crash is packs, of which a bag may still need some.
    for info in sorted(present, key=lambda one: kind_of(one.name) == "pack"):
        store.delete(info.name)
        done.deleted_objects += 1
        done.deleted_bytes += info.size
    _forget_mark(store, scope.name)


def _mark_name(scope: str) -> str:
    return f"{GC_FOLDER}/marks/{scope}.json"


def _write_mark(store: Store, scope: _Scope) -> None:
    body: dict[str, Any] = {
        "v": _MARK_VERSION,
        "newest": scope.newest.isoformat(),
        "objects": scope.objects,
        "bytes": scope.bytes,
    }
    store.put(_mark_name(scope.name), json_text.encode(body))


def _mark_of(store: Store, scope: _Scope) -> _Mark | None:
    """Return the mark of a scope, if nothing in the scope is newer.

    A mark that cannot be read counts as missing, and is written again.
    """
    name = _mark_name(scope.name)
    info = store.head(name)
    if info is None:
        return None
    try:
        body = json_text.decode(store.get(name), name)
        newest = datetime.fromisoformat(body["newest"])
        known = body["v"] == _MARK_VERSION and newest.tzinfo is not None
    except BlobMissing:
        return None
    except (StatebagError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, StatebagError) and error.code != "blob_corrupt":
            raise
        return None
    return _Mark(newest, info.modified) if known and newest >= scope.newest else None


def _forget_mark(store: Store, scope: str) -> None:
    name = _mark_name(scope)
    if not can_be_asked_for(name):  # so there is none
        return
    if store.head(name) is not None:
        store.delete(name)


def _forget_marks_of_nothing(store: Store, scopes: set[str]) -> None:
    """Delete marks of scopes without objects, which a crash can leave."""
    folder = f"{GC_FOLDER}/marks"
    for info in list(store.list(folder)):
        if info.name.removeprefix(f"{folder}/").removesuffix(
            ".json"
        ) not in scopes and can_be_asked_for(info.name):
            store.delete(info.name)
