"""`statebag init`: write the settings of a workflow's template or definition."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from statebag.cli.extras import needs
from statebag.cli.terminal_text import printable
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statebag.cli.workflow_facts import WorkflowFacts

__all__ = ["command"]

_FILE = Path("statebag.toml")


@click.command
@click.argument(
    "template", metavar="[TEMPLATE]", required=False, type=click.Path(exists=True, path_type=Path)
)
@click.option("--force", is_flag=True, help="Replace statebag.toml.")
def command(template: Path | None, *, force: bool) -> None:
    """Write statebag.toml for a workflow, so that other commands need no options.

    TEMPLATE is a template of SAM or CloudFormation, or a definition. Without it, the one in this
    folder is taken. For the CDK and the Serverless Framework, it says which command makes the
    template.

    The file has the template, the paths that its state machine reads, and a line for each function
    whose code the template does not lead to: put your function's name there.

    \b
    Example:
      statebag init template.yaml
      statebag run
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if (_FILE.exists() or _FILE.is_symlink()) and not force:
        raise ConfigurationError(f"{_FILE} exists already", hint="Edit it, or pass --force.")
    with needs("lint"):
        from statebag.cli.workflow_facts import facts_of, found_template  # noqa: PLC0415 - kept out of --help

    if template is None or template.is_dir():
        template = found_template(template or Path())
    facts = facts_of(template)
    _FILE.write_text("\n".join(_lines(template, facts)) + "\n", encoding="utf-8")
    click.echo(f"wrote {_FILE}: {printable(os.path.relpath(template))}")
    for line in _told(facts):
        click.echo(printable(line))


def _lines(template: Path, facts: WorkflowFacts) -> Iterator[str]:
    """Return the lines of the file."""
    yield f"template = {_text(os.path.relpath(template))}"
    for name, paths in (("control", facts.control), ("movable", facts.movable)):
        if paths:
            yield f"{name} = {_list(paths)}"
    if facts.handlers:
        yield ""
        yield "[handlers]  # module:function, or file.py:function"
        for name, target in facts.handlers.items():
            yield f"{_text(name)} = {_text(target)}"


def _told(facts: WorkflowFacts) -> Iterator[str]:
    """Return what was not found, and what is left to do."""
    if facts.problems:
        yield "the state machine has mistakes, so paths may be missing: `statebag lint` lists them"
    if facts.control or facts.movable:
        yield "set the same paths where you deploy: `statebag lint --control` prints them"
    elif not facts.problems:
        yield (
            "no control or movable path: the state machine reads nothing inside what a function "
            "returns"
        )
    if facts.undecorated:
        yield (
            f"not decorated yet: {', '.join(facts.undecorated)}. Put @statebag.step around each "
            "that reads the state; until then, what they return is not sealed"
        )
    if facts.handlers:
        yield f"name a function of yours for each of {', '.join(facts.handlers)}"


def _text(value: str) -> str:
    """Return a TOML string."""
    from statebag.cli.json_output import json_of  # noqa: PLC0415 - JSON's escapes are TOML's

    return json_of(value)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
