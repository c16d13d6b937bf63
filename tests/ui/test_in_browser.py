"""The page in Chromium: what a person sees, and what a hostile state cannot do."""

import json
import os
import re
import shutil
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from statebag.local.records import Record
from statebag.ui.execution_catalog import ExecutionCatalog
from statebag.ui.page_answers import PageData
from statebag.ui.report_file import report_of
from tests.ui.conftest import HEAD, HOSTILE, SECRET, arn_of, serving
from tests.ui.hostile_record import hostile_record

pytest.importorskip("starlette", reason="needs the extra ui")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs the program `chromium`"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PATIENCE = 240_000  # milliseconds; a generous bound of a hang


@contextmanager
def browsing(**options):
    """A page in a new browser, and a list of what went wrong in it."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE)
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
        page.on(
            "console",
            lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None,
        )
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        try:
            yield page, wrong
        finally:
            browser.close()


def view(served, arn, tab="steps", query=""):
    return f"{served.address}#/x/{quote(arn, safe='')}/{tab}{query}"


def test_from_the_list_to_a_value_and_a_difference(served, ran):
    with browsing() as (page, wrong):
        page.goto(served.address)
        page.get_by_role("link", name="run-1").click()
        page.get_by_text("Succeeded", exact=True).wait_for()
        page.get_by_role("button", name=re.compile("Each, Task, left, entered 3 times")).wait_for()
        page.get_by_role("grid", name="Steps").get_by_text("Change").wait_for()
        page.get_by_role("tab", name="State").click()
        page.get_by_role("treeitem").filter(has_text="secret").wait_for()
        assert SECRET not in page.content()
        page.get_by_text("Show values").click()
        page.get_by_text(SECRET).first.wait_for()
        page.goto(view(served, ran.good, "differences", "?before=32&after=36"))
        page.get_by_text("$.history", exact=True).wait_for()
        page.locator(".change", has_text="$.history").get_by_text("Look inside").click()
        page.locator(".inside").first.wait_for()
        page.get_by_role("tab", name="Cost and store").click()
        page.get_by_text("Dollars a million steps").wait_for()
        page.get_by_role("button", name="List the store").click()
        page.get_by_text("Main/run-2").wait_for()
        assert wrong == []
        assert {one[: len(served.address)] for one in page.requests} == {served.address}


def test_values_are_not_asked_for_before_a_person_does(served, ran):
    with browsing() as (page, _):
        bodies = []
        page.on("response", lambda answer: bodies.append(answer.text()))
        page.goto(view(served, ran.bad))
        page.get_by_text("ValueError").first.wait_for()
        page.goto(view(served, ran.bad, "state"))
        page.get_by_role("treeitem").first.wait_for()
        assert len(bodies) > 5
        assert SECRET not in "".join(bodies)


def test_hostile_names_and_values_are_text(served, ran):
    with browsing() as (page, wrong):
        page.goto(view(served, ran.good, "state"))
        page.get_by_text("Show values").click()
        name = page.locator("bdi", has_text=re.compile("^odd$"))
        page.get_by_role("treeitem").filter(has=name).locator(".twist").click()
        page.get_by_text("<script>alert(1)</script>").wait_for()
        page.get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
        page.get_by_text("\\u202egnp.exe").wait_for()
        page.get_by_text("제목").wait_for()
        assert page.locator("#page img, #page script").count() == 0
        assert "\u202e" not in page.inner_text("body")
        for key, value in HOSTILE.items():
            if isinstance(value, str) and key:
                shown = page.get_by_role("treeitem").filter(has_text=value[:5]).first
                shown.wait_for()
        page.get_by_text("<img src=x onerror=alert(1)>").first.click()
        page.get_by_role("button", name="Show value").click()
        page.locator("pre.text").wait_for()
        assert wrong == []


def test_with_the_keyboard_alone(served, ran):
    with browsing() as (page, wrong):
        page.goto(view(served, ran.good, "state"))
        page.get_by_role("treeitem").first.wait_for()
        page.get_by_role("tree").focus()
        for _ in range(7):
            page.keyboard.press("ArrowDown")
        small = page.get_by_role("treeitem").filter(has_text="small")
        assert small.get_attribute("aria-selected") == "true"
        assert small.get_attribute("aria-expanded") == "false"
        page.keyboard.press("ArrowRight")
        page.get_by_role("treeitem").filter(has_text="note").wait_for()
        assert small.get_attribute("aria-expanded") == "true"
        page.keyboard.press("ArrowLeft")
        page.get_by_role("treeitem").filter(has_text="note").wait_for(state="detached")
        page.get_by_role("tab", name="State").focus()
        page.keyboard.press("ArrowLeft")
        page.get_by_role("grid", name="Events").wait_for()
        page.keyboard.press("ArrowLeft")
        page.get_by_role("heading", name="Change left").wait_for()
        page.locator('[role="slider"][aria-valuemax="6"]').wait_for()
        page.get_by_role("slider").focus()
        page.keyboard.press("Home")
        page.get_by_role("heading", name="Load left").wait_for()
        page.keyboard.press("ArrowRight")
        page.get_by_role("heading", name="Map left").wait_for()
        assert wrong == []


def test_search_history_and_copy_of_a_path(served, ran):
    with browsing(permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        page.goto(view(served, ran.good, "state"))
        page.get_by_placeholder("Search the state").fill("needle")
        page.get_by_label("Search in").select_option("value")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("button", name="$.small.list[2].deep").click()
        page.get_by_role("button", name="Copy path").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "$.small.list[2].deep"
        page.get_by_role("button", name="History of this value").click()
        page.get_by_text("No other event changed it.").wait_for()


def test_it_follows_a_run(ran, tmp_path):
    def event(number, kind, **details):
        moment = f"2026-01-02T03:04:{number:02}Z"
        about = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": moment}
        return {**about, "stateEnteredEventDetails": details}

    definition = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "Then"},
            "Then": {"Type": "Wait", "Seconds": 60, "End": True},
        },
    }
    record = Record(tmp_path / "Main" / "live.jsonl", arn_of("live"), {}, definition)
    record.add(event(1, "ExecutionStarted"))
    record.add(event(2, "PassStateEntered", name="First", input="{}"))
    with serving(tmp_path, ran.client.store.url) as served, browsing() as (page, wrong):
        page.goto(view(served, arn_of("live")))
        page.get_by_text("Running", exact=True).wait_for()
        page.get_by_role("button", name=re.compile("First, Pass, open")).wait_for()
        record.add(event(3, "PassStateExited", name="First", output="{}"))
        record.add(event(4, "WaitStateEntered", name="Then", input='{"n": 1}'))
        page.get_by_role("button", name=re.compile("Then, Wait, open")).wait_for()
        page.get_by_text("waits for its time", exact=False).wait_for()
        record.add(event(5, "ExecutionFailed"))
        page.get_by_text("Failed", exact=True).wait_for()
        assert wrong == []
    record.close()


def test_a_long_list_has_only_the_rows_in_view_on_the_page(ran, tmp_path):
    record = Record(tmp_path / "Main" / "long.jsonl", arn_of("long"), {})
    for number in range(1, 1_201):
        way, name = ("Entered", "input") if number % 2 else ("Exited", "output")
        record.add(
            {
                "id": number,
                "previousEventId": number - 1,
                "type": f"PassState{way}",
                "timestamp": number,
                f"state{way}EventDetails": {"name": f"S{(number - 1) // 2 % 50}", name: "{}"},
            }
        )
    record.close()
    with serving(tmp_path, ran.client.store.url) as served, browsing() as (page, wrong):
        page.goto(view(served, arn_of("long")))
        table = page.get_by_role("grid", name="Steps")
        table.get_by_text("S0", exact=True).first.wait_for()
        table.focus()
        page.keyboard.press("Home")
        page.keyboard.press("End")
        table.get_by_text("1,199", exact=True).wait_for()
        assert table.get_by_role("row").count() < 60
        page.keyboard.press("PageUp")
        table.get_by_text("1,199", exact=True).wait_for()
        page.keyboard.press("Home")
        page.get_by_role("heading", name="S0 left").wait_for()
        assert wrong == []


def test_a_value_that_changes_at_each_step_is_listed_in_parts(ran, tmp_path):
    record = Record(tmp_path / "Main" / "often.jsonl", arn_of("often"), {})
    for number in range(1, 251):
        event = {"id": number, "previousEventId": number - 1, "timestamp": number}
        about = {"name": "Count", "input": json.dumps({"n": number})}
        record.add({**event, "type": "PassStateEntered", "stateEnteredEventDetails": about})
    record.close()
    with serving(tmp_path, ran.client.store.url) as served, browsing() as (page, wrong):
        page.goto(view(served, arn_of("often"), "state"))
        page.get_by_role("treeitem").filter(has_text="n").click()
        page.get_by_role("button", name="History of this value").click()
        page.get_by_text("No other event changed it.").wait_for()
        assert page.locator(".trail li").count() == 100
        page.get_by_role("button", name="150 more: show 100").click()
        page.get_by_role("button", name="50 more: show 50").click()
        assert page.locator(".trail li").count() == 250
        assert wrong == []


def test_another_site_and_a_page_without_the_token_get_nothing(served, ran):
    with browsing() as (page, _):
        page.goto(f"http://127.0.0.1:{served.port}/")
        assert "it has a token" in page.content()
        page.goto("about:blank")
        page.set_content(
            f'<iframe src="{served.address}"></iframe>'
            f'<script>fetch("{served.address}ask/executions").then((r) => r.text()).then('
            "(text) => (document.title = text), () => (document.title = 'refused'))</script>"
        )
        page.wait_for_function("document.title == 'refused'")
        assert page.frames[1].locator(".executions").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(served, ran, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    with browsing(color_scheme=scheme) as (page, _):
        page.goto(served.address)
        pairs = page.evaluate(
            """() => {
              const look = getComputedStyle(document.documentElement);
              const of = (name) => look.getPropertyValue(name).trim();
              const light = (hex) => {
                const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
                  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
              };
              const ratio = (a, b) => {
                const [low, high] = [light(of(a)), light(of(b))].sort((x, y) => x - y);
                return (high + 0.05) / (low + 0.05);
              };
              const found = {};
              for (const back of ["--back", "--surface", "--raised"])
                for (const text of ["--text", "--dim", "--accent"])
                  found[text + back] = ratio(text, back);
              for (const tone of ["ok", "bad", "live", "warn", "quiet"])
                for (const back of [`--${tone}-soft`, "--surface"])
                  found[tone + back] = ratio(`--${tone}`, back);
              found.accent = ratio("--accent", "--accent-soft");
              found.chosen = ratio("--dim", "--accent-soft");
              return found;
            }"""
        )
        assert len(pairs) == 21
        assert {name: ratio for name, ratio in pairs.items() if ratio < 4.5} == {}


def test_on_a_narrow_screen_nothing_sticks_out(served, ran):
    with browsing(viewport={"width": 360, "height": 740}) as (page, _):
        for tab in ("steps", "state", "differences", "cost"):
            page.goto(view(served, ran.good, tab))
            page.get_by_role("tabpanel").wait_for()
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, tab


def test_a_report_is_the_same_page_without_a_server(data, ran, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(report_of(data, ran.bad), encoding="utf-8")
    with browsing() as (page, wrong):
        page.goto(file.as_uri())
        page.get_by_text("Failed", exact=True).wait_for()
        page.get_by_role("grid", name="Steps").get_by_text("Load").wait_for()
        page.get_by_label("Which steps").select_option("errors")
        page.get_by_role("tab", name="Events").click()
        table = page.get_by_role("grid", name="Events")
        table.get_by_text("ExecutionFailed").wait_for()
        page.get_by_label("Which events").select_option("states")
        table.get_by_text("ExecutionFailed").wait_for(state="detached")
        page.get_by_placeholder("Find a type, state or error").fill("load")
        page.get_by_role("heading", name="Events 2", exact=True).wait_for()
        table.focus()
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.get_by_role("treeitem").filter(has_text="history").wait_for()
        page.get_by_placeholder("Search the state").fill("deep")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_text("not in this file").wait_for()
        page.get_by_role("treeitem").filter(has_text="flag").click()
        page.get_by_role("button", name="History of this value").click()
        page.get_by_text("No other event changed it.").wait_for()
        page.get_by_role("tab", name="Differences").click()
        page.get_by_role("combobox", name="Events", exact=True).wait_for()
        page.get_by_role("tab", name="Cost and store").click()
        page.get_by_text("Dollars a million steps").wait_for()
        assert SECRET not in page.content()
        assert wrong == []
        assert {one.partition(":")[0] for one in page.requests} == {"file"}
        assert json.loads(page.locator("#recorded").text_content())["has_values"] is False


def test_a_report_with_values_shows_them(data, ran, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(report_of(data, ran.good, values=True), encoding="utf-8")
    with browsing() as (page, wrong):
        page.goto(file.as_uri() + "#tab=state")
        page.get_by_placeholder("Search the state").fill("needle")
        page.get_by_label("Search in").select_option("value")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("button", name="$.small.list[2].deep").click()
        page.get_by_text(SECRET).first.wait_for()
        assert wrong == []


def test_a_report_of_a_head(data, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(report_of(data, HEAD), encoding="utf-8")
    with browsing() as (page, wrong):
        page.goto(file.as_uri())
        table = page.get_by_role("grid", name="Versions of the head")
        table.get_by_text("turn-3").wait_for()
        page.get_by_text("agents/other").wait_for()
        table.focus()
        page.keyboard.press("Home")
        page.get_by_role("button", name="What it changed").click()
        page.get_by_text("$.messages", exact=False).first.wait_for()
        page.get_by_role("combobox", name="Versions", exact=True).select_option(
            label="1 to 2: turn-2"
        )
        page.wait_for_function("location.hash.includes('before=1')")
        page.get_by_role("tab", name="State").click()
        page.get_by_role("treeitem").filter(has_text="turn").click()
        page.get_by_role("button", name="History of this value").click()
        page.get_by_text("No other version changed it.").wait_for()
        assert page.locator(".trail li").count() == 3
        assert SECRET not in page.content()
        assert wrong == []
        assert {one.partition(":")[0] for one in page.requests} == {"file"}


def test_a_head_its_versions_a_state_and_a_difference(served):
    with browsing() as (page, wrong):
        page.goto(served.address)
        page.get_by_role("link", name="Heads").click()
        rows = page.get_by_role("grid", name="Heads").get_by_role("row")
        rows.filter(has_text="agents/<b>7").get_by_role("link", name="main").click()
        table = page.get_by_role("grid", name="Versions of the head")
        table.get_by_text("turn-3").wait_for()
        assert table.get_by_role("row").count() == 4
        table.focus()
        page.keyboard.press("ArrowDown")
        page.get_by_role("button", name="What it changed").click()
        page.get_by_text("$.messages", exact=False).first.wait_for()
        assert page.get_by_label("From", exact=True).input_value() == "2"
        page.get_by_role("tab", name="State").click()
        page.get_by_role("treeitem").filter(has_text="turn").wait_for()
        page.get_by_role("button", name="Version: the version before").click()
        page.wait_for_function("location.hash.includes('at=2')")
        page.get_by_role("treeitem").filter(has_text="turn").click()
        page.get_by_role("button", name="History of this value").click()
        page.get_by_text("No other version changed it.").wait_for()
        assert page.locator(".trail li").count() == 3
        assert SECRET not in page.content()
        page.get_by_role("tab", name="Versions").click()
        page.get_by_role("button", name="Find forks").click()
        page.get_by_role("link", name="agents/other · main").click()
        page.get_by_text("Forked from").wait_for()
        page.get_by_text("agents/<b>7").wait_for()
        assert page.locator("#page :not(.bar) > b").count() == 0
        assert wrong == []


def test_the_program_is_asked_for_heads_of_a_text(served):
    with browsing() as (page, wrong):
        page.goto(f"{served.address}#/h")
        rows = page.get_by_role("grid", name="Heads").get_by_role("row")
        page.get_by_text("2 heads.").wait_for()
        search = page.get_by_placeholder("Find a scope")
        with page.expect_response(lambda one: one.url.endswith("/ask/heads?text=b%3E7")):
            search.fill("B>7")
        page.get_by_text("1 head.").wait_for()
        search.fill("nothing has this name")
        page.get_by_text("0 heads.").wait_for()
        assert not page.get_by_text("The store has no heads.").is_visible()
        search.fill("")
        page.get_by_text("2 heads.").wait_for()
        search.fill("b>7")
        rows.filter(has_text="agents/<b>7").get_by_text("main").wait_for()
        page.get_by_text("1 head.").wait_for()
        page.keyboard.press("Enter")
        page.get_by_role("grid", name="Versions of the head").wait_for()
        assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 400])
def test_heads_on_a_narrow_screen(served, width, scheme):
    with browsing(viewport={"width": width, "height": 740}, color_scheme=scheme) as (page, _):
        page.goto(f"{served.address}#/h")
        page.get_by_role("grid", name="Heads").get_by_text("main").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for tab in ("versions", "state", "differences"):
            page.goto(f"{served.address}#/h/{quote(HEAD, safe='')}/{tab}")
            page.get_by_role("tabpanel").wait_for()
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_the_page_says_how_much_of_a_long_history_was_read(ran, tmp_path):
    from tests.ui.test_seen_execution import long_history

    long_history(tmp_path, 3_000)  # 12 MB: three answers
    with serving(tmp_path, ran.client.store.url) as served, browsing() as (page, wrong):
        seen = []

        def note(answer):
            seen.append(answer)

        page.on("response", note)
        page.goto(view(served, arn_of("long")))
        page.get_by_text("Late").first.wait_for()
        page.get_by_role("heading", name="Steps 3,000").wait_for()
        heads = [one.json() for one in seen if "ask/execution?" in one.url]
        shares = [head["reading"] for head in heads]
        assert 0 < shares[0] < 0.5
        assert shares[-1] is None
        assert {head["stands"]["status"] for head in heads} == {"FAILED"}
        assert {head["events"] for head in heads} == {6_002}
        page.locator(".reading-on").wait_for(state="detached")
        assert wrong == []


def nothing_hostile_happened(page, wrong):
    assert wrong == []
    assert page.locator("#page img, #page script, #page :not(.bar) > b").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    shown = page.inner_text("body")
    for char in ("\u202e", "\u2066", "\x1b"):
        assert char not in shown
        assert page.evaluate("(char) => document.title.includes(char)", char) is False


@pytest.mark.parametrize("tab", ["steps", "events", "state", "differences", "cost"])
def test_hostile_names_of_machines_states_and_errors(ran, tmp_path, tab):
    arn = hostile_record(tmp_path)
    with serving(tmp_path, ran.client.store.url) as served, browsing() as (page, wrong):
        page.goto(served.address)
        page.get_by_role("link", name="hostile").click()
        page.get_by_text("M&amp;<b>").first.wait_for()
        page.get_by_role("switch", name="Show values").click()
        page.goto(view(served, arn, tab))
        page.get_by_role("tabpanel").wait_for()
        page.get_by_text("</script><script>alert(2)</script>").first.wait_for()
        if tab == "steps":
            page.get_by_role("grid", name="Steps").get_by_text("<img src=x").first.wait_for()
            page.get_by_role("button", name=re.compile("gnp.exe")).first.wait_for()
        page.wait_for_timeout(300)
        nothing_hostile_happened(page, wrong)
        assert {one[: len(served.address)] for one in page.requests} == {served.address}


@pytest.mark.parametrize("values", [False, True])
def test_a_report_of_hostile_names_runs_nothing(ran, tmp_path, values):
    arn = hostile_record(tmp_path)
    data = PageData(ExecutionCatalog(tmp_path), ran.client)
    file = tmp_path / "page.html"
    file.write_text(report_of(data, arn, values=values), encoding="utf-8")
    with browsing() as (page, wrong):
        page.goto(file.as_uri())
        for tab in ("Steps", "Events", "State", "Differences", "Cost and store"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(200)
            nothing_hostile_happened(page, wrong)
        assert {one.partition(":")[0] for one in page.requests} == {"file"}


def test_the_token_is_sent_to_no_one(served, ran):
    with browsing() as (page, wrong):
        sent = []
        page.on("request", lambda request: sent.append(request.all_headers()))
        page.goto(view(served, ran.good))
        page.get_by_role("grid", name="Steps").get_by_text("Change").wait_for()
        assert len(sent) > 10
        assert [one for one in sent if served.token in str(one.get("referer"))] == []
        assert page.locator("a[href^='http'], a[target]").count() == 0
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
            0, 0, "",
        ]  # fmt: skip
        assert served.token not in page.title() + page.inner_text("body")
        assert wrong == []


def test_a_name_that_leads_here_gets_nothing(served):
    """DNS rebinding: the browser believes that another site's name is 127.0.0.1."""
    with playwright.sync_playwright() as started:
        rules = "--host-resolver-rules=MAP attacker.test 127.0.0.1"
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rules])
        page = browser.new_page()
        answer = page.goto(f"http://attacker.test:{served.port}/{served.token}/")
        assert answer.status == 421
        answer = page.goto(f"http://attacker.test:{served.port}/{served.token}/ask/executions")
        assert answer.status == 421
        browser.close()


