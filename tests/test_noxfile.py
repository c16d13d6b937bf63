"""The matrix of Pythons and extras names tests and locks that are there."""

import importlib.util
import os
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NOT_EXTRAS = {"agents", "all", "dev", "docs", "test"}


@pytest.fixture(scope="module")
def noxfile():
    """The module, loaded once: nox warns where a session is registered again."""
    path = os.environ["PATH"]
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    os.environ["PATH"] = path  # it puts pyenv's versions before it


def test_each_extra_is_a_part_with_a_lock(noxfile):
    extras = set(PROJECT["optional-dependencies"]) - NOT_EXTRAS
    assert set(noxfile.PARTS) | set(noxfile.ADAPTERS) == {"core", "all", *extras}
    assert not set(noxfile.PARTS) & set(noxfile.ADAPTERS)
    for part in noxfile.PARTS.keys() - {"all"}:
        assert (noxfile.LOCKS / "matrix" / f"{part}.lock").is_file(), part


def test_each_adapter_has_a_module_tests_and_a_lock_that_make_writes(noxfile):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for extra in noxfile.ADAPTERS:
        assert (noxfile.LOCKS / "adapters" / f"{extra}.lock").is_file()
        assert f"-o requirements/adapters/{extra}.lock" in makefile
        assert (ROOT / "src/statebag/integrations" / f"{extra}.py").is_file()
        assert (ROOT / "tests/integrations" / f"test_{extra}.py").is_file()


def test_each_suite_of_a_framework_has_a_plugin_and_its_archive_is_locked(noxfile):
    for extra, suite in noxfile.OWN_SUITES.items():
        lock = (noxfile.LOCKS / "adapters" / f"{extra}.lock").read_text("utf-8")
        assert f"\n{suite.package}==" in lock
        assert (ROOT / "tests/integrations/own_suites" / f"{suite.plugin}.py").is_file()


def test_every_path_is_there(noxfile):
    paths = [*noxfile.CORE, *noxfile.NOT_CORE]
    paths += [path for tests in noxfile.ADAPTERS.values() for path in tests]
    paths += [path for part in noxfile.PARTS.values() for path in part if path.startswith("tests")]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_pythons_are_those_that_the_package_names(noxfile):
    named = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one}
    assert set(noxfile.PYTHONS) == named


def test_pyenvs_versions_are_found_newest_first(noxfile, tmp_path, monkeypatch):
    for version in ("3.12.9", "3.12.10"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = [Path(folder).parent.name for folder in noxfile.pythons_of_pyenv()]
    assert found == ["3.12.10", "3.12.9"]
