"""The three reviews that run side by side, each over what the segments and the Map gathered."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from audit import imports
from audit.rules import SEVERITIES
from audit.tree import package_of

WEIGHT = {"high": 10, "medium": 3, "low": 1}
TOP = 20
# The upper ends of the bands in which radon and others grade complexity: A, B, C, D, E, F.
BANDS = {"A": 5, "B": 10, "C": 20, "D": 30, "E": 40, "F": None}


def security(findings: list[dict[str, Any]], sources: dict[str, str]) -> dict[str, Any]:
    """The security findings, each with the lines around it, and where they cluster."""
    ours = [finding for finding in findings if finding["category"] == "security"]
    ours.sort(key=lambda found: (SEVERITIES.index(found["severity"]), found["path"], found["line"]))
    score: Counter[str] = Counter()
    for finding in ours:
        score[finding["path"]] += WEIGHT[finding["severity"]]
    return {
        "count": len(ours),
        "by_severity": {
            severity: sum(finding["severity"] == severity for finding in ours)
            for severity in SEVERITIES
        },
        "by_rule": _counted(finding["rule"] for finding in ours),
        "by_package": _counted(package_of(finding["path"]) for finding in ours),
        "hot_spots": [{"path": path, "score": points} for path, points in _ranked(score)[:TOP]],
        "findings": [
            {**finding, "context": _around(sources[finding["path"]], finding["line"])}
            for finding in ours
        ],
    }


def complexity(modules: list[dict[str, Any]]) -> dict[str, Any]:
    """How complex and how long the functions are, what is repeated, and the import graph."""
    functions = [
        {"path": module["path"], **function}
        for module in modules
        for function in module["functions"]
    ]
    graph = imports.edges(modules)
    copies = duplicates(functions)
    return {
        "functions": len(functions),
        "decisions": sum(module["decisions"] for module in modules),
        "bands": _bands(function["complexity"] for function in functions),
        "most_complex": _largest(functions, "complexity"),
        "longest": _largest(functions, "lines"),
        "duplicates": copies,
        "duplicate_lines": sum(place["lines"] for group in copies for place in group["places"][1:]),
        "import_edges": sum(map(len, graph.values())),
        "most_imported": imports.most_imported(graph, TOP),
        "import_circles": imports.circles(graph),
    }


def duplicates(functions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups of functions whose bodies are the same code, the most repeated lines first."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for function in functions:
        if function["fingerprint"] is not None:
            place = {key: function[key] for key in ("path", "name", "line", "lines")}
            groups[function["fingerprint"]].append(place)
    repeated = [
        {"fingerprint": fingerprint, "places": places}
        for fingerprint, places in groups.items()
        if len(places) > 1
    ]
    return sorted(
        repeated,
        key=lambda group: (
            -sum(place["lines"] for place in group["places"][1:]),
            group["fingerprint"],
        ),
    )


def documentation(modules: list[dict[str, Any]]) -> dict[str, Any]:
    """How many of the public modules, classes and functions have a docstring, and which have not.

    Public: no part of the dotted name begins with an underscore, and no function is around it.
    """
    parts: dict[str, list[int]] = {kind: [0, 0] for kind in ("modules", "classes", "functions")}
    packages: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    missing = []
    for module in modules:
        if any(part.startswith("_") for part in module["module"].split(".")):
            continue
        package = packages[package_of(module["path"])]
        items = [("modules", {**module, "name": "", "line": 1, "public": True})]
        items += [(kind, item) for kind in ("classes", "functions") for item in module[kind]]
        for kind, item in items:
            if item["public"]:
                for count in (parts[kind], package):
                    count[0] += item["documented"]
                    count[1] += 1
                if not item["documented"]:
                    missing.append(
                        {"path": module["path"], "name": item["name"], "line": item["line"]}
                    )
    documented = sum(count[0] for count in parts.values())
    public = sum(count[1] for count in parts.values())
    return {
        "public": public,
        "documented": documented,
        "percent": _percent(documented, public),
        "by_kind": {kind: _coverage(*count) for kind, count in parts.items()},
        "by_package": {name: _coverage(*count) for name, count in sorted(packages.items())},
        "missing": missing,
    }


def _coverage(documented: int, public: int) -> dict[str, Any]:
    return {
        "documented": documented,
        "public": public,
        "percent": _percent(documented, public),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100.0


def _bands(values: Any) -> dict[str, int]:
    counts = dict.fromkeys(BANDS, 0)
    for value in values:
        counts[next(name for name, end in BANDS.items() if end is None or value <= end)] += 1
    return counts


def _largest(functions: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    ranked = sorted(functions, key=lambda one: (-one[field], one["path"], one["line"]))
    return [
        {key: function[key] for key in ("path", "name", "line", "lines", "complexity")}
        for function in ranked[:TOP]
    ]


def _around(text: str, line: int, margin: int = 2) -> str:
    return "\n".join(text.split("\n")[max(0, line - 1 - margin) : line + margin])


def _counted(names: Any) -> dict[str, int]:
    return dict(_ranked(Counter(names)))


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
