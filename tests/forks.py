"""Code that runs in a forked child of the test, and what it returned."""

import faulthandler
import os
import pickle
import select
import signal
import sys
import threading
import time
import warnings

SECONDS = 200  # far longer than any child needs: one that is not over by then hangs


def fork_and_run(work):
    """Fork; give the descriptor that tells what `work()` returned in the child, and its pid."""
    reading, writing = os.pipe()
    # A measurement of coverage has locks of its own, which a child would wait for without end.
    tracer, parent = sys.gettrace(), os.getpid()
    sys.settrace(None)
    with warnings.catch_warnings():
        # From Python 3.12 a fork in a process with threads is warned of: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            child = os.fork()
        finally:
            sys.settrace(tracer if os.getpid() == parent else None)
    if not child:
        status = 1
        try:
            os.close(reading)
            threading.settrace(None)
            faulthandler.register(signal.SIGUSR2)
            try:
                answer = work()
            except BaseException as error:  # noqa: BLE001 (whatever it is, the parent tells)
                answer = error
            with os.fdopen(writing, "wb") as file:
                file.write(pickle.dumps(answer))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return reading, child


def told_by(reading, child):
    """What a child's work returned; its error is raised. A child that hangs is killed."""
    data, until = b"", time.monotonic() + SECONDS
    try:
        while True:
            ready, _, _ = select.select([reading], [], [], max(until - time.monotonic(), 0))
            if not ready:
                os.kill(child, signal.SIGUSR2)  # tells where it hangs
                time.sleep(0.5)
                os.kill(child, signal.SIGKILL)
                raise AssertionError(f"the child did not answer in {SECONDS} s")
            part = os.read(reading, 1 << 16)
            if not part:
                break
            data += part
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    answer = pickle.loads(data)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def in_child(work):
    """What `work()` returns in a forked child."""
    return told_by(*fork_and_run(work))
