"""What one open may give follows the memory that the process may use."""

import os
import subprocess
import sys

import pytest

from statebag import LimitExceeded, Policy, Statebag
from statebag.process.memory_limit import default_max_open_bytes, memory_bytes
from statebag.store.memory import MemoryStore

MB = 1024**2
LAMBDA = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"


def system(folder, cgroup, limits):
    """A `/` in which a process is in these control groups."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(cgroup)
    for name, text in limits.items():
        file = folder / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("cgroup", "limits", "found"),
    [
        ("0::/\n", {"memory.max": f"{300 * MB}\n"}, 300),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": f"{200 * MB}\n"}, 200),
        ("0::/a/b\n", {"a/b/memory.max": f"{90 * MB}", "a/memory.max": f"{200 * MB}"}, 90),
        ("0::/of/the/host\n", {"memory.max": f"{300 * MB}"}, 300),  # as a container sees it
        ("0::/../../of/the/host\n", {"memory.max": f"{300 * MB}"}, 300),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": f"{128 * MB}\n"}, 128),
        (
            "9:cpu,cpuacct:/x\n4:memory,blkio:/job/1\n0::/\n",
            {
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/job/1/memory.limit_in_bytes": f"{64 * MB}\n",
            },
            64,
        ),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("0::/\n", {"memory.max": "0\n"}, None),
        ("", {}, None),
        ("no such line\n::\n4:memory\n", {"memory.max": "many\n"}, None),
    ],
)
def test_the_limits_of_control_groups(tmp_path, cgroup, limits, found):
    whole = memory_bytes({}, tmp_path / "nothing is here")
    assert whole is None or whole > 500 * MB, "these tests need a machine that is larger"
    expected = whole if found is None else found * MB
    assert memory_bytes({}, system(tmp_path, cgroup, limits)) == expected


@pytest.mark.parametrize(
    ("megabytes", "given"),
    [("128", 16), ("256", 32), ("1769", 1769 / 8), ("64", 16)],
)
def test_a_lambda_function_of_some_size(monkeypatch, megabytes, given):
    monkeypatch.setenv(LAMBDA, megabytes)
    assert default_max_open_bytes() == given * MB
    assert Policy().max_open_bytes == given * MB


@pytest.mark.parametrize("text", ["", "much", "-1", "0", "1e9"])
def test_a_size_that_is_none_counts_as_none(monkeypatch, text):
    monkeypatch.delenv(LAMBDA, raising=False)
    without = default_max_open_bytes()
    monkeypatch.setenv(LAMBDA, text)
    assert default_max_open_bytes() == without


def test_the_default_stays_within_its_bounds(monkeypatch):
    monkeypatch.delenv(LAMBDA, raising=False)
    assert 16 * MB <= Policy().max_open_bytes <= 2048 * MB


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_limit_of_the_address_space():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "import statebag; print(statebag.Policy().max_open_bytes)"
    )
    environment = {name: text for name, text in os.environ.items() if name != LAMBDA}
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
        env=environment,
    )
    assert 16 * MB <= int(answer.stdout) <= 512 * MB


def test_the_refusal_says_what_to_raise_and_that_helps(monkeypatch):
    monkeypatch.setenv(LAMBDA, "128")
    store = MemoryStore()
    state = {"text": "x" * (17 * MB)}
    client = Statebag(store, replicas=())
    bag = client.seal(state, scope="m/e")
    with pytest.raises(LimitExceeded) as caught:
        Statebag(store, replicas=()).open(bag)
    assert "Policy.max_open_bytes" in caught.value.hint
    assert "STATEBAG_MAX_OPEN_BYTES" in caught.value.hint
    assert Statebag(store, policy=Policy(max_open_bytes=20 * MB), replicas=()).open(bag) == state
    monkeypatch.setenv("STATEBAG_MAX_OPEN_BYTES", str(20 * MB))
    assert Statebag(store, replicas=()).open(bag) == state
