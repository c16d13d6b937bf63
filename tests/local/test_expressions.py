"""Expressions in processes that can be ended."""

import json
import subprocess
import sys
import threading
import time

import pytest

from statebag.local import expression_worker
from statebag.local.expressions import ExpressionError, Expressions, NoResultError
from tests.deadlines import growing
from tests.local.machines import chain, run

CATASTROPHE = f"$match('{'a' * 60}b', /(a+)+$/)"
ENDLESS = {
    "a match": CATASTROPHE,
    "a replacement": f"$replace('{'a' * 60}b', /(a|aa)+$/, '')",
    "a split": f"$split('{'a' * 60}b', /(a*)*c/)",
    "a loop": "($f := function(){ $f() }; $f())",
    "a large sum": "$sum([1..9000000].($ * $))",
}
REFUSED = {
    "($f := function($n){ 1 + $f($n) }; $f(1))": "recurs too deeply",
    "$range(1, 1000000000000, 1)": "takes too much memory",
    "$pad('x', 1000000000000)": "takes too much memory",
    "[1..1e12]": "threw an error",
    "$power(9, 999999999)": "threw an error",
    "[1..3000000]": "returned more than 16,000,000 bytes",
}


@pytest.fixture
def expressions():
    made = Expressions(seconds=200)
    yield made
    made.close()


@pytest.fixture
def impatient():
    made = Expressions(seconds=2)
    yield made
    made.close()


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended(impatient, name):
    with pytest.raises(ExpressionError, match="took longer than 2 s"):
        impatient.jsonata(ENDLESS[name], {})
    impatient._seconds = 200
    assert impatient.jsonata("1 + 1", {}) == 2


@pytest.mark.parametrize("expression", REFUSED)
def test_what_takes_too_much_is_refused(expression):
    made = Expressions(seconds=200)
    try:
        with pytest.raises(ExpressionError, match=REFUSED[expression]):
            made.jsonata(expression, {})
        assert made.jsonata("'next'", {}) == "next"
    finally:
        made.close()


def test_a_deep_recursion_that_ends_has_a_value(expressions):
    expression = "($f := function($n){ $n = 0 ? 0 : 1 + $f($n - 1) }; $f(500))"
    assert expressions.jsonata(expression, {}) == 500


def test_values_come_back_exactly(expressions):
    value = {"n": 2**70, "r": [1.0, -0.0, 1e300], "t": "é\ud800\u2028\x1b", "nil": None}
    back = expressions.jsonata("$v", {"v": value})
    assert json.dumps(back) == json.dumps(value)


def test_nothing_and_a_failure_are_told_apart(expressions):
    with pytest.raises(NoResultError):
        expressions.jsonata("$v.gone", {"v": {}})
    with pytest.raises(ExpressionError, match="threw an error"):
        expressions.jsonata("$number('x')", {})


def test_a_path_with_a_pattern(expressions, impatient):
    data = {"l": [{"n": "abc"}, {"n": "xyz"}]}
    assert expressions.found('$.l[?(@.n =~ "a.c")].n', data) == ["abc"]
    with pytest.raises(ExpressionError):
        expressions.found('$.l[?(@.n =~ "(")]', data)
    with pytest.raises(ExpressionError, match="took longer"):
        impatient.found('$[?(@.n =~ "(a+)+$")]', [{"n": "a" * 60 + "b"}])


def test_closing_ends_what_is_evaluated_and_waits():
    made = Expressions(seconds=200)
    said = []

    def evaluate():
        try:
            made.jsonata(CATASTROPHE, {})
        except ExpressionError as error:
            said.append(str(error))

    threads = [threading.Thread(target=evaluate) for _ in range(20)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 200
    while not made._busy and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(1)  # so that most of them evaluate or wait by then; each may
    made.close()
    for thread in threads:
        thread.join(200)
    assert said == ["was abandoned, because the run has ended"] * 20


def test_a_process_ends_with_the_one_that_started_it():
    request = json.dumps({"expression": CATASTROPHE, "bindings": {}, "seconds": 1}) + "\n"
    command = [sys.executable, "-I", expression_worker.__file__, json.dumps(sys.path)]
    done = subprocess.run(
        command, input=request.encode(), capture_output=True, timeout=250, check=False
    )
    assert done.returncode < 0
    assert done.stdout == b""
    done = subprocess.run(command, input=b"", capture_output=True, timeout=250, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {CATASTROPHE} %}}"},
        {"Type": "Pass", "InputPath": '$.l[?(@.n =~ "(a+)+$")]'},
        {
            "Type": "Map",
            "QueryLanguage": "JSONata",
            "Items": [1, 2, 3, 4, 5, 6],
            "ItemProcessor": chain(("In", {"Type": "Pass", "Output": f"{{% {CATASTROPHE} %}}"})),
        },
    ],
    ids=["JSONata", "JSONPath", "Map"],
)
def test_a_run_ends_at_its_timeout_and_says_where(state):
    value = {"l": [{"n": "a" * 60 + "b"}]}
    for seconds in growing(2):
        started = time.monotonic()
        execution = run(chain(("Stuck", state)), value, timeout=seconds)
        assert execution.status == "TIMED_OUT"
        # Not the minute that one expression may take.
        assert seconds <= time.monotonic() - started < seconds + 55
        if execution.unfinished:
            break
    assert execution.unfinished
    assert all(path.startswith("Main/Stuck") for path in execution.unfinished)
    assert not execution.threads_left


def test_a_catch_does_not_outlive_the_timeout():
    state = {
        "Type": "Task",
        "Resource": "work",
        "Arguments": f"{{% {CATASTROPHE} %}}",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    }
    definition = chain(("Stuck", state), ("Caught", {"Type": "Pass"}), QueryLanguage="JSONata")
    execution = run(definition, {}, {"work": print}, timeout=2)
    assert execution.status == "TIMED_OUT"


@pytest.mark.parametrize("watched", [False, True])
def test_a_value_of_the_most_levels_goes_through(expressions, watched):
    deep = 1
    for level in range(499):
        deep = [deep] if level % 2 else {"a": deep}
    looked = (lambda *_: pytest.fail("nothing is behind a stub")) if watched else None
    assert expressions.jsonata("[$deep, 2]", {"deep": deep}, looked) == [deep, 2]
