"""Threads that wait for work: when they start and end, and what becomes of work that was given."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import weakref
from contextvars import ContextVar

import pytest

from statebag.process import work_threads
from statebag.process.forking import Task, Workers
from statebag.process.work_threads import WorkThreads
from tests.forks import in_child

LONGEST = 60  # seconds until a test that hangs fails
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

UNTIL_THE_END = """
import atexit, threading, time
from statebag.process.forking import Workers
def until_the_end():
    from statebag.process import work_threads
    while not work_threads._is_over:
        time.sleep(0.001)
"""


def run(code, *arguments):
    """What a new process prints, which must end well."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def names(prefix):
    return {one.name for one in threading.enumerate() if one.name.startswith(prefix)}


def ended(threads):
    for one in threads:
        one.join(LONGEST)
    return not any(one.is_alive() for one in threads)


class TestThreads:
    def test_a_thread_that_is_free_gets_the_next_work(self):
        workers = Workers(8, "reused")
        seen = {workers.submit(threading.get_ident).result() for _ in range(50)}
        assert len(seen) == 1
        assert names("reused") == {"reused_0"}
        workers.close()

    def test_there_are_as_many_as_work_needs_and_no_more_than_allowed(self):
        workers, free = Workers(3, "several"), threading.Event()
        tasks = [workers.submit(free.wait, LONGEST) for _ in range(2)]
        assert len(names("several")) == 2
        tasks += [workers.submit(free.wait, LONGEST) for _ in range(10)]
        assert len(names("several")) == 3
        free.set()
        assert all(task.result() for task in tasks)
        workers.close()
        assert not names("several")

    def test_they_end_with_a_pool_that_nobody_holds_after_all_work_that_was_given(self):
        workers, free, done = Workers(2, "left"), threading.Event(), []
        workers.submit(free.wait, LONGEST)
        for n in range(20):
            workers.submit(done.append, n)
        threads = list(workers._threads._shared.threads)
        del workers
        gc.collect()
        free.set()
        assert ended(threads)
        assert sorted(done) == list(range(20))

    def test_a_thread_keeps_neither_the_work_nor_its_answer(self):
        class Large:
            pass

        workers = Workers(1, "kept")
        given, answered = Large(), Large()
        both = weakref.ref(given), weakref.ref(answered)
        task = workers.submit(lambda _, answer: answer.pop(), given, [answered])
        task.result()
        # The thread gets the next work only after it let go of this one.
        workers.submit(int).result()
        del given, answered, task
        assert [one() for one in both] == [None, None]
        workers.close()

    def test_where_no_further_thread_can_be_started_the_others_do_the_work(self, monkeypatch):
        workers, free = Workers(2, "few"), threading.Event()
        first = workers.submit(free.wait, LONGEST)

        def refused(_):
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refused)
            second = workers.submit(threading.get_ident)
        free.set()
        assert first.result()
        assert second.result() not in {None, threading.get_ident()}
        workers.close()


class TestOutcomes:
    def test_work_runs_in_the_context_of_who_gives_it(self):
        variable = ContextVar("variable", default=0)
        workers = Workers(1, "context")
        variable.set(7)
        task = workers.submit(variable.get)
        variable.set(8)
        assert [task.result(), workers.submit(variable.get).result()] == [7, 8]

        def change():
            variable.set(9)

        workers.submit(change).result()
        assert variable.get() == workers.submit(variable.get).result() == 8
        workers.close()

    @pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_an_error_is_raised_where_the_answer_is_asked_for_and_the_thread_goes_on(self, kind):
        workers = Workers(1, "error")

        def fail():
            raise kind("told")

        task = workers.submit(fail)
        for _ in range(2):
            with pytest.raises(kind, match="told"):
                task.result()
        assert workers.submit(int).result() == 0
        assert names("error") == {"error_0"}
        workers.close()

    def test_an_error_makes_no_cycle_that_keeps_what_the_work_used(self):
        class Large:
            pass

        def fail():
            large.append(weakref.ref(local := Large()))
            assert local
            raise ValueError

        workers, large = Workers(1, "cycle"), []
        gc.disable()
        try:
            task = workers.submit(fail)
            with pytest.raises(ValueError):
                task.result()
            workers.submit(int).result()
            del task
            assert large[0]() is None
        finally:
            gc.enable()
        workers.close()

    def test_several_threads_wait_for_one_answer(self):
        workers, free, answers = Workers(1, "wait"), threading.Event(), []
        task = workers.submit(lambda: free.wait(LONGEST) and "answer")
        waiting = [threading.Thread(target=lambda: answers.append(task.result())) for _ in range(5)]
        for one in waiting:
            one.start()
        free.set()
        assert ended(waiting)
        assert answers == ["answer"] * 5
        workers.close()


