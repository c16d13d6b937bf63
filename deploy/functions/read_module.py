"""A step: reads one module of a program, its text and the names it defines.

The program is made up by rule, so that the example needs no data: a name gives the same text on
every machine and under every Python.
"""

import ast
import hashlib
from typing import Any

import statebag

_FUNCTIONS = 700
"""In one module. Three modules, with the names they define, pass an engine's payload limit."""


@statebag.step(bag_path="$.state_data", only=["current_state.modules"])
def handler(state: dict[str, Any], _context: object) -> dict[str, Any]:
    """The result of this turn, for the state data manager to merge."""
    modules = state["current_state"]["modules"]
    turn = state["segment_to_run"]
    name = modules[turn]
    if not name.isidentifier():
        return {"error": {"Error": "NoSuchModule", "Cause": "a name must be an identifier"}}
    text = _source(name)
    names = [
        {"kind": type(node).__name__, "name": node.name, "line": node.lineno}
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    last = turn + 1 == len(modules)
    return {
        "final_state": {f"text of {name}": text, f"names of {name}": names},
        "new_history_logs": [
            {"module": name, "characters": len(text), "definitions": len(names)},
        ],
        "next_segment_to_run": turn + 1,
        "next_action": "COMPLETE" if last else "CONTINUE",
    }


def _source(name: str) -> str:
    """The text of a module: functions whose numbers its name decides."""
    lines = [f'"""Rules for each {name}."""\n']
    for number in range(_FUNCTIONS):
        digest = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
        lines.append(f"\n\ndef rule_{number}_{digest[:6]}({name}):\n")
        lines.append(f"    return {name} % {int(digest[6:14], 16)} == {int(digest[14:20], 16)}\n")
    return "".join(lines)
