"""What bounds the figures that do not reach their goal, each with the number that shows it."""

from __future__ import annotations

from math import exp, log
from statistics import NormalDist
from typing import TYPE_CHECKING

from benchmarks.goals import AbsentError, Figures
from benchmarks.measure import TAIL
from benchmarks.suite import ONE_OBJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["bounds"]

_RESULTS = 10_000
_PUT = 5.0  # dollars a million
# Dollars a million steps for GETs and bytes of merges at 1 MB: the last column of
# `python -m benchmarks.least_merging --steps 1000 "1 MB"`.
_LEAST_MERGED = 1.73
_LEAST_ONLY = 14.2  # KB a step with five packs: the same, of "1 MB, only="
# PUTs a step where packs never merge: `python -m benchmarks.growth --packs 1000 "1 MB, only="`,
# and "1 MB, seal only", whose writer stays warm.
_PUTS_UNMERGED = (0.188, 0.233)


def bounds(results: Results) -> Iterator[str]:
    """A paragraph for each goal whose figures were measured."""
    figures = Figures(results)
    told: tuple[Callable[[Figures], str], ...] = (
        _reads,
        _dollars,
        _writes,
        _cold_step,
        _tail_of_large,
        _cpu,
        _later_seals,
        _gathered,
        _new_process,
        _checked,
        _one_field,
    )
    for paragraph in told:
        try:
            yield paragraph(figures)
        except AbsentError:
            continue


def _floor(figures: Figures) -> tuple[float, float, float]:
    """Milliseconds of CPU for a state's text, for a GET, and for both as often as a step reads."""
    work = figures.special("floors", "ms of CPU", "all of these")
    get = figures.special("floors", "ms of CPU", "one GET")
    return work, get, work + figures.row(1, 0.2, "statebag").gets * get


def _megabytes(figures: Figures) -> str:
    return f"{figures.special('floors', 'MB', 'text'):.1f} MB"


def _reads(figures: Figures) -> str:
    large = figures.row(10, 0.2, "statebag")

    def quarters(name: str) -> str:
        first, last = (
            figures.special("growing", name, f"GET, {part} quarter") for part in ("first", "last")
        )
        return f"from {first:.2f} GETs a step in the first quarter to {last:.2f} in the last"

    return (
        "**1, the growth of reads.** A bag names at most five packs, however many steps there "
        "were. A run begins with one pack, and while there is little to move, a merge takes most "
        "of the small packs. The exponent counts how a run comes from there to the bound: with "
        f"messages {quarters('messages, 400 steps')}, at 1 MB over 3,000 steps "
        f"{quarters('1 MB, 3,000 steps')}. If the live bytes of a large pack lie more than 256 KB "
        "apart, an open sends several requests for it: at 10 MB, the last quarter of "
        f"{large.steps} steps asks for {large.last_gets:.2f} GETs a step."
    )


def _dollars(figures: Figures) -> str:
    ours, other = figures.row(1, 0.2, "statebag"), figures.row(1, 0.2, ONE_OBJECT)
    carrying = figures.row(1, 0.2, "statebag:65536")
    puts = _PUT * ours.puts
    return (
        f"**2, a tenth of the price at 1 MB.** It would be ${other.dollars / 10:.2f}. Of the "
        f"${ours.dollars:.2f}, PUTs are ${puts:.2f}: one whenever the changes in the bag take more "
        f"than `carry_bytes` (32 KB). With 64 KB they are ${_PUT * carrying.puts:.2f}, and a "
        f"million steps cost ${carrying.dollars:.2f}. GETs and bytes written are the other "
        f"${ours.dollars - puts:.2f}. No rule that joins packs written one after another "
        f"does with less than ${_LEAST_MERGED:.2f} for these, also one that knows all later steps "
        "(`python -m benchmarks.least_merging`, "
        "[0038](design/0038-how-much-merging-must-write.md))."
    )


