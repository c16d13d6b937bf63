"""The rules have one table; findings are sorted as a reader goes through files."""

import re
from pathlib import Path

from statebag.lint.finding import RULES, Finding

PAGE = Path(__file__).parents[2] / "docs" / "lint.md"


def finding(line=1, column=1, code="SB101", file="a.json"):
    return Finding(file, line, column, "$", code, "message", "fix")


def test_findings_are_in_the_order_of_files_lines_and_columns():
    given = [finding(2), finding(1, 9), finding(1, 2), finding(file="0.json", line=7)]
    assert sorted(given) == [given[3], given[2], given[1], given[0]]


def test_a_finding_has_the_severity_of_its_rule():
    for code, rule in RULES.items():
        assert finding(code=code).severity == rule.severity


def test_the_page_has_each_rule_with_its_severity():
    rows = re.findall(r"^\| `(SB\d{3})` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {code: rule.severity for code, rule in RULES.items()}
