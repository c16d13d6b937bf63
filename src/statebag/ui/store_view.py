"""Show what an execution has in the store, what it shares, and what gc would delete."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from statebag.ui.prices import estimate, is_below
from statebag.upkeep.gc import collect
from statebag.upkeep.objects import kind_of, root_scope

if TYPE_CHECKING:
    from statebag.client import Statebag
    from statebag.ui.seen_execution import SeenExecution

__all__ = ["cost_of", "store_now"]

_PACKS_SHOWN = 300  # chosen: some screens of them
_SCOPES_SHOWN = 300  # chosen: as above


def cost_of(seen: SeenExecution) -> dict[str, Any]:
    """Return the packs, requests and price of an execution, from its payloads alone.

    Payloads that were not measured yet (`SeenExecution.measure`) are not counted.
    """
    uses: dict[str, list[int]] = defaultdict(list)
    gets = 0
    made = seen.snapshot().made
    for one in made:
        given = seen.measured(one.entered)
        if given is not None and one.kind == "Task":
            gets += len(given.packs)
        for number in (one.entered, one.left):
            sizes = None if number is None else seen.measured(number)
            for pack in () if sizes is None else sizes.packs:
                uses[pack].append(one.number)
    own = is_below(uses, seen.arn.machine, seen.arn.name)
    price = estimate(len(made), len(own), gets)
    packs = [
        {
            "name": name,
            "is_own": name in own,
            "states": len(set(numbers)),
            "first": made[numbers[0] - 1].state,
            "first_event": made[numbers[0] - 1].entered,
        }
        for name, numbers in uses.items()
    ]
    return {
        "transitions": price.transitions,
        "puts": price.puts,
        "gets": price.gets,
        "dollars": price.dollars,
        "per_million": price.per_million,
        "shared": sum(len(set(numbers)) > 1 for numbers in uses.values()),
        "foreign": len(uses) - len(own),
        "pack_count": len(packs),
        "packs": packs[:_PACKS_SHOWN],
    }


def store_now(client: Statebag) -> dict[str, Any]:
    """List the whole store, and return its scopes and what gc would do with each, and why.

    Nothing is written or deleted.

    Raises:
        StatebagError: The store cannot be read.
    """
    kinds: dict[str, int] = defaultdict(int)
    scopes: set[str] = set()
    objects = size = 0
    for info in client.store.list():
        kind = kind_of(info.name)
        kinds[kind] += 1
        objects, size = objects + 1, size + info.size
        if kind in {"pack", "snapshot"}:
            scopes.add(root_scope(info.name))
    done = collect(client.store, dry_run=True)
    counts: dict[str, int] = defaultdict(int)
    for one in done.decisions:
        counts[one.action] += 1
    shown = sorted(done.decisions, key=lambda one: (one.action == "keep", -one.bytes))
    return {
        "url": client.store.url,
        "objects": objects,
        "bytes": size,
        "packs": kinds["pack"],
        "snapshots": kinds["snapshot"],
        "scopes": len(scopes),
        "actions": dict(counts),
        "decisions": [one.as_dict() for one in shown[:_SCOPES_SHOWN]],
        "left_out": max(0, len(shown) - _SCOPES_SHOWN),
    }
