"""Who imports whom among the audited modules, and in which circles."""

from __future__ import annotations

from collections import Counter
from typing import Any


def edges(modules: list[dict[str, Any]]) -> dict[str, list[str]]:
    """For each audited module, the audited modules it imports while it is itself imported."""
    known = {module["module"] for module in modules}
    graph: dict[str, list[str]] = {}
    for module in modules:
        targets = set()
        for imported in module["imports"]:
            base, _, name = imported.partition(":")
            # `from a import b` imports the module a.b where there is one, else a name of a.
            inner = f"{base}.{name}"
            targets.add(inner if name and inner in known else base)
        graph[module["module"]] = sorted((targets & known) - {module["module"]})
    return graph


def most_imported(graph: dict[str, list[str]], count: int) -> list[dict[str, Any]]:
    """The modules that most others import, with how many do."""
    importers = Counter(target for targets in graph.values() for target in targets)
    ranked = sorted(importers.items(), key=lambda item: (-item[1], item[0]))
    return [{"module": name, "importers": number} for name, number in ranked[:count]]


def circles(graph: dict[str, list[str]]) -> list[list[str]]:
    """Groups of modules that reach each other by imports, the largest first.

    Tarjan's strongly connected components, with a stack of its own instead of recursion.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_nodes: list[str] = []
    is_open: set[str] = set()
    found: list[list[str]] = []
    for start in sorted(graph):
        if start in order:
            continue
        work = [(start, iter(graph[start]))]
        order[start] = low[start] = len(order)
        open_nodes.append(start)
        is_open.add(start)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in order:
                    order[target] = low[target] = len(order)
                    open_nodes.append(target)
                    is_open.add(target)
                    work.append((target, iter(graph[target])))
                    break
                if target in is_open:
                    low[node] = min(low[node], order[target])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == order[node]:
                    group = []
                    while not group or group[-1] != node:
                        group.append(open_nodes.pop())
                        is_open.discard(group[-1])
                    if len(group) > 1:
                        found.append(sorted(group))
    return sorted(found, key=lambda group: (-len(group), group))
