"""The archives for Lambda: locked, the same bytes every time, small, and whole by themselves."""

import hashlib
import json
import os
import platform
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HERE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
ELF_MACHINES = {"x86_64": 62, "arm64": 183}  # EM_X86_64, EM_AARCH64 of elf(5)

# In an interpreter that sees the standard library and the archive, and nothing else.
STEP = """
import sys, json
sys.path.insert(0, sys.argv[1])
import statebag
assert statebag.__file__.startswith(sys.argv[1]), statebag.__file__

@statebag.step(returns="delta")
def handler(state, context):
    return {"text": state["text"] * 2}

event = {"execution_id": "machine/run", "text": "word " * 20_000}
bag = handler(event, None)
assert len(json.dumps(bag)) < 98_304
assert statebag.Statebag().open(bag)["text"] == "word " * 40_000

from state_data import lambda_handler
answer = lambda_handler({
    "action": "sync",
    "state_data": {"execution_id": "machine/run"},
    "execution_result": {"next_action": "COMPLETE", "final_state": {"report": "x" * 500_000}},
}, None)
assert len(json.dumps(answer)) < 262_144
print(answer["next_action"])
"""


def options(folder, architecture, python):
    return ["--output", str(folder), "--architecture", architecture, "--python", python]


def build(folder, architecture, python, *more):
    asked = [*options(folder, architecture, python), *more]
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "package.py", *asked],
        check=True,
        capture_output=True,
        timeout=300,
    )
    suffix = f"{architecture}-python{python}.zip"
    return folder / f"statebag-layer-{suffix}", folder / f"statebag-function-{suffix}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lambda")


@pytest.fixture(scope="module", params=["arm64", "x86_64"])
def deployed(request, folder):
    """What is deployed: both archives for the template's runtime."""
    return request.param, build(folder, request.param, "3.13")


@pytest.mark.slow
def test_each_is_small_and_of_its_architecture(deployed):
    architecture, files = deployed
    for file in files:
        assert file.stat().st_size < 8_000_000  # as docs/deploy.md says; the goal is 15
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            assert names == sorted(names)
            assert not any(name.endswith(".pyc") for name in names)
            libraries = [name for name in names if name.endswith(".so")]
            assert len(libraries) >= 3
            for name in libraries:
                assert elf_machine(archive.read(name)) == ELF_MACHINES[architecture], name
            assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    layer, function = files
    assert all(name.startswith("python/") for name in zipfile.ZipFile(layer).namelist())
    assert {"state_data.py", "statebag/__init__.py"} <= set(zipfile.ZipFile(function).namelist())


def elf_machine(library):
    assert library[:4] == b"\x7fELF"
    return struct.unpack_from("<H", library, 18)[0]


@pytest.mark.slow
def test_made_again_it_is_the_same_bytes(deployed, tmp_path):
    architecture, files = deployed
    again = build(tmp_path, architecture, "3.13")
    for one, other in zip(files, again, strict=True):
        assert one.name == other.name
        assert sha256(one) == sha256(other)


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(HERE is None, reason="Lambda has no machine like this one")
def test_a_step_runs_from_the_archive_alone(folder, tmp_path):
    for file, place in zip(build(folder, HERE, PYTHON), ("python", ""), strict=True):
        unpacked = tmp_path / file.stem
        with zipfile.ZipFile(file) as archive:
            archive.extractall(unpacked)
        if place:  # the layer has no handlers of its own
            (unpacked / place / "state_data.py").write_text(
                "from statebag.state_data_manager import lambda_handler\n"
            )
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", STEP, str(unpacked / place)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
            env={
                "STATEBAG_STORE": (tmp_path / "store").as_uri(),
                "STATEBAG_METRICS": "emf",
                "PATH": os.environ["PATH"],
            },
        )
        assert done.returncode == 0, done.stderr[-2000:]
        *metrics, action = done.stdout.splitlines()
        assert action == "COMPLETE"
        assert [json.loads(line)["action"] for line in metrics] == ["step", "sync"]


# Where each module's code came from, in an interpreter that can write no bytecode of its own.
LOADED = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
import statebag, state_data
ours = [one for one in sys.modules.values() if "unpacked" in str(getattr(one, "__file__", ""))]
for one in ours:
    assert one.__file__.endswith(".so") or pathlib.Path(one.__spec__.cached).is_file(), one
print(len(ours), type(statebag.step).__call__.__code__.co_filename)
"""


@pytest.mark.slow
@pytest.mark.skipif(HERE is None, reason="Lambda has no machine like this one")
def test_with_bytecode_a_start_compiles_nothing(tmp_path):
    layer, function = build(tmp_path / "one", HERE, PYTHON, "--bytecode")
    again = build(tmp_path / "two", HERE, PYTHON, "--bytecode")
    assert [sha256(one) for one in (layer, function)] == [sha256(one) for one in again]
    assert function.stat().st_size < 15_000_000
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(function) as archive:
        archive.extractall(unpacked)
    for file in unpacked.rglob("*.py"):  # what is not read cannot be compiled
        file.write_text("raise AssertionError('compiled from its source')")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", LOADED, str(unpacked)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"STATEBAG_STORE": (tmp_path / "store").as_uri(), "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded, file = done.stdout.split()
    assert int(loaded) > 50
    assert Path(file).is_relative_to(unpacked)  # a traceback names the file that is there


def test_bytecode_of_another_python_is_refused(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "deploy" / "package.py",
            *options(tmp_path, "arm64", "3.9"),
            "--bytecode",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "made by Python 3.9" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(HERE is None, reason="Lambda has no machine like this one")
def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path):
    """Another digest in the lock stands for another wheel under the same name."""
    copy = tmp_path / "project"
    (copy / "deploy").mkdir(parents=True)
    (copy / "requirements").mkdir()
    text = (ROOT / "requirements" / "lambda.lock").read_text("utf-8")
    lines = [
        line.split("sha256:")[0] + "sha256:" + "0" * 64 + (" \\" if line.endswith("\\") else "")
        if "sha256:" in line
        else line
        for line in text.splitlines()
    ]
    (copy / "requirements" / "lambda.lock").write_text("\n".join(lines))
    (copy / "deploy" / "package.py").write_bytes((ROOT / "deploy" / "package.py").read_bytes())
    done = subprocess.run(
        [sys.executable, copy / "deploy" / "package.py", *options(tmp_path / "out", HERE, PYTHON)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert list((tmp_path / "out").glob("*.zip")) == []


def test_the_lock_has_what_the_project_asks_for():
    lock = (ROOT / "requirements" / "lambda.lock").read_text("utf-8")
    run = (ROOT / "requirements" / "run.lock").read_text("utf-8")
    versions = {line.split(" ")[0] for line in lock.splitlines() if "==" in line}
    assert {one.split("==")[0] for one in versions} == {
        "aws-lambda-powertools",
        "backports-zstd",
        "jmespath",
        "msgspec",
        "obstore",
        "typing-extensions",
    }
    assert versions <= {line.split(" ")[0] for line in run.splitlines() if "==" in line}
