"""What is logged about a path of `only=` at which the state has nothing."""

import logging

import pytest

from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.testing import forget
from tests.bags import noise

STATE = {
    "messages": [{"text": noise(300, n)} for n in range(300)],
    "current_state": {"notes": noise(40_000, 1), "small": [1, 2]},
}


def said(caplog, *only):
    """The lines in the log about these paths."""
    forget()
    caplog.clear()
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    bag = client.seal({**STATE, "execution_id": "m/e"}, scope="m/e")
    handler = client.step(only=only, returns="delta")(lambda _state, _context: {})
    with caplog.at_level(logging.WARNING, "statebag"):
        for _ in range(2):  # once a process
            handler(bag, None)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("path", "place", "meant"),
    [
        ("$.mesages", "$.mesages", "$.messages"),
        ("$.mesages[-1].text", "$.mesages", "$.messages"),
        ("$.current_state.note", "$.current_state.note", "$.current_state.notes"),
        ("$.current_state.zzz", "$.current_state.zzz", None),
        ("$.current_state.notes.x", "$.current_state.notes.x", None),
    ],
)
def test_a_path_that_is_not_there(caplog, path, place, meant):
    (line,) = said(caplog, path, "$.messages")
    assert line.startswith(f"only= names {place}, where the state has nothing")
    assert line.endswith(f"did you mean {meant}?" if meant else "nothing")


@pytest.mark.parametrize(
    "path",
    ["$", "$.messages", "$.messages[-1].text", "$.messages[900]", "$.messages[-900]",
     "$.current_state.notes", "$.current_state.small[1]", "$.messages[-3:]"],
)  # fmt: skip
def test_what_is_there_or_may_come_is_not_mentioned(caplog, path):
    assert said(caplog, path) == []


def test_an_open_that_asks_for_what_may_be_there_says_nothing(caplog):
    """A step's `only=` is written once; code asks for what it can use."""
    forget()
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    bag = client.seal(STATE, scope="m/e")
    with caplog.at_level(logging.WARNING, "statebag"):
        assert client.open(bag, only=["$.perhaps"]).keys() == STATE.keys()
    assert caplog.records == []
