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
    from collections.abc import Iterable, Iterator

__all__ = ["command"]

_FILE = Path("statebag.toml")


@click.command
@click.argument(
    "template", metavar="TEMPLATE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--force", is_flag=True, help="Replace statebag.toml.")
def command(template: Path, *, force: bool) -> None:
    """Write statebag.toml for a workflow, so that other commands need no options.

    It has the template, the paths that its state machine reads, and a line for each function that
    the template does not define: put your function's name there.

    \b
    Example:
      statebag init template.yaml
      statebag run
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if (_FILE.exists() or _FILE.is_symlink()) and not force:
        raise ConfigurationError(f"{_FILE} exists already", hint="Edit it, or pass --force.")
    with needs("local"):
        from statebag.lint.linter import Options, lint  # noqa: PLC0415 - kept out of --help

    report = lint([template], Options(sealed=("*",)))
    if not report.machines:
        raise ConfigurationError(
            f"{template} has no state machine", hint="Name a template or a definition."
        )
    lines = [f"template = {_text(os.path.relpath(template))}"]
    for name, found in (("control", report.needed), ("movable", report.needed_movable)):
        paths = sorted({path for one in found.values() for path in one})
        if paths:
            lines.append(f"{name} = {_list(paths)}")
    functions = list(_functions_to_name(template))
    if functions:
        lines += ["", "[handlers]  # module:function, or file.py:function"]
        lines += [f'{_text(name)} = ""' for name in functions]
    _FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo(f"wrote {_FILE}: {printable(os.path.relpath(template))}")
    if any(one.startswith(("control", "movable")) for one in lines):
        click.echo("set the same paths where you deploy: `statebag lint --control` prints them")
    if functions:
        click.echo(f"name a function of yours for each of {printable(', '.join(functions))}")


def _functions_to_name(template: Path) -> Iterator[str]:
    """Return the functions of a definition that has no template to define them."""
    from statebag.asl.documents import parse_document, read_text  # noqa: PLC0415 - not in --help
    from statebag.asl.function_references import bind_references  # noqa: PLC0415 - as above

    document: Any = parse_document(read_text(template), str(template))
    if not isinstance(document, dict) or "States" not in document:
        return
    yield from bind_references([document], (), (), "us-east-1").unbound


def _text(value: str) -> str:
    """Return a TOML string."""
    from statebag.cli.json_output import json_of  # noqa: PLC0415 - JSON's escapes are TOML's

    return json_of(value)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