def _writes(figures: Figures) -> str:
    some, every = (figures.row(1, share, "statebag") for share in (0.2, 1.0))
    sealed = figures.special("growing", "1 MB, seal only, 3,000 steps", "growth of KB")
    return (
        "**3, the growth of bytes written.** With at most five packs, a byte that stays is written "
        "again as often as the fifth root of the number of packs written, at least "
        "([0038](design/0038-how-much-merging-must-write.md)): in a thousand steps, an exponent of "
        "0.2 if nothing is replaced. Merges do not write replaced bytes again. We measured "
        f"{some.growth:.2f} with 20% rewrites and {every.growth:.2f} with 100%, after subtracting "
        f"the growth of the change itself, and {sealed:.2f} (nothing subtracted) over 3,000 steps "
        "of a writer that only seals. Merging more in the beginning would lower these numbers, but "
        "write more."
    )


def _cold_step(figures: Figures) -> str:
    row = figures.row(1, 0.2, "statebag")
    if row.bare_wall is None:
        raise AbsentError
    work, get, floor = _floor(figures)
    least = row.bare_wall.median + floor
    return (
        "**4, a cold step that opens all of 1 MB.** A bare GET by a kept client takes "
        f"{row.bare_wall.median:.1f} ms. In the middle of the run the state is "
        f"{_megabytes(figures)} of text. Inflating, digesting, decoding, checking and encoding "
        f"it takes {work:.1f} ms of CPU, and {row.gets:.1f} GETs side by side {get:.2f} ms "
        f"each: with nothing else done, {least / row.bare_wall.median:.2f} times the bare GET "
        f"on one core. It is {row.step_wall.median / row.bare_wall.median:.2f} times. A step with "
        "`only=` does not decode what it does not open."
    )


def _tail_of_large(figures: Figures) -> str:
    ours, other = (figures.row(10, 0.2, way) for way in ("statebag", ONE_OBJECT))
    if ours.tail is None or other.tail is None:
        raise AbsentError
    median, p99 = TAIL
    sigma = log(p99 / median) / NormalDist().inv_cdf(0.99)

    def slowest(share: float) -> float:
        return median * exp(sigma * NormalDist().inv_cdf(share ** (1 / ours.gets)))

    return (
        f"**4, the slowest steps at 10 MB.** A step of ours waits for the slowest of "
        f"{ours.gets:.1f} GETs, and {100 * ours.puts:.0f} of a hundred steps for a PUT; one object "
        f"waits for one GET and one PUT. One request takes {median:.0f} ms at the median and "
        f"{p99:.0f} at the 99th percentile, the slowest of {ours.gets:.1f} takes "
        f"{slowest(0.5):.0f} and {slowest(0.99):.0f}. All the same the p50 is "
        f"{ours.tail.p50:.0f} against {other.tail.p50:.0f} ms, since less is written; the p99 is "
        f"{ours.tail.p99:.0f} against {other.tail.p99:.0f}."
    )


def _median_cpu(row: Summary) -> float:
    return row.step_cpu.median


def _cpu(figures: Figures) -> str:
    work, _, floor = _floor(figures)
    ours = figures.row(1, 0.2, "statebag").step_cpu
    only = figures.row(1, 0.2, "statebag:only").step_cpu
    other = figures.row(1, 0.2, ONE_OBJECT).step_cpu
    large, other_large = (figures.row(10, 0.2, way).step_cpu for way in ("statebag", ONE_OBJECT))
    others = [
        f"{1 / figures.ratio(at, 0.2, 'statebag', ONE_OBJECT, _median_cpu, steps):.2f}"
        for at, steps in ((1, 600), (10, 100))
    ]
    ms = figures.special("floors", "ms of CPU", "check")
    size = figures.special("floors", "MB", "text")
    return (
        f"**5, CPU.** One object takes {other.median:.1f} ms a step at 1 MB: it inflates, decodes, "
        "encodes and compresses all of it, and checks nothing. A step of ours that opens all "
        f"takes {ours.median:.1f} ms; the least for it is {floor:.1f} ms ({work:.1f} for the "
        "text, with its digests and the check for values that JSON cannot hold, the rest for its "
        "GETs). It compresses only what changed. With `only=`, a step takes "
        f"{only.median:.1f} ms. At 10 MB it is {large.median:.1f} against "
        f"{other_large.median:.1f} ms, and the check takes about {10 * ms / size:.0f} of ours. In "
        f"runs of other lengths the two are as near: {', '.join(others)} times one object's."
    )


