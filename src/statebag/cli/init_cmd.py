"""`statebag init`: write the settings of a workflow's template or definition."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statebag.cli.extras import needs
from statebag.cli.terminal_text import printable
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from statebag.cli.workflow_facts import WorkflowFacts

__all__ = ["command"]

_FILE = Path("statebag.toml")
_FOUND_ANEW = frozenset({"template", "control", "movable"})


@click.command
@click.argument(
    "template", metavar="[TEMPLATE]", required=False, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--force",
    is_flag=True,
    help="Write statebag.toml again. Your handlers and all settings except the paths are kept.",
)
def command(template: Path | None, *, force: bool) -> None:
    """Write statebag.toml for a workflow, so that other commands need no options.

    TEMPLATE is a SAM or CloudFormation template, or a definition; by default, the one in this
    folder. For the CDK and the Serverless Framework, the command says how to generate the template.

    The file has the template, the paths that its state machine reads, and a line for each function
    whose code the template does not lead to: put your function's name there.

    The command also says which functions are not decorated yet. With --force, it looks again, and
    keeps what you wrote into statebag.toml, except for comments.

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
    before = _settings_before() if force else {}
    facts = facts_of(template)
    settings = _settings(template, facts, before)
    _FILE.write_text("\n".join(_lines(settings)) + "\n", encoding="utf-8")
    click.echo(f"wrote {_FILE}: {printable(os.path.relpath(template))}")
    for line in (*_changed(before, settings), *_told(facts, settings)):
        click.echo(printable(line))


def _settings_before() -> dict[str, Any]:
    """Return the settings of the file in this folder, if there is one."""
    from statebag.local.settings_file import settings_file  # noqa: PLC0415 - kept out of --help

    found = settings_file(Path.cwd()) if _FILE.exists() else None
    return {} if found is None or found[0] != Path.cwd() / _FILE else found[1]


def _settings(template: Path, facts: WorkflowFacts, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings to write: those that were found, and those that a person wrote before."""
    kept = {name: one for name, one in before.items() if name not in _FOUND_ANEW}
    found = {
        "template": os.path.relpath(template),
        "control": list(facts.control),
        "movable": list(facts.movable),
    }
    handlers = {**facts.handlers, **kept.pop("handlers", {})}
    settings = {**{name: one for name, one in found.items() if one}, **kept}
    return {**settings, "handlers": handlers} if handlers else settings


def _lines(settings: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of the file."""
    tables = {name: one for name, one in settings.items() if isinstance(one, dict)}
    for name, value in settings.items():
        if name not in tables:
            yield f"{name} = {_list(value) if isinstance(value, list) else _text(value)}"
    for name, table in tables.items():
        yield ""
        yield f"[{name}]" + (
            "  # module:function, or file.py:function" if name == "handlers" else ""
        )
        for key, value in table.items():
            yield f"{_text(key)} = {_text(value)}"


def _changed(before: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """Return which paths of the earlier file are not in the new one."""
    for name in ("control", "movable"):
        gone = [one for one in before.get(name, ()) if one not in settings.get(name, ())]
        if gone:
            yield f"no longer in {name}, since the state machine does not use it so: " + ", ".join(
                gone
            )


def _told(facts: WorkflowFacts, settings: Mapping[str, Any]) -> Iterator[str]:
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
    if facts.other_runtimes:
        listed = ", ".join(f"{name} ({one})" for name, one in facts.other_runtimes.items())
        yield f"in another language, so that they can be given control paths only: {listed}"
    unnamed = [name for name in facts.handlers if not settings["handlers"][name]]
    if unnamed:
        yield (
            f"put a Python function into [handlers] of {_FILE}, for `statebag run`, in place of: "
            + ", ".join(unnamed)
        )


def _text(value: str) -> str:
    """Return a TOML string."""
    from statebag.cli.json_output import json_of  # noqa: PLC0415 - JSON's escapes are TOML's

    return json_of(value)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
