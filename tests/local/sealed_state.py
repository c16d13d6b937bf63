"""A small sealed state, and machines that begin with it."""

import os

from statebag import Policy, Statebag
from statebag.local import run as run_workflow
from tests.local.machines import chain, task

SCOPE = "machine/run"
STATE = {
    "other": "a",
    "route": "a",
    "items": [{"n": 1}, {"n": 2}],
    "wait": 0,
    "deep": {"x": {"y": 1}},
    "rows": list(range(50)),
}
NAMED = Policy(control=("$.other", "$.optional", "$.deep.other"), movable=("$.rows",))
END = {"Type": "Succeed"}


class NoSuchRowError(Exception):
    """An error of the function's own."""


def client(policy=NAMED):
    return Statebag("memory://" + os.urandom(6).hex(), policy=policy)


def seals(state=STATE, policy=NAMED):
    """A function that seals a state, through a client with a policy of its own."""
    sb = client(policy)
    return lambda _event, _context: sb.seal(state, scope=SCOPE)


def run(*states, functions=None, strict=True, **options):
    """A machine whose first state makes the bag."""
    machine = chain(("Make", task("make")), *states)
    for name in options.pop("jsonata", ()):
        machine["States"][name]["QueryLanguage"] = "JSONata"
    return run_workflow(
        machine,
        functions={"make": seals(), **(functions or {})},
        input={},
        strict=strict,
        wait_scale=0,
        timeout=240,
        **options,
    )


def choice(**rule):
    return {"Type": "Choice", "Choices": [{**rule, "Next": "End"}], "Default": "End"}
