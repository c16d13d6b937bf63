"""A workflow that goes round many times, whose handlers write down each state that they see."""

import copy
from dataclasses import dataclass, field

from statebag import Statebag
from statebag.local import run
from statebag.testing.process import forget
from tests.bags import noise
from tests.local.machines import task

TURNS = 104


@dataclass
class Recorded:
    """What handlers were given and gave, opened, in the order of their calls."""

    given: list = field(default_factory=list)
    returned: list = field(default_factory=list)


def machine():
    """Begin, then Think, Act and Decide until the state says that it is enough."""
    return {
        "StartAt": "Begin",
        "States": {
            "Begin": task("begin", Next="Think"),
            "Think": task("think", Next="Act"),
            "Act": task("act", Next="Decide"),
            "Decide": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.turn", "NumericLessThan": TURNS, "Next": "Think"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }


def run_loop(store, history_dir):
    """Run it; its execution and what its handlers wrote down."""
    client = Statebag(store)
    recorded = Recorded()

    def writing_down(function):
        def handler(state, context):
            recorded.given.append(copy.deepcopy(state))
            answer = function(state)
            recorded.returned.append(copy.deepcopy(answer))
            return answer

        return client.step(handler)

    def begin(state):
        files = {f"file-{n}": noise(6_000, n) for n in range(60)}
        return {**state, "turn": 0, "messages": [], "files": files, "note": "CANARY"}

    def think(state):
        message = {"role": "assistant", "turn": state["turn"], "text": noise(3_000, state["turn"])}
        return {**state, "messages": [*state["messages"], message]}

    def act(state):
        turn = state["turn"]
        files = dict(state["files"])
        if turn % 5 == 0:
            files[f"file-{turn % 60}"] = noise(6_000, 1_000 + turn)
        if turn % 17 == 3:
            files.pop(f"file-{turn % 60}", None)
        return {**state, "turn": turn + 1, "files": files, f"seen-{turn % 7}": turn * 1.5}

    forget()
    execution = run(
        machine(),
        functions={
            name: writing_down(one)
            for name, one in (("begin", begin), ("think", think), ("act", act))
        },
        input={"execution_id": "Main/loop"},
        execution_name="loop",
        histories=history_dir,
        strict=False,  # a history as an account has it
    )
    assert execution.status == "SUCCEEDED", execution.cause
    return execution, recorded
