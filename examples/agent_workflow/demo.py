"""An agent's workflow, action by action: `make demo-agent`.

The agent reviews a made-up tree of Python source (examples/source_tree.py), or another folder
(--folder). No AWS account, no Docker, no network, no model: the template's state machine and
functions run in this process, and its bucket is a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from statebag import Statebag, Unopened
from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local import run
from statebag.local.execution import Observer
from statebag.local.tokens import answer
from statebag.local.workflow import load_workflow
from statebag.state_data_manager import lambda_handler
from statebag.telemetry.usage import Usage, measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.status import Status

    from statebag.local.execution import LocalExecution

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import in_memory  # noqa: E402 - found by the line above
import source_tree  # noqa: E402 - needs the path above

MACHINES = {"jsonpath": "AgentWorkflow", "jsonata": "AgentWorkflowJsonata"}
STORE = "local-agent-state-123456789012/agent-workflow"  # the template's bucket, and prefix
ANSWER = {"approved": True, "by": "make demo-agent"}
FAILURES = {
    "branch": "a branch of the inline Map fails",
    "map": "a child of the Distributed Map fails",
    "timeout": "nobody answers",
}
FEW_FILES = 25


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workflow, compare, then the failures; 0 when all went as it must."""
    options = _options(arguments)
    console = Console(highlight=False)
    what = options.folder or "a made-up tree of Python source"
    console.print(f"[bold]statebag[/]: an agent that reviews {what} ({options.form})\n")

    with tempfile.TemporaryDirectory(prefix="statebag-agent-") as folder:
        request = {
            **json.loads((HERE / "input.json").read_text("utf-8")),
            "folder": str(options.folder or source_tree.write(Path(folder, "source"))),
            "max_files": options.max_files,
            "auto_approve": False,
        }
        console.rule("[bold]1. Every action of the state data manager", align="left")
        run = _Run(options.form, request, Path(folder, "run"))
        run.go(console)
        _show_actions(console, run.actions)
        if run.execution.status != "SUCCEEDED":
            console.print(f"[bold red]{run.execution.error}[/] {run.execution.cause}")
            return 1
        state = run.opened(run.execution.output)
        _show_outcome(console, run, state)

        console.rule("[bold]2. The same agent, in memory, without a workflow", align="left")
        is_same = _compare(console, run, state)

        console.rule("[bold]3. When something fails", align="left")
        console.print(f"Again with {FEW_FILES} files; the reason is read from the kept state.\n")
        few = {**request, "max_files": min(options.max_files or FEW_FILES, FEW_FILES)}
        ended = [
            _fail(console, _Run(options.form, {**few, "fail": fail}, Path(folder, fail)), fail)
            for fail in FAILURES
        ]
    return 0 if is_same and all(ended) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Review a tree of Python source.")
    parser.add_argument("--folder", help="a folder instead of the made-up tree")
    parser.add_argument("--max-files", type=int, help="review no more than the first so many")
    parser.add_argument("--form", choices=sorted(MACHINES), default="jsonpath", help="of the ASL")
    return parser.parse_args(arguments)


@dataclass
class _Action:
    """All calls of one action: the largest in, the largest out, and what the store was asked."""

    calls: int = 0
    plain: int = 0
    event: int = 0
    answer: int = 0
    usage: Usage = field(default_factory=Usage)


class _Run:
    """One execution, its bucket, and what each action cost."""

    def __init__(self, form: str, request: dict[str, Any], bucket: Path) -> None:
        bucket.mkdir()
        self.form = form
        self.request = {**request, "answer_seconds": 1 if request["fail"] == "timeout" else 600}
        self.bucket = bucket
        self.actions: dict[str, _Action] = {}
        self.execution: LocalExecution
        self._lock = threading.Lock()

    def go(self, console: Console) -> None:
        workflow = load_workflow(
            HERE / "template.yaml",
            machine=MACHINES[self.form],
            handlers={"StateDataManager": self._measured, "BranchDataManager": self._measured},
        )
        log = logging.getLogger("agent_workflow")
        with console.status("starting") as status:
            person = _Person(status, self.bucket.with_name(f"{self.bucket.name}-tokens"))
            log.addFilter(_no_record)  # the question is shown, not logged
            try:
                self.execution = run(
                    workflow,
                    input=self.request,
                    observer=person if self.request["fail"] != "timeout" else None,
                    token_dir=person.tokens,
                    buckets=self.bucket,
                    timeout=None,
                    strict=False,  # it shows what the deployed functions would send
                )
            finally:
                log.removeFilter(_no_record)

    def opened(self, bag: Any) -> Any:
        """A state from the objects that the run left in its bucket."""
        return self.store.open(bag)

    @property
    def store(self) -> Statebag:
        return Statebag((self.bucket / STORE).as_uri())

    def _measured(self, event: dict[str, Any], context: object) -> Any:
        plain = _plain_size(event)
        with measured() as usage:
            answered = lambda_handler(event, context)
        with self._lock:
            action = self.actions.setdefault(event["action"], _Action())
            action.calls += 1
            action.plain = max(action.plain, plain)
            action.event = max(action.event, payload_size(event))
            action.answer = max(action.answer, payload_size(answered))
            for name, amount in usage.as_dict().items():
                setattr(action.usage, name, getattr(action.usage, name) + amount)
        return answered


