"""What the guides for newcomers name is there: paths, rooms, commands, settings, notes."""

import re
from pathlib import Path

import pytest

import statebag
from statebag import Policy
from statebag.cli import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCE = Path(statebag.__file__).parent
GUIDES = ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/index.md", "docs/glossary.md")
NO_PATHS = {"build/site", ".venv", "machine/execution"}
"""Folders that a command makes, and a scope."""


def text_of(guide):
    return (ROOT / guide).read_text("utf-8")


def quoted(guide):
    """The words in backticks, outside of blocks."""
    bare = re.sub(r"^```.*?^```", "", text_of(guide), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", bare))


@pytest.mark.parametrize("guide", GUIDES)
def test_paths_are_there(guide):
    paths = {one for one in quoted(guide) if re.fullmatch(r"[\w.-]*[/.][\w./-]*", one)}
    places = (ROOT, SOURCE, ROOT / "tests")
    wanted = {
        one for one in paths - NO_PATHS if "/" in one or one.endswith((".py", ".md", ".toml"))
    }
    assert [one for one in wanted if not any((place / one).exists() for place in places)] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_are_there(guide):
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    text = text_of(guide)
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    named = {one.split()[1] for one in quoted(guide) if re.match(r"statebag [a-z]", one)}
    assert named <= {*COMMANDS}
    settings = {one.split(".")[1] for one in quoted(guide) if re.fullmatch(r"Policy\.\w+", one)}
    assert settings <= {*Policy.field_names()}


def test_the_house_has_each_room_and_no_other():
    (drawing,) = re.findall(
        r"^```text\nsrc/statebag/\n(.*?)^```", text_of("ARCHITECTURE.md"), re.MULTILINE | re.DOTALL
    )
    drawn = set(re.findall(r"(?<![\w.])(\w+(?:/|\.py))(?=\s|$)", drawing))
    rooms = {f"{one.name}/" for one in SOURCE.iterdir() if (one / "__init__.py").exists()}
    modules = {one.name for one in SOURCE.glob("*.py")} - {"__init__.py", "_version.py"}
    assert drawn == rooms | modules


def test_the_index_has_each_design_note_and_each_page():
    linked = set(re.findall(r"\]\(([\w./-]+\.md)\)", text_of("docs/index.md")))
    notes = {f"design/{one.name}" for one in (ROOT / "docs" / "design").glob("*.md")}
    pages = {one.name for one in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert notes | pages <= linked


def test_every_term_of_the_glossary_stands_once():
    terms = re.findall(r"^\| ([^|]+?) \|", text_of("docs/glossary.md"), re.MULTILINE)
    words = [one for one in terms if one not in {"word", "---"}]
    assert len(words) > 30
    assert len(words) == len(set(words))
