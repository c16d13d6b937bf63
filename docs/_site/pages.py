"""What mkdocs adds to the written pages: the references, and links that leave docs/.

The reference of the API has a page for each front: a module directly below `statebag` that lists
its names in `__all__`. A new front, or a new name in one, needs no change here. The reference of
the command line is made of the help of each command.
"""

from __future__ import annotations

import ast
import logging
import posixpath
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
API, CLI = "reference/api", "reference/cli.md"
# Public modules that are not packages. Of the packages, each one with names is a front.
MODULES = frozenset({"errors", "policy", "state_data_manager", "telemetry", "usage"})
# What a person uses: the command line has a reference of its own.
NO_FRONTS = frozenset({"cli", "ui"})
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)")
_log = logging.getLogger("mkdocs.plugins.statebag")  # below `mkdocs`: --strict counts its warnings


def fronts() -> list[str]:
    """The modules whose names are public: `statebag`, then what stands below it, by name."""
    found = []
    for path in sorted((SOURCE / "statebag").iterdir()):
        init = path / "__init__.py"
        if init.is_file() and path.name not in NO_FRONTS and names(init):
            found.append(f"statebag.{path.name}")
        elif path.suffix == ".py" and path.stem in MODULES and names(path):
            found.append(f"statebag.{path.stem}")
    return ["statebag", *found]


def names(module: Path) -> list[str]:
    """The names in a module's `__all__`; none where it has no such list."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
                assert node.value is not None
                return list(ast.literal_eval(node.value))
    return []


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the design notes and the generated pages at the end of the navigation."""
    assert config.nav is not None
    notes = sorted(path.name for path in (ROOT / "docs" / "design").glob("*.md"))
    config.nav.append({"Design": [f"design/{name}" for name in notes]})
    pages: list[dict[str, Any]] = [{"Command line": CLI}]
    pages += [{front: f"{API}/{front}.md"} for front in fronts()]
    config.nav.append({"Reference": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - tests read this module without it

    for front in fronts():
        text = f"# `{front}`\n\n::: {front}\n"
        files.append(File.generated(config, f"{API}/{front}.md", content=text))
    files.append(File.generated(config, CLI, content=command_line()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs' signature
    """Point links to files outside docs/ at the repository; warn if such a file does not exist."""
    folder = posixpath.dirname(page.file.src_uri)

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", folder, match[2]))
        inside = target.startswith("docs/") and not (ROOT / target).is_dir()
        if inside or page.file.generated_by is not None:
            return match[0]
        if not (ROOT / target).exists():
            _log.warning("%s links to %s, which is not there", page.file.src_uri, target)
        return f"{match[1]}{config.repo_url}blob/main/{target}"

    return _LINK.sub(link, markdown)


def command_line() -> str:
    """The reference of the command line, in Markdown: each command's help and options."""
    sys.path.insert(0, str(SOURCE))
    from statebag.cli import COMMANDS  # noqa: PLC0415 - found by the line above
    from statebag.cli.group import cli  # noqa: PLC0415 - mkdocs loads it only here

    parts = ["# The command line\n\n", _described("statebag", cli, cli)]
    for name in COMMANDS:
        command = cli.get_command(cli.context_class(cli), name)
        assert command is not None, name
        parts.append(f"## statebag {name}\n\n{_described(f'statebag {name}', command, cli)}")
    return "".join(parts)


def _described(name: str, command: click.Command, group: click.Group) -> str:
    """The usage, the help, and a table of the options of one command."""
    context = command.context_class(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f"```text\n{name} {usage}\n```\n\n", *_paragraphs(command.help or "")]
    records = (one.get_help_record(context) for one in command.params)
    rows = [record for record in records if record and record[1]]  # arguments stand in the usage
    if rows:
        parts.append("| option | |\n| --- | --- |\n")
        parts += [f"| {_cell(f'`{option}`')} | {_cell(text)} |\n" for option, text in rows]
        parts.append("\n")
    if command is group and command.epilog:
        parts.append(f"{command.epilog}\n\n")
    return "".join(parts)


def _paragraphs(text: str) -> Iterator[str]:
    """The help's paragraphs; those that click leaves as they are become blocks."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = paragraph.strip("\n").split("\n")
        if lines[0].strip() == "\b":
            yield "```text\n" + textwrap.dedent("\n".join(lines[1:])) + "\n```\n\n"
        else:
            yield " ".join(line.strip() for line in lines).replace("<", "&lt;") + "\n\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
