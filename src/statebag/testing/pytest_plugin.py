"""The pytest plugin of statebag: fixtures that run workflows, and open their bags.

pytest loads it in each of its runs, so it imports the engine only in a test that uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from statebag.client import Statebag
    from statebag.testing.ran_workflow import RanWorkflow

__all__ = ["pytest_addoption", "run_workflow", "statebag_store"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `run_workflow`."""
    group = parser.getgroup("statebag", "workflows that tests run (fixture run_workflow)")
    group.addoption(
        "--statebag-as-deployed",
        action="store_true",
        help=(
            "Let functions seal as on AWS. By default everything that no control path names is "
            "offloaded, however small, so that a missing control path fails in the test."
        ),
    )


@pytest.fixture
def statebag_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statebag]:
    """A client of an empty store in a folder, which STATEBAG_STORE names during the test."""
    from statebag.client import Statebag  # noqa: PLC0415 - in a test that uses it
    from statebag.testing.process import forget  # noqa: PLC0415 - in a test that uses it

    address = (tmp_path / "statebag-store").as_uri()
    monkeypatch.setenv("STATEBAG_STORE", address)
    monkeypatch.setenv("STATEBAG_REPLICAS", "")
    forget()
    yield Statebag(address)
    forget()


@pytest.fixture
def run_workflow(
    statebag_store: Statebag, request: pytest.FixtureRequest
) -> Callable[..., RanWorkflow]:
    """Run a workflow: `run_workflow("template.yaml", input=…, mocks=…, functions=…, seeds=…)`.

    It takes the arguments of `statebag.local.run`, and for a template also `machine`, `parameters`,
    `substitutions` and `environment`, as `load_workflow` does. Packs go to `statebag_store`.

    Without a definition, the one in `statebag.toml` (or `[tool.statebag]`) is run, with the
    functions and variables there. The nearest such file counts, next to the test or above it.
    Arguments of the test win.
    """
    as_deployed = bool(request.config.getoption("--statebag-as-deployed"))
    of_a_file = ("machine", "parameters", "substitutions", "environment")

    def run_it(definition: Any = None, **options: Any) -> RanWorkflow:
        from statebag.local import load_workflow, run  # noqa: PLC0415 - in a test that uses it
        from statebag.testing.ran_workflow import RanWorkflow  # noqa: PLC0415 - as above

        strict = options.setdefault("strict", not as_deployed)
        given = {name: options.pop(name) for name in of_a_file if name in options}
        if definition is None:
            known = _from_settings(request.path.parent, as_deployed=not strict)
            definition = known.pop("path")
            known["handlers"] = {**known.get("handlers", {}), **options.pop("functions", {})}
            for name in ("parameters", "substitutions", "environment"):
                known[name] = {**known.get(name, {}), **given.pop(name, {})}
            given = {**known, **given}
        elif not isinstance(definition, dict):
            given["handlers"] = options.pop("functions", None)
        if not isinstance(definition, dict):
            definition = load_workflow(
                definition,
                region=options.get("region", "us-east-1"),
                complete=not options.get("mocks"),
                store=statebag_store.store.url,
                **given,
            )
        return RanWorkflow(run(definition, **options), statebag_store)

    return run_it


def _from_settings(folder: Path, *, as_deployed: bool) -> dict[str, Any]:
    """Return what the nearest settings say about the workflow.

    Raises:
        ConfigurationError: There are none, or they name no template.
    """
    from statebag.errors import ConfigurationError  # noqa: PLC0415 - in a test that uses it
    from statebag.local.settings_file import (  # noqa: PLC0415 - in a test that uses it
        settings_file,
        workflow_settings,
    )

    found = settings_file(folder)
    if found is None or "template" not in found[1]:
        where = f"no statebag.toml is in {folder} or above it"
        if found is not None:
            where = f"{found[0]} names no template"
        raise ConfigurationError(
            f"no definition was given, and {where}",
            hint="Name one, run_workflow('template.yaml'), or write `template` into statebag.toml.",
        )
    return workflow_settings(*found, as_deployed=as_deployed)