class TestEnds:
    def test_a_closed_pool_drops_what_has_not_begun_and_waits_for_the_rest(self):
        workers, begun, done = Workers(1, "closed"), threading.Event(), []
        free = threading.Event()

        def first():
            begun.set()
            free.wait(LONGEST)
            done.append("first")

        running = workers.submit(first)
        waiting = workers.submit(done.append, "second")
        begun.wait(LONGEST)
        closing = threading.Thread(target=workers.close)
        closing.start()
        with pytest.raises(RuntimeError, match="closed before this work began"):
            waiting.result()
        free.set()
        assert ended([closing])
        assert running.result() is None
        assert done == ["first"]
        workers.close()
        assert workers.submit(threading.get_ident).result() == threading.get_ident()

    def test_a_generator_that_the_collector_ends_waits_neither_for_work_nor_for_a_lock(self):
        free, begun, tasks = threading.Event(), threading.Event(), []

        def reading():
            with Workers(1, "collected") as pool:
                tasks.append(pool.submit(lambda: begun.set() or free.wait(LONGEST)))
                tasks.append(pool.submit(begun.is_set))
                lock = pool._threads._shared.lock
                yield lock, pool._threads._shared.threads

        generator = reading()
        lock, threads = next(generator)
        assert begun.wait(LONGEST)
        circle = [generator]
        circle.append(circle)
        with lock:  # as a fork holds it, and collects garbage meanwhile
            del generator, circle
            gc.collect()
        with pytest.raises(RuntimeError, match="before this work began"):
            tasks[1].result()
        free.set()
        assert tasks[0].result()
        assert ended(list(threads))

    def test_the_interpreter_finishes_all_work_that_was_given(self):
        code = (
            UNTIL_THE_END + "workers = Workers(2, 'end')\n"
            "def work(n):\n"
            "    until_the_end()\n"
            "    print(n, flush=True)\n"
            "for n in range(6): workers.submit(work, n)\n"
        )
        assert sorted(run(code)) == [*"012345"]

    def test_work_that_is_given_while_the_interpreter_ends_is_done_too(self):
        code = (
            UNTIL_THE_END + "workers, other = Workers(1, 'end'), Workers(1, 'other')\n"
            "said = []\n"
            "atexit.register(lambda: print(*said))\n"
            "def late():\n"
            "    said.append(workers.submit(lambda: 'late').result())\n"
            "    said.append(Workers(1, 'new').submit(lambda: 'new').result())\n"
            "    said.extend(other.each(str, ['a', 'b']))\n"
            "atexit.register(late)\n"
            "def inner():\n"
            "    until_the_end()\n"
            "    said.append(other.submit(lambda: 'inner').result())\n"
            "workers.submit(inner)\n"
            "threading.Thread(target=lambda: (until_the_end(), late())).start()\n"
        )
        late = ["late", "new", "a", "b"]
        assert sorted(run(code)) == sorted(["inner", *late, *late])

    def test_a_first_work_while_the_interpreter_ends_is_done_by_who_gives_it(self):
        code = (
            "import atexit\n"
            "from statebag.process.forking import Workers\n"
            "workers = Workers(2, 'end')\n"
            "atexit.register(lambda: print(*workers.each(str, ['a', 'b'])))\n"
        )
        assert run(code) == ["a", "b"]

    @FORKS
    def test_no_pool_complains_when_the_interpreter_ends(self):
        """Their owners are dropped when modules are gone already."""
        code = (
            UNTIL_THE_END + "import os, warnings\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"  # a fork beside threads
            "workers = [Workers(1, 'end') for _ in range(3)]\n"
            "for one in workers: one.submit(int).result()\n"
            "workers[1].close()\n"
            "child = os.fork()\n"
            "workers[2].submit(int).result()\n"
            "late = Workers(1, 'late')\n"
            "atexit.register(lambda: late.submit(int).result())\n"
            "if child: assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
        )
        assert run(code) == []

    def test_neither_futures_nor_logging_is_loaded(self):
        code = (
            "import sys\n"
            "from statebag.process.forking import Workers\n"
            "assert Workers(2, 'x').each(abs, [-1, -2]) == [1, 2]\n"
            "print(*{'concurrent.futures', 'logging', 'queue'} & {*sys.modules})\n"
        )
        assert run(code) == ["queue"]


@FORKS
class TestForks:
    def test_a_child_of_multiprocessing_finishes_all_work_that_was_given(self, tmp_path):
        workers = Workers(2, "child")
        assert workers.submit(int).result() == 0

        def child():
            for n in range(5):
                workers.submit((tmp_path / f"{n}").write_text, "done")

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(LONGEST)
        assert process.exitcode == 0
        assert sorted(one.name for one in tmp_path.iterdir()) == [*"01234"]
        workers.close()

    def test_a_child_waits_for_no_thread_of_its_parent(self):
        workers, free = Workers(1, "parent"), threading.Event()
        task = workers.submit(free.wait, LONGEST)

        def child():
            inherited = len(work_threads._all)
            own = workers.submit(os.getpid).result()
            work_threads._finish()
            return inherited, own == os.getpid()

        assert in_child(child) == (0, True)
        free.set()
        assert task.result()
        workers.close()

    def test_an_inherited_pool_that_nobody_holds_is_left_alone(self):
        pool = WorkThreads(1, "inherited")
        task = Task(int)
        pool.give(task)
        assert task.result() == 0
        held = [pool]
        del pool

        def child():
            shared = held[0]._shared
            held.clear()
            gc.collect()
            return shared._pool() is None, shared.queue.qsize()

        assert in_child(child) == (True, 0)
        held[0].close()