def test_every_control_has_a_name_and_the_tab_key_reaches_it(served, ran):
    with browsing() as (page, _):
        for tab in ("steps", "events", "state", "differences", "cost"):
            page.goto(view(served, ran.bad, tab))
            page.get_by_role("tabpanel").wait_for()
            page.wait_for_timeout(300)
            nameless = page.evaluate(
                """() => [...document.querySelectorAll("button, input, select, a, "
                    + "[role=slider], [role=grid], [role=tree], [role=tabpanel]")]
                  .filter((one) => !one.closest("[aria-hidden=true]"))
                  .filter((one) => !(one.innerText || one.getAttribute("aria-label")
                    || one.getAttribute("aria-labelledby") || one.labels?.length))
                  .map((one) => one.outerHTML)"""
            )
            assert nameless == [], tab
            page.locator("body").press("Tab")
            reached = set()
            for _step in range(40):
                one = "document.activeElement"
                reached.add(page.evaluate(f"{one}.getAttribute('role') || {one}.tagName"))
                page.keyboard.press("Tab")
            assert {"A", "tab"} <= reached, tab
            assert reached & {"grid", "tree", "BUTTON"}, tab


def test_events_as_the_service_numbers_them(served, ran):
    with browsing() as (page, wrong):
        page.goto(view(served, ran.bad, "events"))
        table = page.get_by_role("grid", name="Events")
        table.get_by_text("ExecutionFailed").wait_for()
        page.get_by_placeholder("Find a type, state or error").fill("entered")
        table.get_by_text("ExecutionFailed").wait_for(state="detached")
        table.focus()
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.get_by_role("treeitem").first.wait_for()
        assert "/state?at=" in page.url
        assert wrong == []
