"""演示案例: what is settled in the demonstration, from which file, and how it must end.

Data only. Files are in examples/, in the form a hospital's own system writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.demo.house import HOME

EXAMPLES = HOME / "examples"


@dataclass(frozen=True, slots=True)
class Case:
    """One claim of the demonstration."""

    key: str
    short_zh: str
    """At most ten columns wide."""
    title_zh: str
    file: str
    ends: str
    """State it must end in."""
    fault: str = ""
    """What the insured region's platform is told to do wrong, once."""
    agrees: bool = True
    """Whether the region's figures must equal our own computation."""

    @property
    def path(self) -> Path:
        return EXAMPLES / self.file


OUTPATIENT = Case(
    "outpatient", "门诊", "嘉善参保,青浦门诊", "01-jiashan-outpatient-in-qingpu.json", "SETTLED"
)
INPATIENT = Case(
    "inpatient", "住院", "青浦参保,吴江住院(甲乙丙类、限价、退费)",
    "02-qingpu-inpatient-in-wujiang.json", "SETTLED",
)  # fmt: skip
EMERGENCY = Case(
    "emergency", "急诊", "吴江参保,嘉善急诊", "03-wujiang-emergency-in-jiashan.json", "SETTLED"
)
RESIDENT = Case(
    "resident_inpatient", "居民住院", "青浦居民,嘉善住院(限制用药)",
    "04-qingpu-resident-inpatient-in-jiashan.json", "SETTLED",
)  # fmt: skip
REVERSED = Case(
    "reversal", "撤销", "嘉善退休,吴江门诊,结算后撤销",
    "05-jiashan-retired-outpatient-in-wujiang.json", "REVERSED",
)  # fmt: skip
LOST = Case(
    "lost_reply", "答复丢失", "吴江退休,青浦门诊,答复丢失",
    "06-wujiang-retired-outpatient-in-qingpu.json",
    "REVERSAL_SENT", fault="lose-reply=1@2207",
)  # fmt: skip
REGION_REFUSES = Case(
    "region_refuses", "参保地拒绝", "青浦退休,嘉善门诊,参保地拒绝",
    "07-qingpu-outpatient-in-jiashan.json",
    "REFUSED", fault="refuse=2207#1",
)  # fmt: skip
DIFFERS = Case(
    "differs", "金额有差异", "青浦参保,吴江门诊,参保地少付 1 元",
    "10-qingpu-outpatient-in-wujiang.json",
    "SETTLED", fault="differ=100@2207#1", agrees=False,
)  # fmt: skip

SETTLED_FIRST = (OUTPATIENT, INPATIENT, EMERGENCY, RESIDENT)
ALL = (*SETTLED_FIRST, REVERSED, LOST, REGION_REFUSES, DIFFERS)
"""In the order they are told."""
EFFECTIVE = 5
"""Settlements in force at the platforms afterwards: the four first ones and DIFFERS."""
TOLD = 7
"""Rows the visited regions must have been told: six settlements, one of them also reversed."""
MALFORMED = EXAMPLES / "09-malformed.json"
