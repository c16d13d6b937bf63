"""Lint is given what it knows of an application, and loads it when it is first asked."""

import subprocess
import sys

from statebag.composition import compose
from statebag.lint import application
from statebag.lint.calls import Functions, call_of
from statebag.lint.shape import parts


def test_what_is_given_later_replaces_what_was_given_before():
    try:
        application.give_fields(lambda: ["one", "two"])
        assert application.fields_kept_plain() == {("one",), ("two",)}
        application._given.clear()
        assert application.fields_kept_plain() == frozenset()
    finally:
        compose()
    assert ("execution_id",) in application.fields_kept_plain()


def test_nothing_of_the_manager_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, statebag; from statebag.lint.application import fields_kept_plain; "
        "print([name for name in sys.modules if name.startswith('statebag.manager')]); "
        "print(len(fields_kept_plain()) > 10)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.split() == ["[]", "True"]


def test_what_an_action_keeps_plain_is_what_was_given():
    task = {
        "Type": "Task",
        "Resource": "arn:aws:lambda:eu-central-1:123456789012:function:manager",
        "Parameters": {"action": "sync", "state_data.$": "$"},
    }
    try:
        application.give_fields(lambda: ["one"])
        call = call_of(task, "$.States.Sync", Functions(sealed=("manager",)))
        assert {place.plain for part in parts(call.result) for place in part.bags} == {
            frozenset({("one",)})
        }
    finally:
        compose()
