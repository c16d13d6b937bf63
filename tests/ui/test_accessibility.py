"""The page and the report for screen readers and the keyboard, by axe-core and Chromium's tree."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from statebag.local.records import Record
from statebag.ui.report_file import report_of
from tests.ui.conftest import HEAD, arn_of, serving
from tests.ui.test_in_browser import browsing, pytestmark, view

__all__ = ["pytestmark"]

AXE = Path(__file__).parents[2] / ".axe" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = [("light", 1280), ("dark", 360)]
FOUND = """async () => (await axe.run()).violations.flatMap(
    (one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)}`))"""

UNSEEN = """() => {
  const one = document.activeElement;
  const box = one.querySelector("rect");
  if (one === document.body) return null;
  if (box && parseFloat(getComputedStyle(box).strokeWidth) > 2) return null;
  const slot = one.nextElementSibling;
  const isSeen = [one, ...(slot?.className === "slot" ? [slot] : [])]
    .map((each) => getComputedStyle(each))
    .some((look) => look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2);
  return isSeen ? null : one.outerHTML.slice(0, 120);
}"""
"""What has the focus, if nothing shows it."""


def violations(page):
    """What is wrong on the page as it is now, on a wide light screen and on a narrow dark one."""
    if not AXE.exists():
        pytest.skip("needs axe-core: make axe")
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text("utf-8"))
    found = []
    for scheme, width in SCREENS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found += [f"{scheme} {width}: {one}" for one in page.evaluate(FOUND)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})
    return found


def open_all(page):
    """Open what a view has behind a press: a value, its history, what differs, the store."""
    page.get_by_role("tabpanel").wait_for()
    page.wait_for_timeout(300)
    items = page.get_by_role("treeitem")
    if items.count():
        page.get_by_placeholder("Search the state").fill("e")
        page.get_by_role("button", name="Search", exact=True).click()
        page.locator(".found").wait_for()
        items.filter(has_text="small").locator(".twist").click()
        items.filter(has_text="note").first.click()
        for name in ("Show value", "History of this value"):
            if page.get_by_role("button", name=name).count():
                page.get_by_role("button", name=name).click()
        page.wait_for_timeout(300)
    if page.get_by_role("button", name="Look inside").count():
        page.get_by_role("button", name="Look inside").first.click()
        page.locator(".inside").first.wait_for()
    for name in ("List the store", "Find forks"):
        if page.get_by_role("button", name=name).count():
            page.get_by_role("button", name=name).click()
            page.wait_for_timeout(300)


def headers_and_cells(page):
    """Of each grid that Chromium tells a screen reader of: its columns, and the cells of rows."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    known = {one["nodeId"]: one for one in nodes}

    def role(one):
        return one.get("role", {}).get("value")

    def below(one, *roles):
        for child in (known[n] for n in one.get("childIds", ()) if n in known):
            if role(child) in roles and not child.get("ignored"):
                yield child
            elif role(child) not in {"row", "grid"}:
                yield from below(child, *roles)

    grids = []
    for one in nodes:
        if role(one) == "grid":
            head, *rows = below(one, "row")
            titles = [part["name"]["value"] for part in below(head, "columnheader")]
            cells = {len(list(below(row, "gridcell"))) for row in rows}
            grids.append((one["name"]["value"], titles, cells))
    return grids


@pytest.mark.parametrize("tab", ["steps", "events", "state", "differences", "cost"])
def test_an_execution(served, ran, tab):
    with browsing() as (page, wrong):
        query = "?before=32&after=36" if tab == "differences" else ""
        page.goto(view(served, ran.bad if tab == "steps" else ran.good, tab, query))
        open_all(page)
        assert violations(page) == []
        for name, titles, cells in headers_and_cells(page):
            assert cells <= {len(titles)}, name
            assert all(titles), name
        assert wrong == []


def test_lists_of_executions_and_heads_and_what_is_not_there(served, tmp_path):
    with browsing() as (page, _):
        page.goto(served.address)
        page.get_by_role("link", name="run-1").wait_for()
        assert violations(page) == []
        grids = headers_and_cells(page)
        assert [(name, cells) for name, _, cells in grids] == [("Executions", {7})]
        assert grids[0][1][:3] == ["Status", "State machine", "Execution"]
        page.goto(f"{served.address}#/h")
        page.get_by_role("grid", name="Heads").get_by_text("main").first.wait_for()
        assert violations(page) == []
        page.goto(view(served, arn_of("nobody")))
        page.get_by_role("alert").wait_for()
        assert violations(page) == []
    (tmp_path / "store").mkdir()
    with serving(tmp_path / "none", f"file://{tmp_path}/store") as empty, browsing() as (page, _):
        for place, text in (
            ("", "No execution on this machine"),
            ("#/h", "The store has no heads"),
        ):
            page.goto(empty.address + place)
            page.get_by_text(text).wait_for()
            assert violations(page) == []


@pytest.mark.parametrize("tab", ["versions", "state", "differences"])
def test_a_head(served, tab):
    with browsing() as (page, wrong):
        page.goto(f"{served.address}#/h/{quote(HEAD, safe='')}/{tab}")
        page.get_by_role("tabpanel").wait_for()
        page.wait_for_timeout(300)
        if tab == "versions":
            page.get_by_role("grid").focus()
            page.keyboard.press("Home")
            page.get_by_role("button", name="Find forks").click()
        assert violations(page) == []
        for name, titles, cells in headers_and_cells(page):
            assert cells == {len(titles)}, name
        assert wrong == []


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("kind", ["execution", "head"])
def test_a_report(data, ran, tmp_path, kind, values):
    file = tmp_path / "page.html"
    name = ran.bad if kind == "execution" else HEAD
    file.write_text(report_of(data, name, values=values), encoding="utf-8")
    with browsing() as (page, wrong):
        page.goto(file.as_uri())
        for place in range(page.get_by_role("tab").count()):
            page.get_by_role("tab").nth(place).click()
            page.get_by_role("tabpanel").wait_for()
            page.wait_for_timeout(300)
            assert violations(page) == [], place
            for name, titles, cells in headers_and_cells(page):
                assert cells <= {len(titles)}, name
        assert wrong == []


def test_a_run_that_goes_on_is_said_in_sentences(ran, tmp_path):
    record = Record(tmp_path / "Main" / "live.jsonl", arn_of("live"), {}, {
        "StartAt": "Then", "States": {"Then": {"Type": "Wait", "Seconds": 60, "End": True}},
    })  # fmt: skip
    began = {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 1}
    entered = {"id": 2, "previousEventId": 1, "type": "WaitStateEntered", "timestamp": 2}
    record.add(began)
    with serving(tmp_path, ran.client.store.url) as served, browsing() as (page, _):
        page.goto(view(served, arn_of("live")))
        said = page.get_by_role("status").filter(has_text="event")
        said.get_by_text("Running: 0 steps, 1 event", exact=True).wait_for(state="attached")
        assert violations(page) == []
        record.add({**entered, "stateEnteredEventDetails": {"name": "Then", "input": "{}"}})
        said.get_by_text(re.compile("1 step, 2 events, Then waits")).wait_for(state="attached")
        record.add({"id": 3, "previousEventId": 2, "type": "ExecutionFailed", "timestamp": 3})
        said.get_by_text(re.compile("Failed: 1 step, 3 events")).wait_for(state="attached")
    record.close()


def test_the_keyboard_shows_where_it_is(served, ran):
    """Each thing that the tab key reaches has an outline, or a border of its own, that shows it."""
    with browsing() as (page, _):
        for tab in ("steps", "state"):
            page.goto(view(served, ran.good, tab))
            page.get_by_role("tabpanel").wait_for()
            page.wait_for_timeout(300)
            page.locator("body").press("Tab")
            unseen = []
            for _step in range(30):
                one = page.evaluate(UNSEEN)
                unseen += [one] if one else []
                page.keyboard.press("Tab")
            assert unseen == [], tab


def test_a_page_that_comes_in_place_of_another_begins_at_its_title(served):
    with browsing() as (page, _):
        page.goto(served.address)
        page.get_by_role("grid", name="Executions").focus()
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        page.get_by_role("tabpanel").wait_for()
        focused = page.evaluate("document.activeElement.tagName")
        assert focused == "H1"


def test_arrows_move_between_the_states_of_the_machine(served, ran):
    with browsing() as (page, wrong):
        page.goto(view(served, ran.good))
        states = page.locator("g.state")
        page.get_by_role("button", name=re.compile("Each, Task, left")).wait_for()
        assert page.locator("g.state[tabindex='0']").count() == 1
        states.and_(page.locator("[tabindex='0']")).focus()
        page.keyboard.press("Home")
        seen = [page.evaluate("document.activeElement.dataset.name")]
        for _ in range(states.count()):
            page.keyboard.press("ArrowDown")
            seen.append(page.evaluate("document.activeElement.dataset.name"))
        assert set(seen) == {"Load", "Map", "Each", "Change"}
        assert page.locator("g.state[tabindex='0']").count() == 1
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=re.compile("^Steps 1$")).wait_for()
        assert page.get_by_placeholder("Find a state").input_value() == seen[-1]
        assert wrong == []
