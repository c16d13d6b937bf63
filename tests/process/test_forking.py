import ast
import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

import statebag
from statebag import ConfigurationError, Policy, Statebag, StoreUnavailable
from statebag.local import bucket_store
from statebag.manager.legacy import plain_objects
from statebag.process.forking import Workers, fork_safe_lock
from statebag.store import companion_process
from statebag.store.memory import MemoryStore
from statebag.store.object_storage import ObjectStorage
from statebag.testing.process import forget
from tests.bags import noise
from tests.forks import fork_and_run, in_child, told_by
from tests.store.canned_server import canned_server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

POLICY = Policy(carry_bytes=0)


def bags_of(client, count=12):
    return [client.seal({"text": noise(50_000, n)}, scope=f"m/{n}") for n in range(count)]


def sealed_and_opened(client, scope):
    """Whether a new state can be sealed and read again, by requests and not from memory."""
    state = {"text": noise(50_000, len(scope))}
    bag = client.seal(state, scope=scope)
    forget()
    return Statebag(client.store, policy=client.policy, replicas=()).open(bag) == state


def fork_context():
    return multiprocessing.get_context("fork")


class TestWorkers:
    def test_the_same_work_side_by_side_is_answered_in_the_order_of_the_items(self):
        both = threading.Barrier(2, timeout=60)

        def work(item):
            both.wait()  # neither goes on alone
            return item * 2, threading.get_ident()

        answers = Workers(2, "test").each(work, [1, 2])
        assert [answer for answer, _ in answers] == [2, 4]
        assert threading.get_ident() not in {thread for _, thread in answers}

    def test_one_item_alone_needs_no_thread(self):
        workers = Workers(2, "test")
        assert workers.each(lambda _: threading.get_ident(), "a") == [threading.get_ident()]
        assert workers.each(str, []) == []

    def test_of_several_errors_that_of_the_first_item_is_raised(self):
        def work(item):
            raise ValueError(item)

        with pytest.raises(ValueError, match="first"):
            Workers(2, "test").each(work, ["first", "second"])

    def test_a_child_does_work_side_by_side_with_threads_of_its_own(self):
        workers = Workers(2, "test")
        assert workers.each(abs, [-1, -2]) == [1, 2]
        assert in_child(lambda: workers.each(abs, [-3, -4])) == [3, 4]

    def test_a_child_has_threads_of_its_own(self):
        workers = Workers(2, "test")
        assert workers.submit(threading.get_ident).result() != threading.get_ident()
        assert in_child(lambda: workers.submit(os.getpid).result() == os.getpid())
        assert workers.submit(os.getpid).result() == os.getpid()
        workers.close()

    def test_work_that_the_parent_began_is_an_error_at_once(self):
        workers, free = Workers(1, "test"), threading.Event()
        task = workers.submit(free.wait)
        with pytest.raises(ConfigurationError, match="began in the parent") as caught:
            in_child(task.result)
        assert "Begin it in the process" in caught.value.hint
        free.set()
        assert task.result()
        in_child(workers.close)
        workers.close()

    def test_where_no_thread_can_be_started_the_caller_works(self, monkeypatch):
        def refused(_):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refused)
        workers = Workers(1, "test")
        assert workers.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            workers.submit(divmod, 7, 0).result()


@contextmanager
def held_elsewhere(lock):
    """Another thread holds the lock, for longer than a fork waits."""
    held, free = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            free.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        yield
    finally:
        free.set()
        holder.join()


