"""Small definitions for the tests of lint."""

import json

from statebag.lint.linter import Options, lint


def task(name, *, payload=None, sealed=True, **more):
    """A Task that calls a function; a sealed one is told its execution."""
    payload = {"state.$": "$"} if payload is None else payload
    if sealed:
        payload = {**payload, "execution_id.$": "$$.Execution.Id"}
    retry = [{"ErrorEquals": ["StoreUnavailable"]}] if sealed else []
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": name, "Payload": payload},
        "ResultSelector": {"value.$": "$.Payload"},
        "Retry": retry,
        **more,
    }


def machine(**states):
    """States in a row; each goes on to the next one unless it says otherwise."""
    names = list(states)
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = states[name]
        ends = state["Type"] in {"Choice", "Succeed", "Fail"}
        if not ends and not {"Next", "End"} & state.keys():
            state.update({"Next": following} if following else {"End": True})
    return {"StartAt": names[0], "States": states}


def found(tmp_path, definition, **options):
    """The report on a definition."""
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(definition, indent=2))
    return lint([file], Options(**options))


def codes(report, *, notes=False):
    """The codes that were found, each once, in order.

    SB101 is left out unless notes are wanted: it is told of each function that may not seal.
    """
    told = (
        one for one in report.findings if notes or (one.severity != "note" and one.code != "SB101")
    )
    return sorted({one.code for one in told})