def _later_seals(figures: Figures) -> str:
    def of(size: str, name: str) -> float:
        return figures.special("large_values", f"{size} MB in twenty fields", name)

    def took(name: str) -> str:
        return f"{of('100', name):.1f} ({of('12.5', name):.1f})"

    seals = "ms of CPU a MB, later seals"
    least = {size: sum(of(size, name) for name in ("check", "encode")) for size in ("12.5", "100")}
    return (
        f"**7, CPU of later seals.** A later seal of 100 MB takes {took(seals)} ms of CPU a "
        "megabyte; in brackets, that of 12.5 MB. Of it, the check for values that JSON cannot hold "
        f"takes {took('check')}, and encoding {took('encode')}: every seal looks at all of the "
        f"state, since nothing says what changed in it, so {least['100']:.1f} "
        f"({least['12.5']:.1f}) are the least. A text that is kept is compared with the one that "
        "was read. Of what does not fit `cache_bytes` (64 MiB, with the bases of deltas), only "
        "the chunks' digests are kept, and to compare these takes up to "
        f"{of('100', 'digest'):.1f} ms a megabyte more: with this alone, 100 MB would take "
        f"{(least['100'] + of('100', 'digest')) / least['12.5']:.2f} times as much as 12.5 MB. It "
        f"takes {of('100', seals) / of('12.5', seals):.2f} times as much."
    )


def _checked(figures: Figures) -> str:
    rate = figures.special("upkeep", "packs a second")
    cpu, wall = (figures.special("upkeep", name) for name in ("cpu", "seconds"))
    return (
        f"**10, `fsck`.** It reads {rate:,.0f} packs a second, 32 at once; {100 * cpu / wall:.0f}% "
        "of the time is this process's own CPU, which the server and the proxy share here."
    )


def _one_field(figures: Figures) -> str:
    row = figures.row(1, 0.2, "statebag:only")
    warm = figures.row(1, 0.2, "statebag", "warm")
    healed = figures.special("growing", "1 MB, only=, 1,000 steps", "GETs to open all at the end")
    return (
        f"**11, `only=`.** A step writes {row.bytes_put / 1000:.1f} KB and asks for "
        f"{row.gets:.2f} GETs: more than the 5.9 KB and 0.85 GETs of the version that never merged "
        f"packs. For this, one open of all after 1,000 such steps takes {healed:.0f} GETs, where "
        "that version took 119. With at most five packs, no rule that joins packs written one "
        f"after another writes less than {_LEAST_ONLY} KB a step "
        "([0038](design/0038-how-much-merging-must-write.md)). Merging causes no further PUTs: "
        f"{row.puts:.3f}, and {warm.puts:.3f} in a warm process, where they are "
        f"{_PUTS_UNMERGED[0]} and {_PUTS_UNMERGED[1]} with packs that never merge."
    )


def _gathered(figures: Figures) -> str:
    least = figures.special("gather", "bare_all", "seconds")
    boto3 = figures.special("gather", "boto3_all", "seconds")
    ours = figures.special("gather", "stream_all", "seconds")
    ours_cpu = figures.special("gather", "stream_all", "cpu")
    boto3_cpu = figures.special("gather", "boto3_all", "cpu")
    return (
        f"**8, gathering {_RESULTS:,} results.** Reading them concurrently and doing nothing with "
        f"them takes {least:.1f} s from this server, which gives {_RESULTS / least:,.0f} objects a "
        f"second: {boto3 / least:.1f} times faster than boto3's {boto3:.1f} s. Verified, decoded "
        f"and written to one array it took {ours:.1f} s, as long within the noise, with "
        f"{boto3_cpu / ours_cpu:.1f} times less CPU than boto3. The server, which shares two cores "
        "with its client, is the limit."
    )


def _new_process(figures: Figures) -> str:
    parts = {
        name: figures.special("cold_start", "statebag", name) * 1000
        for name in ("import", "client", "first_read")
    }
    boto3 = figures.special("cold_start", "boto3", "wall") * 1000
    return (
        f"**9, a new process.** The import takes {parts['import']:.0f} ms (a third of it for "
        f"msgspec), the client {parts['client']:.0f} ms, and the first read "
        f"{parts['first_read']:.0f} ms: the delay and a connection. Boto3 takes {boto3:.0f} ms: "
        f"five times faster would leave {max(boto3 / 5 - parts['first_read'], 0):.0f} ms for "
        "import and client together."
    )
