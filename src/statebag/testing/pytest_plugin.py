"""The pytest plugin of statebag: fixtures that run workflows, and open what is in their bags.

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
        help="Let functions seal as on AWS. By default all leaves a payload that no control path "
        "names, however small, so that a path that is not named fails in the test.",
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

    Takes what `statebag.local.run` takes, and of a template `machine`, `parameters`,
    `substitutions` and `environment`, as `load_workflow` does. Packs go to `statebag_store`.
    """
    strict = not request.config.getoption("--statebag-as-deployed")
    of_a_file = ("machine", "parameters", "substitutions", "environment")

    def run_it(definition: Any, **options: Any) -> RanWorkflow:
        from statebag.local import load_workflow, run  # noqa: PLC0415 - in a test that uses it
        from statebag.testing.ran_workflow import RanWorkflow  # noqa: PLC0415 - as above

        given = {name: options.pop(name) for name in of_a_file if name in options}
        if not isinstance(definition, dict):
            definition = load_workflow(
                definition,
                handlers=options.pop("functions", None),
                region=options.get("region", "us-east-1"),
                complete=not options.get("mocks"),
                store=statebag_store.store.url,
                **given,
            )
        options.setdefault("strict", strict)
        return RanWorkflow(run(definition, **options), statebag_store)

    return run_it
