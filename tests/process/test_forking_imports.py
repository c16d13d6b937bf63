import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

# A parent in which one thread loads a module that stops in the middle, and another thread forks.
# Its child is killed after some minutes: it hangs.
STAGE = """
import importlib, importlib.abc, importlib.machinery, os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # a fork in a process with threads

class Stopping(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    # Runs the first half of a module of its own, or all of a real module after a stop.
    def __init__(self, name):
        self.name, self.times = name, 0
        self.stopped, self.go_on = threading.Event(), threading.Event()

    def find_spec(self, name, path, target=None):
        if name != self.name or self.times:
            return None  # a second time it is loaded as ever
        self.times += 1
        self.real = importlib.machinery.PathFinder.find_spec(name, path)
        spec = importlib.machinery.ModuleSpec(
            name, self, origin=self.real.origin,
            is_package=self.real.submodule_search_locations is not None)
        spec.submodule_search_locations = self.real.submodule_search_locations
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self.stopped.set()
        self.go_on.wait(240)
        module.__spec__, module.__loader__ = self.real, self.real.loader
        self.real.loader.exec_module(module)

def load_elsewhere(name, hook=None):
    hook = hook or Stopping(name)
    sys.meta_path.insert(0, hook)
    hook.thread = threading.Thread(target=importlib.import_module, args=(name,), daemon=True)
    hook.thread.start()
    assert hook.stopped.wait(240)
    return hook

def in_child(work):
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 7 if work() else 8
        finally:
            os._exit(code)
    until = time.monotonic() + 200
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"

from statebag import Policy, Statebag
from statebag.process import forking
from tests.bags import noise
"""
AT_ONCE = "forking._LONGEST_IMPORT_SECONDS = 0.1\n"


def run(*script, arguments=()):
    program = STAGE + "\n".join(textwrap.dedent(part) for part in script)
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", ["statebag.store.file", "secrets", "concurrent.futures.thread"])
def test_a_child_seals_and_opens_though_a_lost_thread_was_loading_what_it_needs(name, tmp_path):
    run(
        AT_ONCE,
        f"""
        hook = load_elsewhere({name!r})
        def work():
            client = Statebag(sys.argv[1], policy=Policy(carry_bytes=0))
            state = {{f"f{{n}}": noise(40_000, n) for n in range(4)}}
            bags = [client.seal(state, scope=f"m/{{n}}") for n in range(4)]
            return Statebag(sys.argv[1]).open(bags) == [state] * 4
        assert in_child(work) == 7
        hook.go_on.set()
        hook.thread.join(240)
        assert work()
        """,
        arguments=[tmp_path],
    )


def test_a_fork_waits_for_a_load_that_goes_on(tmp_path):
    run(
        """
        forking._LONGEST_IMPORT_SECONDS = 150  # on a machine that does other work, too
        hook = load_elsewhere("statebag.store.file")
        timer = threading.Timer(1.5, hook.go_on.set)  # longer than a fork waits for other locks
        timer.start()
        whole = lambda: sys.modules[hook.name].FileStore.__name__ == "FileStore"
        assert in_child(whole) == 7
        assert hook.go_on.is_set()
        """,
    )


def test_nothing_of_an_unfinished_package_stays_and_other_modules_do(tmp_path):
    package = tmp_path / "halfway"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import halfway.whole, halfway.deep.whole\nimport halfway.slow\nname = 'complete'\n"
    )
    (package / "deep" / "__init__.py").write_text("")
    for name in ("whole", "slow", "deep/whole"):
        (package / f"{name}.py").write_text("name = __name__\n")
    run(
        AT_ONCE,
        """
        sys.path.insert(0, sys.argv[1])
        import textwrap
        hook = load_elsewhere("halfway", Stopping("halfway.slow"))
        before = set(sys.modules)
        def work():
            left = {name for name in sys.modules if name.partition(".")[0] == "halfway"}
            import halfway
            again = halfway.name, halfway.deep.whole.name, halfway.whole.name, halfway.slow.name
            return (
                not left
                and again == ("complete", "halfway.deep.whole", "halfway.whole", "halfway.slow")
                and sys.modules["textwrap"] is textwrap
                and before <= set(sys.modules)
            )
        assert in_child(work) == 7
        assert before <= set(sys.modules)  # the parent's
        hook.go_on.set()
        hook.thread.join(240)
        import halfway
        assert halfway.name == "complete"
        """,
        arguments=[tmp_path],
    )


def test_a_module_that_forks_while_it_is_loaded_goes_on_in_both_processes(tmp_path):
    (tmp_path / "forks_itself.py").write_text(
        "first = 1\n"
        "import __main__, sys\n"
        "own = sys.modules[__name__]\n"
        "def work():\n"
        "    import forks_itself\n"
        "    return forks_itself is own and forks_itself.first == 1\n"
        "answer = __main__.in_child(work)\n"
    )
    run(
        AT_ONCE,
        """
        sys.path.insert(0, sys.argv[1])
        hook = load_elsewhere("statebag.store.file")
        import forks_itself
        assert forks_itself.answer == 7, forks_itself.answer
        """,
        arguments=[tmp_path],
    )


def test_a_thread_that_waited_for_the_load_is_not_taken_for_a_deadlock(tmp_path):
    run(
        AT_ONCE,
        """
        hook = load_elsewhere("statebag.store.file")
        waiting = [
            threading.Thread(target=importlib.import_module, args=(hook.name,), daemon=True)
            for _ in range(3)
        ]
        for one in waiting:
            one.start()
        bootstrap = sys.modules["_frozen_importlib"]
        while len(getattr(bootstrap._blocking_on, "data", bootstrap._blocking_on)) < 3:
            time.sleep(0.01)
        def work():
            left = getattr(bootstrap._blocking_on, "data", bootstrap._blocking_on)
            if set(left) - {threading.get_ident()} or bootstrap._module_locks:
                return False
            threads = [
                threading.Thread(target=importlib.import_module, args=(hook.name,))
                for _ in range(4)
            ]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            return sys.modules[hook.name].FileStore
        assert in_child(work) == 7
        """,
    )


def test_a_python_without_these_locks_forks_as_ever():
    run(
        """
        class Other:
            pass
        sys.modules["_frozen_importlib"] = Other()
        assert forking._is_importing() is False
        forking._drop_unfinished_imports()
        assert in_child(lambda: True) == 7
        """,
    )
