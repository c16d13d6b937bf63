import contextvars
import threading
import time

import pytest

from statebag import StoreUnavailable
from statebag.store import bounded
from statebag.store.bounded import each_within_deadline, within_deadline
from statebag.store.retrying import deadline
from tests.deadlines import growing

WHAT = "the store did not answer"


def wait_until_none_is_abandoned():
    until = time.monotonic() + 200
    while bounded._abandoned:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _none_of_another_test():
    """The threads of other tests, which were just let go, are still on their way."""
    wait_until_none_is_abandoned()


def test_without_a_deadline_the_caller_s_thread_works():
    assert within_deadline(threading.get_ident, WHAT) == threading.get_ident()
    with deadline(float("inf")):
        assert within_deadline(threading.get_ident, WHAT) == threading.get_ident()


def test_what_ends_by_itself_before_the_deadline_costs_no_thread():
    with deadline(600):
        assert within_deadline(threading.get_ident, WHAT, at_most=300) == threading.get_ident()
        assert within_deadline(threading.get_ident, WHAT, at_most=601) != threading.get_ident()
        assert within_deadline(threading.get_ident, WHAT) != threading.get_ident()


def test_a_call_that_hangs_is_given_up_at_the_deadline_and_its_thread_is_used_again():
    free = threading.Event()
    for seconds in growing(0.2):
        with deadline(seconds), pytest.raises(StoreUnavailable, match="before the dead") as caught:
            within_deadline(free.wait, WHAT, name="a")
        assert caught.value.object_name == "a"
        assert "Policy.deadline_seconds" in caught.value.hint
        if bounded._abandoned:
            break
    assert len(bounded._abandoned) == 1
    free.set()
    wait_until_none_is_abandoned()
    mine = {one for one in threading.enumerate() if one.name == "statebag-bounded"}
    with deadline(600):
        for _ in range(20):
            within_deadline(threading.get_ident, WHAT)
    assert {one for one in threading.enumerate() if one.name == "statebag-bounded"} <= mine


def test_after_the_deadline_nothing_is_begun():
    with deadline(-1), pytest.raises(StoreUnavailable):
        within_deadline(lambda: pytest.fail("it was begun"), WHAT)


def test_errors_and_the_context_pass():
    seen = contextvars.ContextVar("seen")
    seen.set("yes")
    with deadline(600):
        assert within_deadline(seen.get, WHAT) == "yes"
        with pytest.raises(ZeroDivisionError):
            within_deadline(lambda: 1 / 0, WHAT)


def test_too_many_calls_that_never_end_are_refused_at_once(monkeypatch):
    monkeypatch.setattr(bounded, "_MOST_ABANDONED", 2)
    free = threading.Event()
    try:
        for seconds in (*growing(0.05), *growing(0.05)):
            with deadline(seconds), pytest.raises(StoreUnavailable, match="deadline"):
                within_deadline(free.wait, WHAT)
            if len(bounded._abandoned) == 2:
                break
        with deadline(600), pytest.raises(StoreUnavailable, match="2 earlier calls"):
            within_deadline(lambda: pytest.fail("it was begun"), WHAT)
    finally:
        free.set()
        wait_until_none_is_abandoned()


def test_each_step_of_an_iterator_is_bounded():
    free = threading.Event()

    def items():
        yield 1
        yield 2
        free.wait()

    try:
        for seconds in growing(0.3):
            found = []
            with deadline(seconds), pytest.raises(StoreUnavailable):
                found.extend(each_within_deadline(items(), WHAT))
            if len(found) == 2:
                break
    finally:
        free.set()
    assert found == [1, 2]
    with deadline(600):
        assert list(each_within_deadline(iter([1, None, 2]), WHAT)) == [1, None, 2]
