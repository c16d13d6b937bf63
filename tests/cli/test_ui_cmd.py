"""`statebag ui`: its arguments; tests/ui has the page."""

import importlib.util
import os
from urllib.parse import quote

import pytest

from statebag.local.records import MapRunParent, Record
from tests.cli.program import is_one_clear_line, statebag
from tests.ui.conftest import arn_of


def test_its_help_says_what_it_does():
    shown = statebag("ui", "--help").stdout
    assert "127.0.0.1" in shown
    assert "masked" in shown


def test_an_arn_that_is_none_is_refused(folder):
    if importlib.util.find_spec("uvicorn") is None:
        pytest.skip("needs the extra ui")
    result = statebag("ui", "nothing")
    assert result.exit_code != 0
    assert is_one_clear_line(result.stderr)


def test_without_the_extra_the_extra_is_named(folder):
    if importlib.util.find_spec("uvicorn") is not None:
        pytest.skip("the extra ui is installed")
    result = statebag("ui")
    assert "pip install 'statebag[ui]'" in result.stderr


@pytest.fixture
def runs(folder):
    """Two runs of this machine; the second is the newest."""
    for name in ("run-one", "run-two"):
        (folder / "Main").mkdir(exist_ok=True)
        record = Record(folder / "Main" / f"{name}.jsonl", arn_of(name), {})
        record.add({"id": 1, "type": "ExecutionStarted", "timestamp": 1})
        record.close()
    return folder


@pytest.fixture
def child_of_a_map_run(runs):
    """A child of the newer run that was written after it."""
    child = runs / "Main-Each" / "child-one.jsonl"
    child.parent.mkdir()
    arn = arn_of("child-one", "Main-Each")
    record = Record(child, arn, {}, parent=MapRunParent(arn_of("run-two"), "arn:of:a:map-run"))
    record.add({"id": 1, "type": "ExecutionStarted", "timestamp": 1})
    record.close()
    later = (runs / "Main" / "run-two.jsonl").stat().st_mtime + 10
    os.utime(child, (later, later))


HEAD = "@heads/agents/thread-7/@main/@head"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ((), ""),
        (("run-one",), "#/x/" + quote(arn_of("run-one"), safe="")),
        (("run-t",), "#/x/" + quote(arn_of("run-two"), safe="")),
        (("Main/run-one@1",), "#/x/" + quote(arn_of("run-one"), safe="") + "/state?at=1"),
        ((arn_of("run-two"), "run-one"), "#/x/" + quote(arn_of("run-two"), safe="")),
        (("--last",), "#/x/" + quote(arn_of("run-two"), safe="")),
        ((HEAD,), "#/h/" + quote(HEAD, safe="")),
    ],
)
def test_the_address_begins_with_what_is_named(runs, monkeypatch, given, place):
    pytest.importorskip("uvicorn")
    from statebag.ui import page_server

    def serve(catalog, client, port, ready):
        ready("http://127.0.0.1:1/token/")

    monkeypatch.setattr(page_server, "serve", serve)
    result = statebag("ui", *given, "--histories", runs)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"The page is at http://127.0.0.1:1/token/{place}\n"


def test_the_last_run_is_no_child_of_a_map_run(runs, child_of_a_map_run, monkeypatch):
    pytest.importorskip("uvicorn")
    from statebag.ui import page_server

    monkeypatch.setattr(page_server, "serve", lambda *given: given[-1](""))
    shown = statebag("ui", "--last", "--histories", runs).stdout
    assert quote(arn_of("run-two"), safe="") in shown
    logged = statebag("log", "--last", "--histories", runs).stdout
    assert "run-two" in logged
    assert "child-one" not in shown + logged


def test_names_that_mean_nothing_or_several(runs):
    pytest.importorskip("uvicorn")
    several = statebag("ui", "run-", "--histories", runs)
    assert "2 executions of this machine begin" in several.stderr
    nothing = statebag("ui", "--last", "--histories", runs / "none")
    assert "has no history of a run" in nothing.stderr
    assert is_one_clear_line(nothing.stderr)
