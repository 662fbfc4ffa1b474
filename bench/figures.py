"""Medians, high quantiles and the spread between rounds. Never a mean: one pause would own it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any


def quantiles(values: Sequence[int]) -> dict[str, int]:
    """{median, p99, count}; zeros for nothing."""
    if not values:
        return {"median": 0, "p99": 0, "count": 0}
    ordered = sorted(values)
    at = min(len(ordered) - 1, round(0.99 * len(ordered)))
    return {"median": round(median(ordered)), "p99": ordered[at], "count": len(ordered)}


def spread(values: Sequence[float], digits: int = 0) -> dict[str, Any]:
    """{median, low, high} over rounds."""
    return {
        "median": _rounded(median(values), digits),
        "low": _rounded(min(values), digits),
        "high": _rounded(max(values), digits),
    }


def _rounded(value: float, digits: int) -> float | int:
    return round(value, digits) if digits else round(value)
