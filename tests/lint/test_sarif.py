"""Findings in SARIF: each at its place, with a rule that the run lists."""

from statebag.lint.finding import RULES, Finding
from statebag.lint.sarif import as_sarif


def run_of(*findings):
    (run,) = as_sarif(list(findings))["runs"]
    return run


def test_a_finding_is_at_its_line_and_column_and_its_rule_is_listed():
    run = run_of(Finding("a b.json", 3, 5, "$.States.A", "SB301", "no Retry", "Add one."))
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.json"
    assert place["region"] == {"startLine": 3, "startColumn": 5}
    assert result["message"]["text"] == "no Retry. Add one."
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "SB301"
    assert result["level"] == RULES["SB301"].severity


def test_without_a_line_there_is_no_region_and_without_findings_no_result():
    (result,) = run_of(Finding("a.json", 0, 0, "$", "SB001", "m", ""))["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]
    assert run_of()["results"] == []
    assert len(run_of()["tool"]["driver"]["rules"]) == len(RULES)
