"""The table of fields against what the language says of each."""

from statebag.asl.definition import problems_of
from statebag.lint import fields


def test_every_type_has_its_fields_in_both_languages():
    kinds = {kind for kind, _ in fields.STATE}
    assert kinds == {"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"}
    assert len(fields.STATE) == 2 * len(kinds)
    for (kind, jsonata), names in fields.STATE.items():
        assert names >= {"Type", "Comment", "QueryLanguage"}
        assert ("Next" in names) == (kind not in {"Choice", "Succeed", "Fail"})
        assert ("InputPath" in names) == (not jsonata and kind != "Fail")
        assert not jsonata or not names & fields.PATHS


def test_what_is_checked_by_type_is_a_field_of_some_state_or_handler():
    every = frozenset().union(*fields.STATE.values()) | fields.PROCESSOR
    retry = {"IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"}
    assert fields.NUMBERS.keys() <= every | retry
    assert every >= fields.OBJECTS | fields.TEXTS
    assert all(least <= most for least, most in fields.NUMBERS.values())


def test_a_machine_of_these_fields_alone_is_in_order():
    machine = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    assert machine.keys() <= fields.MACHINE
    assert not list(problems_of(machine))
