from __future__ import annotations

import threading

import pytest

from statebag.local.interpreter.limited_call import LimitedCaller, TooLongError


def test_a_call_without_a_limit_is_in_the_thread_of_its_caller():
    assert LimitedCaller().call(threading.get_ident, None) == threading.get_ident()


def test_calls_with_a_limit_share_a_thread():
    caller = LimitedCaller()
    idents = {caller.call(threading.get_ident, 60) for _ in range(3)}
    caller.close()
    assert len(idents) == 1
    assert threading.get_ident() not in idents


def test_what_a_function_raises_is_raised():
    caller = LimitedCaller()
    with pytest.raises(ZeroDivisionError):
        caller.call(lambda: 1 / 0, 60)
    caller.close()


def test_a_function_that_does_not_return_is_left_behind():
    caller, release = LimitedCaller(), threading.Event()
    with pytest.raises(TooLongError):
        caller.call(release.wait, 0.05)
    assert caller.call(lambda: "next", 60) == "next"
    assert not caller.are_done(0)
    release.set()
    caller.close()