class TestLocks:
    def test_a_lock_that_another_thread_holds_is_free_in_the_child(self):
        lock = fork_safe_lock()
        with held_elsewhere(lock):
            assert in_child(lambda: lock.acquire(timeout=5))
        assert lock.acquire(timeout=0)
        lock.release()

    @pytest.mark.parametrize(
        "lock", [plain_objects._cache._lock, bucket_store._one_at_a_time], ids=["texts", "buckets"]
    )
    def test_a_lock_of_this_library_is_such_a_lock(self, lock):
        with held_elsewhere(lock):
            assert in_child(lambda: lock.acquire(timeout=5))

    def test_no_other_lock_is_made_than_those_that_a_child_does_not_use(self):
        """A new lock is `fork_safe_lock()`, or a child of the process has no use for it."""
        source = Path(statebag.__file__).parent
        made = set()
        for file in source.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func).removeprefix("threading.")
                    if name in {"Lock", "RLock", "Condition", "Semaphore", "Barrier"}:
                        made.add(file.relative_to(source).as_posix())
        # Of those, a child makes new ones; the rest are the engine's, its screen's and the page's,
        # which run in one process.
        renewed = {"process/forking.py", "store/bounded.py", "store/companion_process.py"}
        renewed |= {"store/companion_server.py"}  # a process of its own, which is not forked
        elsewhere = {one for one in made if not one.startswith(("local/", "ui/"))}
        assert elsewhere - renewed == {"cli/progress.py"}

    def test_memory_is_whole_in_children_that_are_forked_while_it_is_written(self):
        client = Statebag(MemoryStore(), policy=POLICY)
        ended = threading.Event()

        def work():
            for n in itertools.count():
                if ended.is_set():
                    return
                client.seal({"text": noise(2_000, n)}, scope=f"m/{n % 50}")

        writers = [threading.Thread(target=work) for _ in range(3)]
        for writer in writers:
            writer.start()
        try:
            for n in range(20):
                assert in_child(lambda n=n: sealed_and_opened(client, f"child/{n}"))
        finally:
            ended.set()
            for writer in writers:
                writer.join()


class TestOnFiles:
    def test_a_child_opens_after_its_parent_opened(self, tmp_path):
        client = Statebag(tmp_path, policy=POLICY)
        bags = bags_of(client)
        forget()
        expected = Statebag(tmp_path).open(bags)

        def work():
            forget()
            return Statebag(tmp_path).open(bags) == expected and client.open(bags) == expected

        assert in_child(work)
        assert in_child(lambda: in_child(work))
        assert client.open(bags) == expected

    def test_multiprocessing_from_several_threads(self, tmp_path):
        client = Statebag(tmp_path, policy=POLICY)
        bags = bags_of(client)
        expected = client.open(bags)
        answers = []

        def parent(n):
            def work():
                forget()
                return Statebag(tmp_path).open(bags) == expected, sealed_and_opened(
                    client, f"c/{n}"
                )

            answers.append(in_child(work))

        parents = [threading.Thread(target=parent, args=(n,)) for n in range(4)]
        for one in parents:
            one.start()
        for one in parents:
            one.join()
        assert answers == [(True, True)] * 4

    def test_what_streams_is_an_error_in_the_child_and_goes_on_in_the_parent(self, tmp_path):
        client = Statebag(tmp_path, policy=POLICY)
        bags = bags_of(client, 4) * 100
        opened = client.open_each(bags)
        first = next(opened)
        with pytest.raises(ConfigurationError, match="began in the parent"):
            in_child(lambda: len(list(opened)))
        assert 1 + len(list(opened)) == len(bags)
        assert first == client.open(bags[0])

    def test_an_array_writer_goes_on_in_the_child(self, tmp_path):
        client = Statebag(tmp_path, policy=POLICY)
        writer = client.array_writer("m/e")
        for n in range(100):
            writer.add(n, b'"%d"' % n)

        def work():
            bag = client.seal({"items": writer.finish()}, scope="m/e")
            forget()
            return Statebag(tmp_path).open(bag)["items"] == [str(n) for n in range(100)]

        assert in_child(work)
        assert work()


