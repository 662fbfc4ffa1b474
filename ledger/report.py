"""查账报告: what a verification looked at, and what it found wrong.

Pure values. A problem says where, what, and what to do; a report without problems is ok. Findings
are counted beyond PROBLEMS_MAX but no longer kept, so that a ruined database cannot fill memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PROBLEMS_MAX = 1000
"""Most problems kept."""

RESTORE = "Stop appending; restore this row from a replica or backup whose verify is clean."
REBUILD = "The evidence is whole: rebuild this derived row from the entries, then verify again."
INVESTIGATE = (
    "Stop appending and signing; compare with a mirror, a witness or the hospitals' receipts: "
    "someone or something has changed the books."
)

Progress = Callable[[int, int], None]
"""(rows done, rows in all), leaves and entries together."""
_PROGRESS_EVERY = 1000


def silent(done: int, total: int) -> None:
    """The progress of one who does not watch."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One contradiction."""

    code: str
    """UPPER_SNAKE, stable, e.g. LEAF_HASH_DIFFERS."""
    where: str
    """Table and key, e.g. "ledger_leaf 17"."""
    what: str
    """What contradicts what. Holds no record's body."""
    do: str
    """What the operator does next."""


@dataclass(frozen=True, slots=True)
class Report:
    """查账结果."""

    checked: dict[str, int]
    """How many of each were checked: leaves, tiles, checkpoints, cosignatures, evidence, entries,
    legs, seals, limits, balances, trial_balances; as information pending_open and unsealed."""
    problems: tuple[Problem, ...]
    """The first PROBLEMS_MAX."""
    problems_total: int

    @property
    def ok(self) -> bool:
        """Nothing contradicts anything."""
        return self.problems_total == 0


class Findings:
    """What a running verification has seen so far: counts, problems, and sums by account."""

    __slots__ = ("_done", "_progress", "counts", "expected", "problems", "sums", "total")

    def __init__(self, progress: Progress) -> None:
        self.counts: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.total = 0
        self.sums: dict[str, list[int]] = {}
        """Account code → pending debit, pending credit, posted debit, posted credit, in fen."""
        self.expected = 0
        """Rows that progress counts up to."""
        self._progress = progress
        self._done = 0

    def add(self, code: str, where: str, what: str, do: str) -> None:
        """One more problem."""
        self.total += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(code=code, where=where, what=what, do=do))

    def count(self, name: str, number: int = 1) -> None:
        """`number` more things checked."""
        self.counts[name] = self.counts.get(name, 0) + number

    def step(self, number: int = 1) -> None:
        """`number` more leaves or entries done."""
        told = self._done // _PROGRESS_EVERY
        self._done += number
        for reached in range(told + 1, self._done // _PROGRESS_EVERY + 1):
            done = min(reached * _PROGRESS_EVERY, self.expected)
            self._progress(done, self.expected)

    def finish(self) -> None:
        """All is done, even where damage cut a pass short."""
        self._progress(self.expected, self.expected)

    def report(self) -> Report:
        """The findings as they stand."""
        return Report(
            checked=dict(self.counts), problems=tuple(self.problems), problems_total=self.total
        )
