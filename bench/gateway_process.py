"""The gateway under measurement, in a process of its own: what it took, stage by stage.

A stage's CPU is that of the whole process since the stage before: with one caller that is what the
stage cost, on whichever thread; with many it is everybody's, so only the sum is of use then.
Run: python -m bench.gateway_process DATA_DIR
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from bench.child import announce, answer_lines
from gateway.bootstrap import Gateway, freeze_what_stays
from gateway.clock import SystemClock
from gateway.config import load_settings
from gateway.demo.layout import DataDir
from gateway.telemetry import configure


class Stages:
    """Implements ports.Observe: keeps what it is told until it is asked."""

    def __init__(self) -> None:
        self._told: list[tuple[str, float, float]] = []
        self._cpu_s = time.process_time()

    def __call__(self, stage: str, seconds: float) -> None:
        cpu_s = time.process_time()
        self._told.append((stage, seconds, cpu_s - self._cpu_s))
        self._cpu_s = cpu_s

    def take(self) -> list[tuple[str, int, int]]:
        """(stage, µs, CPU µs) in the order they ended, and forget them."""
        told, self._told = self._told, []
        return [(stage, round(s * 1e6), round(cpu * 1e6)) for stage, s, cpu in told]


async def run(place: DataDir) -> None:
    """Serve until standard input ends."""
    settings = load_settings(place.settings)
    stages = Stages()
    logger = configure(now=SystemClock().now, path=settings.log_file)
    gateway = Gateway(settings, logger=logger, observe=stages)

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        told = stages.take()
        return {"cpu_s": time.process_time(), "stages": told if question.get("stages") else []}

    try:
        port = await gateway.start()
        freeze_what_stays()
        announce(f"127.0.0.1:{port}")
        await answer_lines(answer)
    finally:
        await gateway.stop()


if __name__ == "__main__":
    asyncio.run(run(DataDir(Path(sys.argv[1]))))
