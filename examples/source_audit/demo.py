"""A workflow that the payload limit fails, then the same one running: `make demo`.

It audits a made-up tree of Python source (examples/source_tree.py), or another folder (--folder).
No AWS account, no Docker, no network: the template's state machine and functions run in this
process.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from statebag import Statebag
from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local import run
from statebag.local.execution import Observer
from statebag.local.tokens import answer
from statebag.local.workflow import load_workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.status import Status

    from statebag.local.execution import LocalExecution, LocalTransition

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE / "functions"))  # what Lambda puts on the path

import source_tree  # noqa: E402 - found by the lines above
from audit import tree  # noqa: E402 - needs the path above
from audit.rules import RULES  # noqa: E402 - needs the path above

ROWS = 8
KEPT = Path(".statebag", "demo")  # what both runs leave, to be looked at


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workflow plain, then sealed; 0 when the sealed run succeeded and lost nothing."""
    options = _options(arguments)
    console = Console(highlight=False)
    what = options.folder or "a made-up tree of Python source"
    console.print(f"[bold]statebag[/]: a workflow that audits {what}\n")

    with tempfile.TemporaryDirectory(prefix="statebag-demo-") as folder:
        shutil.rmtree(KEPT, ignore_errors=True)
        store = (KEPT / "store").absolute().as_uri()
        root = options.folder or source_tree.write(Path(folder, "source"))
        request = {"folder": str(root), "max_files": options.max_files, "auto_approve": False}

        console.rule("[bold]1. The state travels in the payload", align="left")
        plain = _run(console, request, folder, {"STATEBAG_PLAIN": "1"})
        _show_run(console, plain)
        _explain_plain(console, plain)

        console.rule("[bold]2. The same workflow, its state sealed", align="left")
        sealed = _run(console, request, folder, {"STATEBAG_STORE": store})
        _show_run(console, sealed)
        if sealed.status != "SUCCEEDED":
            console.print(f"[bold red]{sealed.status}: {sealed.error}[/] {sealed.cause}")
            return 1
        state = Statebag(store).open(sealed.output)
        lost = _check(console, state, sealed, KEPT / "store")

    console.rule("[bold]3. What the audit found", align="left")
    _show_audit(console, state)
    if options.report:
        options.report.write_text(state["report"], encoding="utf-8")
        console.print(f"\nThe whole report is in {options.report}.")
    look = f"statebag ui --histories {KEPT}/histories --store ./{KEPT}/store"
    console.print(f"\nLook at both runs: [bold]{look}[/]", soft_wrap=True)
    return 1 if lost else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Audit a tree of Python source.")
    parser.add_argument("--folder", help="a folder instead of the made-up tree")
    parser.add_argument("--max-files", type=int, help="audit no more than the first so many")
    parser.add_argument("--report", type=Path, help="write the report to this Markdown file")
    return parser.parse_args(arguments)


class _Person(Observer):
    """Shows where the run is; when it waits for an approval, shows what was asked and approves.

    In place of a person at a terminal with `statebag answer`: the question comes from the
    function's log, the answer goes through the folder of task tokens.
    """

    def __init__(self, console: Console, status: Status, tokens: Path) -> None:
        self.console = console
        self.status = status
        self.tokens = tokens
        self.log = _Questions()
        self.state_bytes = 0

    def state_entered(self, name: str, kind: str, path: str) -> None:  # noqa: ARG002 - Observer's
        self.status.update(f"{name}, the state so far: {self.state_bytes:,} bytes")

    def state_left(self, transition: LocalTransition) -> None:
        if transition.usage is not None:
            self.state_bytes = max(self.state_bytes, transition.usage.plain_bytes)

    def waiting_for_token(self, token: str, state: str) -> None:
        question = self.log.asked.pop(token)
        numbers = [
            f"{name.replace('_', ' ')}: {_amount(value)}"
            for name, value in question["summary"].items()
            if name != "root"
        ]
        self.console.print(
            Panel(
                f"[bold]{question['asks']}[/] {'; '.join(numbers)}",
                title=f"{state} waits for an answer",
                subtitle='answered: {"approved": true}',
                title_align="left",
                subtitle_align="right",
            )
        )
        answer(self.tokens, token, {"approved": True, "by": "make demo"})


