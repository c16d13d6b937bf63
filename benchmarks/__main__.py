"""`python -m benchmarks`: measure, print the tables, write the files that are asked for."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import charts, goals, page, suite, sweep, tables, way
from benchmarks.server import running

_DELAY_MS = 15.0


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only show that everything runs")
    parser.add_argument("--delay-ms", type=float, default=_DELAY_MS, help="added to each request")
    parser.add_argument("--sweep", action="store_true", help="other forms and settings instead")
    parser.add_argument("--only", default="", help="only what has this in its name")
    parser.add_argument("--steps", type=int, help="cut runs that are longer short")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--svg", type=Path, help="write the charts to this folder")
    parser.add_argument("--page", type=Path, help="write the page of all figures to this file")
    parser.add_argument(
        "--from", dest="saved", type=Path, nargs="+", help="figures of earlier runs instead"
    )
    arguments = parser.parse_args()
    if arguments.saved:
        results = suite.loaded(arguments.saved)
    else:
        with running(arguments.delay_ms) as endpoint:
            results = suite.run(
                endpoint,
                delay_ms=arguments.delay_ms,
                short=arguments.short,
                say=lambda text: print(f"... {text}", file=sys.stderr, flush=True),
                save=lambda found: _save(found, arguments.json),
                only=arguments.only,
                runs=sweep.chosen(most_steps=arguments.steps)
                if arguments.sweep
                else suite.chosen(short=arguments.short, most_steps=arguments.steps),
                special=() if arguments.sweep else suite.SPECIAL,
            )
    if arguments.sweep:
        text = sweep.written(results)
        print(text)
        if arguments.page:
            arguments.page.write_text(text, "utf-8")
        return
    judged = goals.judged(results)
    tables.show(results, judged)
    print(way.table(way.ways()))
    drawn = charts.drawn(results)
    if arguments.svg:
        arguments.svg.mkdir(parents=True, exist_ok=True)
        for name, svg in drawn.items():
            (arguments.svg / name).write_text(svg, "utf-8")
    if arguments.page:
        arguments.page.write_text(page.written(results, judged, list(drawn)), "utf-8")


def _save(results: suite.Results, file: Path | None) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results.as_dict(), indent=1), "utf-8")


if __name__ == "__main__":
    main()
