"""Findings: every violation of one request, collected before it is refused.

Texts are Chinese, say what to do, and never repeat the value that was sent: it may be personal.
"""

from __future__ import annotations

from gateway.domain.errors import Malformed, Violation

VIOLATIONS_MAX = 200
"""A bill of 2000 wrong lines is told about its first ones; the rest would not fit an answer."""


class Findings:
    """The violations of one request, in the order in which they were met."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, field: str, reason: str, text_zh: str) -> None:
        if len(self._found) < VIOLATIONS_MAX:
            self._found.append(Violation(field, reason, text_zh))

    def __len__(self) -> int:
        return len(self._found)

    def refuse(self) -> None:
        """Raise Malformed with everything found; nothing if nothing was.

        A single violation lends its reason to the whole, so that a caller need not dig for it.
        """
        if not self._found:
            return
        reasons = {v.reason for v in self._found}
        raise Malformed(
            # No colon between them: "id_number: …" is what redaction takes for a secret.
            "; ".join(f"{v.field} {v.reason}" for v in self._found[:5]),
            reason=reasons.pop() if len(reasons) == 1 else None,
            text_zh=self._found[0].text_zh if len(self._found) == 1 else None,
            violations=tuple(self._found),
        )
