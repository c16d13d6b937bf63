"""Lint beside the engine, and with what no one would write."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag.asl.definition import problems_of
from statebag.asl.model import Definition
from statebag.errors import ConfigurationError, StatebagError
from statebag.lint.calls import Functions
from statebag.lint.flow import Flow
from statebag.lint.linter import Options, lint
from statebag.lint.shape import size
from statebag.local import run
from tests.lint.machines import machine, task

NAMES = st.sampled_from(
    """A B C States StartAt Type Next End Choices Branches Catch Retry ErrorEquals ItemProcessor
    Iterator Resource Parameters ResultPath InputPath Variable Default Assign Output Items
    QueryLanguage Comment x.$ Arguments Condition Not And""".split()  # noqa: SIM905 (legible)
)
VALUES = st.sampled_from(
    """A B C Task Pass Choice Map Parallel Wait Succeed Fail $ $.a $.a[0].b $$.Map.Item.Value
    JSONata States.ALL {%$states.input.a%} {%$v%} States.Format('{}',$.a) statebag:ignore
    arn:aws:states:::lambda:invoke""".split()  # noqa: SIM905 (a list reads worse)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | VALUES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=40,
)
STATE = st.builds(
    lambda kind, more: {"Type": kind, **more},
    st.sampled_from(["Task", "Pass", "Choice", "Map", "Parallel", "Wait", "Succeed", "Fail"]),
    st.dictionaries(NAMES, JSON, max_size=6),
)
MACHINE = st.builds(
    lambda states, more: {"StartAt": "A", "States": states, **more},
    st.dictionaries(st.sampled_from("ABC"), STATE, max_size=3),
    st.dictionaries(NAMES, JSON, max_size=2),
)


class Sizes:
    """An observer that keeps the bounds of what states hand on."""

    def __init__(self):
        self.largest = {}

    def reads(self, *_):
        pass

    def calls(self, *_):
        pass

    def adds_up(self, *_, **__):
        pass

    def finds_nothing(self, *_):
        pass

    def hands_on(self, path, what, made, entry):
        if what == "its output":
            self.largest[path.rpartition(".")[2]] = size(made)


@settings(max_examples=300)
@given(JSON | MACHINE)
def test_whatever_a_file_holds_there_is_an_answer(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("any") / "m.asl.json"
    file.write_text(json.dumps(value))
    try:
        report = lint([file], Options())
    except StatebagError:
        return
    assert report.machines == 1


@settings(max_examples=300)
@given(MACHINE)
def test_a_structure_is_judged_without_a_crash(value):
    for problem in problems_of(value):
        assert problem.path


def test_hostile_depth(tmp_path):
    file = tmp_path / "m.asl.json"
    text = '{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"A","States":{"A":'
    file.write_text(
        '{"StartAt":"A","States":{"A":' + text * 400 + '{"Type":"Succeed"}' + "}}}" * 400 + "}}"
    )
    try:
        report = lint([file], Options())
    except StatebagError:
        return
    assert report.findings


def test_no_run_hands_on_more_than_was_computed():
    """The bounds of lint against the sizes that the engine counts."""
    answers = {"A": "a" * 60_000, "B": ["b" * 50_000], "C": {"c": "c" * 40_000}}
    definition = machine(
        A=task("A", ResultPath="$.a"),
        B=task("B", ResultPath="$.b", ResultSelector={"v.$": "$.Payload[0]", "n": 1}),
        P={"Type": "Pass", "Parameters": {"both.$": "$", "again.$": "$.a", "text": "x" * 100}},
        C=task("C", ResultPath="$.c.d"),
        L={"Type": "Wait", "Seconds": 0, "OutputPath": "$.both"},
    )
    functions = {name: (lambda *_, answer=answer: answer) for name, answer in answers.items()}
    given = {"start": "s" * 1000}
    execution = run(definition, functions=functions, input=given)
    assert execution.status == "SUCCEEDED"
    sizes = Sizes()
    bound = 64_000
    Flow(Functions(bag_bytes=bound), len(json.dumps(given)), sizes).run(Definition(definition))
    real = {one.state: one.output_bytes for one in execution.transitions}
    assert real.keys() == sizes.largest.keys()
    for state, bytes_ in real.items():
        assert bytes_ <= sizes.largest[state] <= bytes_ + 6 * bound, state


def test_a_folder_without_a_machine_is_not_clean(tmp_path, monkeypatch):
    """A wrong path would be green for ever."""
    (tmp_path / "app.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="no state machine is in") as caught:
        lint([tmp_path], Options())
    assert caught.value.hint
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="no state machine is in the working directory"):
        lint([type(tmp_path)()], Options())
