"""Every definition that is shipped or printed, strict, with data from 1 KB to 20 MB.

Which paths an engine can read must not depend on how large the data is. 1 KB and 100 KB always run
for all of them, and 5 MB for one definition in each query language (together about a minute). With
STATEBAG_ALL_SIZES=1 every size runs for every definition, which takes many minutes.
"""

import json
import os
from pathlib import Path

import pytest

from statebag.lint.linter import Options, lint
from statebag.local import run
from statebag.local.workflow import load_workflow
from statebag.testing.process import forget

ROOT = Path(__file__).parents[2]
KB, MB = 1024, 1024 * 1024
SIZES = (KB, 100 * KB, 5 * MB, 20 * MB)
ALL = os.environ.get("STATEBAG_ALL_SIZES") == "1"
AGENT = ROOT / "examples" / "agent_workflow"
AUDIT = ROOT / "examples" / "source_audit"
DEPLOY = ROOT / "deploy"
ADOPT = ROOT / "docs" / "adopt" / "after"
METERS = {"ReadPageArn": "read_page", "CheckMeterArn": "check_meter", "ReportArn": "report"}
METER_BYTES = 24 * 60 * 55  # of a meter's readings of a day, about
SHIPPED = ["agent", "agent-jsonata", "audit", "deploy", "meters", "meters-jsonata"]
FAST = {"meters", "meters-jsonata"}


def source_files(folder, size):
    """Python source of about a size, in files of at most 50 KB."""
    line = "def function_{0}(value):\n    return [value, {0}, 'text of function {0}']\n\n\n"
    each = max(KB // 2, min(50 * KB, size // 12))
    for number in range(max(1, size // each)):
        text, count = "", 0
        while len(text) < each:
            text += line.format(f"{number}_{count}")
            count += 1
        (folder / f"module_{number}.py").write_text(text)


def started(name, size, tmp_path):
    """The workflow, its input and the folder of its buckets."""
    buckets = tmp_path / "buckets"
    buckets.mkdir()
    if name.startswith("meters"):
        loaded = load_workflow(
            ADOPT / f"{name}.asl.json",
            handlers={one: f"{ADOPT}/meters.py:{function}" for one, function in METERS.items()},
            environment={
                "STATEBAG_STORE": (tmp_path / "store").as_uri(),
                "STATEBAG_CONTROL": "$.more,$.meters",
                "STATEBAG_MOVABLE": "$.readings",
            },
        )
        return loaded, {"meters": [f"m-{n}" for n in range(max(1, size // METER_BYTES))]}, buckets
    if name == "deploy":
        modules = json.loads((DEPLOY / "input.json").read_text("utf-8"))["modules"]
        loaded = load_workflow(DEPLOY / "template.yaml")
        return loaded, {"modules": modules[: 1 if size <= KB else 7]}, buckets
    folder = tmp_path / "source"
    folder.mkdir()
    source_files(folder, size)
    request = {"folder": str(folder), "max_files": None, "auto_approve": True}
    if name == "audit":
        return load_workflow(AUDIT / "template.yaml"), request, buckets
    forms = {"agent": "AgentWorkflow", "agent-jsonata": "AgentWorkflowJsonata"}
    given = json.loads((AGENT / "input.json").read_text("utf-8"))
    loaded = load_workflow(AGENT / "template.yaml", machine=forms[name])
    return loaded, {**given, **request, "answer_seconds": 60}, buckets


def ran_strictly(loaded, given, buckets):
    """The execution of a workflow whose every seal is strict."""
    return run(
        loaded.definition,
        functions=loaded.functions,
        input=given,
        name=loaded.name,
        buckets=buckets,
        machines=loaded.machines,
        wait_scale=0,
        timeout=800,
        strict=True,
    )


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size // KB}KB")
def test_it_succeeds_strict_at_any_size(name, size, tmp_path):
    if not ALL and (size > 5 * MB or (size > MB and name not in FAST)):
        pytest.skip("STATEBAG_ALL_SIZES=1 runs it, which takes minutes")
    forget()
    loaded, given, buckets = started(name, size, tmp_path)
    ran = ran_strictly(loaded, given, buckets)
    assert (ran.status, ran.error, ran.cause) == ("SUCCEEDED", None, None)
    assert ran.warnings == ()


def test_lint_finds_nothing():
    options = Options(sealed=("*",), control=("$.more", "$.meters"), movable=("$.readings",))
    report = lint([ROOT / "examples", ROOT / "deploy", ADOPT], options)
    assert report.machines == 7
    # How often a loop turns is not in a definition; where it matters, a Comment says it.
    assert [one for one in report.findings if one.code != "SB108"] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_it_succeeds_strict_where_no_value_travels_in_its_stub(name, tmp_path, monkeypatch):
    """As with large data: what is read from the store is checked for its scope, each time."""
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "0")
    forget()
    loaded, given, buckets = started(name, KB, tmp_path)
    ran = ran_strictly(loaded, given, buckets)
    assert (ran.status, ran.error, ran.cause) == ("SUCCEEDED", None, None)
