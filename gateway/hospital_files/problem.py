"""文件问题: one thing wrong with a hospital's file, and where in it.

Texts are for the person at the counter and never repeat a value from the file: it may be personal.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Where, what, and what to do."""

    path: str
    """JSON path, e.g. `$[2].input.feedetail[0].pric`; `$` is the whole file."""
    reason: str
    """UPPER_SNAKE, e.g. THIRD_DECIMAL."""
    text_zh: str
    """中文说明."""


class HospitalFileRefused(Exception):
    """The file cannot be settled as it is; `problems` holds everything that was found."""

    def __init__(self, problems: tuple[FileProblem, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s), first at {problems[0].path}")
        self.problems = problems
