"""What the wire can do wrong, and what we must not send. Both are ours alone: no province's text.

A BrokenAnswer never decides a claim: the client turns it into "no answer", with the bytes kept.
An UnsendableMessage is raised before the first byte leaves: nothing was sent.
"""

from __future__ import annotations

from gateway.domain.errors import InvariantViolated


class BrokenAnswer(Exception):
    """An answer was read and cannot be trusted: not JSON, wrong shape, a third decimal, …"""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        """Where, e.g. `output.setlinfo.hifp_pay`."""
        self.problem = problem
        """What, without the offending value (which may be personal)."""


class UnsendableMessage(InvariantViolated):
    """We were about to send a field with a wrong name, type or length (fields.csv)."""

    def __init__(self, infno: str, path: str, problem: str) -> None:
        super().__init__(
            f"{infno} {path}: {problem}",
            metadata={"transaction": infno, "field": path, "problem": problem},
        )
        self.infno = infno
        self.path = path
        self.problem = problem


class AnotherReply(BrokenAnswer):
    """A well-formed answer that belongs to another message, person or visit."""
