"""The tests on each installed Python, with each set of extras: `make matrix`, or `nox --list`.

    nox -s core                        the quick tests of the core alone, on every Python
    nox -s tests -p 3.13               all parts on one Python
    nox -s "tests-3.13(part='local')"  one part
    nox -s adapters                    each adapter with its framework; -- whole, -- bench

A Python that is not installed is skipped, and named. Every session has an environment of its own,
from locked packages, with statebag as a user gets it: built, and not in place.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

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

# Each adapter has an environment of its own, locked in requirements/adapters. What needs no
# framework is in `make test`.
_EXAMPLES = "tests/integrations/test_examples.py"
ADAPTERS = {
    "langgraph": (
        "tests/integrations/test_langgraph.py",
        "tests/integrations/test_langgraph_conformance.py",
        "tests/integrations/test_langgraph_killed.py",
        "tests/integrations/test_langgraph_move.py",
        "tests/benchmarks/test_agents.py",
        "tests/benchmarks/test_agent_peers.py",
        "tests/examples/test_langgraph_agent.py",
        "tests/test_docs.py",
    ),
    "durable": ("tests/integrations/test_durable.py", _EXAMPLES),
    "strands": ("tests/integrations/test_strands.py", _EXAMPLES),
    "temporal": (
        "tests/integrations/test_temporal.py",
        "tests/integrations/test_temporal_workers.py",
        _EXAMPLES,
    ),
    "claude": ("tests/integrations/test_claude.py", _EXAMPLES),
    "powertools": ("tests/integrations/test_powertools.py", _EXAMPLES),
}


# What an adapter writes beside its framework's own way, and whether the goals are met.
BENCHMARKS = {
    "langgraph": ("benchmarks.agents",),
    **{
        extra: ("benchmarks.agent_adapters", extra)
        for extra in ("durable", "strands", "temporal", "claude")
    },
}


class OwnSuite(NamedTuple):
    """A framework's own tests, which its source archive on the registry has, with ours put in.

    Attributes:
        package: The package; its version and its archive's digest are in the adapter's lock.
        plugin: The plugin of tests/integrations/own_suites that puts ours in.
        quick: What CI runs of them, in less than a minute.
        whole: What `make test-agents` runs of them.
        timed: What of the whole a busy machine fails, since it compares times, or counts calls that
            a server asks for again after some seconds: it runs alone, and again if it fails.
        clone: Where the archive has no tests, the variable that names a clone of the framework's
            repository; without it, these tests do not run.
    """

    package: str
    plugin: str
    quick: tuple[str, ...]
    whole: tuple[str, ...]
    timed: str = ""
    clone: str = ""


OWN_SUITES = {
    "langgraph": OwnSuite(
        "langgraph",
        "statebag_in_langgraph",
        (
            "tests/test_delta_channel_exit_mode.py",
            "tests/test_delta_channel_parallel_order.py",
            "tests/test_interruption.py",
            "tests/test_subgraph_persistence.py",
            "tests/test_time_travel_async.py",
        ),
        ("tests",),
        timed="test_stream_subgraphs_during_execution or test_stream_buffering_single_node",
    ),
    "temporal": OwnSuite(
        "temporalio",
        "statebag_in_temporal",
        (),
        (
            "--noconftest",
            "tests/test_extstore.py",
            "tests/worker/test_extstore.py",
            "tests/nexus/test_temporal_extstore.py",
        ),
        timed="test_store_metadata or test_extstore_continue_as_new or test_extstore_chained",
        clone="TEMPORAL_SDK",
    ),
    "strands": OwnSuite(
        "strands-agents",
        "statebag_in_strands",
        *(
            (
                "tests/strands/session/test_snapshot_session_manager.py",
                "tests/strands/storage/test_in_memory_storage.py",
            ),
        )
        * 2,
    ),
}

# Turns of such tests. Chosen: LangGraph's compare times to a tenth of a second.
TURNS = 5

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
    given = [one for one in session.posargs if one not in {"whole", "bench"}]
    session.run("python", "-m", "pytest", *options, *paths, *given)


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


@nox.session(venv_backend="uv")
@nox.parametrize("extra", list(ADAPTERS))
def adapters(session: nox.Session, extra: str) -> None:
    """The tests of one adapter with its framework, and some of the framework's own.

    With `-- whole`, all of the framework's own; with `-- bench`, what the adapter writes instead.
    """
    _install(session, f"adapters/{extra}.lock")
    if "bench" in session.posargs:
        if extra in BENCHMARKS:
            session.run("python", "-m", *BENCHMARKS[extra])
        return
    # Tests skip where a framework is missing, so that it is there is said here.
    session.run("python", "-c", f"import statebag.integrations.{extra}")
    # Of the pages' examples, only those that need the framework.
    _test(session, *ADAPTERS[extra], "-p", "no:asyncio", "-k", "langgraph or not test_docs")
    if extra in OWN_SUITES:
        _run_own_suite(session, extra, whole="whole" in session.posargs)


def _run_own_suite(session: nox.Session, extra: str, *, whole: bool) -> None:
    """Run a framework's own tests, of the release that the lock names."""
    suite = OWN_SUITES[extra]
    chosen = suite.whole if whole else suite.quick
    if not chosen:
        return
    if suite.clone and not os.environ.get(suite.clone):
        session.warn(
            f"{suite.package}'s own tests did not run: its archive on the registry has none. "
            f"Name a clone of its repository: {suite.clone}=FOLDER make test-agents"
        )
        return
    lock = (LOCKS / "adapters" / f"{extra}.lock").read_text("utf-8")
    found = re.search(rf"^{suite.package}==(\S+).*(?:\n    .*)*", lock, re.MULTILINE)
    assert found is not None, f"{suite.package} is not in the lock"
    folder = ROOT / "build" / "own_suites" / extra
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if suite.clone:
        _check_out_tests(session, os.environ[suite.clone], found[1], folder / "clone")
    else:
        _unpack_tests(session, found[0], folder)
    with session.chdir(next(folder.glob("*/tests")).parent):
        workers = ("-n", os.environ.get("WORKERS", "auto"), "--maxprocesses=4")
        if suite.timed and whole:  # none of them is in the quick choice
            _run_with_ours(session, suite, *workers, "-k", f"not ({suite.timed})", *chosen)
            _run_until_it_passes(session, suite, *chosen)
        else:
            _run_with_ours(session, suite, *workers, *chosen)


