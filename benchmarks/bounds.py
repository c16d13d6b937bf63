"""What bounds the figures that do not reach their goal, each with the number that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.goals import AbsentError, Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.suite import Results

__all__ = ["bounds"]

_RESULTS = 10_000


def bounds(results: Results) -> Iterator[str]:
    """A paragraph for each goal whose figures were measured."""
    figures = Figures(results)
    told: tuple[Callable[[Figures], str], ...] = (
        _cold_step,
        _cpu,
        _small_state,
        _many_packs,
        _gathered,
        _new_process,
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


def _cold_step(figures: Figures) -> str:
    row = figures.row(1, 0.2, "statebag")
    if row.bare_wall is None:
        raise AbsentError
    work, get, floor = _floor(figures)
    least = row.bare_wall.median + floor
    return (
        "**3, a cold step that opens all of 1 MB.** A bare GET takes "
        f"{row.bare_wall.median:.1f} ms. In the middle of the run the state is "
        f"{_megabytes(figures)} of text. Inflating, digesting, decoding, checking and encoding "
        f"it takes {work:.1f} ms of CPU, and {row.gets:.1f} GETs side by side {get:.2f} ms "
        f"each: with nothing else done, {least / row.bare_wall.median:.2f} times the bare GET "
        f"on one core. It is {row.step_wall.median / row.bare_wall.median:.2f} times. `only=` "
        "does not decode what it does not open, and stays within the goal."
    )


def _cpu(figures: Figures) -> str:
    work, get, floor = _floor(figures)
    ours = figures.row(1, 0.2, "statebag").step_cpu
    audited = figures.row(1, 0.2, "audited").step_cpu
    only = figures.row(1, 0.2, "statebag:only")
    put = figures.special("floors", "ms of CPU", "one PUT")
    return (
        f"**4, CPU.** The audited way takes {audited.mean:.0f} ms a step at 1 MB. The least for "
        f"a step that opens all is {floor:.1f} ms ({work:.1f} for the text, {get:.2f} for each "
        f"GET), which would be {audited.mean / floor:.0f} times less; ours is {ours.mean:.1f} "
        "ms. The difference is work in Python: checking the state for values that JSON cannot "
        "hold, and threads that wait concurrently. With `only=` it is "
        f"{only.step_cpu.mean:.1f} ms, "
        f"{audited.mean / only.step_cpu.mean:.0f} times less: "
        f"{only.gets * get + only.puts * put:.1f} of it for {only.gets:.2f} GETs and "
        f"{only.puts:.2f} PUTs, the rest for reading, checking and writing a bag of up to "
        f"{only.bag_max // 1000} KB, most of it fields that are too small to leave."
    )


def _small_state(figures: Figures) -> str:
    row = figures.row(0, 0.2, "statebag:65536")
    return (
        f"**5, requests of a 100 KB state.** {row.without_requests:.0%} of the steps that open "
        "all send none. A state of 100 KB is about 35 KB compressed. It fits into the 64 KB of "
        "base64 that may stay inline (48 KB of bytes) until its history has grown too large. "
        "From then on, a step that opens all must read the stored values. A step with `only=` "
        "reads nothing."
    )


def _many_packs(figures: Figures) -> str:
    get = figures.special("floors", "ms of CPU", "one GET")
    rate = figures.special("floors", "requests a second", "of 10 KB, 64 at once")
    one, many = (figures.special("fields", name) * 1000 for name in ("one", "twenty_packs"))
    more = 19 * 1000 / rate
    return (
        f"**6, twenty fields of twenty seals.** One takes {one:.1f} ms, twenty take {many:.1f} ms. "
        f"Nineteen more GETs take the server behind the counting proxy {more:.1f} ms here, as it "
        f"gives {rate:,.0f} objects a second, which alone makes it {(one + more) / one:.2f} times; "
        f"and they are {19 * get:.1f} ms of this process's CPU. Of one seal they are one GET."
    )


def _gathered(figures: Figures) -> str:
    least = figures.special("gather", "bare_all", "seconds")
    boto3 = figures.special("gather", "boto3_all", "seconds")
    ours = figures.special("gather", "stream_all", "seconds")
    ours_cpu = figures.special("gather", "stream_all", "cpu")
    boto3_cpu = figures.special("gather", "boto3_all", "cpu")
    return (
        f"**7, gathering {_RESULTS:,} results.** Reading them concurrently and doing nothing with "
        f"them takes {least:.1f} s from this server, which gives {_RESULTS / least:,.0f} objects a "
        f"second: {boto3 / least:.1f} times faster than boto3's {boto3:.1f} s is the most there "
        f"is. Verified, decoded and written to one array it took {ours:.1f} s, with "
        f"{boto3_cpu / ours_cpu:.1f} times less CPU than boto3: client and server share two cores."
    )


def _new_process(figures: Figures) -> str:
    parts = {
        name: figures.special("cold_start", "statebag", name) * 1000
        for name in ("import", "client", "first_read")
    }
    boto3 = figures.special("cold_start", "boto3", "wall") * 1000
    return (
        f"**8, a new process.** The import takes {parts['import']:.0f} ms (a third of it for "
        f"msgspec), the client {parts['client']:.0f} ms, and the first read "
        f"{parts['first_read']:.0f} ms: the delay and a connection. Boto3 takes {boto3:.0f} ms: "
        f"five times faster would leave {max(boto3 / 5 - parts['first_read'], 0):.0f} ms for "
        "import and client together."
    )
