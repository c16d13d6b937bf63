"""The audit in numbers: a summary that fits a screen, and the report in Markdown."""

from __future__ import annotations

from typing import Any

from audit.rules import RULES, SEVERITIES
from audit.tree import package_of

TOP = 10


def summarise(state: dict[str, Any]) -> dict[str, Any]:
    """What a person is asked to approve: the audit's main numbers, about 1 KB."""
    modules, findings, reviews = state["modules"], state["findings"], state["reviews"]
    return {
        "root": state["root"],
        "files": len(state["files"]),
        "bytes": sum(file["bytes"] for file in state["files"]),
        "lines": sum(module["lines"] for module in modules),
        "packages": len({package_of(file["path"]) for file in state["files"]}),
        "unread": len(state["unread"]),
        "unparsed": sum("unparsed" in module for module in modules),
        "functions": reviews["complexity"]["functions"],
        "classes": sum(len(module["classes"]) for module in modules),
        "findings": len(findings),
        "by_severity": {
            severity: sum(finding["severity"] == severity for finding in findings)
            for severity in SEVERITIES
        },
        "security_findings": reviews["security"]["count"],
        "markers": {
            marker: sum(match["marker"] == marker for match in state["matches"])
            for marker in sorted({match["marker"] for match in state["matches"]})
        },
        "complexity_bands": reviews["complexity"]["bands"],
        "duplicate_groups": len(reviews["complexity"]["duplicates"]),
        "duplicate_lines": reviews["complexity"]["duplicate_lines"],
        "import_circles": len(reviews["complexity"]["import_circles"]),
        "documented_percent": reviews["documentation"]["percent"],
    }


def as_markdown(state: dict[str, Any]) -> str:
    """The report that the workflow ends with."""
    summary, reviews = state["summary"], state["reviews"]
    complexity, documentation = reviews["complexity"], reviews["documentation"]
    by_rule: dict[str, int] = {}
    for finding in state["findings"]:
        by_rule[finding["rule"]] = by_rule.get(finding["rule"], 0) + 1
    size = (
        f"{summary['files']:,} files, {summary['lines']:,} lines, "
        f"{summary['functions']:,} functions, {summary['classes']:,} classes."
    )
    repeated = (
        f"Groups of functions with the same code: {len(complexity['duplicates']):,} "
        f"({complexity['duplicate_lines']:,} lines could go). "
        f"Import circles: {len(complexity['import_circles'])}."
    )
    documented = (
        f"{documentation['documented']:,} of {documentation['public']:,} public modules, "
        f"classes and functions have a docstring ({documentation['percent']} %)."
    )
    rules = [
        f"| {name} | {RULES[name].severity} | {RULES[name].says} | {count:,} |"
        for name, count in sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    ]
    hot_spots = [
        f"- `{spot['path']}` ({spot['score']})" for spot in reviews["security"]["hot_spots"]
    ]
    functions = [
        f"| `{one['path']}:{one['line']}` {one['name']} | {one['complexity']} | {one['lines']} |"
        for one in complexity["most_complex"][:TOP]
    ]
    missing = [
        f"- `{place['path']}:{place['line']}` {place['name'] or 'the module'}"
        for place in documentation["missing"]
    ]
    parts = [
        [f"# Audit of {summary['root']}", "", size],
        ["## Findings", ""],
        ["| rule | severity | says | places |", "| --- | --- | --- | ---: |", *rules],
        ["## Security: where to look first", "", *hot_spots],
        ["## Complexity", ""],
        ["| function | complexity | lines |", "| --- | ---: | ---: |", *functions],
        [repeated],
        ["## Documentation", "", documented, "", *missing],
    ]
    return "\n\n".join("\n".join(part).strip() for part in parts) + "\n"
