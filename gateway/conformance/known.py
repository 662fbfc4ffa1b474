"""已知: what a trial has learned of its platform, for every rule after: the person, the numbers.

Not here: anything of one rule (stand.py).
"""

from __future__ import annotations

from itertools import count

from gateway.conformance.target import Target
from gateway.domain.visit import PersonFound
from gateway.ports import StatementKey


class Known:
    """What is learned of a platform once and serves every rule: the person, how statements go."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._numbers = count(target.first_number)
        self.person: PersonFound | None = None
        self.statement_keys: dict[bool, StatementKey] = {}
        self.msgids: set[str] = set()
        """Every message of this trial."""

    def number(self) -> int:
        return next(self._numbers)
