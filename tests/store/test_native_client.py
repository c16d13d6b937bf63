"""A forked child of a process that has sent requests must not use the client."""

import gc
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from obstore.store import S3Store

from statebag.store import native_client

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(native_client, "_used_in", None)


def of_child(question):
    """What a forked child answers."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"1" if question() else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read() == b"1"


def test_the_client_is_lost_in_a_child_once_it_was_used():
    native_client.is_used()
    assert not native_client.is_lost()
    assert of_child(native_client.is_lost)


def test_a_child_may_begin_to_use_a_client_that_sent_nothing(monkeypatch):
    monkeypatch.setattr(native_client, "_THREADS", b"no thread has this name")
    assert not of_child(native_client.is_lost)

    def uses():
        native_client.is_used()
        return native_client.is_lost()

    assert not of_child(uses)


class Keys:
    """A source of keys that tells when the client that alone refers to it is freed."""

    def __init__(self, told):
        self.told = told

    def __call__(self):
        return {"access_key_id": "K", "secret_access_key": "s", "token": None, "expires_at": None}

    def __del__(self):
        os.write(self.told, b"freed ")


def client_with(keys):
    client = S3Store("bucket", region="eu-central-1", credential_provider=keys)
    native_client.note_client(client)
    return client


def what_happens(script, first=""):
    """What a fresh process and the child that it forks tell, in their order."""
    code = f"import gc, os, sys\nsys.path.insert(0, {str(Path(__file__).parents[2])!r})\n{first}\n"
    code += "from statebag.store import native_client\n"
    code += "from tests.store.test_native_client import Keys, client_with\n"
    code += textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.decode()


IN_THE_CHILD = """
kept = client_with(Keys(1))
circle = [client_with(Keys(1))]
circle.append(circle)
del circle  # only a garbage collection frees it
{used}
if not os.fork():
    del kept
    gc.collect()
    os.write(1, b"collected ")
    {end}
os.wait()
os.write(1, b"parent ")
del kept
gc.collect()
"""


class TestAnInheritedClient:
    @pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
    def test_is_never_freed_in_a_child(self, end):
        script = IN_THE_CHILD.format(used="native_client.is_used()", end=end)
        assert what_happens(script) == "collected parent freed freed "

    def test_is_held_before_other_hooks_of_a_fork_collect_garbage(self):
        script = IN_THE_CHILD.format(used="native_client.is_used()", end="os._exit(0)")
        hook = "os.register_at_fork(after_in_child=gc.collect)"
        assert what_happens(script, hook) == "collected parent freed freed "

    def test_that_sent_nothing_is_freed_as_any_object(self):
        script = IN_THE_CHILD.format(used="native_client._THREADS = b'-'", end="os._exit(0)")
        assert what_happens(script) == "freed freed collected parent freed freed "

    def test_is_left_to_a_grandchild_too(self):
        script = """
        kept = client_with(Keys(1))
        native_client.is_used()
        if not os.fork():
            if not os.fork():
                del kept
                gc.collect()
                sys.exit(0)
            os.wait()
            os.write(1, b"child ")
            sys.exit(0)
        os.wait()
        os._exit(0)
        """
        assert what_happens(script) == "child "

    def test_is_held_where_python_has_no_ctypes(self):
        script = IN_THE_CHILD.format(
            used="native_client.is_used(); sys.modules['ctypes'] = None", end="os._exit(0)"
        )
        assert what_happens(script) == "collected parent freed freed "


def test_a_client_that_nobody_needs_is_freed():
    reading, writing = os.pipe()
    client = client_with(Keys(writing))
    del client
    gc.collect()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"freed "
