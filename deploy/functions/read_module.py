"""A step: reads one module of Python's standard library, its text and the names it defines."""

import ast
import importlib.util
from pathlib import Path
from typing import Any

import statebag


@statebag.step(bag_path="$.state_data", only=["current_state.modules"])
def handler(state: dict[str, Any], _context: object) -> dict[str, Any]:
    """The result of this turn, for the state data manager to merge."""
    modules = state["current_state"]["modules"]
    turn = state["segment_to_run"]
    name = modules[turn]
    found = importlib.util.find_spec(name)
    if found is None or not found.origin or not found.origin.endswith(".py"):
        return {"error": {"Error": "NoSuchModule", "Cause": f"{name} has no source here"}}
    text = Path(found.origin).read_text("utf-8")
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
