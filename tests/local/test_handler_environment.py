"""One process, several environments: no call ever sees another's variables."""

import os
import threading

import pytest

from statebag.local.handler_environment import environment_restored, environment_set


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    monkeypatch.setenv("SB_BEFORE", "outside")
    monkeypatch.delenv("SB_NEW", raising=False)


def test_variables_are_there_inside_and_gone_after():
    with environment_set({"SB_BEFORE": "inside", "SB_NEW": "1"}):
        assert (os.environ["SB_BEFORE"], os.environ["SB_NEW"]) == ("inside", "1")
    assert os.environ["SB_BEFORE"] == "outside"
    assert "SB_NEW" not in os.environ


def test_they_are_gone_after_an_error_too():
    with pytest.raises(ZeroDivisionError), environment_set({"SB_NEW": "1"}):
        raise ZeroDivisionError
    assert "SB_NEW" not in os.environ


def test_calls_with_the_same_variables_run_side_by_side():
    both = threading.Barrier(2, timeout=240)

    def call():
        with environment_set({"SB_NEW": "same"}):
            both.wait()

    run_all([call, call])


def test_calls_with_other_variables_never_overlap():
    wrong = []

    def call(value):
        def body():
            for _ in range(200):
                with environment_set({"SB_NEW": value}):
                    seen = {os.environ.get("SB_NEW") for _ in range(20)}
                    if seen != {value}:
                        wrong.append(seen)

        return body

    run_all([call("a"), call("a"), call("b"), call("c")])
    assert wrong == []


def test_a_call_inside_a_call_sees_its_own_and_gives_the_outer_ones_back():
    with environment_set({"SB_NEW": "outer"}):
        with environment_set({"SB_BEFORE": "inner"}):
            assert os.environ.get("SB_NEW") is None
            assert os.environ["SB_BEFORE"] == "inner"
        assert os.environ["SB_NEW"] == "outer"
        assert os.environ["SB_BEFORE"] == "outside"


def test_two_calls_that_both_call_others_do_not_wait_for_each_other():
    both = threading.Barrier(2, timeout=240)
    seen = []

    def call():
        with environment_set({"SB_NEW": "outer"}):
            both.wait()
            with environment_set({"SB_NEW": "inner"}):
                seen.append(os.environ["SB_NEW"])
            seen.append(os.environ["SB_NEW"])

    run_all([call, call])
    assert sorted(seen) == ["inner", "inner", "outer", "outer"]


def test_whatever_code_does_to_the_environment_is_undone():
    with environment_restored():
        os.environ["SB_NEW"] = "x"
        os.environ["SB_BEFORE"] = "y"
        del os.environ["PATH"]
    assert "SB_NEW" not in os.environ
    assert os.environ["SB_BEFORE"] == "outside"
    assert os.environ["PATH"]


def run_all(bodies):
    errors = []

    def guarded(body):
        try:
            body()
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(body,), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []
