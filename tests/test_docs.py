"""Documentation that shows code: every block is run, checked, or excused by its language."""

import json
import re
from pathlib import Path

import pytest

from statebag import Statebag
from statebag.asl.arns import function_name
from statebag.asl.model import Definition
from statebag.local import run

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```([\w-]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Not run here: `sh` installs, deploys or starts servers; `text` is output or a drawing.
# `diff` is applied by tests/docs/test_adopt.py.
EXCUSED = {"sh", "text", "diff", "yaml", "hcl", "typescript", "toml"}

FRAMEWORKS = {"langgraph": "langgraph.graph"}
"""Pages whose code needs a package that the library does not."""


def blocks(page):
    return BLOCK.findall(page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_what_it_is(page):
    for language, _ in blocks(page):
        assert language in {"python", "json", *EXCUSED}, f"{page.name}: a block of {language!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATEBAG_STORE", raising=False)
    if page.stem in FRAMEWORKS:
        pytest.importorskip(FRAMEWORKS[page.stem], reason="the page is about it")
    names = {}
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_json_blocks_are_json(page):
    for language, text in blocks(page):
        if language == "json":
            json.loads(text)


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", ["security.md", "reliability.md"])
def test_every_test_that_a_page_names_is_there(page):
    """A claim whose test was renamed or removed is no claim."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)*test_\w+\.py)(?:::(\w+))?`", text))
    assert len(named) > 5
    for file, function in named:
        source = ROOT / "tests" / file
        assert source.is_file(), file
        assert not function or f"def {function}(" in source.read_text("utf-8"), function


PRINTED_INPUTS = {"lint": {"reviewers": ["a", "b"]}}
"""By page: an input for the definitions that it prints."""

WITH_THEIR_FUNCTIONS = {"fan-in": "docs/test_fan_in.py"}
"""Pages whose definitions are run with the functions beside them, each by a test of its own."""


def printed_machines():
    """Each state machine that a page prints; of a state alone, the machine that has only it.

    (A Task that is printed alone is one of docs/adopt/after, which run strict at all sizes.)
    """
    for page in PAGES:
        if page.stem in WITH_THEIR_FUNCTIONS:
            continue
        for number, (language, text) in enumerate(blocks(page)):
            value = json.loads(text) if language == "json" else None
            if isinstance(value, dict) and "StartAt" in value:
                yield pytest.param(page, value, id=f"{page.stem}-{number}")
            elif isinstance(value, dict) and value.get("Type") in {"Choice", "Map", "Pass", "Wait"}:
                state = {name: one for name, one in value.items() if name != "Next"}
                machine = {"StartAt": "Printed", "States": {"Printed": {**state, "End": True}}}
                yield pytest.param(page, machine, id=f"{page.stem}-{number}")


def test_a_printed_definition_is_found():
    assert [*printed_machines()]
    whole = re.compile(r'^\s*(?:"StartAt"|StartAt):', re.MULTILINE)
    for page in PAGES:
        for language, text in blocks(page):
            assert language in {"json", "python"} or not whole.search(text), (
                f"{page.name} prints a definition as {language!r}, which no test runs"
            )


def functions_of(machine):
    """The names of the functions that a definition calls."""
    for state in Definition(machine).states.values():
        if state.kind == "Task":
            called = state.fields.get("Parameters", state.fields.get("Arguments", {}))
            yield function_name(called.get("FunctionName", state.fields["Resource"]))


@pytest.mark.parametrize(("page", "machine"), [*printed_machines()])
def test_printed_definitions_run_strict(page, machine):
    """With the functions of a reader who copies it: what comes in is sealed and goes on."""
    sb = Statebag("memory://printed")
    functions = {
        name: lambda event, _context: sb.seal(sb.open(event), scope="printed/run")
        for name in functions_of(machine)
    }
    ran = run(
        machine,
        functions=functions,
        input=PRINTED_INPUTS.get(page.stem, {}),
        strict=True,
        wait_scale=0,
    )
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)
