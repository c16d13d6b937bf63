"""A process of the saver that is killed: each checkpoint that it had put is there."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("langgraph.graph", reason="langgraph is not installed")

from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.store import store_from_url
from statebag.testing.process import forget
from statebag.upkeep.fsck import fsck

WRITER = """
import os, signal, sys
from langgraph.checkpoint.base import empty_checkpoint
from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.store import store_from_url
from statebag.testing import RecordingStore

class Killed(RecordingStore):
    left, when = int(sys.argv[2]), sys.argv[3]

    def _written(self, call, *arguments):
        Killed.left -= 1
        if Killed.left == 0 and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = call(*arguments)
        if Killed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    def put(self, name, data):
        self._written(super().put, name, data)

    def put_if(self, name, data, version):
        return self._written(super().put_if, name, data, version)

store = Killed(store_from_url(sys.argv[1]))
saver = StatebagSaver(Statebag(store, replicas=()))
found = saver.get_tuple({"configurable": {"thread_id": "t"}})
log = found.checkpoint["channel_values"]["log"] if found else []
place = found.config if found else {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
for step in range(len(log), len(log) + 50):
    checkpoint = empty_checkpoint()
    log = [*log, "%04d" % step * 2000]
    checkpoint["channel_values"] = {"log": log}
    place = saver.put(place, checkpoint, {"source": "loop", "step": step}, {})
    saver.put_writes(place, [("log", step)], "task")
    print(step, flush=True)
"""


THREAD = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_killed_process_loses_no_checkpoint_that_it_had_put(tmp_path, place, request):
    url = f"file://{tmp_path}"
    if place == "s3":
        url = request.getfixturevalue("s3_store_url")
    put_so_far = -1
    for kill_at, when in ((1, "before"), (2, "after"), (3, "before"), (4, "after"), (9, "after")):
        code = textwrap.dedent(WRITER)
        done = subprocess.run(
            [sys.executable, "-c", code, url, str(kill_at), when],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        put_so_far = max([put_so_far, *map(int, done.stdout.split())])
        store = store_from_url(url)
        forget()
        found = StatebagSaver(Statebag(store, replicas=())).get_tuple(THREAD)
        log = [] if found is None else found.checkpoint["channel_values"]["log"]
        assert log == [f"{step:04}" * 2000 for step in range(len(log))]
        assert len(log) > put_so_far
        assert fsck(store).whole
