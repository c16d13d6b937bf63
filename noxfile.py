"""The tests on each installed Python, with each set of extras: `make matrix`, or `nox --list`.

    nox -s core                        the quick tests of the core alone, on every Python (CI)
    nox -s tests -p 3.13               all parts on one Python
    nox -s "tests-3.13(part='local')"  one part
    nox -s adapters                    each adapter with the newest release of its framework

A Python that is not installed is skipped, and named. Every session has an environment of its own,
from locked packages, with statebag as a user gets it: built, and not in place.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ROOT = Path(__file__).parent
LOCKS = ROOT / "requirements"

# What runs without any extra in about half a minute: bytes, seals, opens, local stores, the client.
CORE = (
    "tests/format",
    "tests/sealing",
    "tests/opening",
    "tests/manager/merge",
    "tests/store/test_file.py",
    "tests/store/test_memory.py",
    "tests/store/test_retrying.py",
    "tests/test_client.py",
    "tests/test_errors.py",
    "tests/test_golden.py",
    "tests/test_policy.py",
    "tests/test_step.py",
)
# In CORE's folders, and in need of an extra.
NOT_CORE = (
    "tests/opening/test_map_results.py",
    "tests/opening/test_result_roots.py",
    "tests/format/test_independent_reader.py",
    "tests/format/test_independent_writer.py",
    "tests/opening/test_process_memory.py",
)
# What an extra is for. Where more than that is needed, `all` has it.
PARTS = {
    "core": (*CORE, "tests/test_forged.py", "tests/test_properties.py", "tests/test_signed.py"),
    "local": ("tests/local", "tests/lint", "tests/asl", *NOT_CORE[:2]),
    "cli": (
        "tests/cli/test_seal_cmd.py",
        "tests/cli/test_open_cmd.py",
        "tests/cli/test_inspect_cmd.py",
        "tests/cli/test_group.py",
        *("-k", "not without_an_extra"),  # it takes one away that is not there
    ),
    "lint": (
        "tests/asl/test_source_files.py",
        "tests/lint/test_function_settings.py",
        "tests/lint/test_handler_source.py",
    ),
    "ui": (
        "tests/ui/test_request_guard.py",
        "tests/ui/test_page_files.py",
        "tests/ui/test_machine_graph.py",
        *("-k", "not what_was_entered"),  # it looks at a run of the local engine
    ),
    "encryption": (
        "tests/store/test_encrypted.py",
        *NOT_CORE[2:],
    ),
    "metrics": (
        "tests/telemetry/test_steps.py",
        "tests/sinks/test_embedded_metrics.py",
        "tests/sinks/test_from_environment.py",
        "tests/sinks/test_json_log.py",
    ),
    "tracing": ("tests/sinks/test_tracing.py",),
    "all": ("tests",),
}

# The extras of adapters, each with what its tests need besides. They are not locked: a framework's
# interface moves, and a test with its newest release says so.
ADAPTERS = {
    "durable": ("aws-durable-execution-sdk-python-testing",),
    "strands": (),
    "temporal": (),
    "claude": (),
    "powertools": ("pydantic", "jmespath"),
}

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False  # also in CI
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["core"]


def pythons_of_pyenv() -> list[str]:
    """The folders of pyenv's versions, newest first.

    pyenv puts a `python3.13` on the path for each version that it has, and that program fails
    where the version was not chosen for the folder. So its versions are looked up before it.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")

    def newest(folder: Path) -> tuple[int, ...]:
        return tuple(map(int, re.findall(r"\d+", folder.parent.name)))

    found = root.glob("versions/3.*/bin")
    return [str(folder) for folder in sorted(found, key=newest, reverse=True)]


# Behind what runs nox, before pyenv's own programs.
os.environ["PATH"] = os.pathsep.join([*pythons_of_pyenv(), os.environ["PATH"]])


def _install(session: nox.Session, *locks: str) -> None:
    """The locked packages, then statebag itself, built from this checkout."""
    for lock in (*locks, "build.lock"):
        session.install("--require-hashes", "--no-deps", "-r", str(LOCKS / lock))
    session.install("--no-build-isolation", "--no-deps", "--force-reinstall", ".")


def _test(session: nox.Session, *paths: str) -> None:
    ignored = [f"--ignore={path}" for path in NOT_CORE if path not in paths and paths != ("tests",)]
    workers = ("-n", os.environ.get("WORKERS", "auto"), "--maxprocesses=4", "--dist=worksteal")
    options = ("-q", "-p", "no:cacheprovider", *workers, *ignored)
    session.run("python", "-m", "pytest", *options, *paths, *session.posargs)


@nox.session(python=PYTHONS)
def core(session: nox.Session) -> None:
    """The quick tests of the core, with no extra installed."""
    _install(session, "matrix/core.lock")
    # Texts of 5,000,000 levels take a third of the time; one Python reads them, in `make test`.
    _test(session, *CORE, "-k", "not 5000000")


@nox.session(python=PYTHONS)
@nox.parametrize("part", list(PARTS))
def tests(session: nox.Session, part: str) -> None:
    """The tests of one part, with nothing installed that it does not need."""
    locks = ("run.lock", "dev.lock") if part == "all" else (f"matrix/{part}.lock",)
    _install(session, *locks)
    _test(session, *PARTS[part])


@nox.session(python=PYTHONS[0])
@nox.parametrize("extra", list(ADAPTERS))
def adapters(session: nox.Session, extra: str) -> None:
    """The tests of one adapter, with its framework as the registry has it today."""
    session.install(f".[{extra},test]", *ADAPTERS[extra])
    _test(session, "tests/integrations", "-p", "no:asyncio", "-n", "0")
    session.run("python", "-m", "benchmarks.agent_adapters")
