"""The stated targets of the adapters' speed, beside what was measured. Source: issue 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.ledger_targets import Target

Report = Mapping[str, Any]
HMAC_MS, SM2_MS, P99_RATIO = 1.5, 4.0, 1.5


def targets(report: Report) -> list[Target]:
    """All of them, in the order they are read."""
    part = report["isolation"]
    what = f"another region's p99 while {part['in_flight']:,} calls are held"
    turning = f"{what}, {part['turnover_per_s']} a second answered"
    return [
        *(_of_call(call, "alone_us", "encode, sign, decode, verify") for call in report["calls"]),
        *(
            _of_call(call, "over_bare_us", "over HTTP, above a bare post")
            for call in report["calls"]
        ),
        Target(f"{what}, to idle", part["held_p99_ratio"]["ratio"], "×", at_most=P99_RATIO),
        Target(f"{turning}, to idle", part["turning_p99_ratio"]["ratio"], "×", at_most=P99_RATIO),
    ]


def _of_call(call: Report, figure: str, what: str) -> Target:
    most = SM2_MS if "sm2" in call["scheme"] else HMAC_MS
    name = f"{call['scheme']} ({call['province']}): {what}, p50"
    return Target(name, round(call[figure]["median"] / 1000, 2), "ms", at_most=most)
