"""平台行为假设: what a platform does where no document says. Each is unverified: configuration.

Nothing of the gateway's money depends on these: an unknown outcome is reversed by 2601 and only
3201/3202 closes it, whichever way a platform behaves. A trial compares the platform with what is
written here, and says where it does otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One platform's habits, as we believe them. Values are the words of a profile."""

    repeated_msgid: Literal["same_answer", "refused"] = "same_answer"
    """The same message again."""
    reused_msgid: Literal["refused", "same_answer"] = "refused"
    """Another message under a msgid that was used."""
    unknown_reversal: Literal["accepted", "refused"] = "accepted"
    """2601 for a message that never arrived."""
    late_original: Literal["refused", "accepted"] = "refused"
    """A settlement that arrives after its own 2601."""
    second_reversal: Literal["accepted", "refused"] = "accepted"
    """2601 for what is reversed already."""
    reversed_reversal: Literal["refused", "accepted"] = "refused"
    """2601 of a 2601, which may not be reversed; "accepted": to no effect."""
    second_cancellation: Literal["refused", "accepted"] = "refused"
    """结算撤销 of what is cancelled already; "accepted": to no effect."""
    reversed_cancellation: Literal["stands_again", "refused"] = "stands_again"
    """2601 of a 结算撤销: the settlement stands again."""
