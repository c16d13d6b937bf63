"""The matrix of Pythons and extras names tests and locks that are there."""

import importlib.util
import os
import stat
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NOT_EXTRAS = {"all", "dev", "docs", "test"}


def loaded():
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def noxfile(monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"])  # the module puts pyenv's versions before it
    return loaded()


def test_each_extra_is_a_part_with_a_lock(noxfile):
    extras = set(PROJECT["optional-dependencies"]) - NOT_EXTRAS
    assert set(noxfile.PARTS) == {"core", "all", *extras}
    for part in noxfile.PARTS.keys() - {"all"}:
        assert (noxfile.LOCKS / "matrix" / f"{part}.lock").is_file(), part


def test_every_path_is_there(noxfile):
    paths = [*noxfile.CORE, *noxfile.NOT_CORE]
    paths += [path for part in noxfile.PARTS.values() for path in part if path.startswith("tests")]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_pythons_are_those_that_the_package_names(noxfile):
    named = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one}
    assert set(noxfile.PYTHONS) == named


def test_pyenvs_versions_come_before_its_programs_that_may_fail(tmp_path, monkeypatch):
    for version in ("3.12.9", "3.12.10"):
        program = tmp_path / "versions" / version / "bin" / "python3.12"
        program.parent.mkdir(parents=True)
        program.write_text("")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", "/shims")
    loaded()
    newest, older, last = os.environ["PATH"].split(os.pathsep)
    assert (Path(newest).parent.name, Path(older).parent.name) == ("3.12.10", "3.12.9")
    assert last == "/shims"
