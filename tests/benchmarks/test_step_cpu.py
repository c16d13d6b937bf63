"""The parts of a step's CPU: what is taken apart is what the step does."""

from benchmarks.step_cpu import compared, frames_of, parts
from benchmarks.ways.way import WholeState

from benchmarks import workloads
from statebag import Statebag
from statebag.format import codec, json_text
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget


class InMemory(WholeState):
    name = "in memory"

    def __init__(self):
        self.forgotten = 0

    def first(self, state):
        return json_text.encode(state)

    def read(self, payload):
        return json_text.decode(payload)

    def forget(self):
        self.forgotten += 1


def test_each_way_takes_every_step_as_a_new_process():
    ways = {"one": InMemory(), "other": InMemory()}
    found = compared(ways, workloads.synthetic(20_000, 6, 0.2))
    assert [way.forgotten for way in ways.values()] == [6, 6]
    assert list(found) == list(ways)
    assert {tuple(halves) for halves in found.values()} == {("open", "seal", "step")}
    assert all(taken > 0 for halves in found.values() for taken in halves.values())


def test_the_frames_of_an_open_give_its_texts_and_each_part_is_measured():
    client = Statebag(MemoryStore())
    state = {"log": [{"n": n, "text": f"entry {n} " * 9} for n in range(5000)], "note": "short"}
    bag = client.seal(state, scope="m/r")
    forget()
    before = codec._bounded
    frames = frames_of(lambda: client.open(bag, scope="m/r"))
    assert codec._bounded is before
    assert sum(size for _, size, _ in frames) >= len(json_text.encode(state["log"])) - 9
    assert all(len(codec._bounded(*one)) == one[1] for one in frames)
    assert min(parts(state, frames, rounds=1).values()) > 0