class _Questions(logging.Handler):
    """Reads the approval's questions from the function's log."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, dict[str, Any]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        question = json.loads(record.getMessage())
        self.asked[question["token"]] = question


def _run(
    console: Console, request: dict[str, Any], folder: str, environment: dict[str, str]
) -> LocalExecution:
    workflow = load_workflow(HERE / "template.yaml", environment=environment)
    log = logging.getLogger("source_audit")
    with console.status("starting") as status:
        person = _Person(console, status, Path(folder, "tokens"))
        log.addHandler(person.log)
        try:
            return run(
                workflow,
                input=request,
                observer=person,
                token_dir=person.tokens,
                histories=KEPT / "histories",
                timeout=None,
                strict=False,  # it shows what the deployed functions would send
            )
        finally:
            log.removeHandler(person.log)


def _show_run(console: Console, execution: LocalExecution) -> None:
    """A row for each step: what the state has grown to, and what the engine carries of it."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("step")
    for name in ("state", "payload", "of limit", "objects", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    inside: dict[str, list[LocalTransition]] = defaultdict(list)
    for one in execution.transitions:
        outer, bracket, _ = one.path.partition("[")
        if bracket:
            inside[outer].append(one)
    state_bytes = 0
    for one in execution.transitions:
        if one.usage is not None:
            state_bytes = max(state_bytes, one.usage.plain_bytes)
        if "[" in one.path or one.kind in {"Choice", "Pass"}:
            continue
        parts = inside[one.path]
        puts = sum(each.usage.puts for each in (one, *parts) if each.usage is not None)
        table.add_row(
            f"{one.state} \\[{one.kind}: {len(parts)}]" if parts else one.state,
            f"{state_bytes:,}",
            "[red]too large[/]" if one.error else f"{one.output_bytes:,}",
            "" if one.error else f"{one.output_bytes / PAYLOAD_LIMIT:.0%}",
            f"{puts:,}" if puts else "",
            f"{one.seconds:.1f} s",
        )
    console.print(table)


def _explain_plain(console: Console, plain: LocalExecution) -> None:
    failed = next((one for one in plain.transitions if one.error), None)
    if failed is None or failed.usage is None:
        console.print("This tree is so small that its state fits the payload.\n")
        return
    console.print(
        f"[bold red]{failed.state}: {plain.error}[/]. It answered with "
        f"{failed.usage.plain_bytes:,} bytes; a payload holds {PAYLOAD_LIMIT:,}.\n"
    )


def _check(console: Console, state: dict[str, Any], sealed: LocalExecution, store: Path) -> int:
    """Compare what went through the whole workflow with the files themselves."""
    root = Path(state["root"])
    lost = [
        source["path"]
        for source in state["sources"]
        if tree.read_source(root, source["path"]) != source["text"]
    ]
    packs = [file.stat().st_size for file in store.rglob("*.pack")]
    largest = max(max(one.input_bytes, one.output_bytes) for one in sealed.transitions)
    console.print(
        f"The final state has [bold]{payload_size(state):,}[/] bytes; "
        f"the largest payload had [bold green]{largest:,}[/] of {PAYLOAD_LIMIT:,}. "
        f"{len(packs)} objects with {sum(packs):,} bytes were stored. "
        f"{len(state['sources']) - len(lost):,} of {len(state['sources']):,} source files came "
        "through as they are on disk.\n"
    )
    return len(lost)


def _show_audit(console: Console, state: dict[str, Any]) -> None:
    summary, reviews = state["summary"], state["reviews"]
    console.print(
        f"{summary['files']:,} files in {summary['packages']} packages, {summary['lines']:,} "
        f"lines, {summary['functions']:,} functions, {summary['classes']:,} classes.\n"
        f"With a docstring: {summary['documented_percent']} % of what is public. Groups of "
        f"functions with the same code: {summary['duplicate_groups']}. "
        f"Import circles: {summary['import_circles']}.\n"
    )
    counts: dict[str, int] = {}
    for finding in state["findings"]:
        counts[finding["rule"]] = counts.get(finding["rule"], 0) + 1
    findings = Table(title=f"{summary['findings']:,} findings", title_justify="left")
    findings.add_column("rule")
    findings.add_column("severity")
    findings.add_column("places", justify="right")
    for name in sorted(counts, key=lambda name: -counts[name])[:ROWS]:
        findings.add_row(name, RULES[name].severity, f"{counts[name]:,}")
    functions = Table(title="The most complex functions", title_justify="left")
    functions.add_column("function")
    functions.add_column("complexity", justify="right")
    functions.add_column("lines", justify="right")
    for one in reviews["complexity"]["most_complex"][:ROWS]:
        place = f"{one['path']}:{one['line']} {one['name']}"
        functions.add_row(place, str(one["complexity"]), str(one["lines"]))
    console.print(findings)
    console.print(functions)


def _amount(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_amount(part)}" for name, part in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
