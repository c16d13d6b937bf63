"""Log warnings, each with its own name, and count them.

docs/observe.md lists the names. A line has places, counts and codes, never a value of a state.
"""

from __future__ import annotations

from statebag.telemetry import usage

__all__ = ["WARNINGS", "warn"]

WARNINGS: dict[str, str | None] = {
    "BagTextsLeft": "bag_texts_left",
    "BranchesMissing": "branches_missing",
    "HealedReads": "healed_reads",
    "LegacyPointersLeft": "legacy_pointers_left",
    "NeverCompressed": "never_compressed",
    "PlaceNotUsed": None,
    "NotReported": None,
    "OnlyNotFound": None,
}
"""The names of all warnings, each with the counter of `Usage` that says how often; None: none."""


def warn(name: str, message: str, *names: object, count: int = 0) -> None:
    """Write a warning to the logger `statebag`, and add to its counter.

    Args:
        name: One of WARNINGS; in JSON lines it is the field `warning`.
        message: What was found and what to do, with `%s` for each of `names`.
        names: Objects, places, codes and counts.
        count: How much to add to the counter.
    """
    import logging  # noqa: PLC0415 (slow; few steps warn)

    counter = WARNINGS[name]
    if counter is not None and count:
        usage.add(**{counter: count})
    logging.getLogger("statebag").warning(message, *names, extra={"statebag": {"warning": name}})
