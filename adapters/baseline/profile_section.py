"""配置档的一节: what every section of a profile says of itself. The sections are in profile.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Confidence: TypeAlias = Literal["solid", "medium", "unverified"]
CONFIDENCES = ("solid", "medium", "unverified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What every section carries."""

    valid_from: date
    source: str
    confidence: Confidence