def _unpack_tests(session: nox.Session, locked: str, folder: Path) -> None:
    """Download the source archive that a lock names, and unpack its tests."""
    (folder / "archive.txt").write_text(locked + "\n", "utf-8")
    # pip makes the metadata of an archive with what `make adapters` installed beside nox.
    only = ("--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--require-hashes")
    named = ("-r", str(folder / "archive.txt"), "-d", str(folder))
    pip = (sys.executable, "-m", "pip", "download", "--quiet")
    session.run(*pip, *only, *named, external=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        wanted = [
            one for one in archive if one.name.split("/")[1:2] in (["tests"], ["pyproject.toml"])
        ]
        archive.extractall(folder, wanted, filter="data")


def _check_out_tests(session: nox.Session, clone: str, release: str, folder: Path) -> None:
    """Check out the tests of a release from a clone, or of its newest commit if it has no tag."""
    session.run("git", "clone", "--quiet", "--no-checkout", clone, str(folder), external=True)
    git = ("git", "-C", str(folder))
    tags = session.run(*git, "tag", "--list", release, external=True, silent=True)
    at = release if (tags or "").strip() == release else "HEAD"
    session.log(f"tests of {clone} at {at}, with the installed {release}")
    session.run(*git, "checkout", "--quiet", at, "--", "tests", "pyproject.toml", external=True)


def _run_with_ours(session: nox.Session, suite: OwnSuite, *arguments: str) -> None:
    """Run tests of a framework with ours put in."""
    session.run(
        *("python", "-m", "pytest", "-q", "-p", suite.plugin, "--tb=short", *arguments),
        env={
            "PYTHONPATH": str(ROOT / "tests" / "integrations" / "own_suites"),
            "NO_DOCKER": "true",
        },
    )


def _run_until_it_passes(session: nox.Session, suite: OwnSuite, *paths: str) -> None:
    """Run the tests that a busy machine fails, alone, some times at most."""
    for turn in range(1, TURNS + 1):
        failed = ("--last-failed",) if turn > 1 else ()
        try:
            _run_with_ours(session, suite, "-k", suite.timed, *failed, *paths)
        except nox.command.CommandFailed:
            if turn == TURNS:
                raise
            session.log(f"tests that a busy machine fails: turn {turn} of {TURNS}")
        else:
            return
