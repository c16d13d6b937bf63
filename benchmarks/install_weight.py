"""What an installation weighs: `python -m benchmarks.install_weight` prints a row for each extra.

What each extra brings is read from pyproject.toml. It adds up the files of the packages that are
installed in this environment, with those that they require. Packages that the Lambda runtime has
anyway (boto3) count too, where an extra brings them.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

EXTRAS = ("", "lint", "cli", "cli,lint", "cli,local", "cli,local,ui")


PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))[
    "project"
]


def required(extras: str) -> dict[str, Distribution]:
    """The packages that `statebag[extras]` brings, by name."""
    optional = PROJECT["optional-dependencies"]
    asked = [one for extra in filter(None, extras.split(",")) for one in optional[extra]]
    pending = [(Requirement(text), "") for text in (*PROJECT["dependencies"], *asked)]
    found: dict[str, Distribution] = {}
    seen = set()
    while pending:
        one, of_extra = pending.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": of_extra}):
            continue
        try:
            package = distribution(one.name)
        except PackageNotFoundError:
            raise SystemExit(f"{one.name} is not installed: see `make test`") from None
        found[one.name.lower()] = package
        for extra in ("", *one.extras):
            if (one.name, extra) not in seen:
                seen.add((one.name, extra))
                pending += [(Requirement(text), extra) for text in package.requires or ()]
    return found


def weight(package: Distribution) -> int:
    """The bytes of its files, without compiled caches."""
    files = [one for one in package.files or () if one.suffix != ".pyc"]
    places = [package.locate_file(one) for one in files]
    return sum(place.stat().st_size for place in places if place.is_file())


def rows() -> list[tuple[str, int, float]]:
    """For each set of extras: how to install it, the number of packages, and megabytes."""
    table = []
    for extras in EXTRAS:
        packages = required(extras)
        size = sum(map(weight, packages.values())) / 1e6
        table.append((f"statebag[{extras}]" if extras else "statebag", len(packages), size))
    return table


def main() -> None:
    """Print the table of docs/deploy.md."""
    print("| install | other packages | MB |")
    print("| --- | --- | --- |")
    for name, count, size in rows():
        print(f"| `{name}` | {count} | {size:.0f} |")


if __name__ == "__main__":
    sys.exit(main())
