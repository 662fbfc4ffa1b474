"""医保区划 · 统筹区: which region a code belongs to, and whether we serve it.

Pure. Codes are six digits. They are not always counties of GB/T 2260 (131199 is a city's own
office), so a code is never looked up in a list of counties: only its pooling region decides.
Routing goes by the leading digits: 2 differ 跨省, 4 differ 省内异地 [medium: client sources].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from gateway.domain.errors import Malformed, Violation

_CODE = re.compile(r"[0-9]{6}", re.ASCII)

SHANGHAI_PROVINCE = "31"

SERVED: MappingProxyType[str, str] = MappingProxyType(
    {
        "310000": "上海市",
        "320500": "苏州市",
        "330400": "嘉兴市",
    }
)
"""统筹区 we serve → name. Any code that pools into one of them is served."""

COUNTIES: MappingProxyType[str, str] = MappingProxyType(
    {
        "310118": "青浦区",
        "320509": "吴江区",
        "330421": "嘉善县",
    }
)
"""The demonstration zone's counties (示范区), the only ones we know by name."""


class RegionUnknown(Malformed):
    """The code is no area code, or we serve no such region."""

    reason = "REGION_UNKNOWN"
    text_zh = "医保区划代码有误,或该地区尚未接入。"


@dataclass(frozen=True, slots=True)
class Region:
    """医保区划: one area code and where its money is pooled."""

    code: str
    """6 digits, e.g. 310118."""
    name_zh: str
    """e.g. 青浦区; the pooling region's name where we know no better."""
    pooling: str
    """统筹区 6 digits, e.g. 310000."""

    @property
    def province(self) -> str:
        """First two digits, e.g. 31."""
        return self.code[:2]


def pooling_region_of(code: str) -> str:
    """统筹区 of an area code, served or not: Shanghai is one region, others pool by city.

    Raises RegionUnknown if `code` is not six ASCII digits.
    """
    if not _CODE.fullmatch(code):
        raise _unknown("region", "REGION_MALFORMED", "医保区划代码应为 6 位数字。")
    if code.startswith(SHANGHAI_PROVINCE):
        return "310000"
    return code[:4] + "00"


def region_of(code: str, *, field: str = "region") -> Region:
    """The region we serve under this code. Raises RegionUnknown naming `field`."""
    if not _CODE.fullmatch(code):
        raise _unknown(field, "REGION_MALFORMED", "医保区划代码应为 6 位数字。")
    pooling = pooling_region_of(code)
    if pooling not in SERVED:
        raise _unknown(field, "REGION_NOT_SERVED", f"地区 {code} 尚未接入,请改走手工报销。")
    return Region(code, COUNTIES.get(code, SERVED[pooling]), pooling)


def is_served(code: str) -> bool:
    """Whether the code pools into a region we serve; False for what is no code at all."""
    return bool(_CODE.fullmatch(code)) and pooling_region_of(code) in SERVED


def is_elsewhere(insured: str, visited: str) -> bool:
    """异地: the two codes pool in different regions."""
    return pooling_region_of(insured) != pooling_region_of(visited)


def is_cross_province(insured: str, visited: str) -> bool:
    """跨省: the first two digits differ."""
    pooling_region_of(insured)
    pooling_region_of(visited)
    return insured[:2] != visited[:2]


def _unknown(field: str, reason: str, text_zh: str) -> RegionUnknown:
    # An area code is no personal value, but a caller may have put a number into the wrong field.
    return RegionUnknown(violations=(Violation(field, reason, text_zh),))
