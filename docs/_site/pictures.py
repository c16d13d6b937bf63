"""Make the pictures of docs/ui.md from the run that `make demo` left: `make pictures`.

It needs the extra `ui`, playwright, and Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from statebag import Statebag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".statebag" / "demo"
PICTURES = ROOT / "docs" / "pictures"
PROGRAM = "from statebag.cli import main; main()"


def main() -> None:
    """Serve the demo's run, and look at it."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None or not KEPT.is_dir():
        sys.exit("needs the program chromium, and a run of `make demo`")
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--hide-scrollbars"]
        )
        with _serving(KEPT / "store", KEPT / "histories") as address:
            _take(browser, address)
        with TemporaryDirectory(prefix="statebag-pictures-") as folder:
            store = Path(folder, "store")
            _write_threads(store)
            with _serving(store, Path(folder, "histories")) as address:
                _take_head(browser, address)
        browser.close()


@contextmanager
def _serving(store: Path, histories: Path) -> Iterator[str]:
    """Serve the page of a store and a folder of histories; yield its address."""
    command = [sys.executable, "-c", PROGRAM, "ui", "--store", str(store)]
    command += ["--histories", str(histories)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:  # noqa: S603
        try:
            assert served.stdout is not None
            found = re.search(r"http\S+", served.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            served.terminate()


def _write_threads(store: Path) -> None:
    """Write the thread of an agent, and a fork of it."""
    client = Statebag(store, replicas=(), signing_keys={})
    head = client.heads("agents/thread-7").head("main")
    version, messages = None, []
    for turn in range(1, 13):
        for who, length in (("user", 20), ("assistant", 400)):
            messages.append({"role": who, "content": f"{who}'s message {turn}. " * length})
        state = {"thread": "thread-7", "turn": turn, "messages": messages}
        bag = head.seal(state, version)
        version = head.advance(bag, version, label=f"turn-{turn}", note={"turn": turn})
    fork = client.heads("agents/thread-8").head("main")
    begun = head.fork(fork, head.find("turn-9"))
    fork.advance(fork.seal({"turn": 10, "messages": messages[:18]}, begun), begun, label="again")


def _take_head(browser: Browser, address: str) -> None:
    page = _page(browser, f"{address}#/h", "light")
    rows = page.locator(".heads .rows .row")
    rows.filter(has_text="agents/thread-7").locator("a").click()
    page.get_by_role("grid", name="Versions of the head").get_by_text("turn-12").wait_for()
    page.get_by_role("button", name="Find forks").click()
    page.get_by_role("link", name="agents/thread-8").wait_for()
    _save(page, "ui-head", 860)


def _take(browser: Browser, address: str) -> None:
    page = _page(browser, address, "light")
    page.locator(".executions .rows .status.ok").wait_for()
    page.wait_for_timeout(1_000)
    _save(page, "ui-executions", 330)
    page.locator(".executions .rows .row", has_text="Succeeded").locator("a").click()
    page.locator(".graph svg").wait_for()
    page.wait_for_timeout(2_500)
    _save(page, "ui-execution", 900)
    page.get_by_role("tab", name="State").click()
    sources = page.get_by_role("treeitem").filter(has_text="sources").first
    sources.locator(".twist").click()
    page.wait_for_timeout(1_000)
    sources.click()
    page.get_by_role("button", name="History of this value").click()
    page.get_by_text("No other event changed it.").wait_for()
    _save(page, "ui-state", 900)
    page = _page(browser, address, "dark")
    page.locator(".executions .rows .row", has_text="Failed").locator("a").click()
    page.locator(".graph svg").wait_for()
    page.wait_for_timeout(2_500)
    _save(page, "ui-failed-dark", 900)


def _page(browser: Browser, address: str, scheme: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    return page


def _save(page: Page, name: str, height: int) -> None:
    page.screenshot(
        path=PICTURES / f"{name}.png",
        clip={"x": 0, "y": 0, "width": 1280, "height": height},
        animations="disabled",
    )


if __name__ == "__main__":
    main()
