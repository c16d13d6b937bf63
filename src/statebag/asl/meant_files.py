"""Recognize files that are meant to be definitions or templates, even if they cannot be read."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MEANT_FILES", "is_meant_by_name", "is_meant_by_text"]

MEANT_FILES = (
    "*.asl.json",
    "*.asl.yaml",
    "*.asl.yml",
    "*.asl",
    "template.yaml",
    "template.yml",
    "template.json",
    "*.template.yaml",
    "*.template.yml",
    "*.template.json",
    "*.template",
)
"""Names of definitions and templates, as the toolkits of AWS, SAM and the CDK write them."""

_FIELD_OF_A_MACHINE = (
    re.compile(r"""\bStartAt["']?\s*:"""),
    re.compile(r"""\bStates["']?\s*:"""),
)
_TYPE_OF_A_MACHINE = re.compile(r"\bAWS::(Serverless|StepFunctions)::StateMachine\b")


def is_meant_by_name(path: Path) -> bool:
    """Return whether a file's name says that it is a definition or a template."""
    return any(fnmatchcase(path.name.lower(), pattern) for pattern in MEANT_FILES)


def is_meant_by_text(text: str) -> bool:
    """Return whether a text that cannot be parsed has the fields of a state machine."""
    fields = all(pattern.search(text) for pattern in _FIELD_OF_A_MACHINE)
    return fields or _TYPE_OF_A_MACHINE.search(text) is not None