@pytest.mark.s3
class TestOnS3:
    @pytest.mark.parametrize("made_in", ["parent", "child"])
    def test_a_client_that_sent_nothing_needs_no_companion(self, s3_store_url, made_in):
        program = f"""
import os
from statebag.local import bucket_store
from statebag.store import companion_process
from statebag.store.object_storage import ObjectStorage
store = ObjectStorage({s3_store_url!r})
child = os.fork()
if not child:
    if {made_in == "child"}:
        store = ObjectStorage({s3_store_url!r})
    store.put("a", b"1")
    assert store.get("a") == b"1"
    os._exit(7 if companion_process._current is None else 8)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert store.get("a") == b"1"
"""
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    def test_threads_of_the_client_that_another_user_began_are_seen(self, s3_store_url):
        program = f"""
import os
import obstore
from statebag.store.object_storage import ObjectStorage
store = ObjectStorage({s3_store_url!r})
obstore.put(store._live.connection.client, "a", b"1")
child = os.fork()
if not child:
    os._exit(7 if store.get("a") == b"1" else 8)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    def test_children_of_a_parent_that_sent_requests(self, s3_store_url):
        client = Statebag(s3_store_url, policy=POLICY)
        bags = bags_of(client)
        forget()
        expected = client.open(bags)

        def work(n):
            forget()
            same = Statebag(s3_store_url, policy=POLICY).open(bags) == expected
            return same, client.open(bags) == expected, sealed_and_opened(client, f"c/{n}")

        children = [fork_and_run(lambda n=n: work(n)) for n in range(3)]
        assert [told_by(*child) for child in children] == [(True, True, True)] * 3
        assert work("parent") == (True, True, True)

    def test_multiprocessing(self, s3_store_url):
        client = Statebag(s3_store_url, policy=POLICY)
        assert sealed_and_opened(client, "m/parent")
        context = fork_context()
        answers = context.Queue()

        def work(n):
            answers.put(sealed_and_opened(client, f"m/{n}"))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            children = [context.Process(target=work, args=(n,)) for n in range(2)]
            for child in children:
                child.start()
        assert [answers.get(timeout=40) for _ in children] == [True, True]
        for child in children:
            child.join()

    def test_many_threads_of_a_child(self, s3_store_url):
        client = Statebag(s3_store_url, policy=POLICY)
        assert sealed_and_opened(client, "m/parent")

        def work():
            answers = []
            threads = [
                threading.Thread(
                    target=lambda n=n: answers.append(sealed_and_opened(client, f"t/{n}"))
                )
                for n in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return answers

        assert in_child(work) == [True] * 8

    def test_every_call_of_a_store_and_its_errors_are_those_of_the_parent(self, s3_store_url):
        store = ObjectStorage(s3_store_url)
        store.put("scope/a", b"0123456789")

        def work():
            told = [
                store.get("scope/a"),
                store.get_ranges("scope/a", [(2, 3), (0, 0), (9, 1)]),
                store.head("scope/a").size,
                store.head("scope/none"),
                [info.name for info in store.list()],
                list(store.list("none")),
            ]
            for call in (
                lambda: store.get("scope/none"),
                lambda: store.get_ranges("scope/a", [(5, 50)]),
                lambda: store.get("../a"),
            ):
                try:
                    call()
                except Exception as error:  # noqa: BLE001 (compared below)
                    told.append((type(error), error.object_name, error.message, error.hint))
            store.put("scope/b", b"")
            store.delete("scope/b")
            store.delete("scope/b")
            return [*told, store.head("scope/b")]

        assert in_child(work) == work()

    def test_a_grandchild_and_a_companion_that_was_killed(self, s3_store_url):
        store = ObjectStorage(s3_store_url)
        store.put("a", b"1")

        def child():
            first = store.get("a")
            second = in_child(lambda: store.get("a"))
            companion_process._current._popen.kill()
            companion_process._current._popen.wait()
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    return first, second, store.get("a")
                except StoreUnavailable:
                    time.sleep(0.05)
            return None

        assert in_child(child) == (b"1",) * 3

    def test_a_store_whose_companion_cannot_start_says_so_at_once(self, s3_store_url, monkeypatch):
        store = ObjectStorage(s3_store_url)
        store.put("a", b"1")
        for executable, why in (("", "where its Python is"), ("/bin/true", "ended at once")):
            monkeypatch.setattr("sys.executable", executable)
            with pytest.raises(ConfigurationError, match=why) as caught:
                in_child(lambda: store.get("a"))
            assert "spawn" in caught.value.hint

    def test_spawned_processes_use_a_pickled_client(self, s3_store_url):
        client = Statebag(s3_store_url, policy=POLICY)
        bag = client.seal({"text": noise(50_000)}, scope="m/e")
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(client.open, (bag,)) == {"text": noise(50_000)}


def test_a_child_waits_for_a_silent_store_until_the_deadline(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "K")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    with canned_server(b"", silent=True) as (endpoint, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        policy = Policy(carry_bytes=0, deadline_seconds=2, attempts=1)
        client = Statebag("s3://bucket/p", policy=policy)
        state = {"text": noise(50_000)}

        def seal():
            # On a busy machine, the child's helper process may not even start by then.
            with pytest.raises(StoreUnavailable, match=r"before the deadline|did not start within"):
                client.seal(state, scope="m/e")

        seal()
        in_child(seal)
