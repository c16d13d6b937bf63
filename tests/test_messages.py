"""What every message of an error says, read from the source of all of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import statebag
from statebag import errors

SOURCE = Path(statebag.__file__).parent

FORBIDDEN = (
    r"(?<!\bthere )\b(is|are) no\b(?! longer)",
    r"\b(likewise|anew|beside|whoever)\b",
    r"\bof (before|one's own)\b",
    r"\b(is|are) told\b",
    r"^What (is|was|must|may)\b",
)

ABOUT_ARGUMENTS = {"ConfigurationError", "InvalidState", "LimitExceeded", "IntrinsicFailureError"}

CLASSES = {*errors.__all__, *ABOUT_ARGUMENTS, "MalformedError", "ValueError", "TypeError"}


class Site(NamedTuple):
    """One place where an error is made."""

    place: str
    error: str
    text: str
    names_what_was_found: bool


def _text(node: ast.expr) -> str:
    """The words of a message, with `{}` for what is put in when it is made."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body)} | {_text(node.orelse)}"
    return "{}"


def _sites() -> list[Site]:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                not isinstance(node, ast.Call)
                or not node.args
                or isinstance(node.args[0], ast.Starred)
            ):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in CLASSES:
                text = _text(node.args[0])
                place = f"{file.relative_to(SOURCE)}:{node.lineno}"
                found.append(Site(place, name, text, "{}" in text))
    return found


SITES = _sites()

# What is missing has no type and no size.
ABSENCE = re.compile(
    r"\b(missing|neither|not installed|has no|is (an )?empty|does not (have|exist|find|know))\b"
)

# Nothing of what was found can be said in these, for the reason that stands with them.
SAYS_ALL: dict[str, set[str]] = {
    "a part of it may be a secret or a value of a state": {
        "the store's file address is not file:/// and an absolute path",
        "the name in the store's memory address has ?, # or @ in it",
        "the store's address does not have the form scheme://bucket/prefix",
        "a key with a lone surrogate has no UTF-8 form",
        "the bag has an object with a key that is not a string",
        "the string has a bag in it, but is not JSON, so it cannot be opened",
        "the string has a bag in it, and embedded= does not say whether to open it",
        "the size of a chunk is below 1",
        "the step is zero",
        "the third argument of States.JsonMerge is not false: it merges shallowly only",
        "the end is not greater than the start",
        "the text is not JSON",
        "the text is not Base64 of UTF-8 text",
    },
    "the place, the name of the object or the command line says the rest": {
        "the object's name leads out of its bucket's folder",
        "End must be true, not another value",
        "the Map state must have one of ItemProcessor and Iterator, not both | neither",
        "the definition is in S3, and is not read from there",
        "--at needs an execution's ARN, and the bag is a file",
    },
    "it is about the state of a process, a service or an installation": {
        "Step Functions does not keep the history of an Express execution",
        "Step Functions did not include the output of this execution",
        "the state changed during the check; another thread may have written to it",
        "a newer release of statebag wrote the history",
        "the token already has an answer",
        "no task waits for this token",
        "no snapshot of this execution has the fork's ID",
        (
            "the work began in the parent process, before a fork, and its threads do not exist "
            "in this process"
        ),
        "a MemoryStore without a name cannot be pickled: only this process has its objects",
    },
    "it names the two settings that exclude each other": {
        (
            "STATEBAG_WIRE=0 writes legacy pointers, whose objects are not encrypted, and "
            "STATEBAG_ENCRYPTION_KEYS is set"
        ),
        (
            "STATEBAG_WIRE=0 writes legacy pointers, which cannot be signed, and "
            "STATEBAG_REQUIRE_SIGNATURES is set"
        ),
        "legacy=True needs a reader of legacy pointers, and none was registered",
    },
}


def test_the_sites_are_found():
    assert len(SITES) > 300
    assert {site.error for site in SITES} >= ABOUT_ARGUMENTS


@pytest.mark.parametrize("shape", FORBIDDEN)
def test_no_message_has_a_shape_that_is_read_twice(shape):
    assert [site for site in SITES if re.search(shape, site.text, re.IGNORECASE)] == []


def test_a_message_that_says_a_rule_says_what_was_found_too():
    rule = re.compile(r"\bmust (be|have|use|start|begin|hold|name|return)\b")
    bare = [
        site for site in SITES if rule.search(site.text) and not re.search(r"\bnot\b|;", site.text)
    ]
    assert bare == []


def test_a_message_about_an_argument_names_what_was_found():
    excepted = set().union(*SAYS_ALL.values())
    silent = [
        site
        for site in SITES
        if site.error in ABOUT_ARGUMENTS
        and not site.names_what_was_found
        and not ABSENCE.search(site.text)
        and site.text not in excepted
    ]
    assert silent == []


def test_the_exceptions_are_few_and_all_in_use():
    excepted = [text for texts in SAYS_ALL.values() for text in texts]
    assert sorted(set(excepted) - {site.text for site in SITES}) == []
    assert len(excepted) == len(set(excepted)) <= 33
