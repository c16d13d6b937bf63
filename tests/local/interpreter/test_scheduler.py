from __future__ import annotations

import threading

import pytest

from statebag.local.interpreter.scheduler import (
    DeadlineError,
    NothingLeftError,
    Scheduler,
    StrandGroup,
)


def asleep(scheduler, seconds, told, name):
    me = scheduler.current
    scheduler.after(seconds, lambda: scheduler.wake(me))
    yield
    told.append((name, scheduler.clock))
    return name


def test_the_clock_jumps_to_the_next_timer():
    scheduler, told = Scheduler(), []
    strands = [
        scheduler.start(asleep(scheduler, seconds, told, name), lambda _: None)
        for name, seconds in (("late", 3600), ("early", 60), ("first", 0))
    ]
    scheduler.run(lambda: not any(strand.live for strand in strands))
    assert told == [("first", 0), ("early", 60), ("late", 3600)]


def test_a_timer_that_was_cancelled_does_not_happen():
    scheduler, told = Scheduler(), []
    timer = scheduler.after(1, lambda: told.append("cancelled"))
    scheduler.after(2, lambda: told.append("kept"))
    timer.cancel()
    scheduler.run(lambda: bool(told))
    assert told == ["kept"]


def turns(scheduler, told, name):
    for _ in range(3):
        told.append(name)
        scheduler.again()
        yield


def order(seed, *, shuffled):
    scheduler, told = Scheduler(seed=seed, shuffled=shuffled), []
    strands = [scheduler.start(turns(scheduler, told, name), lambda _: None) for name in "abc"]
    scheduler.run(lambda: not any(strand.live for strand in strands))
    return "".join(told)


def test_strands_take_turns():
    assert order(1, shuffled=False) == "abcabcabc"


def test_a_seed_decides_about_the_order():
    orders = {seed: order(seed, shuffled=True) for seed in range(20)}
    assert len(set(orders.values())) > 5
    assert orders == {seed: order(seed, shuffled=True) for seed in range(20)}
    assert all(sorted(one) == sorted("aaabbbccc") for one in orders.values())


def test_a_group_gives_its_strands_as_they_end():
    scheduler, ended = Scheduler(), []

    def parent():
        group = StrandGroup(scheduler)
        for name, seconds in (("b", 2), ("a", 1)):
            group.start(asleep(scheduler, seconds, [], name), name)
        for _ in range(2):
            name, strand = yield from group.next_ended()
            ended.append((name, strand.value))

    strand = scheduler.start(parent(), lambda _: None)
    scheduler.run(lambda: not strand.live)
    assert ended == [("a", "a"), ("b", "b")]


def test_a_cancelled_group_ends_where_it_waits():
    scheduler, told = Scheduler(), []

    def waits():
        try:
            yield
        except GeneratorExit:
            told.append("ended")
            raise

    def parent():
        group = StrandGroup(scheduler)
        group.start(waits(), "w")
        me = scheduler.current
        scheduler.after(1, lambda: scheduler.wake(me))
        yield
        assert group.cancel() == ["w"]

    strand = scheduler.start(parent(), lambda _: None)
    scheduler.run(lambda: not strand.live)
    assert told == ["ended"]


def test_a_run_that_can_never_go_on_says_so():
    def waits():
        yield

    scheduler = Scheduler()
    strand = scheduler.start(waits(), lambda _: None)
    with pytest.raises(NothingLeftError):
        scheduler.run(lambda: not strand.live)


def test_an_answer_of_another_thread_is_waited_for():
    scheduler, told = Scheduler(helped=lambda: True), []
    scheduler.expecting = 1
    threading.Timer(0.1, lambda: scheduler.post(lambda: told.append("answer"))).start()
    scheduler.after(3600, lambda: told.append("too late"))
    scheduler.run(lambda: bool(told))
    assert told == ["answer"]


def test_the_deadline_is_real_time():
    scheduler = Scheduler(deadline=0.0)
    with pytest.raises(DeadlineError):
        scheduler.run(lambda: False)


def test_a_second_may_take_real_time():
    scheduler, told = Scheduler(pace=0.01), []
    scheduler.after(1, lambda: told.append(scheduler.clock))
    scheduler.run(lambda: bool(told))
    assert told[0] >= 1