class _Person(Observer):
    """Shows where the run is, and answers what a person is asked."""

    def __init__(self, status: Status, tokens: Path) -> None:
        self.status = status
        self.tokens = tokens

    def state_entered(self, name: str, kind: str, path: str) -> None:  # noqa: ARG002 - Observer's
        self.status.update(name)

    def waiting_for_token(self, token: str, state: str) -> None:
        if state == "AskPerson":
            answer(self.tokens, token, ANSWER)


def _no_record(record: logging.LogRecord) -> bool:  # noqa: ARG001 - a filter's
    return False


def _plain_size(event: dict[str, Any]) -> int:
    """Bytes of an event if nothing in it were sealed; nothing is read for it."""
    unopened = 0

    def emptied(value: Any) -> Any:
        nonlocal unopened
        if isinstance(value, Unopened):
            unopened += value.size
            return None
        if isinstance(value, dict):
            return {key: emptied(member) for key, member in value.items()}
        return [emptied(member) for member in value] if isinstance(value, list) else value

    return payload_size(emptied(Statebag().open(event, only=[]))) + unopened


def _show_actions(console: Console, actions: dict[str, _Action]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("action", no_wrap=True)
    for name in ("calls", "plain", "event", "answer", "blobs", "stored", "PUT", "GET"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, one in actions.items():
        usage = one.usage
        counts = (usage.blobs_stored, usage.puts, usage.gets)
        blobs, puts, gets = (f"{count:,}" if count else "" for count in counts)
        stored = _kilobytes(usage.bytes_put) if usage.bytes_put else ""
        sizes = map(_kilobytes, (one.plain, one.event, one.answer))
        table.add_row(name, str(one.calls), *sizes, blobs, stored, puts, gets)
    console.print(table)
    console.print(
        "[dim]In KB. plain: the largest event, if nothing in it were sealed. event: what "
        "travelled instead. answer: the largest. Blobs, stored, PUTs and GETs: of all "
        "calls together, without what the agent's own functions store and read. All run in one "
        "process here, whose cache spares GETs that a new Lambda container sends.[/]\n"
    )


def _kilobytes(size: int) -> str:
    return f"{size / 1024:,.1f}"


def _show_outcome(console: Console, run: _Run, state: dict[str, Any]) -> None:
    summary = state["current_state"]["summary"]
    transitions = run.execution.transitions
    largest = max(max(one.input_bytes, one.output_bytes) for one in transitions)
    largest = max(largest, *(max(one.event, one.answer) for one in run.actions.values()))
    packs = [file.stat().st_size for file in run.bucket.rglob("*.pack")]
    console.print(
        f"{run.execution.status} after {len(transitions)} states in {run.execution.seconds:.0f} s. "
        f"The final state has [bold]{payload_size(state):,}[/] bytes, "
        f"{len(state['state_history']):,} messages among them; "
        f"the largest payload had [bold green]{largest:,}[/] of {PAYLOAD_LIMIT:,}. "
        f"{len(packs)} packs with {sum(packs):,} bytes were stored.\n"
        f"What the agent found: {summary['functions']:,} functions, {summary['undocumented']:,} "
        f"public names without a docstring, {sum(summary['findings'].values()):,} findings, "
        f"{summary['does_not_compile']} files that do not compile. "
        f"Approved by {state['callback_result']['by']}.\n"
    )


def _compare(console: Console, run: _Run, state: dict[str, Any]) -> bool:
    expected = in_memory.run(state["execution_id"], run.request, ANSWER)
    different = in_memory.differences(state, expected)
    same = len(expected.keys()) - len(different)
    left_out = sorted(in_memory.BOOKKEEPING & state.keys())
    if different:
        console.print(f"[bold red]Different:[/] {', '.join(different)}.\n")
    else:
        console.print(f"[bold green]All {same} fields are the same[/], to the last byte.")
        console.print(f"[dim]Not compared: {', '.join(left_out)}.[/]\n")
    return not different


def _fail(console: Console, run: _Run, fail: str) -> bool:
    run.go(console)
    execution = run.execution
    if execution.status != "FAILED" or not (execution.cause or "").startswith("{"):
        console.print(f"[bold red]{FAILURES[fail]}: {execution.status}, {execution.cause}[/]")
        return False
    address = json.loads(execution.cause or "")["snapshot_s3_path"]
    kept = run.bucket / address.removeprefix("s3://")
    state = run.opened(json.loads(kept.read_text("utf-8")))
    restored = ", the state before it restored" if "restore_snapshot" in run.actions else ""
    console.print(
        f"{FAILURES[fail]}: [bold]{execution.status}[/]{restored}. Status {state['status']}, "
        f"reason [bold]{state['error']['Error']}[/], {len(state['state_history'])} messages kept."
    )
    return bool(state["status"] == state["next_action"] == "FAILED")


if __name__ == "__main__":
    sys.exit(main())
