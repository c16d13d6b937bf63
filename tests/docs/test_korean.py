"""Each page in Korean is kept in step with the English one: headings, code, tables, links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {"README.ko.md": "README.md"} | {
    f"docs/ko/{page.name}": f"docs/{page.name}" for page in (ROOT / "docs" / "ko").glob("*.md")
}
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HANGUL = re.compile(r"[\uac00-\ud7a3]")
NAME = re.compile(r"`([^`]+)`")


def shape(name):
    """What a page and its translation have in common."""
    page = ROOT / name
    text = page.read_text("utf-8")
    prose = CODE.sub("", text)
    lines = prose.splitlines()
    targets = re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]:\s+(\S+)", prose, re.MULTILINE)
    return {
        "headings": [len(found) for found in re.findall(r"^(#+) ", prose, re.MULTILINE)],
        "code": CODE.findall(text),
        "tables": [line.count(" | ") for line in lines if line.startswith("|")],
        "items": [line.split(" ")[0] for line in lines if re.match(r"(-|\d+\.) ", line)],
        "figures": [figures(line) for line in lines if line.startswith("|")],
        # A name may be broken between two lines.
        "names": sorted({" ".join(name.split()) for name in NAME.findall(prose)}),
        "links": sorted({place(page, one or other) for one, other in targets}),
    }


def figures(line):
    """The numbers of a table's row, which change when they are measured again."""
    return sorted(re.findall(r"\d[\d,.]*\d|\d", NAME.sub("", line)))


def place(page, target):
    """Where a link leads; a page in Korean counts as the English one."""
    if not target.startswith("https://"):
        file, _, part = target.partition("#")
        there = (page.parent / (file or page.name)).resolve().relative_to(ROOT)
        target = there.as_posix() + (part and "#" + part)
    return target.replace("docs/ko/", "docs/").replace("README.ko.md", "README.md")


@pytest.mark.parametrize("korean", sorted(PAGES))
def test_a_page_has_what_the_english_one_has(korean):
    translated, original = shape(korean), shape(PAGES[korean])
    # Each leads to the other at the top of the README.
    for one in (translated, original):
        one["links"] = [link for link in one["links"] if not link.endswith("/README.md")]
    for what, found in translated.items():
        assert found == original[what], what


@pytest.mark.parametrize("korean", sorted(PAGES))
def test_a_heading_that_is_linked_keeps_the_english_anchor(korean):
    """Its own anchor would be a number, so it has an id; the others have none."""
    prose = CODE.sub("", (ROOT / korean).read_text("utf-8"))
    translated = re.findall(r"^#+ (.+?)(?: \{#([a-z0-9-]+)\})?$", prose, re.MULTILINE)
    original = re.findall(
        r"^#+ (.+)$", CODE.sub("", (ROOT / PAGES[korean]).read_text("utf-8")), re.MULTILINE
    )
    linked = set(re.findall(r"\]\(#([^)\s]+)\)", prose))
    assert {anchor for _, anchor in translated if anchor} == linked
    for (_, anchor), english in zip(translated, original, strict=True):
        slug = re.sub(r"[^\w -]", "", english.lower()).replace(" ", "-")
        assert not anchor or anchor == slug


@pytest.mark.parametrize("korean", sorted(PAGES))
def test_every_paragraph_is_in_korean(korean):
    prose = CODE.sub("", (ROOT / korean).read_text("utf-8"))
    paragraphs = [one for one in re.split(r"\n\s*\n", prose) if len(one) > 120]
    left = [one[:80] for one in paragraphs if not HANGUL.search(one) and "]: https" not in one]
    assert left == []


def test_there_are_the_pages_of_a_first_hour():
    assert {"README.md", "docs/adopt.md", "docs/state-data-manager.md"} <= set(PAGES.values())
