"""How long the page takes on a long execution: `python -m benchmarks.page_times`.

It makes an execution of 25,000 events whose state has 100 MB, serves the page of it, and drives
Chromium: time to the first view, to a value, and to a difference, with the processor time that the
program takes for each, and the bytes that it sends. It needs the extra `ui`,
playwright, and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from statebag import Policy, Statebag
from statebag.asl.arns import ACCOUNT
from statebag.local.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page, Response

ARN = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Long:run-1"
LIVE = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Long:run-2"
PROGRAM = "from statebag.cli import main; main()"
EVENTS_OF_A_STEP = 5
EDITED_EVERY = 10  # steps: each of these writes another state


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_times", description=__doc__)
    parser.add_argument("--events", type=int, default=25_000)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="statebag-page-") as folder:
        histories, store = Path(folder, "histories"), Path(folder, "store")
        written = make(histories, store, arguments.events, arguments.megabytes)
        live = going_on(histories, store, arguments.events)
        figures = {**written, **measure(histories, store, written["events"], live)}
    for name, value in figures.items():
        print(
            f"{name:48} {value:>12,.2f}" if isinstance(value, float) else f"{name:48} {value:>12,}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def make(histories: Path, store: Path, events: int, megabytes: int) -> dict[str, int]:
    """Write the history of an execution, and its packs; return what they have."""
    client = Statebag(store, policy=Policy(control=("$.turn",)), replicas=(), signing_keys={})
    items = [{"n": n, "text": f"{n:08}" + "abcdefgh" * 60} for n in range(megabytes * 2_000)]
    bag = client.seal({"turn": 0, "items": items, "log": []}, scope="Long/run-1")
    states = {"Work": {"Type": "Task", "Resource": "work", "Next": "Again"}}
    states["Again"] = {"Type": "Choice", "Choices": [{"Next": "Work"}], "Default": "Work"}  # type: ignore[dict-item]
    record = Record(
        histories / "Long" / "run-1.jsonl", ARN, {}, {"StartAt": "Work", "States": states}
    )
    total = 0
    for event in _events(client, bag, events):
        record.add(event)
        total += 1
    record.close()
    size = sum(file.stat().st_size for file in histories.rglob("*.jsonl"))
    return {
        "events": total,
        "bytes of the history": size,
        "bytes of the state": megabytes * 1_000_000,
    }


def going_on(histories: Path, store: Path, events: int) -> Record:
    """Return the record of an execution of as many events that has not ended."""
    client = Statebag(store, policy=Policy(control=("$.turn",)), replicas=(), signing_keys={})
    bag = client.seal({"turn": 0, "items": ["x" * 100] * 2_000, "log": []}, scope="Long/run-2")
    record = Record(histories / "Long" / "run-2.jsonl", LIVE, {}, None)
    for event in _events(client, bag, events - EVENTS_OF_A_STEP, ends=False):
        record.add(event)
    return record


def _events(
    client: Statebag, bag: Any, events: int, *, ends: bool = True
) -> Iterator[dict[str, Any]]:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    number = 0

    def event(kind: str, about: str, /, **details: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        return {
            "id": number,
            "previousEventId": number - 1,
            "type": kind,
            "timestamp": (began + timedelta(seconds=number)).isoformat(),
            about: details,
        }

    yield event("ExecutionStarted", "executionStartedEventDetails", input="{}")
    text = json.dumps(bag)
    step = 0
    while number < events - 1 - EVENTS_OF_A_STEP:
        step += 1
        yield event("TaskStateEntered", "stateEnteredEventDetails", name="Work", input=text)
        yield event("TaskScheduled", "taskScheduledEventDetails", resource="invoke")
        yield event("TaskStarted", "taskStartedEventDetails", resource="invoke")
        yield event("TaskSucceeded", "taskSucceededEventDetails", resource="invoke")
        if step % EDITED_EVERY == 0:
            bag = client.append(bag, "log", [{"step": step, "what": "x" * 400}], scope="Long/run-1")
            bag = {**bag, "turn": step}
            text = json.dumps(bag)
        yield event("TaskStateExited", "stateExitedEventDetails", name="Work", output=text)
    if ends:
        yield event("ExecutionSucceeded", "executionSucceededEventDetails", output=text)


def measure(histories: Path, store: Path, events: int, live: Record) -> dict[str, Any]:
    """Serve the page and drive a browser; return seconds, and megabytes of memory."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this needs it

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    command = [sys.executable, "-c", PROGRAM, "ui", "--store", str(store)]
    command += ["--histories", str(histories)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        try:
            found = re.search(r"http\S+", served.stdout.readline() if served.stdout else "")
            assert found is not None
            with sync_playwright() as started:
                browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                figures = _driven(browser.new_page(), found[0], events, served.pid, live)
                browser.close()
            status = Path(f"/proc/{served.pid}/status")
            if status.exists():
                high = re.search(r"VmHWM:\s+(\d+)", status.read_text())
                figures["megabytes of the program at most"] = int(high[1]) / 1_000 if high else 0.0
        finally:
            served.terminate()
    return figures


def _processor_seconds(pid: int) -> float:
    """Return the processor time that a process has taken; 0 where /proc does not say it."""
    file = Path(f"/proc/{pid}/stat")
    if not file.exists():
        return 0.0
    fields = file.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _driven(page: Page, address: str, events: int, pid: int, live: Record) -> dict[str, Any]:
    page.set_default_timeout(120_000)
    figures: dict[str, Any] = {}
    sent = [0]

    def count(answer: Response) -> None:
        sent[0] += int(answer.headers.get("content-length", 0))

    page.on("response", count)

    def timed(name: str, act: Callable[[], object]) -> None:
        begun, before, sent[0] = time.perf_counter(), _processor_seconds(pid), 0
        act()
        figures[f"seconds to {name}"] = time.perf_counter() - begun
        figures[f"processor seconds of the program to {name}"] = _processor_seconds(pid) - before
        figures[f"kilobytes to {name}"] = sent[0] / 1_000
        print(f"... {name}", file=sys.stderr, flush=True)

    def first_view() -> None:
        page.goto(f"{address}#/x/{quote(ARN, safe='')}/steps")
        page.locator(".steps .rows .row .strong").first.wait_for()
        page.locator(".graph svg").wait_for()

    def last_step() -> None:
        page.get_by_role("grid", name="Steps").focus()
        page.keyboard.press("End")
        page.locator(".steps .rows .row.chosen .strong").wait_for()

    def first_state() -> None:
        page.get_by_role("tab", name="State").click()
        page.get_by_role("treeitem").filter(has_text="items").wait_for()

    def a_value() -> None:
        page.get_by_role("treeitem").filter(has_text="items").locator(".twist").click()
        page.get_by_role("treeitem").filter(has=page.locator(".index")).nth(3).wait_for()

    def a_difference() -> None:
        pair = f"before={events // 2}&after={events - EVENTS_OF_A_STEP}"
        page.goto(f"{address}#/x/{quote(ARN, safe='')}/differences?{pair}")
        page.locator(".change").first.wait_for()

    def a_search() -> None:
        page.get_by_placeholder("Search the state").fill("no such text")
        page.get_by_label("Search in").select_option("value")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_text("did not fit into").wait_for()

    def a_history() -> None:
        page.get_by_role("treeitem").filter(has_text="turn").click()
        page.get_by_role("button", name="History of this value").click()
        page.get_by_text("No other event changed it.").wait_for()

    def a_run_that_goes_on() -> None:
        page.goto(f"{address}#/x/{quote(LIVE, safe='')}/steps")
        page.get_by_text("Follow", exact=True).wait_for()

    def a_new_step() -> None:
        number = events + 100_000
        about = {"name": "Arrived", "input": "{}"}
        kind = {"type": "TaskStateEntered", "timestamp": "2027-01-01T00:00:00Z"}
        live.add({"id": number, "previousEventId": 0, **kind, "stateEnteredEventDetails": about})
        page.locator(".graph").get_by_text("Arrived", exact=True).wait_for()

    timed(
        "the list of executions",
        lambda: (page.goto(address), page.get_by_role("link", name="run-1").wait_for()),
    )
    timed("the first view of the execution", first_view)
    timed(
        "the whole history",
        lambda: page.locator(".reading-on").wait_for(state="detached"),
    )
    timed("the last step, by the keyboard", last_step)
    timed("all opened sizes", lambda: page.get_by_text("measuring").wait_for(state="detached"))
    timed("the state", first_state)
    timed("an item of the largest value", a_value)
    timed("a search by value within its budget", a_search)
    timed("the history of a value across all events", a_history)
    timed("a difference", a_difference)
    timed("a run that goes on, of as many events", a_run_that_goes_on)
    timed("a step that it enters, while the page follows it", a_new_step)
    return figures


if __name__ == "__main__":
    main()
