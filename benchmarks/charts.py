"""Charts as SVG, without a library: lines over a logarithmic scale, and bars."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from benchmarks.summary import DOLLARS_PER_BYTE_MONTH, DOLLARS_PER_GET, DOLLARS_PER_PUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.suite import Results

__all__ = ["drawn"]

_WIDTH, _HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 70, 50
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5572", "#b8860b", "#555555")
_WORKLOAD = "synthetic:1000000:"
_WINDOW = 50  # steps that a point is the mean of
_LINES = ("statebag", "statebag:65536", "audited:skip", "audited")


def drawn(results: Results) -> dict[str, str]:
    """Charts by file name; those whose figures are there."""
    charts: dict[str, str] = {}
    keys = [key for key in results.series if key.startswith(_WORKLOAD) and ":0.2|" in key]
    lines = {
        results.rows[key].way: results.series[key]
        for way in _LINES
        for key in keys
        if key.split("|")[1:] == [way, "cold"]
    }
    if lines:
        written = {name: _means(one["bytes_put"], 1 / 1000) for name, one in lines.items()}
        charts["bytes.svg"] = _line_chart("KB written a step, 1 MB state", written)
        dollars = {
            name: _means(
                [
                    1e6 * (puts * DOLLARS_PER_PUT + gets * DOLLARS_PER_GET)
                    + 1e6 * size * DOLLARS_PER_BYTE_MONTH
                    for puts, gets, size in zip(
                        one["puts"], one["gets"], one["bytes_put"], strict=True
                    )
                ]
            )
            for name, one in lines.items()
        }
        charts["cost.svg"] = _line_chart(
            "$ for a million such steps: requests, and 30 days of what they write, 1 MB state",
            dollars,
        )
    bars = {
        row.way: (row.open_wall.mean, row.seal_wall.mean)
        for key, row in results.rows.items()
        if key.startswith(_WORKLOAD) and ":0.2|" in key and row.situation == "cold"
    }
    if bars:
        charts["latency.svg"] = _bar_chart(
            f"ms a step at {results.delay_ms:g} ms a request, mean: open, seal", bars
        )
    return charts


def _means(values: Sequence[float], scale: float = 1.0) -> list[tuple[float, float]]:
    """Points of step and mean over the window before it."""
    window = min(_WINDOW, max(len(values) // 8, 1))
    return [
        (start + window, scale * sum(values[start : start + window]) / window)
        for start in range(0, len(values) - window + 1, window)
    ]


def _line_chart(title: str, lines: dict[str, list[tuple[float, float]]]) -> str:
    values = [value for points in lines.values() for _, value in points if value > 0]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    high = max(high, low + 1)
    longest = max(step for points in lines.values() for step, _ in points)

    def x(step: float) -> float:
        return _LEFT + step / longest * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        share = (log10(max(value, 10.0**low)) - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    parts = []
    for power in range(low, high + 1):
        level = y(10.0**power)
        parts.append(_line(_LEFT, level, _WIDTH - _RIGHT, level, "#ddd"))
        parts.append(_text(_LEFT - 8, level + 4, f"{10.0**power:g}", "end"))
    for quarter in range(5):
        step = longest * quarter / 4
        parts.append(_text(x(step), _HEIGHT - _BOTTOM + 18, f"{step:.0f}", "middle"))
    parts.append(_text(_WIDTH / 2, _HEIGHT - 12, "step", "middle"))
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            _text(_LEFT + 340 * (number % 2), 36 + 16 * (number // 2), name, "start", colour)
        )
    return _svg(title, parts, _HEIGHT)


def _bar_chart(title: str, bars: dict[str, tuple[float, float]]) -> str:
    left, row = 230, 26
    height = 34 + row * len(bars) + 12
    longest = max(sum(both) for both in bars.values())
    parts = []
    for number, (name, both) in enumerate(bars.items()):
        top = 34 + row * number
        parts.append(_text(left - 8, top + 14, name, "end"))
        start = float(left)
        for value, colour in zip(both, _COLOURS, strict=False):
            width = value / longest * (_WIDTH - left - 80)
            parts.append(
                f'<rect x="{start:.1f}" y="{top}" width="{width:.1f}" height="18" fill="{colour}"/>'
            )
            start += width
        parts.append(_text(start + 6, top + 14, f"{both[0]:.0f} + {both[1]:.0f}", "start"))
    return _svg(title, parts, height)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}">{escape(text)}</text>'


def _svg(title: str, parts: list[str], height: int) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    )
    return "\n".join([head, _text(_LEFT, 18, title, "start", "#000"), *parts, "</svg>\n"])
