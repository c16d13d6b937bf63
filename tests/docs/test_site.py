"""The site, the index and the links: each leads somewhere, and no page is left out."""

import importlib
import importlib.util
import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from statebag.cli import COMMANDS
from statebag.cli.group import cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
HOME = URLS["Homepage"]
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
AT_THE_ROOT = ["README.md", "README.ko.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
# Pages of the code host, which are not files.
ELSEWHERE = {HOME, f"{HOME}/issues", f"{HOME}/security/advisories/new"}


def loaded():
    spec = importlib.util.spec_from_file_location("site_pages", DOCS / "_site" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = loaded()


def in_repository(url):
    """Whether an address names a file or folder of this repository, as what it is."""
    if url in ELSEWHERE:
        return True
    kind, _, path = url.removeprefix(f"{HOME}/").partition("/main/")
    there = ROOT / path.partition("#")[0]
    return there.is_file() if kind == "blob" else kind == "tree" and there.is_dir()


def links(text):
    """The targets of inline links and of definitions."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"\]\(([^)\s]+)\)", text)
    return [*inline, *re.findall(r"^\[[^\]]+\]:\s+(\S+)", text, re.MULTILINE)]


class TestReadme:
    """It is shown on the package index too, where no relative link leads anywhere."""

    TEXT = (ROOT / "README.md").read_text("utf-8")

    def test_every_link_is_absolute(self):
        assert [one for one in links(self.TEXT) if not one.startswith(("https://", "#"))] == []
        assert len(links(self.TEXT)) > 10

    def test_every_link_into_the_repository_names_what_is_there(self):
        ours = [one for one in links(self.TEXT) if one.startswith(HOME)]
        assert [one for one in ours if not in_repository(one)] == []
        assert len(ours) > 10

    def test_every_reference_is_defined_and_every_definition_used(self):
        prose = re.sub(r"^```.*?^```", "", self.TEXT, flags=re.MULTILINE | re.DOTALL)
        defined = set(re.findall(r"^\[([^\]]+)\]:", prose, re.MULTILINE))
        used = set(re.findall(r"(?<![\w`])\[([^\]`]+)\](?![:(\[])", prose))
        assert used == defined

    def test_the_check_finds_a_link_that_leads_nowhere(self):
        assert not in_repository(f"{HOME}/blob/main/docs/missing.md")
        assert not in_repository(f"{HOME}/blob/main/docs")
        assert links("see [a](docs/a.md)\n\n[b]: c.md\n") == ["docs/a.md", "c.md"]


class TestReadmeInKorean(TestReadme):
    TEXT = (ROOT / "README.ko.md").read_text("utf-8")


def test_the_addresses_of_the_package_lead_into_the_repository():
    assert {"Homepage", "Documentation", "Changelog", "Issues", "Security"} <= URLS.keys()
    assert [one for one in URLS.values() if not in_repository(one)] == []
    assert SITE["repo_url"] == HOME


@pytest.mark.parametrize("name", AT_THE_ROOT[2:])
def test_links_of_the_pages_at_the_root_lead_somewhere(name):
    found = links((ROOT / name).read_text("utf-8"))
    assert found
    for one in found:
        if one.startswith("https://"):
            assert not one.startswith(HOME) or in_repository(one), one
        else:
            assert (ROOT / one.partition("#")[0]).exists(), one


@pytest.mark.parametrize("template", ["bug.yml", "feature.yml"])
def test_a_template_says_that_no_state_is_pasted(template):
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    parsed = yaml.safe_load((folder / template).read_text("utf-8"))
    assert parsed.keys() >= {"name", "description", "body"}
    first = parsed["body"][0]
    assert first["type"] == "markdown"
    assert "Do not paste what a state holds" in first["attributes"]["value"]
    named = [part["id"] for part in parsed["body"] if part["type"] != "markdown"]
    assert len(named) == len(set(named))
    config = yaml.safe_load((folder / "config.yml").read_text("utf-8"))
    assert all(in_repository(link["url"]) for link in config["contact_links"])


class TestNavigation:
    WRITTEN = frozenset(
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if path.relative_to(DOCS).parts[0] != "_site"
    )

    def named(self, nav):
        for one in nav:
            if isinstance(one, str):
                yield one
            else:
                for value in one.values():
                    yield from [value] if isinstance(value, str) else self.named(value)

    def test_every_page_is_in_the_navigation_of_mkdocs_yml(self):
        """The design notes are added to it by their folder."""
        notes = {one for one in self.WRITTEN if one.startswith("design/")}
        assert len(notes) > 15
        assert set(self.named(SITE["nav"])) == self.WRITTEN - notes

    def test_every_page_is_in_the_index(self):
        found = set(links((DOCS / "index.md").read_text("utf-8")))
        assert self.WRITTEN - {"index.md"} <= found


class TestReferences:
    def test_the_fronts_are_modules_whose_names_are_there(self):
        fronts = pages.fronts()
        assert fronts[0] == "statebag"
        assert {"statebag.errors", "statebag.state_data_manager"} <= set(fronts)
        for front in fronts:
            module = importlib.import_module(front)
            assert module.__all__, front
            for name in module.__all__:
                assert hasattr(module, name), f"{front}.{name}"

    def test_a_package_with_names_is_a_front_without_being_listed(self, tmp_path, monkeypatch):
        for name, text in {
            "room": '__all__ = ["One"]\nclass One: ...\n',
            "empty": '"""Nothing public."""\n',
            "cli": '__all__ = ["main"]\n',
        }.items():
            folder = tmp_path / "statebag" / name
            folder.mkdir(parents=True)
            (folder / "__init__.py").write_text(text)
        monkeypatch.setattr(pages, "SOURCE", tmp_path)
        assert pages.fronts() == ["statebag", "statebag.room"]

    def test_the_command_line_is_all_there(self):
        text = pages.command_line()
        context = click.Context(cli)
        for name in COMMANDS:
            section = text.partition(f"## statebag {name}\n")[2].partition("\n## ")[0]
            command = cli.get_command(context, name)
            assert (command.help or "").split(".")[0].split("\n")[0] in section
            for parameter in command.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert all(option in section for option in parameter.opts), (name, parameter)


class TestGlossary:
    TEXT = (DOCS / "glossary.md").read_text("utf-8")

    def test_each_word_stands_once(self):
        rows = re.findall(r"^\| ([^|]+?) \|", self.TEXT, re.MULTILINE)
        words = [
            word.strip()
            for row in rows
            for word in row.split(",")
            if word.strip() not in {"word", "---"}
        ]
        assert len(words) > 40
        assert len(words) == len(set(words))

    def test_the_terms_of_the_design_are_there(self):
        terms = "state bag seal open stub blob pack store scope policy snapshot offload inline"
        for term in [*terms.split(), "control field", "chunk", "delta", "prefetch list", "repair"]:
            assert re.search(rf"^\| [^|]*\b{term}\b[^|]* \|", self.TEXT, re.MULTILINE), term

    def test_the_picture_has_words_and_both_schemes(self):
        (picture,) = re.findall(r"\]\((pictures/[^)]+)\)", self.TEXT)
        text = (DOCS / picture).read_text("utf-8")
        assert "prefers-color-scheme: dark" in text
        assert "<title" in text
        assert "<desc" in text
        for word in ("state", "bag", "pack", "stub", "blob", "store", "scope"):
            assert re.search(rf">[^<]*\b{word}\b", text), word
